//! Wires secret-rotator: Secrets Manager's rotation, and a schedule → one secret's keys.

use crossdock::lambda::{RuntimeError, System};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use secret_rotator::{Asked, Rotator};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let system = System::start()?;
    let rotator = &Rotator::new(&system)?;
    lambda_runtime::run(service_fn(async move |event: LambdaEvent<Asked>| {
        rotator.handle(event.payload).await.map_err(|error| {
            tracing::error!(error = %error.chain(), "a rotation did not go on");
            Diagnostic { error_type: error.code.to_owned(), error_message: error.detail }
        })
    }))
    .await
}

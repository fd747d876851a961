//! Every answer that a trial gets of the API is held against infra/openapi.yaml.

use anyhow::{Result, bail};
use contract::answers;
use http::Method;
use local::Answer;

/// From now on a call whose answer is not valid fails its trial.
pub(crate) fn judge() {
    local::judge_answers(is_valid);
}

fn is_valid(method: &Method, path: &str, answer: &Answer) -> Result<()> {
    // What API Gateway answers by itself is the emulator's; ours has an id that ties it together with its logs.
    if answer.header("x-correlation-id").is_empty() {
        return Ok(());
    }
    let (status, media_type, body) = (answer.status.as_u16(), answer.header("content-type"), answer.json());
    let wrong =
        answers::differences(&answers::Answer { method: method.as_str(), path, status, media_type, body: &body });
    if !wrong.is_empty() {
        bail!("not as the contract says: {}", wrong.join("; "));
    }
    Ok(())
}

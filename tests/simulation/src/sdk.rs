//! The real SDK without what no answer of the simulation depends on: signatures, the rules for finding an endpoint, and
//! headers about the client and the try. Serialisation, timeouts, retries and the reading of answers and errors stay.
//! Runs that are compared with the embedded database have the SDK's clients as they are shipped.

use std::sync::{Arc, LazyLock};

use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::service_clock_skew::ServiceClockSkewInterceptor;
use aws_runtime::user_agent::UserAgentInterceptor;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::{AuthSchemeId, AuthSchemeOption, AuthSchemeOptionsFuture};
use aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{
    Intercept, SharedInterceptor, disable_interceptor, dyn_dispatch_hint,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::endpoint::Endpoint;
use crossdock::aws::Tuning;

/// The SDK's own name for requests without a signature.
const NO_AUTH: AuthSchemeId = AuthSchemeId::new("noAuth");

/// The settings.
#[derive(Debug)]
struct Lean {
    interceptor: SharedInterceptor,
}

/// The one of this process: settings have no state.
pub(crate) fn lean() -> Arc<dyn Tuning> {
    static LEAN: LazyLock<Arc<Lean>> =
        LazyLock::new(|| Arc::new(Lean { interceptor: SharedInterceptor::permanent(NothingAboutUs) }));
    LEAN.clone()
}

/// Turns off what would write headers that nobody reads.
#[derive(Debug)]
struct NothingAboutUs;

#[dyn_dispatch_hint]
impl Intercept for NothingAboutUs {
    fn name(&self) -> &'static str {
        "NothingAboutUs"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        const WHY: &str = "no simulated answer depends on it";
        let state = config.interceptor_state();
        state.store_put(disable_interceptor::<UserAgentInterceptor>(WHY));
        state.store_put(disable_interceptor::<InvocationIdInterceptor>(WHY));
        state.store_put(disable_interceptor::<RequestInfoInterceptor>(WHY));
        // It corrects the time of signatures.
        state.store_put(disable_interceptor::<ServiceClockSkewInterceptor>(WHY));
        Ok(())
    }
}

macro_rules! lean {
    ($sdk:ident, $url:literal, $interceptor:expr, $builder:expr) => {{
        #[derive(Debug)]
        struct Unsigned;

        impl $sdk::config::auth::ResolveAuthScheme for Unsigned {
            fn resolve_auth_scheme<'a>(
                &'a self,
                _: &'a $sdk::config::auth::Params,
                _: &'a ConfigBag,
                _: &'a RuntimeComponents,
            ) -> AuthSchemeOptionsFuture<'a> {
                AuthSchemeOptionsFuture::ready(Ok(vec![AuthSchemeOption::from(NO_AUTH)]))
            }
        }

        #[derive(Debug)]
        struct Here(Endpoint);

        impl $sdk::config::endpoint::ResolveEndpoint for Here {
            fn resolve_endpoint<'a>(
                &'a self,
                _: &'a $sdk::config::endpoint::Params,
            ) -> $sdk::config::endpoint::EndpointFuture<'a> {
                $sdk::config::endpoint::EndpointFuture::ready(Ok(self.0.clone()))
            }
        }

        let mut builder =
            $builder.auth_scheme_resolver(Unsigned).endpoint_resolver(Here(Endpoint::builder().url($url).build()));
        builder.push_interceptor($interceptor.clone());
        builder
    }};
}

impl Tuning for Lean {
    fn dynamodb(&self, builder: aws_sdk_dynamodb::config::Builder) -> aws_sdk_dynamodb::config::Builder {
        lean!(aws_sdk_dynamodb, "https://dynamodb.sim", self.interceptor, builder)
    }

    fn sqs(&self, builder: aws_sdk_sqs::config::Builder) -> aws_sdk_sqs::config::Builder {
        lean!(aws_sdk_sqs, "https://sqs.sim", self.interceptor, builder)
    }
}

//! The whole system, running here: started in order, called, and ended.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::aws::{Answer, Aws};
use crate::folder::{Folder, Running, State, home, project};
use crate::processes::Group;
use crate::progress::Progress;
use crate::python::{Environment, Python};
use crate::sandbox::Sandbox;
use crate::{deploy, emulator, functions, secrets};

/// The stage that is deployed: test keys and plain http to vendors are allowed in it.
const STAGE: &str = "local";
/// A template that was just deployed answers within this time, first start of a process included.
const HEALTHY_WITHIN: Duration = Duration::from_secs(20);
/// How often something that should happen soon is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// The stack's name: stacks of other names run beside it, the same name runs once.
    pub name: String,
    /// Template parameters, over those that the runner sets.
    pub parameters: Vec<(String, String)>,
    /// Another template than the project's.
    pub template: Option<PathBuf>,
    /// Decides every id of the simulated vendors.
    pub seed: u64,
    /// Where progress is shown.
    pub progress: Progress,
}

impl Options {
    /// The project's template under the runner's own parameters.
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), parameters: vec![], template: None, seed: 1, progress: Progress::silent() }
    }
}

/// A running stack. Dropping it ends everything, unless it was left or only found.
pub struct Stack {
    state: State,
    aws: Aws,
    sandbox: Sandbox,
    // Dropped in this order: the vendors first, so that no webhook meets a dead emulator; the notes last.
    sandbox_process: Option<Group>,
    emulator_process: Option<Group>,
    folder: Folder,
}

/// How many messages a queue holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueDepth {
    /// Waiting.
    pub visible: u64,
    /// Received and not yet deleted.
    pub in_flight: u64,
    /// Sent with a delay that is not over.
    pub delayed: u64,
}

impl Stack {
    /// Does all set-up (environments, build, emulator, sandbox, deployment, secrets) and gives the running stack.
    /// What a crashed run of the same name left is ended first. On an error nothing is left running.
    pub async fn up(options: Options) -> Result<Self> {
        let progress = options.progress;
        let python = Python::find()?;
        let mut folder = Folder::take(&options.name)?;
        folder.clear()?;

        let (emulator_tools, tools) = (Environment::emulator(&home()), Environment::tools(&home()));
        let build_log = folder.log("build");
        // pip waits for the network while cargo computes.
        let ((), built) = tokio::try_join!(
            install(&progress, &python, &folder, [("AWS emulator", &emulator_tools), ("SAM CLI", &tools)]),
            progress.step("Build functions and simulated vendors", functions::build(&build_log)),
        )?;
        built.lay_out(&folder.join("deploy"))?;

        let mut state = State::default();
        let started = |running: &Running| {
            state.emulator = Some(running.clone());
            folder.note(&state)
        };
        let start = emulator::start(&emulator_tools, &folder, started);
        let (emulator_process, aws) = progress.step("Start AWS emulator, IAM enforced", start).await?;

        let started = |running: &Running| {
            state.sandbox = Some(running.clone());
            folder.note(&state)
        };
        let program = built.sandbox();
        let start = Sandbox::start(&program, options.seed, &folder, started);
        let (sandbox_process, sandbox) = progress.step("Start simulated vendors", start).await?;

        let mut parameters = own_parameters(&sandbox);
        parameters.extend(options.parameters);
        let template = options.template.unwrap_or_else(|| project().join("template.yaml"));
        let deployment = deploy::deploy(&tools, &folder, &aws, &template, &parameters);
        state.outputs = progress.step("Deploy template.yaml (sam deploy)", deployment).await?;
        folder.note(&state)?;

        let stack = Self {
            state,
            aws,
            sandbox,
            sandbox_process: Some(sandbox_process),
            emulator_process: Some(emulator_process),
            folder,
        };
        let stage = parameters.iter().rfind(|(name, _)| name == "Stage").map_or(STAGE, |(_, value)| value);
        progress.step("Put secrets, connect webhooks, first request", stack.connect(stage)).await?;
        Ok(stack)
    }

    /// The stack of that name that an earlier run left running. It is not ended when this is dropped.
    pub fn find(name: &str) -> Result<Self> {
        let folder = Folder::look_at(name)?;
        let state = folder.state();
        let (Some(emulator), Some(sandbox)) = (&state.emulator, &state.sandbox) else {
            bail!("nothing is running; start it with `cargo local up`");
        };
        if !emulator.is_alive() || !sandbox.is_alive() || state.outputs.is_empty() {
            bail!("what was running has ended; `cargo local down` clears it, `cargo local up` starts anew");
        }
        let (aws, sandbox) = (Aws::at(emulator.port)?, Sandbox::at(sandbox.port)?);
        Ok(Self { state, aws, sandbox, sandbox_process: None, emulator_process: None, folder })
    }

    async fn connect(&self, stage: &str) -> Result<()> {
        let app = secrets::AppKeys::kept_in(&home())?;
        secrets::put_all(&self.aws, stage, &app, &self.sandbox.keys().await?).await?;
        let (stripe, sendgrid) = (self.webhook_host("Stripe")?, self.webhook_host("SendGrid")?);
        self.sandbox.send_webhooks_to(&format!("{}/", self.aws.endpoint()), &stripe, &sendgrid).await?;

        let since = tokio::time::Instant::now();
        loop {
            let answer = self.health().await?;
            if answer.status.is_success() {
                return Ok(());
            }
            if since.elapsed() > HEALTHY_WITHIN {
                return answer.must_be_ok("GET /health");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Ends everything, and says what could not be ended.
    pub fn down(mut self) -> Result<()> {
        drop(self.sandbox_process.take());
        drop(self.emulator_process.take());
        self.folder.clear()?;
        Ok(())
    }

    /// Ends what an earlier run left running under that name. Says whether anything ran.
    pub fn end(name: &str) -> Result<bool> {
        Folder::take(name)?.clear()
    }

    /// Writes what the functions have logged beside the other logs, as far as the emulator still answers.
    pub async fn save_logs(&self) {
        for function in functions::names().unwrap_or_default() {
            if let Ok(lines) = self.log_of(&function).await {
                let _ = std::fs::write(self.folder.log(&function), lines.join("\n"));
            }
        }
    }

    /// `GET /health`, without a signature.
    pub async fn health(&self) -> Result<Answer> {
        self.call_unsigned(Method::GET, "/health", &[], Bytes::new()).await
    }

    /// Lets everything run on after this program; [`Stack::find`] finds it again.
    pub fn leave(mut self) {
        for process in [self.sandbox_process.take(), self.emulator_process.take()].into_iter().flatten() {
            process.leave();
        }
        self.folder.keep();
    }

    /// Calls the REST API with a signature. `path` begins after the stage (`/payments`).
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer> {
        let (host, path) = self.api(path)?;
        let bytes = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let mut headers = headers.to_vec();
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        self.aws.signed("execute-api", method, Some(&host), &path, &headers, bytes).await
    }

    /// Calls the REST API without a signature, with these header fields and bytes as they are.
    pub async fn call_unsigned(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Answer> {
        let (host, path) = self.api(path)?;
        self.aws.unsigned(method, Some(&host), &path, headers, body).await
    }

    /// Posts to the function URL of `vendor`'s receiver (`Stripe`, `SendGrid`).
    pub async fn webhook(&self, vendor: &str, headers: &[(&str, &str)], body: Bytes) -> Result<Answer> {
        let host = self.webhook_host(vendor)?;
        self.aws.unsigned(Method::POST, Some(&host), "/", headers, body).await
    }

    /// The order as `GET /orders/{order_id}` shows it; `None` when there is none.
    pub async fn order(&self, order_id: &str) -> Result<Option<Value>> {
        let answer = self.call(Method::GET, &format!("/orders/{order_id}"), &[], None).await?;
        if answer.status == http::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        answer.must_be_ok("GET /orders")?;
        Ok(Some(answer.json()))
    }

    /// The simulated vendors.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Invokes `function` (`sweeper`) with `event` and waits for what it returns.
    pub async fn invoke(&self, function: &str, event: &Value) -> Result<Value> {
        let list = self.aws.signed("lambda", Method::GET, None, "/2015-03-31/functions/", &[], Bytes::new()).await?;
        list.must_be_ok("ListFunctions")?;
        let list = list.json();
        let names = list["Functions"].as_array().into_iter().flatten();
        let name = names
            .filter_map(|entry| entry["FunctionName"].as_str())
            .find(|name| is_name_of(name, function))
            .with_context(|| format!("no deployed function is called {function}"))?;
        let path = format!("/2015-03-31/functions/{name}/invocations");
        let answer = self.aws.signed("lambda", Method::POST, None, &path, &[], event.to_string().into()).await?;
        answer.must_be_ok("Invoke")?;
        let error = answer.header("x-amz-function-error");
        if !error.is_empty() {
            bail!("{function} failed ({error}): {}", String::from_utf8_lossy(&answer.body));
        }
        Ok(answer.json())
    }

    /// The table item with these keys, in DynamoDB's JSON; `None` when there is none. Read consistently.
    pub async fn item(&self, pk: &str, sk: &str) -> Result<Option<Value>> {
        let body = json!({
            "TableName": self.output("TableName")?,
            "Key": { "pk": { "S": pk }, "sk": { "S": sk } },
            "ConsistentRead": true,
        });
        let mut answer = self.aws.json("dynamodb", "DynamoDB_20120810.GetItem", &body).await?;
        Ok(answer.get_mut("Item").map(Value::take))
    }

    /// How full the queue behind a stack output is (`PaymentsQueueUrl`, `InboundEventsDlqUrl`).
    pub async fn queue(&self, output: &str) -> Result<QueueDepth> {
        let body = json!({ "QueueUrl": self.output(output)?, "AttributeNames": ["All"] });
        let answer = self.aws.json("sqs", "AmazonSQS.GetQueueAttributes", &body).await?;
        let attributes = &answer["Attributes"];
        let number = |name: &str| attributes[name].as_str().and_then(|text| text.parse().ok()).unwrap_or_default();
        Ok(QueueDepth {
            visible: number("ApproximateNumberOfMessages"),
            in_flight: number("ApproximateNumberOfMessagesNotVisible"),
            delayed: number("ApproximateNumberOfMessagesDelayed"),
        })
    }

    /// Calls any AWS service that speaks JSON: `aws_json("sqs", "AmazonSQS.SendMessage", …)`.
    pub async fn aws_json(&self, service: &str, target: &str, body: &Value) -> Result<Value> {
        self.aws.json(service, target, body).await
    }

    /// Replaces the secret `/crossdock/local/<name>`.
    pub async fn put_secret(&self, name: &str, value: &Value) -> Result<()> {
        secrets::put(&self.aws, STAGE, name, value).await
    }

    /// What `function` has logged so far, oldest first.
    pub async fn log_of(&self, function: &str) -> Result<Vec<String>> {
        let groups = self.aws.json("logs", "Logs_20140328.DescribeLogGroups", &json!({})).await?;
        let names = groups["logGroups"].as_array().into_iter().flatten();
        let Some(name) = names
            .filter_map(|group| group["logGroupName"].as_str())
            .find(|name| is_name_of(name.rsplit('/').next().unwrap_or_default(), function))
        else {
            return Ok(vec![]);
        };
        let events = self.aws.json("logs", "Logs_20140328.FilterLogEvents", &json!({ "logGroupName": name })).await?;
        let events = events["events"].as_array().into_iter().flatten();
        Ok(events.filter_map(|event| event["message"].as_str().map(|line| line.trim_end().to_owned())).collect())
    }

    /// An output of the deployed template.
    pub fn output(&self, name: &str) -> Result<&str> {
        self.state.outputs.get(name).map(String::as_str).with_context(|| format!("the template has no output {name}"))
    }

    /// The URL of the REST API, with its stage, as curl can call it: names below `localhost` are this machine.
    pub fn api_url(&self) -> Result<String> {
        let (host, stage) = self.api("")?;
        Ok(format!("http://{host}{stage}"))
    }

    /// The URL of a receiver as curl can call it, together with the field `Host` that it needs.
    pub fn webhook_url(&self, vendor: &str) -> Result<(String, String)> {
        Ok((format!("{}/", self.aws.endpoint()), self.webhook_host(vendor)?))
    }

    /// The folder of the logs.
    pub fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// Virtual host and path of a call: the emulator routes by `<api id>.execute-api.localhost:<port>`.
    fn api(&self, path: &str) -> Result<(String, String)> {
        let (host, stage) = host_and_path(self.output("ApiUrl")?);
        let id = host.split('.').next().unwrap_or_default();
        let port = self.state.emulator.as_ref().map_or(0, |emulator| emulator.port);
        Ok((format!("{id}.execute-api.localhost:{port}"), format!("{}{path}", stage.trim_end_matches('/'))))
    }

    fn webhook_host(&self, vendor: &str) -> Result<String> {
        Ok(host_and_path(self.output(&format!("{vendor}WebhookUrl"))?).0.to_owned())
    }
}

/// Installs those of the Python tools that are not there yet, one after the other.
async fn install(
    progress: &Progress,
    python: &Python,
    folder: &Folder,
    wanted: [(&str, &Environment); 2],
) -> Result<()> {
    for (name, environment) in wanted {
        if !environment.is_ready() {
            let log = folder.log("pip");
            progress.step(&format!("Install {name} (once)"), environment.install(python, &log)).await?;
        }
    }
    Ok(())
}

/// The parameters that make the template run here.
fn own_parameters(sandbox: &Sandbox) -> Vec<(String, String)> {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let parameters = [
        ("Stage", STAGE),
        ("Architecture", architecture),
        ("StripeApiBase", &sandbox.vendor_base("stripe")),
        ("SendGridApiBase", &sandbox.vendor_base("sendgrid")),
        ("MailFrom", "orders@shop.example"),
        ("MailFromName", "The Example Shop"),
        ("ShopName", "The Example Shop"),
    ];
    parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

/// Host and path of a URL.
fn host_and_path(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash))
}

/// CloudFormation makes names like `stack-StripeWebhook-1A2B`; the function is called `stripe-webhook`.
fn is_name_of(deployed: &str, function: &str) -> bool {
    let plain = |name: &str| name.replace('-', "").to_lowercase();
    plain(deployed).contains(&plain(function))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_split_into_host_and_path() {
        let url = "https://0a1b2c3d.execute-api.us-east-1.amazonaws.com/v1";
        assert_eq!(host_and_path(url), ("0a1b2c3d.execute-api.us-east-1.amazonaws.com", "/v1"));
        assert_eq!(host_and_path("https://x.lambda-url.us-east-1.on.aws/"), ("x.lambda-url.us-east-1.on.aws", "/"));
        assert_eq!(host_and_path("host"), ("host", ""));
    }

    #[test]
    fn a_function_is_found_by_its_own_name_in_the_name_that_cloudformation_made() {
        assert!(is_name_of("crossdock-local-StripeWebhookFunction-1A2B", "stripe-webhook"));
        assert!(!is_name_of("crossdock-local-SendgridWebhook-1A2B", "stripe-webhook"));
    }
}

//! What a running stack can be asked and told: its API, its receivers, its functions, table, queues and logs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::aws::{ACCESS_KEY, Answer, REGION, SECRET_KEY};
use crate::deploy::STACK_NAME;
use crate::folder::home;
use crate::processes::FunctionProcess;
use crate::python::Environment;
use crate::sandbox::Sandbox;
use crate::secrets;
use crate::stack::{STAGE, Stack};

/// Judges an answer of the REST API: method, path below the stage, answer. An error is the call's.
pub type Judge = fn(&Method, &str, &Answer) -> Result<()>;

static JUDGE: OnceLock<Judge> = OnceLock::new();

/// From now on this process's calls of the REST API fail when their answers are not as they should be. Tests say so, once.
pub fn judge_answers(judge: Judge) {
    let _ = JUDGE.set(judge);
}

fn judged(method: &Method, path: &str, answer: Answer) -> Result<Answer> {
    match JUDGE.get() {
        Some(judge) => judge(method, path, &answer).map(|()| answer),
        None => Ok(answer),
    }
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
    /// `GET /health`, without a signature.
    pub async fn health(&self) -> Result<Answer> {
        self.call_unsigned(Method::GET, "/health", &[], Bytes::new()).await
    }

    /// Calls the REST API with a signature. `path` begins after the stage (`/payments`).
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer> {
        let bytes = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let mut headers = headers.to_vec();
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        self.call_with_bytes(method, path, &headers, bytes).await
    }

    /// Calls the REST API with a signature, with these header fields and bytes as they are.
    pub async fn call_with_bytes(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Answer> {
        let (host, at) = self.api(path)?;
        let answer = self.aws.signed("execute-api", method.clone(), Some(&host), &at, headers, body).await?;
        judged(&method, path, answer)
    }

    /// Calls the REST API without a signature, with these header fields and bytes as they are.
    pub async fn call_unsigned(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Answer> {
        let (host, at) = self.api(path)?;
        let answer = self.aws.unsigned(method.clone(), Some(&host), &at, headers, body).await?;
        judged(&method, path, answer)
    }

    /// Posts to the function URL of `vendor`'s receiver (`Stripe`, `SendGrid`).
    pub async fn webhook(&self, vendor: &str, headers: &[(&str, &str)], body: Bytes) -> Result<Answer> {
        let host = self.webhook_host(vendor)?;
        self.aws.unsigned(Method::POST, Some(&host), "/", headers, body).await
    }

    /// Calls a function URL by its whole address, without a body.
    pub async fn function_url(&self, method: Method, url: &str) -> Result<Answer> {
        let address: http::Uri = url.parse().with_context(|| format!("not a URL: {url}"))?;
        let host = address.host().context("a function URL has a host")?;
        self.aws.unsigned(method, Some(host), address.path(), &[], Bytes::new()).await
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

    /// The environment of all functions together, as they were deployed, and where their AWS is: what a function needs
    /// to run outside the emulator, against everything in it. No variable has two values.
    pub async fn environment(&self) -> Result<BTreeMap<String, String>> {
        let list = self.aws.signed("lambda", Method::GET, None, "/2015-03-31/functions/", &[], Bytes::new()).await?;
        list.must_be_ok("ListFunctions")?;
        let list = list.json();
        let functions = list["Functions"].as_array().into_iter().flatten();
        let deployed = functions.filter_map(|function| function["Environment"]["Variables"].as_object()).flatten();
        let mut variables: BTreeMap<String, String> =
            deployed.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
        for (name, value) in [
            ("AWS_ENDPOINT_URL", self.aws.endpoint().as_str()),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ] {
            variables.insert(name.to_owned(), value.to_owned());
        }
        Ok(variables)
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
        let path = format!("/2015-03-31/functions/{name}/invocations?Qualifier=live");
        let answer = self.aws.signed("lambda", Method::POST, None, &path, &[], event.to_string().into()).await?;
        answer.must_be_ok("Invoke")?;
        let error = answer.header("x-amz-function-error");
        if !error.is_empty() {
            bail!("{function} failed ({error}): {}", String::from_utf8_lossy(&answer.body));
        }
        Ok(answer.json())
    }

    /// The functions' processes that run now.
    pub fn function_processes(&self) -> Vec<FunctionProcess> {
        FunctionProcess::all_below(&self.folder.join("tmp"))
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

    /// The keys of the webhook archive that begin with `prefix` (at most 1,000), in order.
    pub async fn archived(&self, prefix: &str) -> Result<Vec<String>> {
        let path = format!("/{}?list-type=2&prefix={}", self.output("ArchiveBucketName")?, prefix.replace('/', "%2F"));
        let answer = self.aws.signed("s3", Method::GET, None, &path, &[], Bytes::new()).await?;
        answer.must_be_ok("ListObjectsV2")?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let keys = text.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
        Ok(keys.map(str::to_owned).collect())
    }

    /// One object of the webhook archive; its note is the header field `x-amz-meta-note`.
    pub async fn archived_object(&self, key: &str) -> Result<Answer> {
        let path = format!("/{}/{key}", self.output("ArchiveBucketName")?);
        let answer = self.aws.signed("s3", Method::GET, None, &path, &[], Bytes::new()).await?;
        answer.must_be_ok("GetObject")?;
        Ok(answer)
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

    /// A program of requirements-checks.txt, to be given its arguments. It runs in the folder of the logs, where what it
    /// leaves behind is found.
    ///
    /// # Errors
    /// When they were not installed: [`Options::checks`](crate::Options::checks).
    pub fn check_program(&self, name: &str) -> Result<Command> {
        let environment = Environment::checks(&home());
        ensure!(environment.is_ready(), "{name} is not installed: the stack was started without the checks");
        let mut command = Command::new(environment.program(name));
        command.current_dir(self.logs());
        Ok(command)
    }

    /// The operator's program, built and set to this stack; to be given its arguments.
    pub async fn operators_program(&self) -> Result<Command> {
        let mut command = Command::new(self.built.operators_program());
        let own = ["AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        command.env_clear().env("CROSSDOCK_STACK", STACK_NAME);
        command.envs(self.environment().await?.into_iter().filter(|(name, _)| own.contains(&name.as_str())));
        Ok(command)
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

    /// The virtual host that the emulator routes to `vendor`'s receiver.
    pub(crate) fn webhook_host(&self, vendor: &str) -> Result<String> {
        Ok(host_and_path(self.output(&format!("{vendor}WebhookUrl"))?).0.to_owned())
    }

    /// Writes what the functions have logged beside the other logs, as far as the emulator still answers.
    pub async fn save_logs(&self) {
        for function in self.built.functions() {
            if let Ok(lines) = self.log_of(function).await {
                let _ = std::fs::write(self.folder.log(function), lines.join("\n"));
            }
        }
    }
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

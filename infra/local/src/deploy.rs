//! Deploys the template on the emulator with the SAM CLI, as it is deployed to AWS.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::Method;

use crate::aws::{ACCESS_KEY, Aws, REGION, SECRET_KEY};
use crate::folder::Folder;
use crate::processes::Group;
use crate::python::Environment;

/// The name of the CloudFormation stack.
pub(crate) const STACK_NAME: &str = "crossdock-local";
/// Where the SAM CLI puts the functions' zips.
const BUCKET: &str = "crossdock-local-artifacts";
/// How often the SAM CLI asks whether the deployment is done, in seconds (its default is 5).
const POLL_SECONDS: &str = "0.5";

/// Deploys `template` with `parameters` (later ones win) and gives the stack's outputs. The functions have been laid
/// out in the folder's `deploy/` before.
pub(crate) async fn deploy(
    tools: &Environment,
    folder: &Folder,
    aws: &Aws,
    template: &Path,
    parameters: &[(String, String)],
) -> Result<BTreeMap<String, String>> {
    let beside_functions = folder.join("deploy/template.yaml");
    fs::copy(template, &beside_functions).with_context(|| format!("cannot read {}", template.display()))?;

    let path = format!("/{BUCKET}");
    aws.signed("s3", Method::PUT, None, &path, &[], Bytes::new()).await?.must_be_ok("CreateBucket")?;

    let mut sam = Command::new(tools.program("sam"));
    sam.args(["deploy", "--stack-name", STACK_NAME, "--s3-bucket", BUCKET, "--region", REGION])
        .arg("--template-file")
        .arg(&beside_functions)
        .args(["--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"])
        .args(["--no-confirm-changeset", "--no-progressbar", "--disable-rollback"])
        .arg("--parameter-overrides")
        .args(overrides(parameters))
        .current_dir(folder.join("deploy"))
        .env("AWS_ENDPOINT_URL", aws.endpoint())
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        .env("AWS_CONFIG_FILE", "/dev/null") // no profile of the person at the keyboard
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env_remove("AWS_PROFILE")
        .env_remove("AWS_SESSION_TOKEN")
        .env("SAM_CLI_TELEMETRY", "0")
        .env("SAM_CLI_POLL_DELAY", POLL_SECONDS);
    Group::start("sam deploy", &mut sam, &folder.log("deploy"))?.finish().await?;
    outputs(aws).await
}

/// `Name="value"`: what the SAM CLI splits correctly when a value has blanks. The last value of a name is kept.
fn overrides(parameters: &[(String, String)]) -> Vec<String> {
    let last: BTreeMap<_, _> = parameters.iter().map(|(name, value)| (name, value)).collect();
    let quoted = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"");
    last.into_iter().map(|(name, value)| format!("{name}=\"{}\"", quoted(value))).collect()
}

async fn outputs(aws: &Aws) -> Result<BTreeMap<String, String>> {
    let query = format!("Action=DescribeStacks&Version=2010-05-15&StackName={STACK_NAME}");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let answer = aws.signed("cloudformation", Method::POST, None, "/", &headers, query.into()).await?;
    answer.must_be_ok("DescribeStacks")?;
    let outputs = outputs_in(&String::from_utf8_lossy(&answer.body));
    if outputs.is_empty() {
        bail!("the deployed stack has no outputs");
    }
    Ok(outputs)
}

/// The outputs in a DescribeStacks answer. Its XML is flat and our values need no unescaping but `&amp;`.
fn outputs_in(xml: &str) -> BTreeMap<String, String> {
    let outputs = between(xml, "<Outputs>", "</Outputs>").unwrap_or_default();
    let pairs = outputs.split("</member>").filter_map(|member| {
        let key = between(member, "<OutputKey>", "</OutputKey>")?;
        let value = between(member, "<OutputValue>", "</OutputValue>")?;
        Some((key.to_owned(), value.replace("&amp;", "&")))
    });
    pairs.collect()
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(open)?;
    rest.split_once(close).map(|(inside, _)| inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_read_from_the_describe_stacks_answer() {
        let xml = "<Stacks><member><StackName>s</StackName><Outputs><member><OutputKey>ApiUrl</OutputKey>\
                   <OutputValue>http://a/?x=1&amp;y=2</OutputValue></member><member><Description>d</Description>\
                   <OutputKey>TableName</OutputKey><OutputValue>t</OutputValue></member></Outputs></member></Stacks>";
        let outputs = outputs_in(xml);
        assert_eq!(outputs["ApiUrl"], "http://a/?x=1&y=2");
        assert_eq!(outputs["TableName"], "t");
        assert_eq!(outputs.len(), 2);
    }

    #[test]
    fn a_parameter_given_on_the_command_line_replaces_the_runners_own() {
        let given = [("Stage", "local"), ("ShopName", "The \"Shop\""), ("Stage", "other")];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(overrides(&given), [r#"ShopName="The \"Shop\"""#, r#"Stage="other""#]);
    }
}

//! What a deployment is called and where its parts are: CloudFormation's description of a stack, and whose credentials we
//! have. For people's tools; no function asks.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Method;

use super::client::Settings;
use super::signed::{Question, Service, elements};
use crate::error::{Error, Result};
use crate::world::World;

/// A deployed stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Account, region and name, as the functions' variable STACK_ID has it.
    pub id: String,
    /// Template parameters by name.
    pub parameters: BTreeMap<String, String>,
    /// Outputs by name.
    pub outputs: BTreeMap<String, String>,
}

impl Deployment {
    /// Asks CloudFormation for the stack of that name.
    ///
    /// # Errors
    /// `stack_not_found` (rejected) when there is none; otherwise what AWS says.
    pub async fn find(settings: &Settings, name: &str, world: &World) -> Result<Self> {
        let service = Service::regional("cloudformation", settings.clone(), world.clone());
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("Action", "DescribeStacks"), ("Version", "2010-05-15"), ("StackName", name)])
            .finish();
        let answer = ask(&service, "DescribeStacks", form).await;
        let not_found =
            || Error::rejected(404, "stack_not_found", format!("There is no stack {name} in {}.", settings.region));
        let answer = answer.map_err(|e| if e.context.contains("ValidationError") { not_found() } else { e })?;
        described(&answer).ok_or_else(not_found)
    }

    /// The names of the stack's functions.
    ///
    /// # Errors
    /// What AWS says.
    pub async fn functions(settings: &Settings, name: &str, world: &World) -> Result<Vec<String>> {
        let service = Service::regional("cloudformation", settings.clone(), world.clone());
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("Action", "DescribeStackResources"), ("Version", "2010-05-15"), ("StackName", name)])
            .finish();
        let answer = ask(&service, "DescribeStackResources", form).await?;
        let of = |member, name| elements(member, name).next().map(unescaped).unwrap_or_default();
        let members = elements(&answer, "member");
        let functions = members.filter(|member| of(member, "ResourceType") == "AWS::Lambda::Function");
        Ok(functions.map(|member| of(member, "PhysicalResourceId")).collect())
    }
}

/// Whose credentials these are, as an ARN.
///
/// # Errors
/// What AWS says.
pub async fn caller(settings: &Settings, world: &World) -> Result<String> {
    let service = Service::regional("sts", settings.clone(), world.clone());
    let answer = ask(&service, "GetCallerIdentity", "Action=GetCallerIdentity&Version=2011-06-15".to_owned()).await?;
    let arn = elements(&answer, "Arn").next().map(unescaped);
    arn.ok_or_else(|| Error::bug("aws_request_invalid", "GetCallerIdentity names nobody"))
}

async fn ask(service: &Service, operation: &'static str, form: String) -> Result<String> {
    let question = Question {
        operation,
        method: Method::POST,
        path_and_query: "/",
        headers: &[("content-type", "application/x-www-form-urlencoded")],
        body: Bytes::from(form),
    };
    let answer = service.ask(&question).await?;
    Ok(String::from_utf8_lossy(answer.body()).into_owned())
}

fn described(xml: &str) -> Option<Deployment> {
    let pairs = |list: &str, key: &str, value: &str| -> BTreeMap<String, String> {
        // An empty value may be written as no value.
        let text = |member, name| elements(member, name).next().map(unescaped).unwrap_or_default();
        let list = elements(xml, list).next().unwrap_or_default();
        elements(list, "member").map(|member| (text(member, key), text(member, value))).collect()
    };
    // arn:aws:cloudformation:<region>:<account>:stack/<name>/<uuid>
    let arn = elements(xml, "StackId").next()?;
    let mut parts = arn.split(':').skip(3);
    let (region, account) = (parts.next()?, parts.next()?);
    let name = parts.next()?.split('/').nth(1)?;
    Some(Deployment {
        id: format!("{account}/{region}/{name}"),
        parameters: pairs("Parameters", "ParameterKey", "ParameterValue"),
        outputs: pairs("Outputs", "OutputKey", "OutputValue"),
    })
}

fn unescaped(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    text.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_read_with_its_id_parameters_and_outputs() {
        let xml = "<DescribeStacksResponse><DescribeStacksResult><Stacks><member>\
            <StackId>arn:aws:cloudformation:eu-west-1:123:stack/shop/0a-1b</StackId>\
            <Parameters><member><ParameterKey>Stage</ParameterKey><ParameterValue>staging</ParameterValue></member>\
            <member><ParameterKey>Topic</ParameterKey><ParameterValue/></member>\
            <member><ParameterKey>ShopName</ParameterKey><ParameterValue>A &amp;amp; B</ParameterValue></member></Parameters>\
            <Outputs><member><OutputKey>TableName</OutputKey><OutputValue>t</OutputValue></member></Outputs>\
            </member></Stacks></DescribeStacksResult></DescribeStacksResponse>";
        let deployment = described(xml).expect("a stack");
        assert_eq!(deployment.id, "123/eu-west-1/shop");
        assert_eq!(deployment.parameters["Stage"], "staging");
        assert_eq!(deployment.parameters["Topic"], "");
        assert_eq!(deployment.parameters["ShopName"], "A &amp; B");
        assert_eq!(deployment.outputs["TableName"], "t");
        assert_eq!(described("<DescribeStacksResponse/>"), None);
    }
}

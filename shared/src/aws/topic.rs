//! SNS topics: publishing, and who listens. For people's tools; no function publishes.

use bytes::Bytes;
use http::Method;

use super::client::Settings;
use super::signed::{Question, Service, elements};
use crate::error::{Error, Result};
use crate::world::World;

/// The version of SNS's query API.
const VERSION: &str = "2010-03-31";
/// Pages of subscriptions that are read at most; a page has 100.
const PAGES_MAX: usize = 20;
/// What an ARN begins with. SNS gives a word in its place while the subscriber has not confirmed, or is gone.
/// (docs.aws.amazon.com/sns/latest/api/API_Subscription.html)
const ARN: &str = "arn:";

/// A subscription of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// `email`, `lambda`.
    pub protocol: String,
    /// Where messages go.
    pub endpoint: String,
    /// Whether the subscriber has confirmed it.
    pub is_confirmed: bool,
}

/// The topics of an account and region.
#[derive(Clone)]
pub struct Topics {
    service: Service,
}

impl Topics {
    /// The topics that these credentials may use.
    pub fn new(settings: &Settings, world: &World) -> Self {
        Self { service: Service::regional("sns", settings.clone(), world.clone()) }
    }

    /// Publishes a message; SNS's id of it.
    ///
    /// # Errors
    /// What AWS says.
    pub async fn publish(&self, topic_arn: &str, message: &str) -> Result<String> {
        let answer = self.ask("Publish", &[("TopicArn", topic_arn), ("Message", message)]).await?;
        let id = elements(&answer, "MessageId").next().map(str::to_owned);
        id.ok_or_else(|| Error::bug("aws_request_invalid", "Publish gives no id"))
    }

    /// Who listens to a topic.
    ///
    /// # Errors
    /// What AWS says.
    pub async fn subscriptions(&self, topic_arn: &str) -> Result<Vec<Subscription>> {
        let (mut all, mut next) = (Vec::new(), String::new());
        for _ in 0..PAGES_MAX {
            let mut form = vec![("TopicArn", topic_arn)];
            if !next.is_empty() {
                form.push(("NextToken", next.as_str()));
            }
            let answer = self.ask("ListSubscriptionsByTopic", &form).await?;
            all.extend(elements(&answer, "member").map(subscription));
            match elements(&answer, "NextToken").next() {
                Some(token) if !token.is_empty() => token.clone_into(&mut next),
                _ => break,
            }
        }
        Ok(all)
    }

    async fn ask(&self, operation: &'static str, form: &[(&str, &str)]) -> Result<String> {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("Action", operation), ("Version", VERSION)])
            .extend_pairs(form)
            .finish();
        let question = Question {
            operation,
            method: Method::POST,
            path_and_query: "/",
            headers: &[("content-type", "application/x-www-form-urlencoded")],
            body: Bytes::from(form),
        };
        let answer = self.service.ask(&question).await?;
        Ok(String::from_utf8_lossy(answer.body()).into_owned())
    }
}

fn subscription(member: &str) -> Subscription {
    let text = |name| elements(member, name).next().unwrap_or_default().to_owned();
    let arn = text("SubscriptionArn");
    Subscription { protocol: text("Protocol"), endpoint: text("Endpoint"), is_confirmed: arn.starts_with(ARN) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PENDING: &str = "PendingConfirmation";

    #[test]
    fn a_subscription_that_nobody_confirmed_says_so() {
        let member = "<Owner>1</Owner><Protocol>email</Protocol><Endpoint>a@shop.example</Endpoint>\
            <SubscriptionArn>PendingConfirmation</SubscriptionArn>";
        let expected =
            Subscription { protocol: "email".to_owned(), endpoint: "a@shop.example".to_owned(), is_confirmed: false };
        assert_eq!(subscription(member), expected);
        assert!(subscription(&member.replace(PENDING, "arn:aws:sns:eu-west-1:1:crossdock-critical:0")).is_confirmed);
        assert!(!subscription(&member.replace(PENDING, "Deleted")).is_confirmed);
    }
}

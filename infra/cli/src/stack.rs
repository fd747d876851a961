//! The stack that is operated, and who operates it: the same way on AWS and on the local stack.

use anyhow::{Context as _, Result};
use crossdock::alerts::Severity;
use crossdock::aws::{Deployment, Objects, Queues, Topics, Transport, caller};
use crossdock::domain::Timestamp;
use crossdock::effects::WorkList;
use crossdock::effects::archive::Archive;
use crossdock::effects::audit::{Audit, Operator};
use crossdock::lambda::{Env, System};
use crossdock::messages::Contacts;
use crossdock::vendors::sendgrid::Library;
use crossdock::world::World;

/// The variables that the functions have, by the output of the template that they come from.
const VARIABLES: [(&str, &str); 11] = [
    ("TABLE_NAME", "TableName"),
    ("ARCHIVE_BUCKET", "ArchiveBucketName"),
    ("INBOUND_EVENTS_QUEUE_URL", "InboundEventsQueueUrl"),
    ("INBOUND_WORK_QUEUE_URL", "InboundWorkQueueUrl"),
    ("PAYMENTS_QUEUE_URL", "PaymentsQueueUrl"),
    ("EMAIL_QUEUE_URL", "EmailQueueUrl"),
    ("EMAIL_BULK_QUEUE_URL", "EmailBulkQueueUrl"),
    ("SMS_QUEUE_URL", "SmsQueueUrl"),
    ("SMS_BULK_QUEUE_URL", "SmsBulkQueueUrl"),
    ("SHIPMENTS_QUEUE_URL", "ShipmentsQueueUrl"),
    ("DOMAIN_EVENTS_QUEUE_URL", "DomainEventsQueueUrl"),
];
/// What ends the name of an output that holds a dead-letter queue.
const DLQ: &str = "DlqUrl";

/// A stack, and a person with credentials for it.
pub(crate) struct Stack {
    system: System,
    deployment: Deployment,
    operator: Operator,
}

/// A dead-letter queue with the queue that it belongs to.
#[derive(Clone, Debug)]
pub(crate) struct DeadLetters {
    /// `Payments`
    pub(crate) name: String,
    /// Where the dead are.
    pub(crate) url: String,
    /// Where they came from.
    pub(crate) source_url: String,
}

impl Stack {
    /// Finds the stack of that name with the credentials of the environment.
    pub(crate) async fn find(name: &str, why: Option<String>) -> Result<Self> {
        let env = Env::of_process();
        let settings = env.aws().context(
            "AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY say whose stack it is; for a profile: \
             eval \"$(aws configure export-credentials --format env)\"; for the local stack: \
             eval \"$(cargo local env | sed 's/^/export /')\"",
        )?;
        let world = World::real()?;
        let deployment = Deployment::find(&settings, name, &world).await?;
        let operator = Operator { who: caller(&settings, &world).await?, why };
        let output = |name: &str| deployment.outputs.get(name).cloned();
        let variables = VARIABLES.iter().filter_map(|(variable, name)| Some(((*variable).to_owned(), output(name)?)));
        let stage = deployment.parameters.get("Stage").cloned().unwrap_or_default();
        let sendgrid = deployment.parameters.get("SendGridApiBase").cloned().unwrap_or_default();
        let own = [
            ("SENDGRID_SECRET_ID".to_owned(), format!("/crossdock/{stage}/sendgrid")),
            ("SENDGRID_API_BASE".to_owned(), sendgrid),
            ("APP_SECRET_ID".to_owned(), format!("/crossdock/{stage}/app")),
            ("STAGE".to_owned(), stage),
            ("STACK_ID".to_owned(), deployment.id.clone()),
        ];
        let env = env.with(variables.chain(own));
        let system = System::with(env, world.clone(), &Transport::over(&world))?;
        Ok(Self { system, deployment, operator })
    }

    /// Its parts, as its functions have them.
    pub(crate) fn system(&self) -> &System {
        &self.system
    }

    /// Its stage.
    pub(crate) fn stage(&self) -> &str {
        self.parameter("Stage").unwrap_or_default()
    }

    /// A parameter of its template.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.deployment.parameters.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The work list.
    pub(crate) fn list(&self) -> Result<WorkList> {
        Ok(self.system.work_list()?)
    }

    /// What is known of addresses.
    pub(crate) fn contacts(&self) -> Result<Contacts> {
        Ok(self.system.contacts()?)
    }

    /// The webhook archive.
    pub(crate) fn archive(&self) -> Result<Archive> {
        Ok(self.system.archive()?)
    }

    /// The templates of its SendGrid account.
    pub(crate) fn templates(&self) -> Result<Library> {
        Ok(self.system.sendgrid_library()?)
    }

    /// The queues.
    pub(crate) fn queues(&self) -> Queues {
        self.system.queues()
    }

    /// The topics.
    pub(crate) fn topics(&self) -> Result<Topics> {
        Ok(Topics::new(&self.system.env().aws()?, self.world()))
    }

    /// The topic of a severity.
    pub(crate) fn topic(&self, severity: Severity) -> Result<&str> {
        let output = format!("{}TopicArn", severity.title());
        let arn = self.deployment.outputs.get(&output);
        arn.map(String::as_str).with_context(|| format!("the stack has no output {output}"))
    }

    /// Writes down what is about to be done, where nobody can change it and in the table. What cannot be written down is not done.
    pub(crate) async fn record(&self, audit: &Audit) -> Result<()> {
        let occasion = self.fresh_id();
        self.lock(audit, &occasion).await?;
        Ok(self.list()?.audit(audit, &occasion).await?)
    }

    /// The same for what the work list records itself, together with what it does.
    pub(crate) async fn lock_away(&self, action: &str, target: &str) -> Result<()> {
        self.lock(&Audit::of(self.operator(), action, target, None, self.now()), &self.fresh_id()).await
    }

    async fn lock(&self, audit: &Audit, occasion: &str) -> Result<()> {
        // A stack from before has no such bucket.
        let Some(bucket) = self.deployment.outputs.get("AuditBucketName") else { return Ok(()) };
        let objects = Objects::new(self.system.env().aws()?, bucket, self.world().clone());
        let (key, bytes) = audit.object(occasion)?;
        Ok(objects.put_locked(&key, bytes.into(), "application/json").await?)
    }

    /// Who operates it.
    pub(crate) fn operator(&self) -> &Operator {
        &self.operator
    }

    /// The world, for time and randomness.
    pub(crate) fn world(&self) -> &World {
        self.system.world()
    }

    /// Now.
    pub(crate) fn now(&self) -> Timestamp {
        self.world().now()
    }

    /// A new id that nobody has.
    pub(crate) fn fresh_id(&self) -> String {
        crossdock::domain::id::ulid(self.now(), self.world().rng.next())
    }

    /// The URL of a queue (`InboundEvents`).
    pub(crate) fn queue(&self, name: &str) -> Result<&str> {
        let output = format!("{name}QueueUrl");
        let url = self.deployment.outputs.get(&output);
        url.map(String::as_str).with_context(|| format!("the stack has no output {output}"))
    }

    /// The dead-letter queues, or the one of that name (`Payments`, `payments`).
    pub(crate) fn dead_letters(&self, name: Option<&str>) -> Result<Vec<DeadLetters>> {
        let plain = |name: &str| name.replace('-', "").to_lowercase();
        let all = self.deployment.outputs.iter().filter_map(|(output, url)| {
            let queue = output.strip_suffix(DLQ)?;
            let source_url = self.deployment.outputs.get(&format!("{queue}QueueUrl"))?.clone();
            Some(DeadLetters { name: queue.to_owned(), url: url.clone(), source_url })
        });
        let found: Vec<_> = all.filter(|queue| name.is_none_or(|name| plain(name) == plain(&queue.name))).collect();
        if found.is_empty() {
            let known: Vec<&str> =
                self.deployment.outputs.keys().filter_map(|output| output.strip_suffix(DLQ)).collect();
            anyhow::bail!("There is no queue {}. There are {}.", name.unwrap_or_default(), known.join(", "));
        }
        Ok(found)
    }
}

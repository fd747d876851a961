//! Wiring: builds the parts that a handler needs from environment variables. Each `main.rs` takes the parts that it needs. If a
//! variable for one of them is missing, the init fails and names the variable.

use std::time::Duration;

use futures_util::future::{Either, join_all, select};

use super::config::Env;
use super::http::Door;
use super::inbound::InboundQueues;
use super::receiver::Receiver;
use crate::alerts::{Alerts, Heartbeat, Place};
use crate::aws::{Clients, Objects, Queues, Secrets, Table, Transport};
use crate::domain::StackId;
use crate::domain::message::MessageKind;
use crate::domain::message::Prices;
use crate::domain::sms::{Caps, Destinations};
use crate::effects::archive::Archive;
use crate::effects::contact::{AppKeys, UnsubscribeLinks};
use crate::effects::template::{self, Templates};
use crate::effects::{Routes, WorkList};
use crate::error::{Error, Result};
use crate::gateway::{Gateway, Keyring, Memory, Vendor};
use crate::messages::{Contacts, Mailer, Messages, Pricing};
use crate::payments::{KnownCustomers, Payments};
use crate::shipping::{Carriers, Labels, Quotes, RateMemory, Shipments};
use crate::telemetry;
use crate::vendors::payment_provider::Providers;
use crate::vendors::{dhl, fedex, postmark, sendgrid, stripe, twilio, ups};
use crate::world::World;

/// Connections and secrets are prepared during init, so that the first invocation is faster. It never waits longer than this.
const WARM_UP_MAX: Duration = Duration::from_secs(1);

/// Builds the parts of one function, each when it is asked for.
#[derive(Clone)]
pub struct System {
    env: Env,
    world: World,
    clients: Clients,
    secrets: Secrets,
    known_customers: KnownCustomers,
    rate_memory: RateMemory,
    admission: Memory,
    templates: template::Memory,
}

impl System {
    /// The system that runs in Lambda: logs, environment, clock, TLS. Called once, in `main`.
    pub fn start() -> Result<Self> {
        let env = Env::of_process();
        let level = env.optional("LOG_LEVEL").unwrap_or_else(|| "info".to_owned());
        telemetry::init(&level, &env.required("STAGE")?);
        let world = World::real()?;
        let transport = Transport::over(&world);
        Self::with(env, world, &transport)
            .inspect_err(|error| tracing::error!(error = %error.chain(), "the function cannot start"))
    }

    /// The same with another world, such as a simulated one.
    pub fn with(env: Env, world: World, transport: &Transport) -> Result<Self> {
        let settings = env.aws()?;
        let secrets = Secrets::new(settings.clone(), world.clone());
        let clients = Clients::new(settings, transport.clone(), &world);
        Ok(Self {
            env,
            world,
            clients,
            secrets,
            known_customers: KnownCustomers::default(),
            rate_memory: RateMemory::default(),
            admission: Memory::default(),
            templates: template::Memory::default(),
        })
    }

    /// The clock, the HTTP client and the source of randomness.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The environment variables.
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// The settings for a client of the SDK that this crate does not make itself.
    pub fn aws(&self) -> crate::aws::Parts {
        self.clients.parts()
    }

    /// The client of SQS.
    pub fn queues(&self) -> Queues {
        Queues::new(&self.clients)
    }

    /// The work list. It sends nudges to the queues whose URLs this function has.
    pub fn work_list(&self) -> Result<WorkList> {
        let table = self.table()?;
        let routes = Routes {
            payments: self.env.optional("PAYMENTS_QUEUE_URL"),
            email: self.env.optional("EMAIL_QUEUE_URL"),
            email_bulk: self.env.optional("EMAIL_BULK_QUEUE_URL"),
            sms: self.env.optional("SMS_QUEUE_URL"),
            sms_bulk: self.env.optional("SMS_BULK_QUEUE_URL"),
            shipments: self.env.optional("SHIPMENTS_QUEUE_URL"),
            inbound_work: self.env.optional("INBOUND_WORK_QUEUE_URL"),
            domain_events: self.env.optional("DOMAIN_EVENTS_QUEUE_URL"),
            other_mailer: self.mail_fallback()?.is_some(),
        };
        Ok(WorkList::new(table, self.queues(), self.world.clone(), routes, self.stack()?, self.env.required("STAGE")?))
    }

    /// Stripe's API, with a live key in production and a test key elsewhere.
    pub fn stripe(&self) -> Result<stripe::Stripe> {
        let mode = if self.env.is_production()? { stripe::KeyMode::Live } else { stripe::KeyMode::Test };
        let base = self.env.vendor_base("STRIPE_API_BASE")?;
        Ok(stripe::Stripe::new(self.gateway()?, base, self.stripe_keys()?, mode, self.stack()?))
    }

    /// Payments, with all providers.
    pub fn payments(&self) -> Result<Payments> {
        Ok(Payments::new(
            self.work_list()?,
            Providers::new(self.stripe()?),
            self.app_keys()?,
            self.known_customers.clone(),
        ))
    }

    /// The keys of Stripe's API.
    pub fn stripe_keys(&self) -> Result<Keyring<stripe::Keys>> {
        self.keyring("STRIPE_SECRET_ID")
    }

    /// The secrets that verify Stripe's webhooks.
    pub fn stripe_webhook_keys(&self) -> Result<Keyring<stripe::WebhookKeys>> {
        self.webhook_keyring("STRIPE", stripe::WebhookKeys::is_empty)
    }

    /// SendGrid's API, to send mails.
    pub fn sendgrid(&self) -> Result<sendgrid::SendGrid> {
        let sender = sendgrid::Sender {
            address: self.env.required("MAIL_FROM")?,
            name: self.env.required("MAIL_FROM_NAME")?,
            shop: self.env.required("SHOP_NAME")?,
            postal_address: self.env.optional("POSTAL_ADDRESS"),
            tracked: self.tracked_mails()?,
            sandbox: self.mail_sandbox()?,
            prices: self.prices()?,
            event_window: self.env.seconds_for_tests("MAIL_EVENT_WINDOW_S", sendgrid::EVENT_WINDOW)?,
            unsubscribe: self.unsubscribe_links()?,
            templates: self.templates()?,
        };
        let base = self.env.vendor_base("SENDGRID_API_BASE")?;
        Ok(sendgrid::SendGrid::new(self.gateway()?, base, self.sendgrid_keys()?, sender, self.stack()?))
    }

    /// The kinds of mail whose opens and clicks SendGrid tracks.
    ///
    /// # Errors
    /// `configuration` for a name that is no kind of message, or for a kind that may not be tracked.
    fn tracked_mails(&self) -> Result<Vec<MessageKind>> {
        let names = self.env.optional("TRACKED_MAILS").unwrap_or_else(|| MessageKind::Promotion.as_str().to_owned());
        let unusable = || Error::misconfigured("configuration", "variable TRACKED_MAILS names what cannot be tracked");
        let names = names.split(',').map(str::trim).filter(|name| !matches!(*name, "" | "none"));
        let kinds = names.map(|name| MessageKind::parse(name).filter(|kind| kind.may_be_tracked()));
        kinds.map(|kind| kind.ok_or_else(unusable)).collect()
    }

    /// Sends mails: by SendGrid, and by Postmark if it is the fallback.
    pub fn mailer(&self) -> Result<Mailer> {
        Ok(Mailer::new(self.sendgrid()?, self.postmark_if_wanted()?))
    }

    /// Messages: SMS by Twilio, campaigns by SendGrid.
    pub fn messages(&self) -> Result<Messages> {
        let (list, texts, batches) = (self.work_list()?, self.twilio()?, self.sendgrid_batches()?);
        let pricing = Pricing {
            prices: self.prices()?,
            shop: self.env.required("SHOP_NAME")?,
            has_postal_address: self.env.optional("POSTAL_ADDRESS").is_some(),
            destinations: self.sms_destinations()?,
            caps: self.sms_caps()?,
        };
        Ok(Messages::new(list, texts, batches, self.app_keys()?, pricing))
    }

    /// Consent and suppressions of addresses.
    pub fn contacts(&self) -> Result<Contacts> {
        Ok(Contacts::new(self.work_list()?, self.app_keys()?))
    }

    /// The templates at SendGrid that this deployment uses.
    pub fn templates(&self) -> Result<Templates> {
        Ok(Templates::new(self.table()?, self.world.clone(), self.templates.clone()))
    }

    /// SendGrid's batches: mails that SendGrid holds, and that can be stopped.
    pub fn sendgrid_batches(&self) -> Result<sendgrid::batch::Batches> {
        let base = self.env.vendor_base("SENDGRID_API_BASE")?;
        Ok(sendgrid::batch::Batches::new(self.gateway()?, base, &self.sendgrid_keys()?))
    }

    /// SendGrid's statistics of sent mails.
    pub fn sendgrid_stats(&self) -> Result<sendgrid::Stats> {
        let base = self.env.vendor_base("SENDGRID_API_BASE")?;
        Ok(sendgrid::Stats::new(self.gateway()?, base, self.sendgrid_keys()?))
    }

    /// All templates in SendGrid's account.
    pub fn sendgrid_library(&self) -> Result<sendgrid::Library> {
        let base = self.env.vendor_base("SENDGRID_API_BASE")?;
        Ok(sendgrid::Library::new(self.gateway()?, base, self.sendgrid_keys()?, self.stack()?))
    }

    /// Whether SendGrid only checks mails and does not send them. Never in production: customers would get no mail.
    fn mail_sandbox(&self) -> Result<bool> {
        let wanted = self.env.optional("MAIL_SANDBOX").is_some_and(|text| text == "true");
        if wanted && self.env.is_production()? {
            let detail = "variable MAIL_SANDBOX is true in production: no mail would be sent";
            return Err(Error::misconfigured("configuration", detail));
        }
        Ok(wanted)
    }

    /// Prices of mails and SMS, to estimate what a message costs.
    pub fn prices(&self) -> Result<Prices> {
        let price = |name, otherwise: &str| self.env.optional(name).unwrap_or_else(|| otherwise.to_owned());
        Prices::parse(&price("MAIL_PRICE", Prices::MAIL), &price("SMS_PRICES", Prices::SMS))
    }

    /// Where SMS may go: everywhere, unless the stack says otherwise.
    fn sms_destinations(&self) -> Result<Destinations> {
        let text = self.env.optional("SMS_DESTINATIONS");
        Destinations::parse(text.as_deref().unwrap_or(Destinations::EVERYWHERE))
    }

    /// How many SMS may be asked for: as many as anybody likes, unless the stack says otherwise.
    fn sms_caps(&self) -> Result<Caps> {
        let cap = |name: &str| {
            let text = self.env.optional(name).filter(|text| text != "none");
            let wrong =
                || Error::misconfigured("configuration", format!("variable {name} is neither a number nor none"));
            text.map(|text| text.parse().map_err(|_| wrong())).transpose()
        };
        Ok(Caps {
            per_hour: cap("SMS_PER_HOUR_MAX")?,
            per_day: cap("SMS_PER_DAY_MAX")?,
            per_country_and_day: cap("SMS_PER_COUNTRY_AND_DAY_MAX")?,
        })
    }

    /// The keys of SendGrid's API.
    pub fn sendgrid_keys(&self) -> Result<Keyring<sendgrid::Keys>> {
        self.keyring("SENDGRID_SECRET_ID")
    }

    /// The keys that verify SendGrid's webhooks.
    pub fn sendgrid_webhook_keys(&self) -> Result<Keyring<sendgrid::WebhookKeys>> {
        self.webhook_keyring("SENDGRID", sendgrid::WebhookKeys::is_empty)
    }

    /// Twilio's API, to send SMS.
    pub fn twilio(&self) -> Result<twilio::Twilio> {
        let base = self.env.vendor_base("TWILIO_API_BASE")?;
        let callbacks = self.env.required("TWILIO_CALLBACK_URL")?;
        let wording = twilio::Wording {
            shop: self.env.required("SHOP_NAME")?,
            prices: self.prices()?,
            unsubscribe: self.unsubscribe_links()?,
        };
        Ok(twilio::Twilio::new(self.gateway()?, base, self.twilio_keys()?, callbacks, wording, self.stack()?))
    }

    /// Unsubscribe links; none if this deployment sends no promotions.
    fn unsubscribe_links(&self) -> Result<Option<UnsubscribeLinks>> {
        let Some(url) = self.env.optional("UNSUBSCRIBE_URL") else { return Ok(None) };
        Ok(Some(UnsubscribeLinks::new(self.app_keys()?, url.trim_end_matches('/').to_owned(), self.world.clone())))
    }

    /// The keys of Twilio's API.
    pub fn twilio_keys(&self) -> Result<Keyring<twilio::Keys>> {
        self.keyring("TWILIO_SECRET_ID")
    }

    /// The tokens that verify Twilio's webhooks.
    pub fn twilio_webhook_keys(&self) -> Result<Keyring<twilio::WebhookKeys>> {
        self.webhook_keyring("TWILIO", twilio::WebhookKeys::is_empty)
    }

    /// Postmark's API, to send mails.
    pub fn postmark(&self) -> Result<postmark::Postmark> {
        let sender = postmark::Sender {
            address: self.env.required("MAIL_FROM")?,
            name: self.env.required("MAIL_FROM_NAME")?,
            shop: self.env.required("SHOP_NAME")?,
            tracked: self.tracked_mails()?,
        };
        let base = self.env.vendor_base("POSTMARK_API_BASE")?;
        Ok(postmark::Postmark::new(self.gateway()?, base, self.postmark_keys()?, sender, self.stack()?))
    }

    /// Postmark, if it is the fallback for SendGrid.
    pub fn postmark_if_wanted(&self) -> Result<Option<postmark::Postmark>> {
        self.mail_fallback()?.map(|_| self.postmark()).transpose()
    }

    /// The fallback: the provider that sends a mail if SendGrid has certainly not accepted it.
    ///
    /// # Errors
    /// `configuration` for a MAIL_FALLBACK that is neither `none` nor `postmark`.
    pub fn mail_fallback(&self) -> Result<Option<Vendor>> {
        match self.env.optional("MAIL_FALLBACK").as_deref() {
            None | Some("none") => Ok(None),
            Some("postmark") => Ok(Some(Vendor::Postmark)),
            Some(_) => {
                Err(Error::misconfigured("configuration", "variable MAIL_FALLBACK is neither none nor postmark"))
            }
        }
    }

    /// The keys of Postmark's API.
    pub fn postmark_keys(&self) -> Result<Keyring<postmark::Keys>> {
        self.keyring("POSTMARK_SECRET_ID")
    }

    /// The credentials that verify Postmark's webhooks.
    pub fn postmark_webhook_keys(&self) -> Result<Keyring<postmark::WebhookKeys>> {
        self.webhook_keyring("POSTMARK", postmark::WebhookKeys::is_empty)
    }

    /// All carriers, and the bucket of labels.
    pub fn carriers(&self) -> Result<Carriers> {
        let objects = Objects::new(self.env.aws()?, &self.env.required("LABELS_BUCKET")?, self.world.clone());
        let (fedex, ups, dhl) = (self.fedex()?, self.ups()?, self.dhl()?);
        Ok(Carriers::new(fedex, ups, dhl, Labels::new(objects), self.gateway()?, self.stack()?))
    }

    /// Prices of carriers, cached in the table.
    pub fn quotes(&self, carriers: &Carriers) -> Result<Quotes> {
        Ok(Quotes::new(carriers.clone(), self.table()?, self.rate_memory.clone()))
    }

    /// Shipments and pickups, with all carriers.
    pub fn shipments(&self) -> Result<Shipments> {
        let carriers = self.carriers()?;
        let quotes = self.quotes(&carriers)?;
        Ok(Shipments::new(self.work_list()?, carriers, quotes, self.app_keys()?))
    }

    /// FedEx's API.
    pub fn fedex(&self) -> Result<fedex::Fedex> {
        let base = self.env.vendor_base("FEDEX_API_BASE")?;
        Ok(fedex::Fedex::new(self.gateway()?, base, self.fedex_keys()?))
    }

    /// The keys of FedEx's API.
    pub fn fedex_keys(&self) -> Result<Keyring<fedex::Keys>> {
        self.keyring("FEDEX_SECRET_ID")
    }

    /// The tokens that verify FedEx's webhooks.
    pub fn fedex_webhook_keys(&self) -> Result<Keyring<fedex::WebhookKeys>> {
        self.webhook_keyring("FEDEX", fedex::WebhookKeys::is_empty)
    }

    /// UPS's API.
    pub fn ups(&self) -> Result<ups::Ups> {
        Ok(ups::Ups::new(self.gateway()?, self.env.vendor_base("UPS_API_BASE")?, self.ups_keys()?))
    }

    /// The keys of UPS's API.
    pub fn ups_keys(&self) -> Result<Keyring<ups::Keys>> {
        self.keyring("UPS_SECRET_ID")
    }

    /// The credentials that verify UPS's webhooks.
    pub fn ups_webhook_keys(&self) -> Result<Keyring<ups::WebhookKeys>> {
        self.webhook_keyring("UPS", ups::WebhookKeys::is_empty)
    }

    /// DHL Express's API.
    pub fn dhl(&self) -> Result<dhl::Dhl> {
        Ok(dhl::Dhl::new(self.gateway()?, self.env.vendor_base("DHL_API_BASE")?, self.dhl_keys()?))
    }

    /// The keys of DHL's API.
    pub fn dhl_keys(&self) -> Result<Keyring<dhl::Keys>> {
        self.keyring("DHL_SECRET_ID")
    }

    /// Our own keys, such as the one that hashes addresses.
    pub fn app_keys(&self) -> Result<Keyring<AppKeys>> {
        self.keyring("APP_SECRET_ID")
    }

    /// Sends verified webhooks to the queue of inbound events. `headers` are the fields that the vendor's signature needs.
    pub fn receiver(&self, vendor: Vendor, headers: &'static [&'static str]) -> Result<Receiver> {
        let queue_url = self.env.required("INBOUND_EVENTS_QUEUE_URL")?;
        let signs_url = vendor == Vendor::Twilio;
        Ok(Receiver { vendor, headers, signs_url, queues: self.queues(), queue_url, world: self.world.clone() })
    }

    /// Where this receiver's requests come in: at its own URL unless the deployment says `api`.
    pub fn door(&self) -> Door {
        match self.env.optional("RECEIVER_DOOR").as_deref() {
            Some("api") => Door::Api,
            _ => Door::Url,
        }
    }

    /// The queues that event-processor reads.
    pub fn inbound_queues(&self) -> Result<InboundQueues> {
        let arn = |name: &str| self.env.required(name);
        Ok(InboundQueues { events_arn: arn("INBOUND_EVENTS_QUEUE_ARN")?, work_arn: arn("INBOUND_WORK_QUEUE_ARN")? })
    }

    /// The webhook archive.
    pub fn archive(&self) -> Result<Archive> {
        let bucket = self.env.required("ARCHIVE_BUCKET")?;
        Ok(Archive::new(Objects::new(self.env.aws()?, &bucket, self.world.clone())))
    }

    /// Alerts for people on call.
    pub fn alerts(&self) -> Result<Alerts> {
        let place = Place {
            secret_id: self.env.required("ALERTS_SECRET_ID")?,
            shop: self.env.required("SHOP_NAME")?,
            stage: self.env.required("STAGE")?,
            runbook_base: self.env.required("RUNBOOK_BASE_URL")?,
        };
        Ok(Alerts::new(self.table()?, self.secrets.clone(), self.world.clone(), place))
    }

    /// The heartbeat. If it stops, people on call are alerted. None if the function has no secret for it.
    pub fn heartbeat(&self) -> Option<Heartbeat> {
        let secret_id = self.env.optional("ALERTS_SECRET_ID")?;
        Some(Heartbeat::new(self.world.clone(), self.secrets.clone(), secret_id))
    }

    /// The client of Secrets Manager.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Runs these steps concurrently during init, at most a second. If one fails, it is tried again when it is needed, and
    /// reported then.
    pub async fn warm<'a>(&self, steps: impl IntoIterator<Item = futures_util::future::BoxFuture<'a, ()>>) {
        let all = join_all(steps);
        if let Either::Right(_) = select(all, self.world.clock.sleep(WARM_UP_MAX)).await {
            tracing::warn!("warming up took longer than a second and was left unfinished");
        }
    }

    fn keyring<T: serde::de::DeserializeOwned>(&self, variable: &str) -> Result<Keyring<T>> {
        Ok(Keyring::new(self.secrets.clone(), self.env.required(variable)?))
    }

    /// The secret of a vendor's webhooks. While it is empty, the vendor's old secret is read, if the deployment still allows that:
    /// webhook keys were in there before they got a secret of their own.
    fn webhook_keyring<T: serde::de::DeserializeOwned>(
        &self,
        vendor: &str,
        is_empty: fn(&T) -> bool,
    ) -> Result<Keyring<T>> {
        let old = self.env.optional(&format!("{vendor}_OLD_SECRET_ID"));
        Ok(self.keyring(&format!("{vendor}_WEBHOOK_SECRET_ID"))?.or_while_empty(old, is_empty))
    }

    fn gateway(&self) -> Result<Gateway> {
        Ok(Gateway::new(self.world.clone(), self.table()?, self.admission.clone()))
    }

    fn table(&self) -> Result<Table> {
        Ok(Table::new(&self.clients, self.env.required("TABLE_NAME")?, self.world.clone()))
    }

    fn stack(&self) -> Result<StackId> {
        self.env.required("STACK_ID").map(StackId::from_stored)
    }
}

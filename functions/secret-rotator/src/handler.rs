//! secret-rotator: renews the keys of one secret. Secrets Manager calls it four times for a rotation (createSecret, setSecret,
//! testSecret, finishSecret), each perhaps more than once and each perhaps cut off; a schedule calls it for what a rotation
//! leaves to do at the vendor later. See infra/decisions/0029-keys.md.
//!
//! A secret has several keys, so whoever puts one of them by hand while another is being renewed would be overwritten: the
//! pending version says which version it was made from, and finishSecret refuses when the current one is another by then.

mod age;
mod links;
mod note;
mod sendgrid;
mod stripe;
mod ups;
mod vendor;
mod versions;

use std::time::Duration;

use crossdock::aws::secret::{CACHE_TTL, LAST_GOOD_SERVES};
use crossdock::effects::{KeyStep, WorkList};
use crossdock::error::{Error, Result};
use crossdock::lambda::System;
use serde::Deserialize;
use serde_json::Value;

use self::age::Ages;
use self::note::{Note, Step};
use self::versions::Versions;

pub use self::versions::client;

/// The longest timeout of a function that uses a key, with a minute in hand.
const LONGEST_FUNCTION: Duration = Duration::from_secs(120);
/// After this nobody uses what was current before: an instance keeps the last good value while Secrets Manager does not answer,
/// read it up to the cache's age before, and may just have begun.
pub const NOBODY_HAS_IT_AFTER: Duration =
    Duration::from_secs(LAST_GOOD_SERVES.as_secs() + CACHE_TTL.as_secs() + LONGEST_FUNCTION.as_secs());
/// How long a vendor may take to know its own new key.
const KNOWN_AFTER: Duration = Duration::from_secs(60);
/// For how long after a rotation the schedule looks whether all that it leaves to do is written down. Shorter than what is done
/// stays in the table, or it would be done again.
const LOOKED_AFTER: Duration = Duration::from_secs(7 * 24 * 3_600);
/// When a step is tried again that could not be done.
const AGAIN_AFTER: Duration = Duration::from_secs(15 * 60);

/// What the function is asked: a step of Secrets Manager's, or (without one) to do what is due.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Asked {
    /// `createSecret`, `setSecret`, `testSecret`, `finishSecret`.
    pub step: Option<String>,
    /// Of which secret.
    pub secret_id: Option<String>,
    /// The id of the version that is to become current.
    pub client_request_token: Option<String>,
}

/// What a rotation wants to put: the new value, and what is to be done afterwards.
struct Proposal {
    value: Value,
    note: Note,
}

/// What came of a step at the vendor.
enum Carried {
    Done,
    /// It cannot be done yet; why, in a stable word.
    Later(&'static str),
}

/// How a test of the new keys came out.
enum Tested {
    Works,
    /// The vendor does not take them: they will never work.
    Refused,
}

/// Whose keys are renewed.
enum Keys {
    SendGrid(Box<sendgrid::SendGridKeys>),
    Stripe(Box<stripe::StripeEndpoint>),
    Links(links::LinkKeys),
    Ups(Box<ups::UpsCredentials>),
}

impl Keys {
    fn of(system: &System, secret: &str) -> Result<Self> {
        match secret {
            "sendgrid" => Ok(Self::SendGrid(Box::new(sendgrid::SendGridKeys::new(system)?))),
            "stripe-webhook" => Ok(Self::Stripe(Box::new(stripe::StripeEndpoint::new(system)?))),
            "app" => Ok(Self::Links(links::LinkKeys::new(system))),
            "ups-webhook" => Ok(Self::Ups(Box::new(ups::UpsCredentials::new(system)?))),
            _ => Err(Error::misconfigured("configuration", "variable ROTATED_SECRET names what nobody can rotate")),
        }
    }

    async fn propose(&self, current: &Value, token: &str) -> Result<Proposal> {
        match self {
            Self::SendGrid(keys) => keys.propose(current, token).await,
            Self::Stripe(endpoint) => endpoint.propose(current, token).await,
            Self::Links(links) => links.propose(current),
            Self::Ups(credentials) => credentials.propose(current).await,
        }
    }

    async fn test(&self, pending: &Value) -> Result<Tested> {
        match self {
            Self::SendGrid(keys) => keys.test(pending).await,
            Self::Stripe(endpoint) => endpoint.test(pending).await,
            // Nobody else has to take them.
            Self::Links(_) | Self::Ups(_) => Ok(Tested::Works),
        }
    }

    async fn carry_out(&self, step: &KeyStep, current: &Value) -> Result<Carried> {
        match self {
            Self::SendGrid(keys) => keys.carry_out(step, current).await,
            Self::Stripe(endpoint) => endpoint.carry_out(step, current).await,
            Self::Links(_) | Self::Ups(_) => Ok(Carried::Done),
        }
    }
}

/// The rotation of one secret.
pub struct Rotator {
    secret: String,
    secret_id: String,
    versions: Versions,
    keys: Keys,
    list: WorkList,
    ages: Ages,
}

impl Rotator {
    /// Takes its parts from the environment.
    ///
    /// # Errors
    /// `configuration` for a variable that is missing, or a secret that nobody can rotate.
    pub fn new(system: &System) -> Result<Self> {
        let secret = system.env().required("ROTATED_SECRET")?;
        let secret_id = system.env().required("ROTATED_SECRET_ID")?;
        Ok(Self {
            versions: Versions::new(system, secret_id.clone()),
            keys: Keys::of(system, &secret)?,
            list: system.work_list()?,
            ages: Ages::of(system),
            secret,
            secret_id,
        })
    }

    /// Does one step, or what is due.
    ///
    /// # Errors
    /// Whatever stops it: Secrets Manager tries a step again, and the schedule comes round.
    pub async fn handle(&self, asked: Asked) -> Result<()> {
        let Some(step) = asked.step else { return self.do_what_is_due().await };
        if asked.secret_id.as_deref() != Some(&self.secret_id) {
            return Err(Error::rejected(400, "another_secret", "This function does not rotate that secret."));
        }
        let token = asked.client_request_token.unwrap_or_default();
        match step.as_str() {
            "createSecret" => self.create(&token).await,
            "setSecret" => self.pending(&token).await.map(drop),
            "testSecret" => self.test(&token).await,
            "finishSecret" => self.finish(&token).await,
            _ => Err(Error::rejected(400, "unknown_step", "Rotations have no such step.")),
        }
    }

    /// Makes the new keys and puts them as the pending version. What was made by a try that was cut off is found at the vendor
    /// by the token.
    async fn create(&self, token: &str) -> Result<()> {
        let standing = self.versions.standing().await?;
        if standing.current == token {
            return Ok(());
        }
        standing.expects(token)?;
        if let Some(pending) = self.versions.value(token).await? {
            return self.must_fit(token, &pending, &standing.current).await;
        }
        // What the last rotation has left to do comes first: it looks for its keys in the current version.
        if self.list.open_key_steps(&self.secret).await?.all > 0 {
            return Err(Error::transient("rotation_unfinished", "the last rotation has steps left to do"));
        }
        let current = self.versions.value(&standing.current).await?;
        let current = current.ok_or_else(|| Error::misconfigured("secret_unusable", "there is no current version"))?;
        let Proposal { mut value, mut note } = self.keys.propose(&current, token).await?;
        note.based_on = standing.current;
        token.clone_into(&mut note.version);
        note.made_at = self.list.world().now();
        note.write(&mut value)?;
        if !self.versions.put_pending(token, &value).await? {
            // Somebody did the same at the same moment, and has found their own keys; the test shows whether they work.
            tracing::warn!("another try has put the pending version");
        }
        Ok(())
    }

    async fn test(&self, token: &str) -> Result<()> {
        let standing = self.versions.standing().await?;
        if standing.current == token {
            return Ok(());
        }
        standing.expects(token)?;
        let (pending, note) = self.pending(token).await?;
        match self.keys.test(&pending).await? {
            Tested::Works => Ok(()),
            Tested::Refused if self.list.world().now().since(note.made_at) < KNOWN_AFTER => {
                Err(Error::transient("key_not_known_yet", "the vendor does not take the new key yet"))
            }
            Tested::Refused => {
                self.discard(token, &note).await?;
                Err(Error::rejected(409, "key_refused", "The vendor does not take the new key."))
            }
        }
    }

    /// Makes the pending version current, and nothing else: what is to be done at the vendor afterwards is written down for
    /// later. Should this be cut off in between, the next try or the schedule writes it down.
    async fn finish(&self, token: &str) -> Result<()> {
        let standing = self.versions.standing().await?;
        if standing.current == token {
            return self.plan_of(token).await;
        }
        // A version that was given up has a value all the same.
        standing.expects(token)?;
        let (_, note) = self.pending(token).await?;
        if note.based_on != standing.current {
            self.discard(token, &note).await?;
            return Err(changed());
        }
        self.versions.make_current(token, &standing.current).await?;
        tracing::info!(secret = self.secret, version = token, "a secret was rotated");
        self.plan(&note.version, &note.steps, NOBODY_HAS_IT_AFTER).await
    }

    /// The pending version with what it says of itself.
    async fn pending(&self, token: &str) -> Result<(Value, Note)> {
        let pending = self.versions.value(token).await?;
        let missing = || Error::rejected(409, "nothing_pending", "There is no pending version of this rotation.");
        let pending = pending.ok_or_else(missing)?;
        let note = Note::read(&pending).ok_or_else(missing)?;
        Ok((pending, note))
    }

    /// A pending version that was made from another one than what is current now will never be finished.
    async fn must_fit(&self, token: &str, pending: &Value, current: &str) -> Result<()> {
        match Note::read(pending) {
            Some(note) if note.based_on == current => Ok(()),
            Some(note) => {
                self.discard(token, &note).await?;
                Err(changed())
            }
            None => Err(Error::rejected(409, "nothing_pending", "The pending version is none of a rotation's.")),
        }
    }

    /// Gives a pending version up: its keys are deleted, which nobody but the test has used.
    async fn discard(&self, token: &str, note: &Note) -> Result<()> {
        self.plan(&note.version, &note.undo, Duration::ZERO).await?;
        self.versions.discard(token).await
    }

    async fn plan(&self, version: &str, steps: &[Step], after: Duration) -> Result<()> {
        for Step { step, of } in steps {
            let (secret, version) = (self.secret.clone(), version.to_owned());
            let step = KeyStep { secret, step: step.clone(), of: of.clone(), version };
            self.list.plan_key_step(&step, after).await?;
        }
        Ok(())
    }

    /// Writes down what this version leaves to do, should that be missing.
    async fn plan_of(&self, version: &str) -> Result<()> {
        let note = self.versions.value(version).await?.as_ref().and_then(Note::read);
        match note {
            Some(note) if self.list.world().now().since(note.made_at) < LOOKED_AFTER => {
                self.plan(&note.version, &note.steps, NOBODY_HAS_IT_AFTER).await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Does what is due. One step that fails does not hold up the others.
    async fn do_what_is_due(&self) -> Result<()> {
        self.ages.report().await;
        self.plan_of(&self.versions.standing().await?.current).await?;
        let open = self.list.open_key_steps(&self.secret).await?;
        if open.due.is_empty() {
            return Ok(());
        }
        for (step, intent) in open.due {
            // Read before each: somebody may put another value at any time, and what it names is not deleted.
            let current = self.versions.value(&self.versions.standing().await?.current).await?.unwrap_or_default();
            let why = match self.keys.carry_out(&step, &current).await {
                Ok(Carried::Done) => {
                    tracing::info!(secret = self.secret, step = step.step, "a step of a rotation was done");
                    self.list.key_step_done(&intent).await?;
                    continue;
                }
                Ok(Carried::Later(why)) => why,
                Err(error) => {
                    tracing::warn!(error = %error.chain(), step = step.step, "a step of a rotation failed");
                    error.code
                }
            };
            self.list.key_step_later(&intent, self.list.world().now().plus(AGAIN_AFTER), why).await?;
        }
        Ok(())
    }
}

fn changed() -> Error {
    let detail = "Somebody has put another version of the secret since this rotation began. Start it again.";
    Error::rejected(409, "secret_changed", detail)
}

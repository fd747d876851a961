//! Templates of mails that are kept at the provider: which wording has which, as an operator has put them there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::aws::{Key, Table, Write};
use crate::domain::Timestamp;
use crate::domain::message::{Fields, Wording};
use crate::effects::list::WorkList;
use crate::error::Result;
use crate::world::World;

/// How old what an instance knows of them may be.
const KNOWN_FOR: Duration = Duration::from_secs(300);

/// A template at the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// The provider's id.
    pub id: String,
    /// Which wording it was made of. After an update that says something else it does not count until it is put there
    /// again.
    pub version: String,
}

/// Templates by the names of their wordings.
pub type ByName = BTreeMap<String, Template>;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    #[serde(rename = "type")]
    item_type: String,
    templates: ByName,
}

/// What an instance remembers. Clones share it.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    templates: ByName,
    since: Option<Timestamp>,
}

/// The templates of one stack.
#[derive(Clone)]
pub struct Templates {
    table: Table,
    world: World,
    memory: Memory,
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Templates").finish_non_exhaustive()
    }
}

impl Templates {
    /// The templates in this table.
    pub const fn new(table: Table, world: World, memory: Memory) -> Self {
        Self { table, world, memory }
    }

    /// Reads them, unless that was done a while ago at most: to be done beside a claim. Who asks for one meanwhile waits
    /// for the answer.
    pub async fn look(&self) {
        drop(self.known().await);
    }

    /// The template of this wording, when there is one and these fields fill it.
    pub async fn id_for(&self, wording: &Wording, fields: &Fields) -> Option<String> {
        let known = self.known().await;
        let template = known.templates.get(wording.name).filter(|template| template.version == wording.version())?;
        wording.is_filled_by(fields).then(|| template.id.clone())
    }

    async fn known(&self) -> tokio::sync::MutexGuard<'_, Known> {
        let mut known = self.memory.0.lock().await;
        let now = self.world.now();
        if known.since.is_none_or(|since| now.since(since) >= KNOWN_FOR) {
            match read(&self.table).await {
                Ok(templates) => *known = Known { templates, since: Some(now) },
                // A mail can be written without them.
                Err(error) => {
                    tracing::warn!(error = %error.chain(), "the templates could not be read");
                    known.since = Some(now);
                }
            }
        }
        known
    }
}

impl WorkList {
    /// The templates that are there.
    pub async fn templates(&self) -> Result<ByName> {
        read(&self.table).await
    }

    /// Writes down which templates there are.
    pub async fn keep_templates(&self, templates: ByName) -> Result<()> {
        let stored = Stored { item_type: "templates".to_owned(), templates };
        self.table.transact(&[Write::put(key(), &stored)?]).await.map(drop)
    }
}

async fn read(table: &Table) -> Result<ByName> {
    let item = table.get(&key()).await?;
    Ok(item.map(|item| item.parse::<Stored>()).transpose()?.unwrap_or_default().templates)
}

fn key() -> Key {
    Key::new("TEMPLATES#sendgrid", "TEMPLATES")
}

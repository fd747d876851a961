//! SMS that were asked for, counted: in one item a day, with one conditional write before a text is taken.

use crate::aws::table::Written;
use crate::aws::{Key, Write};
use crate::domain::sms::{Caps, calling_code};
use crate::domain::{MessageId, Timestamp};
use crate::effects::list::WorkList;
use crate::error::Result;

/// Seconds of a day and of an hour.
const DAY_S: i64 = 86_400;
const HOUR_S: i64 = 3_600;

impl WorkList {
    /// Counts a text to this number, if there is room for one; says whether there was. A repeat of a request is counted again:
    /// it cannot be told apart without a read.
    pub async fn count_text(&self, number: &str, caps: &Caps) -> Result<bool> {
        match counted(number, caps, self.world.now())? {
            Some(write) => Ok(matches!(self.table.update(write).await?, Written::Done(_))),
            None => Ok(true),
        }
    }

    /// Whether the message that a request with this key makes is there.
    pub async fn is_known(&self, key: &str) -> Result<bool> {
        let place = crate::effects::subject::message::key(&MessageId::of_request(key));
        Ok(self.table.get(&place).await?.is_some())
    }
}

/// The write that counts; none where there is no cap.
fn counted(number: &str, caps: &Caps, now: Timestamp) -> Result<Option<Write>> {
    let (day, hour) = (now.seconds().div_euclid(DAY_S), now.seconds().rem_euclid(DAY_S) / HOUR_S);
    let counters = [
        (format!("hour_{hour}"), caps.per_hour),
        ("all".to_owned(), caps.per_day),
        (format!("to_{}", calling_code(number)), caps.per_country_and_day),
    ];
    let mut write: Option<Write> = None;
    for (name, most) in counters {
        let Some(most) = most else { continue };
        let so_far = if let Some(write) = write {
            write
        } else {
            let key = format!("LIMIT#sms#{day}");
            // Two days: its own, and one for whoever looks.
            let expires = (day + 2) * DAY_S;
            Write::update(Key::new(key.clone(), key)).set("type", &"limit")?.set("expires", &expires)?
        };
        let room = format!("attribute_not_exists(#{name}) OR #{name} < :most_{name}");
        write = Some(so_far.add(&name, 1).when(&room).bind(&format!(":most_{name}"), &most)?);
    }
    Ok(write)
}

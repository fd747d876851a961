//! Where each rule of the simulated vendors comes from.
//!
//! A sandbox that believes what the code believes proves nothing. So one list, a table for each vendor, names every
//! answer (operation, status, code) and every event that the simulated vendors give in any test, with its source, or says
//! that it is a guess. The sandbox takes note of what it gives ([`Sandbox::unlisted`](crate::Sandbox::unlisted)), and a
//! test in which it gives something that is not in the list fails. Guesses on which code depends are
//! [`Dial`](crate::Dial)s besides.

mod dhl;
mod fedex;
mod given;
mod postmark;
mod sendgrid;
mod stripe;
mod twilio;
mod ups;

use crate::{Dial, Vendor};
use std::fmt;

pub use given::GIVEN_FILE;
pub(crate) use given::Given;

/// The operation of an entry that holds for every operation of its vendor.
pub const EVERY_OPERATION: &str = "*";

/// The code of an answer that is not the vendor's own JSON but its edge's page.
pub const EDGE_PAGE: &str = "page";

/// Where a rule comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The vendor's specification: the file in the folder of specifications, and the place in it.
    Spec(&'static str),
    /// The vendor's own library or example.
    Sdk(&'static str),
    /// A page of the vendor.
    Page(&'static str),
    /// Somebody else's report in public.
    Report(&'static str),
    /// Nothing of the above: what makes us believe it.
    Guess(&'static str),
    /// It is no vendor's: the sandbox says that it does not simulate something.
    Sandbox,
}

impl Source {
    /// Whether nobody outside has said so.
    pub fn is_guess(self) -> bool {
        matches!(self, Self::Guess(_))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spec(place) => write!(f, "specification: {place}"),
            Self::Sdk(place) => write!(f, "SDK: {place}"),
            Self::Page(place) => write!(f, "page: {place}"),
            Self::Report(place) => write!(f, "report: {place}"),
            Self::Guess(why) => write!(f, "guess: {why}"),
            Self::Sandbox => write!(f, "the sandbox's own"),
        }
    }
}

/// One thing that a vendor gives.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What<'a> {
    /// An answer to a call.
    Answer {
        /// The name on the fault dial.
        operation: &'a str,
        /// The HTTP status.
        status: u16,
        /// The vendor's own code; empty where the answer has none.
        code: &'a str,
    },
    /// A webhook, by its type.
    Event(&'a str),
}

impl fmt::Display for What<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer { operation, status, code } => write!(f, "{operation} → {status} {code}"),
            Self::Event(kind) => write!(f, "event {kind}"),
        }
    }
}

/// A line of the list.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// For an answer: its operations, with blanks between them. For events: their types, the same way.
    pub names: &'static str,
    /// The HTTP status; none: it is about events.
    pub status: Option<u16>,
    /// The vendor's own codes, with blanks between them; one that begins with `*` stands for all that end so.
    pub codes: &'static str,
    /// Where it comes from.
    pub source: Source,
}

impl Entry {
    /// Everything that it names, one by one.
    pub fn each(&self) -> impl Iterator<Item = What<'static>> {
        let (status, codes) = (self.status, self.codes);
        self.names.split(' ').flat_map(move |name| {
            codes.split(' ').map(move |code| match status {
                Some(status) => What::Answer { operation: name, status, code },
                None => What::Event(name),
            })
        })
    }

    /// Whether it names this.
    pub fn names_it(&self, what: &What<'_>) -> bool {
        let has = |names: &str, name: &str| names.split(' ').any(|one| one == name);
        match what {
            What::Event(kind) => self.status.is_none() && has(self.names, kind),
            What::Answer { operation, status, code } => {
                self.status == Some(*status)
                    && (self.names == EVERY_OPERATION || has(self.names, operation))
                    && self.codes.split(' ').any(|one| {
                        one.strip_prefix('*').map_or(one == *code, |end| !end.is_empty() && code.ends_with(end))
                    })
            }
        }
    }
}

/// An answer without a code of the vendor's.
const fn answer(operations: &'static str, status: u16, source: Source) -> Entry {
    Entry { names: operations, status: Some(status), codes: "", source }
}

/// A refusal with the vendor's code.
const fn refusal(operations: &'static str, status: u16, codes: &'static str, source: Source) -> Entry {
    Entry { names: operations, status: Some(status), codes, source }
}

/// Webhooks.
const fn events(types: &'static str, source: Source) -> Entry {
    Entry { names: types, status: None, codes: "", source }
}

/// The list of one vendor.
pub fn of(vendor: Vendor) -> &'static [Entry] {
    match vendor {
        Vendor::Stripe => stripe::LIST,
        Vendor::SendGrid => sendgrid::LIST,
        Vendor::Twilio => twilio::LIST,
        Vendor::Postmark => postmark::LIST,
        Vendor::FedEx => fedex::LIST,
        Vendor::Ups => ups::LIST,
        Vendor::Dhl => dhl::LIST,
    }
}

/// The line that names something: the most particular one.
pub fn entry(vendor: Vendor, what: &What<'_>) -> Option<&'static Entry> {
    let list = of(vendor);
    let fitting = || list.iter().filter(|entry| entry.names_it(what));
    fitting().find(|entry| entry.names != EVERY_OPERATION).or_else(|| fitting().next())
}

/// How many answers, events and dials are guesses, and how many there are.
pub fn guesses() -> (usize, usize) {
    let listed = Vendor::ALL.into_iter().flat_map(of).flat_map(|entry| entry.each().map(|_| entry.source));
    let dials = Dial::ALL.into_iter().map(|(_, _, source)| source);
    listed.chain(dials).fold((0, 0), |(guesses, all), source| (guesses + usize::from(source.is_guess()), all + 1))
}

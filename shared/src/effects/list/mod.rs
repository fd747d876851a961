//! The lowest floor, what is written down: intents, what is said and found out of them, and the nudges to look at one.

pub mod intent;
pub(crate) mod kind;
pub mod nudge;
pub mod observation;
pub(crate) mod opaque;
pub mod outcome;

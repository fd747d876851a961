//! The table, the queues, the secrets and the objects, and the clients to reach them. The only place that names the AWS SDK.

pub mod account;
mod client;
mod deployment;
mod expression;
pub mod item;
pub mod object;
mod parse;
pub mod queue;
pub mod secret;
mod signed;
pub mod table;
pub mod topic;
mod transact;

pub use client::{Clients, Parts, Settings, Transport, Tuning, failure, unreachable_store};
pub use deployment::{Deployment, caller};
pub use expression::Write;
pub use item::{Item, Key};
pub use object::Objects;
pub use queue::Queues;
pub use secret::Secrets;
pub use table::Table;
pub use topic::Topics;
pub use transact::{Obstacle, Transacted, WRITES_MAX};

//! Beside the floors, what is kept: every webhook as it came, which wording has which template, which days were reported.

pub mod archive;
pub mod report;
pub mod template;

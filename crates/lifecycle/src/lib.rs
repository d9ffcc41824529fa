#![doc = include_str!("../README.md")]

mod admin;
mod readiness;
mod run;

pub use admin::AdminServer;
pub use readiness::{Lifecycle, Report};
pub use run::run;

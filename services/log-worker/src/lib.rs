#![doc = include_str!("../README.md")]

pub mod settings;
pub mod startup;

mod console;
mod disk_limits;
mod file_name;
mod rolling_file;
mod sink;

/// The name of this service, in records and in the names of nodes.
pub const SERVICE: &str = "log-worker";

#![doc = include_str!("../README.md")]

pub mod cleaning;
pub mod settings;
pub mod startup;

mod leading;

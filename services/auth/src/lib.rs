#![doc = include_str!("../README.md")]

pub mod accounts;
pub mod passwords;
pub mod providers;
pub mod requests;
pub mod settings;
pub mod startup;

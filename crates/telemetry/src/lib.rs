#![doc = include_str!("../README.md")]

mod amqp_layer;
mod record;
mod setup;

pub use setup::{Telemetry, init};

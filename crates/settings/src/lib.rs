#![doc = include_str!("../README.md")]

mod load;
mod secret;
mod sections;

pub use load::{Error, load, load_from};
pub use secret::Secret;
pub use sections::{
    AmqpSettings, LifecycleSettings, RedisSettings, SessionSettings, TelemetrySettings,
};

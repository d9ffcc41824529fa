#![doc = include_str!("../README.md")]

mod load;
mod proxies;
mod secret;
mod sections;

pub use load::{Error, load, load_from};
pub use proxies::TrustedProxies;
pub use secret::Secret;
pub use sections::{
    AmqpSettings, LifecycleSettings, RedisSettings, SessionSettings, TelemetrySettings,
};

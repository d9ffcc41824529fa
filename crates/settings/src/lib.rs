#![doc = include_str!("../README.md")]

mod comma_separated;
mod load;
mod proxies;
mod secret;
mod sections;

pub use comma_separated::comma_separated;
pub use load::{Error, load, load_from};
pub use proxies::TrustedProxies;
pub use secret::Secret;
pub use sections::{
    AmqpSettings, HostPort, LifecycleSettings, QueueType, RedisSettings, SessionSettings,
    TelemetrySettings,
};

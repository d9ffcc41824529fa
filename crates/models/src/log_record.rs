//! What every service sends to the exchange [`crate::amqp_names::LOG_EXCHANGE`].

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One line of a service's log.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct LogRecord {
    /// When, in milliseconds since the Unix epoch.
    pub ts: u64,
    /// How serious.
    pub level: LogLevel,
    /// Which service: `gateway`, `auth`, …
    pub service: String,
    /// Which process of that service, as the operator named it.
    pub node: String,
    /// The module that spoke.
    pub target: String,
    /// The sentence.
    pub message: String,
    /// What belongs to it, for queries.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
}

/// How serious a [`LogRecord`] is. `tracing`'s TRACE is sent as `debug`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// For developers.
    Debug,
    /// Worth knowing.
    Info,
    /// Worth a look.
    Warn,
    /// Worth waking somebody.
    Error,
}

impl LogLevel {
    /// The routing key: `debug.log`, `info.log`, `warn.log`, `error.log`.
    #[must_use]
    pub fn routing_key(self) -> &'static str {
        match self {
            Self::Debug => "debug.log",
            Self::Info => "info.log",
            Self::Warn => "warn.log",
            Self::Error => "error.log",
        }
    }
}

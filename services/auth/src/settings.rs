//! What an operator can set.

use std::collections::BTreeMap;

use models::Limits;
use serde::Deserialize;
use settings::{AmqpSettings, LifecycleSettings, Secret, TelemetrySettings};

use crate::providers::ProviderSettings;

/// All settings of the service.
#[derive(Clone, Debug, Deserialize)]
pub struct Settings {
    /// RabbitMQ, where the requests come from.
    pub amqp: AmqpSettings,
    /// Where accounts are kept.
    pub database: DatabaseSettings,
    /// How passwords are hashed.
    #[serde(default)]
    pub passwords: PasswordSettings,
    /// The identity providers people may sign in with, by name. Default none (`PACKTCHAT__PROVIDERS__<NAME>__…`).
    #[serde(default)]
    pub providers: BTreeMap<String, ProviderSettings>,
    /// Bounds on usernames and passwords.
    #[serde(default)]
    pub limits: Limits,
    /// How the service is watched and stopped.
    #[serde(default)]
    pub lifecycle: LifecycleSettings,
    /// What the service tells of itself.
    #[serde(default)]
    pub telemetry: TelemetrySettings,
}

/// Where accounts are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `sqlite://` and the path of the file, which is made where it is missing; its folder must exist. Or
    /// `postgres://user:password@host/database`, for several hosts. Required (`PACKTCHAT__DATABASE__URL`).
    pub url: Secret,
    /// Longest wait for a free connection, and for another process to finish writing; for PostgreSQL, also for the
    /// answer to one statement. In milliseconds, default 2,000 (`PACKTCHAT__DATABASE__DEADLINE_MS`).
    #[serde(default = "two_seconds")]
    pub deadline_ms: u64,
}

impl DatabaseSettings {
    /// The defaults with this URL.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self {
            url: url.into(),
            deadline_ms: two_seconds(),
        }
    }
}

/// How passwords are hashed.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordSettings {
    /// The work factor: rounds of PBKDF2-HMAC-SHA256 for a new hash, at least 1,000. An account hashed with fewer
    /// is hashed again at its next login. Default 600,000 (`PACKTCHAT__PASSWORDS__ROUNDS`).
    pub rounds: u32,
    /// Most passwords hashed at once. Twice as many logins are taken from their queue. Default: the number of
    /// cores (`PACKTCHAT__PASSWORDS__HASH_THREADS`).
    pub hash_threads: usize,
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self {
            rounds: 600_000,
            hash_threads: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

fn two_seconds() -> u64 {
    2_000
}

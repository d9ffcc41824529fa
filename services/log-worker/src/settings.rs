//! What an operator can set.

use std::path::PathBuf;

use serde::Deserialize;
use settings::{AmqpSettings, LifecycleSettings, TelemetrySettings};

/// All settings of the service.
#[derive(Clone, Debug, Deserialize)]
pub struct Settings {
    /// RabbitMQ, where the records come from.
    pub amqp: AmqpSettings,
    /// Where the records go.
    pub sink: SinkSettings,
    /// How the service is watched and stopped.
    #[serde(default)]
    pub lifecycle: LifecycleSettings,
    /// What the service tells of itself. Its `node` is part of the names of the files, and so of letters, digits, `-`
    /// and `_`; its `json` is for the records on standard output too.
    #[serde(default)]
    pub telemetry: TelemetrySettings,
}

/// Where the records go.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SinkSettings {
    /// The directory of the files; made where it is missing. Several log-workers may share it. Required
    /// (`PACKTCHAT__SINK__DIR`).
    pub dir: PathBuf,
    /// Print every record on standard output too. Default true (`PACKTCHAT__SINK__STDOUT`).
    #[serde(default = "yes")]
    pub stdout: bool,
    /// A file that would grow beyond this many bytes is closed, and the day goes on in another one. Default
    /// 104,857,600, 100 MiB (`PACKTCHAT__SINK__MAX_FILE_BYTES`).
    #[serde(default = "hundred_mib")]
    pub max_file_bytes: u64,
    /// When a file is begun, the oldest ones are removed until all of the directory have at most this many bytes.
    /// Default 1,073,741,824, 1 GiB (`PACKTCHAT__SINK__MAX_TOTAL_BYTES`).
    #[serde(default = "one_gib")]
    pub max_total_bytes: u64,
    /// When a file is begun, those of more than this many days ago are removed. Default 14
    /// (`PACKTCHAT__SINK__KEEP_DAYS`).
    #[serde(default = "two_weeks")]
    pub keep_days: u16,
}

impl SinkSettings {
    /// The defaults with this directory.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            stdout: yes(),
            max_file_bytes: hundred_mib(),
            max_total_bytes: one_gib(),
            keep_days: two_weeks(),
        }
    }
}

fn yes() -> bool {
    true
}

fn hundred_mib() -> u64 {
    100 << 20
}

fn one_gib() -> u64 {
    1 << 30
}

fn two_weeks() -> u16 {
    14
}

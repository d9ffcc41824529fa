//! What an operator can set.

use std::time::Duration;

use anyhow::ensure;
use serde::{Deserialize, Deserializer, de::Error};
use settings::{AmqpSettings, LifecycleSettings, RedisSettings, TelemetrySettings};

/// All settings of the service.
#[derive(Clone, Debug, Deserialize)]
pub struct Settings {
    /// Redis, where there is something to clean.
    pub redis: RedisSettings,
    /// RabbitMQ, for the log.
    pub amqp: AmqpSettings,
    /// What is removed, and when.
    #[serde(default)]
    pub cleanup: CleanupSettings,
    /// How the service is watched and stopped.
    #[serde(default)]
    pub lifecycle: LifecycleSettings,
    /// What the service tells of itself.
    #[serde(default)]
    pub telemetry: TelemetrySettings,
}

/// What is removed, and when. A time is written as a number and a unit: `90s`, `30m`, `2h`, `7d`, `1h 30m`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CleanupSettings {
    /// The time from one clean-up to the next, at least a second. Default `2h` (`PACKTCHAT__CLEANUP__INTERVAL`).
    #[serde(deserialize_with = "time")]
    pub interval: Duration,
    /// How long rooms, messages and users are kept after their last activity: a time of at least a minute, or
    /// `forever`. Default `3h` (`PACKTCHAT__CLEANUP__RETENTION`).
    pub retention: Keep,
    /// How long a worker leads without renewal, in milliseconds, at least 1,000: after its death another one takes
    /// over within this time. Default 15,000 (`PACKTCHAT__CLEANUP__LEASE_MS`).
    pub lease_ms: u64,
}

/// How long to keep what is not active.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Keep {
    /// For so long after the last activity.
    For(Duration),
    /// For ever.
    Forever,
}

impl Default for CleanupSettings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(2 * 3_600),
            retention: Keep::For(Duration::from_secs(3 * 3_600)),
            lease_ms: 15_000,
        }
    }
}

impl CleanupSettings {
    /// Refuses what would keep Redis busy or take people who are there for absent.
    ///
    /// # Errors
    /// Names the value that is too low.
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.interval >= Duration::from_secs(1),
            "PACKTCHAT__CLEANUP__INTERVAL must be at least 1s"
        );
        // Activity of those present is written down every few seconds only.
        ensure!(
            !matches!(self.retention, Keep::For(time) if time < Duration::from_secs(60)),
            "PACKTCHAT__CLEANUP__RETENTION must be at least 1m, or forever"
        );
        ensure!(
            self.lease_ms >= 1_000,
            "PACKTCHAT__CLEANUP__LEASE_MS must be at least 1000"
        );
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Keep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "forever" {
            return Ok(Self::Forever);
        }
        humantime::parse_duration(&text)
            .map(Self::For)
            .map_err(|e| {
                D::Error::custom(format!(
                    "{text:?} is neither `forever` nor a time like `3h`: {e}"
                ))
            })
    }
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text)
        .map_err(|e| D::Error::custom(format!("{text:?} is not a time like `2h`: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(interval: &str, retention: &str) -> Result<CleanupSettings, settings::Error> {
        let vars = [
            ("PACKTCHAT__REDIS__URL", "redis://localhost"),
            ("PACKTCHAT__AMQP__URL", "amqp://localhost"),
            ("PACKTCHAT__CLEANUP__INTERVAL", interval),
            ("PACKTCHAT__CLEANUP__RETENTION", retention),
        ];
        let vars = vars.map(|(k, v)| (k.to_owned(), v.to_owned()));
        settings::load_from::<Settings>(vars, None).map(|settings| settings.cleanup)
    }

    #[test]
    fn times_have_units_and_forever_is_one() {
        let cleanup = load("30m", "7d").unwrap();
        assert_eq!(cleanup.interval, Duration::from_secs(1_800));
        assert_eq!(
            cleanup.retention,
            Keep::For(Duration::from_secs(7 * 86_400))
        );
        assert_eq!(load("1h 30m", "forever").unwrap().retention, Keep::Forever);
        for bad in ["", "3", "soon", "-1h", "never"] {
            let error = load("2h", bad).unwrap_err().to_string();
            assert!(error.contains("cleanup.retention"), "{error}");
        }
    }

    #[test]
    fn what_is_too_low_is_refused() {
        CleanupSettings::default().check().unwrap();
        for (interval, retention, variable) in [
            ("0s", "3h", "PACKTCHAT__CLEANUP__INTERVAL"),
            ("2h", "59s", "PACKTCHAT__CLEANUP__RETENTION"),
        ] {
            let error = load(interval, retention).unwrap().check().unwrap_err();
            assert!(error.to_string().contains(variable), "{error}");
        }
    }
}

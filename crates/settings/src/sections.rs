//! The sections several services share, one struct for each concern.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Deserializer};

use crate::{Secret, comma_separated};

/// How to reach Redis.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisSettings {
    /// `redis://[:password@]host:port[/database]`. Required (`PACKTCHAT__REDIS__URL`). With Sentinels, its host and
    /// port do not matter.
    pub url: Secret,
    /// The Redis Sentinels, which tell where the primary is: `host:port` between commas. Default none
    /// (`PACKTCHAT__REDIS__SENTINELS`).
    #[serde(default, deserialize_with = "host_ports")]
    pub sentinels: Vec<HostPort>,
    /// The name the Sentinels know the primary by. Default `packtchat` (`PACKTCHAT__REDIS__PRIMARY`).
    #[serde(default = "packtchat")]
    pub primary: String,
    /// The password of the Sentinels. Default none (`PACKTCHAT__REDIS__SENTINEL_PASSWORD`).
    #[serde(default)]
    pub sentinel_password: Option<Secret>,
    /// Longest wait for an answer, in milliseconds. Default 2,000 (`PACKTCHAT__REDIS__DEADLINE_MS`).
    #[serde(default = "two_seconds")]
    pub deadline_ms: u64,
}

impl RedisSettings {
    /// The defaults with this URL.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self {
            url: url.into(),
            sentinels: vec![],
            primary: packtchat(),
            sentinel_password: None,
            deadline_ms: two_seconds(),
        }
    }
}

/// Where a server listens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostPort {
    /// A name or an IP address, without brackets.
    pub host: String,
    /// The port, which is not 0.
    pub port: u16,
}

fn host_ports<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<HostPort>, D::Error> {
    comma_separated(deserializer, "of the form host:port", |entry| {
        let (host, port) = entry.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Some(HostPort {
            host: Some(host).filter(|host| !host.is_empty())?.to_owned(),
            port: port.parse().ok().filter(|port| *port > 0)?,
        })
    })
}

/// How to reach RabbitMQ.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AmqpSettings {
    /// `amqp://user:password@host:port/vhost`; for the nodes of a cluster, one of each between commas, of which any that
    /// answers will do. Required (`PACKTCHAT__AMQP__URL`).
    pub url: Secret,
    /// The type of the queues that are declared: `classic`, or `quorum` for a cluster whose queues shall outlive one of
    /// its nodes. A queue that is there keeps its type: delete it to change that. Default `classic`
    /// (`PACKTCHAT__AMQP__QUEUE_TYPE`).
    #[serde(default)]
    pub queue_type: QueueType,
    /// Longest wait for an answer, in milliseconds. Default 5,000 (`PACKTCHAT__AMQP__DEADLINE_MS`).
    #[serde(default = "five_seconds")]
    pub deadline_ms: u64,
}

impl AmqpSettings {
    /// The defaults with this URL.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self {
            url: url.into(),
            queue_type: QueueType::Classic,
            deadline_ms: five_seconds(),
        }
    }
}

/// How RabbitMQ keeps a queue.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum QueueType {
    /// On one node.
    #[default]
    Classic,
    /// On most nodes of a cluster, which agree on it.
    Quorum,
}

/// Sessions: what signs their cookie and how long they live.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionSettings {
    /// Signs the session cookie; at least 32 bytes, the same on every node. Required
    /// (`PACKTCHAT__SESSION__SECRET`).
    pub secret: Secret,
    /// What was the secret before, several with spaces or line ends between them: cookies signed with one of them stay
    /// good, and are signed anew when they are used. Default none (`PACKTCHAT__SESSION__PREVIOUS_SECRETS`).
    #[serde(default)]
    pub previous_secrets: Option<Secret>,
    /// How long a signed-in session lives after its last use, in seconds. Default 604,800, a week
    /// (`PACKTCHAT__SESSION__IDLE_SECS`).
    #[serde(default = "one_week")]
    pub idle_secs: u64,
    /// How long a signed-in session lives at most, however much it is used, in seconds. Default 2,592,000, thirty days
    /// (`PACKTCHAT__SESSION__ABSOLUTE_SECS`).
    #[serde(default = "thirty_days")]
    pub absolute_secs: u64,
    /// How long a session of nobody yet lives after its last use, in seconds. Default 3,600
    /// (`PACKTCHAT__SESSION__ANONYMOUS_SECS`).
    #[serde(default = "one_hour")]
    pub anonymous_secs: u64,
    /// Browsers reach the site over HTTPS: cookies are sent over nothing else and are named `__Host-…`, and browsers
    /// are told to remember it. Default false; set it behind TLS (`PACKTCHAT__SESSION__SECURE`).
    #[serde(default)]
    pub secure: bool,
}

impl SessionSettings {
    /// The defaults with this secret.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        Self {
            secret: secret.into(),
            previous_secrets: None,
            idle_secs: one_week(),
            absolute_secs: thirty_days(),
            anonymous_secs: one_hour(),
            secure: false,
        }
    }
}

/// How a service is watched and stopped.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LifecycleSettings {
    /// Where `/livez` and `/readyz` answer; keep it private. Default `127.0.0.1:0`, any free port
    /// (`PACKTCHAT__LIFECYCLE__ADMIN_LISTEN`).
    pub admin_listen: SocketAddr,
    /// How long a stopping service says it is not ready before it stops taking work, in milliseconds: the load
    /// balancer's time to notice. Default 1,000 (`PACKTCHAT__LIFECYCLE__GRACE_MS`).
    pub grace_ms: u64,
    /// How long work in flight may take after that, in milliseconds. Default 10,000
    /// (`PACKTCHAT__LIFECYCLE__DEADLINE_MS`).
    pub deadline_ms: u64,
}

impl Default for LifecycleSettings {
    fn default() -> Self {
        Self {
            admin_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            grace_ms: 1_000,
            deadline_ms: 10_000,
        }
    }
}

/// What a service tells of itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetrySettings {
    /// The name of this process in logs. Default: the service, the host and the process id
    /// (`PACKTCHAT__TELEMETRY__NODE`).
    pub node: Option<String>,
    /// What to log, as directives of `tracing-subscriber`'s `EnvFilter`. Default `info,actix_http::h1::dispatcher=off`:
    /// that module takes what any stranger sends that is no HTTP for an error of ours (`PACKTCHAT__TELEMETRY__FILTER`).
    pub filter: String,
    /// Log records on standard output as JSON lines. Default false (`PACKTCHAT__TELEMETRY__JSON`).
    pub json: bool,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self {
            node: None,
            filter: "info,actix_http::h1::dispatcher=off".to_owned(),
            json: false,
        }
    }
}

impl TelemetrySettings {
    /// The name of this process, one of `service`: the one that was set, or the service, the host and the process id,
    /// of letters, digits, `-` and `_`.
    #[must_use]
    pub fn node_name(&self, service: &str) -> String {
        self.node
            .clone()
            // In a container, every process has the same id, and every container a host name of its own.
            .unwrap_or_else(|| format!("{service}-{}-{}", host(), std::process::id()))
    }
}

/// The first part of this host's name.
fn host() -> String {
    let uname = rustix::system::uname();
    let name = uname.nodename().to_string_lossy();
    let first = name.split('.').next().unwrap_or_default();
    let host: String = first
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect();
    if host.is_empty() {
        "host".to_owned()
    } else {
        host
    }
}

fn packtchat() -> String {
    "packtchat".to_owned()
}

fn two_seconds() -> u64 {
    2_000
}

fn five_seconds() -> u64 {
    5_000
}

fn one_hour() -> u64 {
    3_600
}

fn one_week() -> u64 {
    604_800
}

fn thirty_days() -> u64 {
    2_592_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_without_a_name_has_that_of_its_host_and_process() {
        let mut settings = TelemetrySettings::default();
        let name = settings.node_name("gateway");
        let process = format!("-{}", std::process::id());
        let host = name
            .strip_prefix("gateway-")
            .and_then(|name| name.strip_suffix(&process));
        let host = host.unwrap_or_else(|| panic!("{name}"));
        let named = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        assert!(
            !host.is_empty() && named.starts_with(host),
            "{name} on {named}"
        );
        settings.node = Some("gateway-7".to_owned());
        assert_eq!(settings.node_name("gateway"), "gateway-7");
    }

    fn redis(sentinels: &str) -> Result<RedisSettings, crate::Error> {
        #[derive(Deserialize)]
        struct Settings {
            redis: RedisSettings,
        }
        let variables = [
            ("PACKTCHAT__REDIS__URL", "redis://:secret@sentinels"),
            ("PACKTCHAT__REDIS__SENTINELS", sentinels),
        ];
        let variables = variables.map(|(key, value)| (key.to_owned(), value.to_owned()));
        crate::load_from::<Settings>(variables, None).map(|settings| settings.redis)
    }

    #[test]
    fn sentinels_have_a_host_and_a_port() {
        let at = |host: &str, port| HostPort {
            host: host.to_owned(),
            port,
        };
        let sentinels = redis("10.0.0.1:26379, redis-2.internal:26380,[fd00::1]:1")
            .unwrap()
            .sentinels;
        let three = [
            at("10.0.0.1", 26_379),
            at("redis-2.internal", 26_380),
            at("fd00::1", 1),
        ];
        assert_eq!(sentinels, three);
        assert_eq!(redis("").unwrap().sentinels, []);
        for wrong in ["10.0.0.1", ":26379", "host:0", "host:port"] {
            let said = redis(wrong).unwrap_err().to_string();
            assert!(
                said.contains("host:port") && said.contains("redis.sentinels"),
                "{said}"
            );
        }
    }
}

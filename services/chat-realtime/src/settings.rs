//! What an operator can set.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use models::Limits;
use serde::Deserialize;
use settings::{
    AmqpSettings, LifecycleSettings, RedisSettings, SessionSettings, TelemetrySettings,
    TrustedProxies,
};
use socketio::Cors;

use crate::origin::{AllowedOrigins, Origin};

/// The settings of a chat-realtime process.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where Redis is. Required.
    pub redis: RedisSettings,
    /// Where RabbitMQ is. Required.
    pub amqp: AmqpSettings,
    /// What signs sessions. Required, and the same as the gateway's.
    pub session: SessionSettings,
    /// Where sockets connect.
    #[serde(default)]
    pub http: HttpSettings,
    /// How sockets are kept.
    #[serde(default)]
    pub socket: SocketSettings,
    /// What people may send.
    #[serde(default)]
    pub limits: Limits,
    /// How the process is watched and stopped.
    #[serde(default)]
    pub lifecycle: LifecycleSettings,
    /// What the process tells of itself.
    #[serde(default)]
    pub telemetry: TelemetrySettings,
}

/// Where sockets connect.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// The address to listen at. Default `127.0.0.1:8081` (`PACKTCHAT__HTTP__LISTEN`).
    pub listen: SocketAddr,
    /// Worker threads. Default: one for each core (`PACKTCHAT__HTTP__WORKERS`).
    pub workers: Option<usize>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8_081)),
            workers: None,
        }
    }
}

/// How sockets are kept. What is not set has the default of [`socketio::Config`].
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SocketSettings {
    /// Time between heartbeats, in milliseconds. Default 25,000 (`PACKTCHAT__SOCKET__PING_INTERVAL_MS`).
    pub ping_interval_ms: u64,
    /// How long a client may take to answer a heartbeat, in milliseconds. Default 20,000
    /// (`PACKTCHAT__SOCKET__PING_TIMEOUT_MS`).
    pub ping_timeout_ms: u64,
    /// The largest thing a client may send, in bytes. Default 100,000 (`PACKTCHAT__SOCKET__MAX_PAYLOAD`).
    pub max_payload: usize,
    /// What may wait for a client that reads slowly, in bytes, before it is disconnected. Default 1 MiB
    /// (`PACKTCHAT__SOCKET__MAX_BUFFERED_BYTES`).
    pub max_buffered_bytes: usize,
    /// What one connection may send in a second, in messages of whatever kind; it is read no faster. 0 sets no
    /// limit. Default 500 (`PACKTCHAT__SOCKET__MAX_MESSAGES_PER_SECOND`).
    pub max_messages_per_second: u32,
    /// Connections this node may have; more are sent to other nodes. Default 50,000
    /// (`PACKTCHAT__SOCKET__MAX_CONNECTIONS`).
    pub max_connections: usize,
    /// Connections one address may have with this node; many people may share one. 0 sets no limit. Default 0
    /// (`PACKTCHAT__SOCKET__MAX_CONNECTIONS_PER_ADDRESS`).
    pub max_connections_per_address: usize,
    /// Connections one user may have with this node: tabs and devices. Default 1,000
    /// (`PACKTCHAT__SOCKET__MAX_CONNECTIONS_PER_USER`).
    pub max_connections_per_user: usize,
    /// The addresses of the load balancers, which tell the addresses of clients. Default `127.0.0.1` and `::1`
    /// (`PACKTCHAT__SOCKET__TRUSTED_PROXIES`, comma-separated).
    pub trusted_proxies: TrustedProxies,
    /// The origins beside its own whose pages may connect. Default none (`PACKTCHAT__SOCKET__ALLOWED_ORIGINS`,
    /// comma-separated, such as `https://www.example.org`).
    pub allowed_origins: AllowedOrigins,
    /// How often the session of each socket is asked for, in milliseconds. A session that is ended is heard of at once;
    /// this finds those that grew too old, and keeps those that are in use from ending. At least 100. Default 30,000
    /// (`PACKTCHAT__SOCKET__SESSION_CHECK_MS`).
    pub session_check_ms: u64,
}

impl Default for SocketSettings {
    fn default() -> Self {
        Self {
            ping_interval_ms: 25_000,
            ping_timeout_ms: 20_000,
            max_payload: 100_000,
            max_buffered_bytes: 1 << 20,
            max_messages_per_second: 500,
            max_connections: 50_000,
            max_connections_per_address: 0,
            max_connections_per_user: 1_000,
            trusted_proxies: TrustedProxies::default(),
            allowed_origins: AllowedOrigins::default(),
            session_check_ms: 30_000,
        }
    }
}

impl From<&SocketSettings> for socketio::Config {
    fn from(settings: &SocketSettings) -> Self {
        Self {
            ping_interval: Duration::from_millis(settings.ping_interval_ms),
            ping_timeout: Duration::from_millis(settings.ping_timeout_ms),
            max_payload: settings.max_payload,
            max_buffered_bytes: settings.max_buffered_bytes,
            max_messages_per_second: settings.max_messages_per_second,
            max_connections: settings.max_connections,
            max_connections_per_address: (settings.max_connections_per_address > 0)
                .then_some(settings.max_connections_per_address),
            trusted_proxies: settings.trusted_proxies.addresses().to_vec(),
            cors: settings.cors(),
            ..Self::default()
        }
    }
}

impl SocketSettings {
    /// Lets the pages that may connect read the answers when they poll; those of the site itself always may.
    fn cors(&self) -> Option<Cors> {
        let origins = self.allowed_origins.all();
        // No origins would stand for all.
        (!origins.is_empty()).then(|| Cors {
            origins: origins.iter().map(Origin::serialized).collect(),
            credentials: true,
        })
    }
}

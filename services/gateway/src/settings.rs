//! What an operator may set. The sections shared by several services are described in the crate `settings`.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use models::Limits;
use serde::Deserialize;
use settings::{
    AmqpSettings, LifecycleSettings, RedisSettings, SessionSettings, TelemetrySettings,
    TrustedProxies,
};
use url::Url;

use crate::{PublicUrl, RouteMap};

/// Everything the gateway is told at its start.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How to reach Redis. `PACKTCHAT__REDIS__URL` is required.
    pub redis: RedisSettings,
    /// How to reach RabbitMQ. `PACKTCHAT__AMQP__URL` is required.
    pub amqp: AmqpSettings,
    /// Sessions and their cookie. `PACKTCHAT__SESSION__SECRET` is required.
    pub session: SessionSettings,
    /// The built web client. `PACKTCHAT__STATIC__DIR` is required.
    #[serde(rename = "static")]
    pub static_files: StaticSettings,
    /// The listener for browsers.
    #[serde(default)]
    pub http: HttpSettings,
    /// Where the pages are.
    #[serde(default)]
    pub routes: RouteMap,
    /// How to ask `auth`.
    #[serde(default)]
    pub auth: AuthSettings,
    /// How often people may be wrong before they have to wait.
    #[serde(default)]
    pub throttle: ThrottleSettings,
    /// The bounds on what people may send.
    #[serde(default)]
    pub limits: Limits,
    /// The admin listener, and how to stop.
    #[serde(default)]
    pub lifecycle: LifecycleSettings,
    /// What to tell of itself.
    #[serde(default)]
    pub telemetry: TelemetrySettings,
}

/// The listener for browsers, and what it bears.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// Where to listen; port 0 takes any free one. Default `127.0.0.1:8000` (`PACKTCHAT__HTTP__LISTEN`).
    pub listen: SocketAddr,
    /// Threads that answer requests, 1 to 512. Default: one for each processor (`PACKTCHAT__HTTP__WORKERS`).
    pub workers: Option<usize>,
    /// How long an idle connection is kept open, in seconds. Default 15 (`PACKTCHAT__HTTP__KEEP_ALIVE_SECS`).
    pub keep_alive_secs: u64,
    /// How long a client may take to send the head of a request, and again for its body, in milliseconds; then it
    /// is answered 408. Default 10,000 (`PACKTCHAT__HTTP__REQUEST_TIMEOUT_MS`).
    pub request_timeout_ms: u64,
    /// Most connections of one worker; further ones wait to be accepted. Default 4,096
    /// (`PACKTCHAT__HTTP__MAX_CONNECTIONS`).
    pub max_connections: usize,
    /// Largest form, in bytes; a larger one is answered 413. Default 16,384 (`PACKTCHAT__HTTP__FORM_BYTES`).
    pub form_bytes: usize,
    /// Where browsers reach the site: `http` or `https`, host and port, nothing after it. `https` goes with
    /// `PACKTCHAT__SESSION__SECURE`. Default `http://localhost:8080` (`PACKTCHAT__HTTP__PUBLIC_URL`).
    pub public_url: PublicUrl,
    /// The addresses of the load balancers, which tell the addresses of clients. Default `127.0.0.1` and `::1`
    /// (`PACKTCHAT__HTTP__TRUSTED_PROXIES`, comma-separated).
    pub trusted_proxies: TrustedProxies,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)),
            workers: None,
            keep_alive_secs: 15,
            request_timeout_ms: 10_000,
            max_connections: 4_096,
            form_bytes: 16_384,
            public_url: PublicUrl::default(),
            trusted_proxies: TrustedProxies::default(),
        }
    }
}

/// The built web client: its scripts, styles and pictures.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaticSettings {
    /// Directory of the built web client, `services/gateway/web/dist` in a checkout. Required
    /// (`PACKTCHAT__STATIC__DIR`).
    pub dir: PathBuf,
    /// Where browsers load the files from, an `http` or `https` address such as a CDN's; `assets/…` is appended.
    /// Default: from the gateway itself (`PACKTCHAT__STATIC__URL`).
    #[serde(default)]
    pub url: Option<Url>,
}

impl StaticSettings {
    /// The files of this directory, loaded from the gateway itself.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            url: None,
        }
    }
}

/// How to ask `auth`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthSettings {
    /// How long a person waits for `auth` before reading "try again in a moment", in milliseconds. Default 5,000
    /// (`PACKTCHAT__AUTH__PATIENCE_MS`).
    pub patience_ms: u64,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self { patience_ms: 5_000 }
    }
}

/// How often people may be wrong before they have to wait, each time twice as long as the time before. A count is that
/// of all gateways. Setting it to 0 turns that limit off.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ThrottleSettings {
    /// The first wait, in seconds, at least 1. Default 1 (`PACKTCHAT__THROTTLE__FIRST_WAIT_SECS`).
    pub first_wait_secs: u64,
    /// Wrong passwords for one account from browsers it does not know. Default 10
    /// (`PACKTCHAT__THROTTLE__ACCOUNT_FAILURES`).
    pub account_failures: u32,
    /// Wrong passwords from one browser for an account that knows it. Default 10
    /// (`PACKTCHAT__THROTTLE__DEVICE_FAILURES`).
    pub device_failures: u32,
    /// After how long one wrong password for an account is forgotten, in seconds; also the longest wait. Default 600
    /// (`PACKTCHAT__THROTTLE__ACCOUNT_FORGET_SECS`).
    pub account_forget_secs: u64,
    /// Wrong passwords from one address, whatever the accounts; many people may share one. Default 50
    /// (`PACKTCHAT__THROTTLE__ADDRESS_FAILURES`).
    pub address_failures: u32,
    /// After how long one wrong password from an address is forgotten, in seconds; also the longest wait. Default 60
    /// (`PACKTCHAT__THROTTLE__ADDRESS_FORGET_SECS`).
    pub address_forget_secs: u64,
    /// Registrations from one address. Default 20 (`PACKTCHAT__THROTTLE__REGISTRATIONS`).
    pub registrations: u32,
    /// After how long one registration is forgotten, in seconds; also the longest wait. Default 300
    /// (`PACKTCHAT__THROTTLE__REGISTRATION_FORGET_SECS`).
    pub registration_forget_secs: u64,
    /// Steps of sign-ins with providers from one address: going there, and coming back. Default 100
    /// (`PACKTCHAT__THROTTLE__PROVIDER_SIGN_INS`).
    pub provider_sign_ins: u32,
    /// After how long one step is forgotten, in seconds; also the longest wait. Default 10
    /// (`PACKTCHAT__THROTTLE__PROVIDER_FORGET_SECS`).
    pub provider_forget_secs: u64,
    /// Changes of one account's display name. Default 5 (`PACKTCHAT__THROTTLE__NAMES`).
    pub names: u32,
    /// After how long one change is forgotten, in seconds; also the longest wait. Default 600
    /// (`PACKTCHAT__THROTTLE__NAME_FORGET_SECS`).
    pub name_forget_secs: u64,
    /// Visitors from one address for whom Redis keeps something before they sign in. Default 500
    /// (`PACKTCHAT__THROTTLE__VISITORS`).
    pub visitors: u32,
    /// After how long one visitor is forgotten, in seconds; also the longest wait. Default 2
    /// (`PACKTCHAT__THROTTLE__VISITOR_FORGET_SECS`).
    pub visitor_forget_secs: u64,
}

impl Default for ThrottleSettings {
    fn default() -> Self {
        Self {
            first_wait_secs: 1,
            account_failures: 10,
            device_failures: 10,
            account_forget_secs: 600,
            address_failures: 50,
            address_forget_secs: 60,
            registrations: 20,
            registration_forget_secs: 300,
            provider_sign_ins: 100,
            provider_forget_secs: 10,
            names: 5,
            name_forget_secs: 600,
            visitors: 500,
            visitor_forget_secs: 2,
        }
    }
}

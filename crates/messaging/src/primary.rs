//! Where the Redis is that takes writes.

use std::sync::Arc;

use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion,
    RedisConnectionInfo, RedisError,
    io::tcp::TcpSettings,
    sentinel::{Sentinel, SentinelNodeConnectionInfo},
};
use settings::RedisSettings;

use crate::InvalidUrl;

/// The primary: at the address of the settings, or wherever the Sentinels say at the moment. Cloning is cheap.
#[derive(Clone)]
pub(crate) enum Primary {
    At(Client),
    OfSentinels(Arc<Sentinels>),
}

/// The processes that watch over the primary and agree on another one when it dies.
pub(crate) struct Sentinels {
    addresses: Vec<ConnectionInfo>,
    /// What they call the primary.
    name: String,
    /// How to talk to the primary.
    node: SentinelNodeConnectionInfo,
}

impl Primary {
    pub(crate) fn new(settings: &RedisSettings) -> Result<Self, InvalidUrl> {
        let url = settings.url.expose();
        let info = url
            .into_connection_info()
            .map_err(|_| InvalidUrl::redis())?;
        // Version 3 of the protocol has subscribed connections answer other commands too, and tells when one closes.
        let protocol = info
            .redis_settings()
            .clone()
            .set_protocol(ProtocolVersion::RESP3);
        // What is asked while something else is under way must not wait for its answer.
        let tcp = TcpSettings::default().set_nodelay(true);
        if settings.sentinels.is_empty() {
            let info = info.set_redis_settings(protocol).set_tcp_settings(tcp);
            let client = Client::open(info).map_err(|_| InvalidUrl::redis())?;
            return Ok(Self::At(client));
        }
        let mut credentials = RedisConnectionInfo::default();
        if let Some(password) = &settings.sentinel_password {
            credentials = credentials.set_password(password.expose());
        }
        let addresses = settings.sentinels.iter().map(|sentinel| {
            let address = ConnectionAddr::Tcp(sentinel.host.clone(), sentinel.port);
            let info = address
                .into_connection_info()
                .map_err(|_| InvalidUrl::redis())?;
            Ok(info.set_redis_settings(credentials.clone()))
        });
        Ok(Self::OfSentinels(Arc::new(Sentinels {
            addresses: addresses.collect::<Result<_, _>>()?,
            name: settings.primary.clone(),
            node: SentinelNodeConnectionInfo::default()
                .set_redis_connection_info(protocol)
                .set_tcp_settings(tcp),
        })))
    }

    /// A client of the primary. Sentinels are asked anew each time, so that after a fail-over the next connection is one
    /// to the new primary.
    pub(crate) async fn client(&self) -> Result<Client, RedisError> {
        match self {
            Self::At(client) => Ok(client.clone()),
            Self::OfSentinels(sentinels) => {
                Sentinel::build(sentinels.addresses.clone())?
                    .async_master_for(&sentinels.name, Some(&sentinels.node))
                    .await
            }
        }
    }
}

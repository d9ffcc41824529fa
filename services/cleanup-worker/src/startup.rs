//! Builds the service from its settings.

use std::time::Duration;

use lifecycle::Lifecycle;
use messaging::{Amqp, Lease, Redis, Retention};
use models::redis_keys::CLEANUP_LEADER;
use tokio_util::sync::CancellationToken;

use crate::{
    leading,
    settings::{CleanupSettings, Settings},
};

/// The service, ready to run.
pub struct Application {
    lease: Lease,
    retention: Retention,
    settings: CleanupSettings,
    stop: CancellationToken,
}

/// Prepares to clean up.
///
/// # Errors
/// When a setting is out of bounds or the Redis URL is not one.
pub async fn build(
    settings: Settings,
    amqp: Amqp,
    lifecycle: &Lifecycle,
) -> anyhow::Result<Application> {
    settings.cleanup.check()?;
    let redis = Redis::connect(&settings.redis)?;
    let node = settings.telemetry.node_name("cleanup-worker");
    lifecycle.ready_when("redis", {
        let redis = redis.clone();
        move || {
            let redis = redis.clone();
            async move { redis.ping().await }
        }
    });
    lifecycle.ready_when("amqp", move || {
        let amqp = amqp.clone();
        async move { amqp.ping().await }
    });
    let lasts = Duration::from_millis(settings.cleanup.lease_ms);
    Ok(Application {
        lease: Lease::new(redis.clone(), CLEANUP_LEADER, &node, lasts),
        retention: Retention::new(redis),
        settings: settings.cleanup,
        stop: lifecycle.stop(),
    })
}

impl Application {
    /// Cleans up until told to stop.
    ///
    /// # Errors
    /// Never by itself; the signature is that of every service.
    pub async fn run(self) -> anyhow::Result<()> {
        // The commands to Redis make it a large future, which callers would otherwise carry on their stacks.
        Box::pin(leading::work(
            &self.lease,
            &self.retention,
            &self.settings,
            &self.stop,
        ))
        .await;
        Ok(())
    }
}

//! Which of the workers does the work, and when.

use std::{convert::Infallible, time::Duration};

use messaging::{Lease, Retention};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{cleaning::clean, settings::CleanupSettings};

/// Cleans up whenever it is time, as long as this worker holds the lease; waits for the lease otherwise. Ends, and
/// gives the lease back, when told to stop.
pub(crate) async fn work(
    lease: &Lease,
    retention: &Retention,
    settings: &CleanupSettings,
    stop: &CancellationToken,
) {
    loop {
        let turn = async {
            // Redis away is no lease, and the handle on Redis has said so.
            if lease.hold().await.unwrap_or(false) {
                tracing::info!("leading: this worker cleans up from now on");
                tokio::select! {
                    () = lease.keep() => tracing::warn!("no longer leading"),
                    never = clean_regularly(retention, settings, lease.rhythm()) => match never {},
                }
            }
            sleep(lease.rhythm()).await;
        };
        tokio::select! {
            () = turn => {}
            () = stop.cancelled() => break,
        }
    }
    // When Redis is away the lease expires by itself.
    let _ = lease.release().await;
}

async fn clean_regularly(
    retention: &Retention,
    settings: &CleanupSettings,
    retry: Duration,
) -> Infallible {
    sleep(start_delay(settings.interval)).await;
    loop {
        match clean(retention, settings.retention).await {
            Ok(_) => sleep(settings.interval).await,
            // Logged where it happened.
            Err(_) => sleep(retry).await,
        }
    }
}

/// A random time, at most five seconds and at most a tenth of the interval, so that services which all start at once
/// do not all ask Redis at once.
fn start_delay(interval: Duration) -> Duration {
    let most = (interval / 10).min(Duration::from_secs(5));
    // Without randomness there is merely no spread.
    let random = getrandom::u32().unwrap_or(0);
    most.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

use std::{future::Future, time::Duration};

use anyhow::{Context, bail};
use settings::LifecycleSettings;
use tokio::signal::unix::{SignalKind, signal};

use crate::{AdminServer, Lifecycle};

/// Does the work of a service until a signal ends it, politely: unready, grace period, stop, deadline.
///
/// # Errors
/// When the admin listener cannot start, the work ends by itself or with an error, or it does not end before the
/// deadline.
pub async fn run(
    settings: &LifecycleSettings,
    lifecycle: Lifecycle,
    work: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let admin = AdminServer::start(settings.admin_listen, &lifecycle)?;
    tracing::info!(admin_port = admin.port(), "started");

    let mut work = std::pin::pin!(work);
    let asked_to_stop = async {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    };
    tokio::select! {
        signal = asked_to_stop => tracing::info!(signal, "stopping"),
        result = &mut work => {
            result?;
            bail!("the work of the service ended by itself");
        }
    }

    lifecycle.begin_drain();
    let grace = Duration::from_millis(settings.grace_ms);
    // Work that ends during the grace period has nothing left to finish.
    if let Ok(result) = tokio::time::timeout(grace, &mut work).await {
        return result;
    }
    lifecycle.stop().cancel();
    let deadline = Duration::from_millis(settings.deadline_ms);
    let result = tokio::time::timeout(deadline, &mut work)
        .await
        .with_context(|| format!("work in flight did not end within {deadline:?}"))?;
    admin.stop().await;
    result?;
    tracing::info!("stopped");
    Ok(())
}

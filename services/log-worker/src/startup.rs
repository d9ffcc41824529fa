//! Builds the service from its settings.

use std::{fs, future::ready};

use anyhow::{Context, ensure};
use lifecycle::Lifecycle;
use messaging::{Amqp, LogQueue, consume_log};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    SERVICE, console::Console, disk_limits::DiskLimits, file_name, rolling_file::RollingFile,
    settings::Settings, sink::Sink,
};

/// Records of one queue in memory at most.
const PREFETCH: u16 = 100;

/// The service, ready to run.
pub struct Application {
    amqp: Amqp,
    sinks: [(LogQueue, Sink); 2],
    stop: CancellationToken,
}

/// Makes the directory of the files and prepares to fill it.
///
/// # Errors
/// When the directory cannot be made or written, or the name of the node does not fit into a file's name.
pub async fn build(
    settings: Settings,
    amqp: Amqp,
    lifecycle: &Lifecycle,
) -> anyhow::Result<Application> {
    let node = settings.telemetry.node_name(SERVICE);
    ensure!(
        file_name::is_node(&node),
        "PACKTCHAT__TELEMETRY__NODE is {node:?}, but a log-worker's must be of letters, digits, - and _"
    );
    let limits = DiskLimits {
        dir: settings.sink.dir,
        max_total_bytes: settings.sink.max_total_bytes,
        keep_days: settings.sink.keep_days,
    };
    let dir = limits.dir.display().to_string();
    fs::create_dir_all(&limits.dir)
        .with_context(|| format!("cannot make the directory {dir} (PACKTCHAT__SINK__DIR)"))?;
    let probe = limits.dir.join(format!(".{node}.probe"));
    fs::write(&probe, "")
        .and_then(|()| fs::remove_file(&probe))
        .with_context(|| format!("cannot write to the directory {dir} (PACKTCHAT__SINK__DIR)"))?;

    let file = |queue| RollingFile::new(queue, &node, settings.sink.max_file_bytes, limits.clone());
    let console = settings.sink.stdout.then(|| Console {
        json: settings.telemetry.json,
        own_node: node.clone(),
    });
    // An error is in both queues; once on standard output is enough.
    let all = Sink::new(file(LogQueue::All), console);
    let errors = Sink::new(file(LogQueue::Errors), None);
    for (name, health) in [("all", all.health()), ("errors", errors.health())] {
        lifecycle.ready_when(name, move || ready(health.check()));
    }
    lifecycle.ready_when("amqp", {
        let amqp = amqp.clone();
        move || {
            let amqp = amqp.clone();
            async move { amqp.ping().await }
        }
    });
    Ok(Application {
        amqp,
        sinks: [(LogQueue::All, all), (LogQueue::Errors, errors)],
        stop: lifecycle.stop(),
    })
}

impl Application {
    /// Writes records until told to stop, and then those it has begun.
    ///
    /// # Errors
    /// When a consumer panics.
    pub async fn run(self) -> anyhow::Result<()> {
        let mut consumers = JoinSet::new();
        for (queue, sink) in self.sinks {
            let (amqp, stop) = (self.amqp.clone(), self.stop.clone());
            // Tasks of their own, since writing blocks.
            consumers.spawn(async move { consume_log(&amqp, queue, PREFETCH, stop, sink).await });
        }
        while let Some(ended) = consumers.join_next().await {
            ended.context("a consumer of log records ended")?;
        }
        Ok(())
    }
}

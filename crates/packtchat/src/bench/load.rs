//! `packtchat bench load`

use std::time::Duration;

use anyhow::ensure;
use serde::Serialize;
use tokio::time::sleep;

use super::args::{Audience, Load};
use super::crowd::{Crowd, CrowdPlan, Stalled};
use super::memory::{Memory, resident};
use super::open_files;
use super::progress_line::ProgressLine;
use super::round::{Round, Rounds};
use super::schedule::Pace;
use super::target::Target;

/// What `load` reports.
#[derive(Debug, Serialize)]
pub(crate) struct LoadReport {
    pub(crate) workload: Workload,
    pub(crate) memory: Memory,
    pub(crate) round: Round,
    pub(crate) stalled: Stalled,
}

/// What was asked for.
#[derive(Debug, Serialize)]
pub(crate) struct Workload {
    pub(crate) nodes: usize,
    pub(crate) connections: usize,
    pub(crate) rooms: usize,
    pub(crate) senders: usize,
    pub(crate) bytes: usize,
    pub(crate) seconds: f64,
}

impl Workload {
    pub(crate) fn new(target: &Target, audience: &Audience, seconds: f64) -> Workload {
        Workload {
            nodes: target.nodes.len(),
            connections: audience.connections,
            rooms: audience.rooms,
            senders: audience.senders,
            bytes: audience.bytes,
            seconds,
        }
    }
}

/// The crowd of an audience, and which of it post.
///
/// # Errors
/// When the numbers do not go together, or are above the limit on open files.
pub(crate) fn gather(
    audience: &Audience,
    stalled: usize,
    parallel: usize,
    nodes: usize,
) -> anyhow::Result<(CrowdPlan, Vec<usize>)> {
    let Audience {
        connections,
        rooms,
        senders,
        ..
    } = *audience;
    ensure!(
        rooms <= senders,
        "each of {rooms} rooms needs a connection that posts: take more --senders or fewer --rooms"
    );
    ensure!(
        senders + stalled <= connections,
        "{senders} connections that post and {stalled} that never read are more than all {connections}: take more \
         --connections"
    );
    let plan = CrowdPlan {
        connections,
        rooms,
        room_prefix: audience.room_prefix.clone(),
        stalled,
        parallel,
    };
    let chosen = plan.senders(senders, nodes);
    ensure!(
        chosen.len() == senders,
        "a room has no connection that reads: take more connections or fewer rooms"
    );
    open_files::raise(connections + senders)?;
    Ok((plan, chosen))
}

/// Runs the workload.
///
/// # Errors
/// When it cannot be run; what the servers do wrong is in the report.
pub(crate) async fn run(load: &Load, progress: &ProgressLine) -> anyhow::Result<LoadReport> {
    let Load {
        target: ref args,
        ref audience,
        ..
    } = *load;
    let target = Target::new(args)?;
    let (plan, senders) = gather(audience, load.stalled, args.parallel, target.nodes.len())?;
    let before = resident(&args.processes)?;
    let mut crowd = Crowd::open(&target, &plan, progress).await?;
    sleep(Duration::from_secs_f64(audience.settle)).await;
    let memory = Memory::new(before, resident(&args.processes)?, audience.connections);
    let mut rounds = Rounds {
        audience,
        namespace: &target.namespace,
        senders,
        processes: &args.processes,
        progress,
        next: 1,
    };
    let pace = Pace {
        rate: load.rate,
        warmup: audience.warmup,
        seconds: load.seconds,
    };
    let round = rounds.measure(&crowd, pace).await?;
    let stalled = crowd.wake_stalled().await;
    crowd.close().await;
    Ok(LoadReport {
        workload: Workload::new(&target, audience, load.seconds),
        memory,
        round,
        stalled,
    })
}

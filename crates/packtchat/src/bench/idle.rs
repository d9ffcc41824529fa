//! `packtchat bench idle`

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::args::Idle;
use super::clock::{now_ns, wait_until};
use super::crowd::{Crowd, CrowdPlan};
use super::memory::{Memory, Resident, resident};
use super::open_files;
use super::progress_line::ProgressLine;
use super::target::Target;
use super::usage::{Clocks, Usage};

/// Between looks at how far it is.
const LOOK_NS: u64 = 500_000_000;

/// What `idle` reports.
#[derive(Debug, Serialize)]
pub(crate) struct IdleReport {
    pub(crate) nodes: usize,
    pub(crate) connections: usize,
    pub(crate) memory: Memory,
    /// Heartbeats answered while the connections were watched.
    pub(crate) heartbeats: u64,
    /// Processor time of the named processes per heartbeat, whatever else they did in that time;
    /// empty when none came.
    pub(crate) cpu_us_per_heartbeat: BTreeMap<String, f64>,
    /// Connections that ended without our closing them.
    pub(crate) closed_connections: u64,
    /// Processor time while the connections were watched.
    pub(crate) usage: Usage,
    pub(crate) rounds: Vec<ChurnRound>,
}

/// Memory after all connections of a round were closed.
#[derive(Debug, Serialize)]
pub(crate) struct ChurnRound {
    pub(crate) closed_kib: Resident,
    /// Growth since the end of the first round, in percent.
    pub(crate) growth_percent: BTreeMap<String, f64>,
}

/// Opens, waits, closes.
///
/// # Errors
/// When connections cannot be opened or a process to account for ends.
pub(crate) async fn run(idle: &Idle, progress: &ProgressLine) -> anyhow::Result<IdleReport> {
    let args = &idle.target;
    let target = Target::new(args)?;
    open_files::raise(idle.connections)?;
    let plan = CrowdPlan {
        connections: idle.connections,
        rooms: 0,
        room_prefix: String::new(),
        stalled: 0,
        parallel: args.parallel,
    };
    let before = resident(&args.processes)?;
    let crowd = Crowd::open(&target, &plan, progress).await?;
    settle(idle.settle, progress).await;
    let memory = Memory::new(before, resident(&args.processes)?, idle.connections);
    let clocks = Clocks::read(&args.processes)?;
    let heartbeats = crowd.shared.heartbeats.get();
    wait(idle.seconds, "watching", progress).await;
    let usage = Clocks::read(&args.processes)?.since(&clocks);
    let heartbeats = crowd.shared.heartbeats.get() - heartbeats;
    let mut closed_connections = crowd.shared.lost_connections();
    crowd.close().await;
    settle(idle.settle, progress).await;

    let mut rounds = vec![ChurnRound::new(resident(&args.processes)?, None)];
    for _ in 1..idle.rounds {
        let crowd = Crowd::open(&target, &plan, progress).await?;
        settle(idle.settle, progress).await;
        closed_connections += crowd.shared.lost_connections();
        crowd.close().await;
        settle(idle.settle, progress).await;
        let first = rounds.first().map(|round| &round.closed_kib);
        let round = ChurnRound::new(resident(&args.processes)?, first);
        rounds.push(round);
    }
    Ok(IdleReport {
        nodes: target.nodes.len(),
        connections: idle.connections,
        memory,
        heartbeats,
        cpu_us_per_heartbeat: match heartbeats {
            0 => BTreeMap::new(),
            _ => usage.microseconds_per(heartbeats),
        },
        closed_connections,
        usage,
        rounds,
    })
}

impl ChurnRound {
    fn new(closed_kib: Resident, first: Option<&Resident>) -> ChurnRound {
        let growth = |(name, kib): (&String, &u64)| {
            let first = first.and_then(|first| first.get(name)).unwrap_or(kib);
            let growth = 100.0 * (*kib as f64 / (*first).max(1) as f64 - 1.0);
            (name.clone(), growth)
        };
        ChurnRound {
            growth_percent: closed_kib.iter().map(growth).collect(),
            closed_kib,
        }
    }
}

async fn settle(seconds: f64, progress: &ProgressLine) {
    wait(seconds, "letting the servers settle", progress).await;
}

async fn wait(seconds: f64, what: &str, progress: &ProgressLine) {
    let end = now_ns() + Duration::from_secs_f64(seconds).as_nanos() as u64;
    while now_ns() < end {
        progress.show(|| format!("{what}, {:.0} s to go", (end - now_ns()) as f64 / 1e9));
        wait_until(end.min(now_ns() + LOOK_NS)).await;
    }
}

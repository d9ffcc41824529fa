//! `packtchat bench saturate`

use std::time::Duration;

use serde::Serialize;
use tokio::time::sleep;

use super::args::Saturate;
use super::crowd::Crowd;
use super::load::{Workload, gather};
use super::progress_line::ProgressLine;
use super::round::{Round, Rounds};
use super::schedule::Pace;
use super::search::{Outcome, Search, Steps};
use super::target::Target;

/// For the servers to get over a rate that was too high.
const RECOVERY: Duration = Duration::from_secs(2);

/// What `saturate` reports.
#[derive(Debug, Serialize)]
pub(crate) struct SaturateReport {
    pub(crate) workload: Workload,
    /// From the tightest limit to the widest.
    pub(crate) limits: Vec<Sustained>,
    /// All rates in the order they were tried.
    pub(crate) steps: Vec<Step>,
}

/// The highest rate that held under one limit.
#[derive(Debug, Serialize)]
pub(crate) struct Sustained {
    pub(crate) p99_limit_ms: f64,
    pub(crate) posts_per_second: f64,
    pub(crate) deliveries_per_second: f64,
    /// The lowest rate that failed, and why; none when the search ended before.
    pub(crate) failed_at: Option<f64>,
    pub(crate) failed_by: Option<String>,
    /// The generator was too busy when that rate failed: the servers may hold more.
    pub(crate) generator_was_the_limit: bool,
}

/// One rate that was tried.
#[derive(Debug, Serialize)]
pub(crate) struct Step {
    /// Why it holds under no limit, if so.
    pub(crate) overload: Option<String>,
    #[serde(flatten)]
    pub(crate) round: Round,
}

/// Runs the search.
///
/// # Errors
/// When the crowd cannot be gathered or a process to account for ends.
pub(crate) async fn run(
    saturate: &Saturate,
    progress: &ProgressLine,
) -> anyhow::Result<SaturateReport> {
    let (args, audience) = (&saturate.target, &saturate.audience);
    let target = Target::new(args)?;
    let (plan, senders) = gather(audience, 0, args.parallel, target.nodes.len())?;
    let mut rounds = Rounds {
        audience,
        namespace: &target.namespace,
        senders,
        processes: &args.processes,
        progress,
        next: 1,
    };
    let steps = Steps {
        from: saturate.rate_from,
        growth: saturate.growth,
        refine: saturate.refine,
        max: saturate.max_rate,
    };
    let mut search = Search::new(steps, &saturate.p99_ms);
    let mut steps = vec![];
    let mut crowd = Crowd::open(&target, &plan, progress).await?;
    sleep(Duration::from_secs_f64(audience.settle)).await;
    while let Some(rate) = search.rate() {
        let pace = Pace {
            rate,
            warmup: audience.warmup,
            seconds: saturate.seconds,
        };
        let round = rounds.measure(&crowd, pace).await?;
        let overload = round.overload();
        progress.keep(&step_line(&round, overload.as_deref()));
        let failed = overload.is_some();
        search.record(Outcome {
            overload: overload.clone(),
            p99_ms: round.latency_ms.p99,
            deliveries_per_second: round.deliveries.per_second,
        });
        steps.push(Step { overload, round });
        if failed {
            sleep(RECOVERY).await;
        }
        if crowd.shared.lost_connections() > 0 {
            crowd.close().await;
            crowd = Crowd::open(&target, &plan, progress).await?;
            sleep(Duration::from_secs_f64(audience.settle)).await;
        }
    }
    crowd.close().await;
    let limits = search.into_limits().into_iter().map(|limit| {
        let (posts_per_second, deliveries_per_second) = limit.held.unwrap_or_default();
        let (failed_at, failed_by) = limit.failed.unzip();
        let generator_was_the_limit = steps
            .iter()
            .any(|step| Some(step.round.rate) == failed_at && step.round.generator_was_the_limit);
        Sustained {
            p99_limit_ms: limit.p99_ms,
            posts_per_second,
            deliveries_per_second,
            failed_at,
            failed_by,
            generator_was_the_limit,
        }
    });
    Ok(SaturateReport {
        workload: Workload::new(&target, audience, saturate.seconds),
        limits: limits.collect(),
        steps,
    })
}

fn step_line(round: &Round, overload: Option<&str>) -> String {
    format!(
        "{:>9.1} posts/s {:>9.0} deliveries/s, p99 {:>7.1} ms {}",
        round.rate,
        round.deliveries.per_second,
        round.latency_ms.p99,
        overload.unwrap_or_default()
    )
}

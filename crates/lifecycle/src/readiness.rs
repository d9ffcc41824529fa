use std::{
    collections::BTreeMap,
    fmt::Display,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

/// Longest wait for one readiness check.
const CHECK_DEADLINE: Duration = Duration::from_secs(2);

type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Is this process ready, and should it stop? One handle for all of a service; cloning shares it.
#[derive(Clone, Default)]
pub struct Lifecycle {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    checks: Mutex<Vec<(&'static str, Check, Arc<AtomicBool>)>>,
    draining: AtomicBool,
    stop: CancellationToken,
}

/// What `/readyz` tells.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Report {
    /// Every check is well and the process is not stopping.
    pub ready: bool,
    /// Each check by name: `ok`, or what is wrong.
    pub checks: BTreeMap<&'static str, String>,
}

impl Report {
    /// Before the first round of checks has ended.
    pub(crate) fn unchecked() -> Self {
        Self {
            ready: false,
            checks: BTreeMap::from([("start", "not checked yet".to_owned())]),
        }
    }

    /// The same of a process that is stopping.
    pub(crate) fn draining(mut self) -> Self {
        self.ready = false;
        self.checks
            .insert("draining", "the process is stopping".to_owned());
        self
    }
}

impl Lifecycle {
    /// A process that is ready as long as nothing is asked of it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes readiness depend on this check, which may take two seconds; its error is for operators to read.
    pub fn ready_when<F, E>(
        &self,
        name: &'static str,
        check: impl Fn() -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Display,
    {
        let check: Check = Arc::new(move || {
            let answer = check();
            async move { answer.await.map_err(|error| error.to_string()) }.boxed()
        });
        let mut checks = self
            .shared
            .checks
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        checks.push((name, check, Arc::new(AtomicBool::new(true))));
    }

    /// Runs every check, side by side.
    pub async fn report(&self) -> Report {
        let checks = self
            .shared
            .checks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let results = join_all(checks.into_iter().map(|(name, check, well)| async move {
            let result = tokio::time::timeout(CHECK_DEADLINE, check())
                .map(|answer| answer.unwrap_or_else(|_| Err("no answer in time".to_owned())))
                .await;
            log_change(name, &result, &well);
            (name, result)
        }))
        .await;
        let ready = results.iter().all(|(_, result)| result.is_ok());
        let checks: BTreeMap<_, _> = results
            .into_iter()
            .map(|(name, result)| (name, result.err().unwrap_or_else(|| "ok".to_owned())))
            .collect();
        let report = Report { ready, checks };
        if self.is_draining() {
            report.draining()
        } else {
            report
        }
    }

    /// Says unready from now on, while work goes on.
    pub fn begin_drain(&self) {
        self.shared.draining.store(true, Ordering::Relaxed);
    }

    /// Has [`Lifecycle::begin_drain`] been called?
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.shared.draining.load(Ordering::Relaxed)
    }

    /// Cancelled when the process should take no more work and finish what it has.
    #[must_use]
    pub fn stop(&self) -> CancellationToken {
        self.shared.stop.clone()
    }
}

fn log_change(name: &'static str, result: &Result<(), String>, well: &AtomicBool) {
    match result {
        Ok(()) if !well.swap(true, Ordering::Relaxed) => {
            tracing::info!(check = name, "ready again");
        }
        Err(reason) if well.swap(false, Ordering::Relaxed) => {
            tracing::warn!(check = name, reason, "not ready");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    fn lifecycle_with(well: bool) -> Lifecycle {
        let lifecycle = Lifecycle::new();
        lifecycle.ready_when("always", || ready(Ok::<_, &str>(())));
        lifecycle.ready_when("sometimes", move || {
            ready(if well { Ok(()) } else { Err("it is away") })
        });
        lifecycle
    }

    #[tokio::test]
    async fn ready_means_every_check_is_well() {
        assert!(lifecycle_with(true).report().await.ready);
        let report = lifecycle_with(false).report().await;
        assert!(!report.ready);
        assert_eq!(report.checks["always"], "ok");
        assert_eq!(report.checks["sometimes"], "it is away");
    }

    #[tokio::test]
    async fn draining_is_not_ready() {
        let lifecycle = lifecycle_with(true);
        lifecycle.begin_drain();
        assert!(!lifecycle.report().await.ready);
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_without_an_answer_is_not_well() {
        let lifecycle = Lifecycle::new();
        lifecycle.ready_when("silent", std::future::pending::<Result<(), &str>>);
        assert_eq!(
            lifecycle.report().await.checks["silent"],
            "no answer in time"
        );
    }
}

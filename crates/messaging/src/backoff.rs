use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// The pauses between attempts to reconnect, up to 5 s.
pub(crate) fn pauses() -> impl Iterator<Item = Duration> + Send {
    pauses_up_to(Duration::from_secs(5))
}

/// The pauses between attempts to reconnect: from 100 ms, doubling to `longest`, with jitter so that a thousand
/// processes do not knock at once, without end.
pub(crate) fn pauses_up_to(longest: Duration) -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(longest)
        .with_jitter()
        .without_max_times()
        .build()
}

/// One connection's attempts: pauses that grow until [`Attempts::succeeded`], and a log line for the first failure
/// and for the success after it only.
pub(crate) struct Attempts {
    what: &'static str,
    pauses: Box<dyn Iterator<Item = Duration> + Send>,
    failing: bool,
}

impl Attempts {
    pub(crate) fn new(what: &'static str) -> Self {
        Self {
            what,
            pauses: Box::new(pauses()),
            failing: false,
        }
    }

    /// Waits before the next attempt.
    pub(crate) async fn failed(&mut self, reason: impl std::fmt::Display) {
        if !self.failing {
            tracing::warn!(connection = self.what, %reason, "connection lost, trying again until it is back");
        }
        self.failing = true;
        let pause = self.pauses.next().unwrap_or(Duration::from_secs(5));
        tokio::time::sleep(pause).await;
    }

    pub(crate) fn succeeded(&mut self) {
        if self.failing {
            tracing::info!(connection = self.what, "connection is back");
        }
        *self = Self::new(self.what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_never_end() {
        let pauses: Vec<_> = pauses().take(100).collect();
        assert_eq!(pauses.len(), 100);
        assert!(pauses[0] >= Duration::from_millis(100) && pauses[0] < Duration::from_millis(300));
        assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(10)));
        assert!(pauses[99] >= Duration::from_secs(5));
    }
}

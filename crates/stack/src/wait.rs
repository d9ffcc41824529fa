//! Waiting for conditions, never for times.

use std::fmt::Display;
use std::time::Duration;

use anyhow::anyhow;
use tokio::time::{Instant, sleep, timeout};

/// The pause between two looks at a condition.
const PAUSE: Duration = Duration::from_millis(20);

/// Calls `attempt` until it succeeds and returns its value.
///
/// # Errors
/// When `patience` is over: names `what` was waited for and how the last attempt failed.
pub async fn wait_until<T, E: Display, Attempt: Future<Output = Result<T, E>>>(
    patience: Duration,
    what: &str,
    mut attempt: impl FnMut() -> Attempt,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + patience;
    let mut last = String::from("no attempt came to an end");
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match timeout(left, attempt()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => last = error.to_string(),
            Err(_) => {}
        }
        if Instant::now() >= deadline {
            return Err(anyhow!("{what}: not within {patience:?}: {last}"));
        }
        sleep(PAUSE).await;
    }
}

/// For tests: waits until `condition` is true.
///
/// # Panics
/// When it is not true within `patience`; the message names `what` was expected.
pub async fn eventually(patience: Duration, what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + patience;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if let Ok(true) = timeout(left, condition()).await {
            return;
        }
        assert!(Instant::now() < deadline, "{what}: not within {patience:?}");
        sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn returns_as_soon_as_the_condition_holds() {
        let mut looks = 0;
        eventually(Duration::from_secs(5), "three looks", async || {
            looks += 1;
            looks == 3
        })
        .await;
        assert_eq!(looks, 3);
    }

    #[tokio::test]
    async fn an_attempt_that_hangs_ends_at_the_deadline() {
        let error = wait_until(Duration::from_millis(30), "the answer", async || {
            std::future::pending::<Result<(), String>>().await
        })
        .await
        .unwrap_err();
        assert!(error.to_string().contains("the answer"), "{error}");
    }

    #[tokio::test]
    async fn the_last_failure_is_told() {
        let error = wait_until(Duration::from_millis(30), "a server", async || {
            Err::<(), _>("connection refused")
        })
        .await
        .unwrap_err();
        assert!(error.to_string().contains("connection refused"), "{error}");
    }
}

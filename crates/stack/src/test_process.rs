//! A service's own executable, for integration tests.

use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Longest wait for the end of a process.
const PATIENCE: Duration = Duration::from_secs(20);

/// A process with piped outputs and nothing of this process's environment. Dropping it kills it.
#[derive(Debug)]
pub struct TestProcess(Child);

impl TestProcess {
    /// Starts `executable`, such as `env!("CARGO_BIN_EXE_auth")`, with these variables.
    ///
    /// # Errors
    /// When it cannot be spawned.
    pub fn start(executable: &str, variables: &[(&str, &str)]) -> anyhow::Result<TestProcess> {
        Command::new(executable)
            .env_clear()
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map(TestProcess)
            .with_context(|| format!("{executable} did not start"))
    }

    /// Asks the process to end, with SIGTERM; gives its outputs and how it ended.
    ///
    /// # Errors
    /// When it has ended before, or does not end within 20 seconds.
    pub async fn stop(self) -> anyhow::Result<Output> {
        let pid = self.0.id().context("it has ended before")?;
        let pid = Pid::from_raw(i32::try_from(pid)?).context("0 is no process id")?;
        kill_process(pid, Signal::TERM)?;
        self.ended().await
    }

    /// Waits until the process gives up by itself; tells all it said.
    ///
    /// # Errors
    /// When it ends as if all were well, or not within 20 seconds.
    pub async fn refusal(self) -> anyhow::Result<String> {
        let output = self.ended().await?;
        ensure!(!output.status.success(), "it ended well: {output:?}");
        let said = [output.stdout, output.stderr].concat();
        Ok(String::from_utf8_lossy(&said).into_owned())
    }

    async fn ended(self) -> anyhow::Result<Output> {
        let output = timeout(PATIENCE, self.0.wait_with_output())
            .await
            .with_context(|| format!("it did not end within {PATIENCE:?}"))?;
        Ok(output?)
    }
}

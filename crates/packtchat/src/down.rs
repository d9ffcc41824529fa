use std::{fs::File, path::PathBuf, time::Duration};

use anyhow::Context;
use clap::Args;
use rustix::process::{Pid, Signal, kill_process};
use stack::{State, wait_until};

use crate::progress::{Progress, say};

/// How long everything may take to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// Options of `packtchat down`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The folder `packtchat up` was given
    #[arg(long, default_value = ".packtchat")]
    dir: PathBuf,
}

/// Asks `up` to stop, and waits until nothing is left.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let Some(state) = State::read(&options.dir)? else {
        say(&format!(
            "PacktChat is not running in {}.",
            options.dir.display()
        ));
        return Ok(());
    };
    let progress = Progress::start();
    // The lock tells whether `up` still lives, whatever process has its pid by now.
    if held(options)? {
        let pid = i32::try_from(state.pid).ok().and_then(Pid::from_raw);
        let pid = pid.context("state.json names no process")?;
        kill_process(pid, Signal::TERM)
            .with_context(|| format!("cannot stop process {}", state.pid))?;
        wait_until(PATIENCE, "PacktChat stops", async || match held(options) {
            Ok(false) => Ok(()),
            Ok(true) => Err("it is still stopping".to_owned()),
            Err(error) => Err(error.to_string()),
        })
        .await?;
    } else {
        State::clean_up(&options.dir, PATIENCE).await?;
    }
    drop(progress);
    say("Stopped. Accounts and chats are kept.");
    Ok(())
}

fn held(options: &Options) -> anyhow::Result<bool> {
    let path = options.dir.join("lock");
    let file = File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
    Ok(file.try_lock().is_err())
}

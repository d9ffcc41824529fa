//! `packtchat down`

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use stack::{Lock, ORPHANS_PATIENCE, State, wait_until};

use crate::Down;
use crate::source_tree::SourceTree;

/// More than the slowest part of a stack takes to stop.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn run(arguments: Down) -> anyhow::Result<ExitCode> {
    let dir = match arguments.dir {
        Some(dir) => dir,
        None => SourceTree::find()?.data(),
    };
    match Lock::holder(&dir)? {
        Some(pid) => {
            stop(&dir, pid).await?;
            println!("PacktChat is stopped.");
        }
        None if State::read(&dir)?.is_some() => {
            State::clean_up(&dir, ORPHANS_PATIENCE).await?;
            println!("PacktChat was killed before; what was left of it is gone now.");
        }
        None => println!("PacktChat is not running in {}.", dir.display()),
    }
    Ok(ExitCode::SUCCESS)
}

async fn stop(dir: &Path, pid: u32) -> anyhow::Result<()> {
    let process = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .with_context(|| format!("{pid} is no process id"))?;
    kill_process(process, Signal::TERM)
        .with_context(|| format!("cannot stop PacktChat, process {pid}"))?;
    wait_until(PATIENCE, "PacktChat stops", async || {
        match Lock::holder(dir) {
            Ok(None) => Ok(()),
            Ok(Some(pid)) => Err(format!("process {pid} still runs it")),
            Err(error) => Err(error.to_string()),
        }
    })
    .await
}

//! `packtchat bench`: a load generator for Socket.IO servers that speak PacktChat's protocol.
//!
//! It shares the cores with what it measures, so it is made to be cheap: one thread reads all
//! connections, a delivery is recognized by a stamp in its text and never parsed, and a second
//! thread does nothing but post on time. `--pid` has the generator's own share reported beside the
//! servers'.

mod args;
mod clock;
mod connection;
mod crowd;
mod frame;
mod handshake;
mod idle;
mod load;
mod logins;
mod memory;
mod open_files;
mod packets;
mod poster;
mod procfs;
mod progress_line;
mod rank_test;
mod report;
mod round;
mod saturate;
mod schedule;
mod search;
mod sessions;
mod shared;
mod tally;
mod target;
mod usage;
mod visitor;

use std::process::ExitCode;

use anyhow::Context;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

pub(crate) use self::args::Bench;
use self::args::Mode;
use self::progress_line::ProgressLine;

/// Runs a measurement and publishes its report.
///
/// # Errors
/// When it cannot be run. What a server does wrong is no error but a failed status.
pub(crate) fn run(bench: Bench) -> anyhow::Result<ExitCode> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime")?;
    LocalSet::new().block_on(&runtime, measure(bench.mode))
}

async fn measure(mode: Mode) -> anyhow::Result<ExitCode> {
    let progress = ProgressLine::new();
    let is_right = match mode {
        Mode::Load(args) => {
            let report = load::run(&args, &progress).await;
            progress.clear();
            let report = report?;
            report::publish(&report, args.target.json.as_deref())?;
            report.round.is_right()
        }
        Mode::Saturate(args) => {
            let report = saturate::run(&args, &progress).await;
            progress.clear();
            report::publish(&report?, args.target.json.as_deref())?;
            true
        }
        Mode::Idle(args) => {
            let report = idle::run(&args, &progress).await;
            progress.clear();
            let report = report?;
            report::publish(&report, args.target.json.as_deref())?;
            report.closed_connections == 0
        }
        Mode::Logins(args) => {
            let report = logins::run(&args, &progress).await;
            progress.clear();
            report::publish(&report?, args.json.as_deref())?;
            true
        }
        Mode::Sessions(args) => {
            sessions::run(args.count).await?;
            true
        }
    };
    Ok(match is_right {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

#![doc = include_str!("../README.md")]
#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "talking to the person at the terminal is this program's work"
)]

mod down;
mod prepare;
mod progress;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Runs PacktChat on this machine.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start everything, and stop it with Ctrl-C
    Up(up::Options),
    /// Stop what `up` started
    Down(down::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Up(options) => up::run(options).await,
        Command::Down(options) => down::run(&options).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("packtchat: {error:#}");
            ExitCode::FAILURE
        }
    }
}

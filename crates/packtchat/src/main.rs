#![doc = include_str!("../README.md")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command talks to people on its terminal"
)]

mod accounts;
mod bench;
mod build;
mod down;
mod haproxy;
mod haproxy_config;
mod prerequisites;
mod probe;
mod progress;
mod shutdown;
mod source_tree;
mod up;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand, ValueEnum};

/// Starts, stops and measures PacktChat on this machine, looks after its accounts, and helps to deploy it.
#[derive(Parser)]
#[command(name = "packtchat", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Up(Up),
    Down(Down),
    Accounts(accounts::Accounts),
    Bench(Box<bench::Bench>),
    Haproxy(haproxy::Haproxy),
    HaproxyConfig(haproxy_config::HaproxyConfig),
    Probe(probe::Probe),
}

/// Builds what changed, starts the whole chat, and keeps it running until Ctrl-C
///
/// Installs redis-server, rabbitmq-server and haproxy where they are missing (Debian and Ubuntu). The servers listen
/// on free loopback ports of their own; those that the machine already runs are not touched.
#[derive(Parser)]
struct Up {
    /// How many gateways, auths and chat-realtimes each
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=32))]
    nodes: u8,
    /// The port on localhost that browsers connect to; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,
    /// Where data, logs and secrets are kept [default: .packtchat in the source tree]
    #[arg(long, value_name = "DIRECTORY")]
    dir: Option<PathBuf>,
    /// Take the services and the web client as they were built last
    #[arg(long)]
    skip_build: bool,
    /// How the services are built
    #[arg(long, value_enum, default_value_t = Profile::Release)]
    profile: Profile,
}

/// Stops a chat that `packtchat up` started
#[derive(Parser)]
struct Down {
    /// The directory `packtchat up` was given [default: .packtchat in the source tree]
    #[arg(long, value_name = "DIRECTORY")]
    dir: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Profile {
    /// Fast to run, slow to build
    Release,
    /// Fast to build
    Dev,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Up(arguments) => block_on(up::run(arguments)),
        Command::Down(arguments) => block_on(down::run(arguments)),
        Command::Accounts(arguments) => block_on(accounts::run(arguments)),
        // Brings a runtime of its own.
        Command::Bench(arguments) => bench::run(*arguments),
        Command::Haproxy(arguments) => block_on(haproxy::run(arguments)),
        Command::HaproxyConfig(_) => haproxy_config::run(),
        Command::Probe(arguments) => block_on(probe::run(arguments)),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("packtchat: {error:#}");
        ExitCode::FAILURE
    })
}

fn block_on(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    tokio::runtime::Runtime::new()
        .context("cannot start threads")?
        .block_on(command)
}

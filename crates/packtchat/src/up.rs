use std::{
    path::{Path, PathBuf, absolute},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use stack::{Durability, Event, Observer, Stack, StackConfig};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    prepare,
    progress::{Progress, say},
};

/// Options of `packtchat up`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// How many gateways, auths and chat-realtimes to start of each
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=16))]
    nodes: u16,
    /// The port to open in the browser; 0 takes any free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Where data, logs and secrets are kept
    #[arg(long, default_value = ".packtchat")]
    dir: PathBuf,
    /// Start what is built already, install and build nothing
    #[arg(long)]
    skip_build: bool,
    /// How to build the services
    #[arg(long, value_enum, default_value_t = Profile::Release)]
    profile: Profile,
}

/// A cargo profile.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Profile {
    /// Fast to run
    Release,
    /// Fast to build
    Dev,
}

impl Profile {
    fn bin_dir(self) -> &'static Path {
        Path::new(match self {
            Self::Release => "target/release",
            Self::Dev => "target/debug",
        })
    }
}

/// Starts everything, waits for a signal, stops everything.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    prepare::check_folder()?;
    if !options.skip_build {
        prepare::install()?;
        prepare::build_services(options.profile)?;
        prepare::build_web()?;
    }
    ensure!(
        prepare::static_dir().join(".vite/manifest.json").is_file(),
        "The web client is not built. Leave out --skip-build once"
    );
    let config = StackConfig {
        dir: absolute(&options.dir).context("there is no working directory")?,
        nodes: usize::from(options.nodes),
        port: options.port,
        bin_dir: absolute(options.profile.bin_dir())?,
        static_dir: absolute(prepare::static_dir())?,
        durability: Durability::EverySecond,
        settings: Vec::new(),
    };

    let mut signals = Signals::new()?;
    say("Starting PacktChat");
    let progress = Progress::start();
    let started = |name: &str, time: Duration| {
        say(&format!("  {name} is ready ({:.1} s)", time.as_secs_f64()));
    };
    let stack = tokio::select! {
        stack = Stack::start(config, started, observer()) => stack?,
        // What was started ends with it.
        () = signals.asked_to_stop() => {
            say("Stopped before it was ready.");
            return Ok(());
        }
    };
    drop(progress);
    say(&format!(
        "\nPacktChat is running: {}\nLogs are in {}. Ctrl-C stops it; so does scripts/down.",
        stack.state().url,
        options.dir.join("logs").display(),
    ));

    signals.asked_to_stop().await;
    say("Stopping: what is under way is finished first. Ctrl-C again ends it at once.");
    let progress = Progress::start();
    tokio::select! {
        () = stack.stop() => {}
        () = signals.asked_to_stop() => {}
    }
    drop(progress);
    say("Stopped. Accounts and chats are kept.");
    Ok(())
}

fn observer() -> Observer {
    Arc::new(|event| match event {
        Event::Ended {
            name,
            how,
            log,
            pause,
        } => {
            say(&format!(
                "{name} ended ({how}); starting it again in {:.1} s",
                pause.as_secs_f64()
            ));
            if !log.is_empty() {
                say(&format!("{}\n", log.trim_end()));
            }
        }
        Event::Recovered { name } => say(&format!("{name} is ready again")),
    })
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?,
        })
    }

    async fn asked_to_stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

use std::{
    io::{IsTerminal, Write, stdout},
    time::Duration,
};

use tokio::{
    task::JoinHandle,
    time::{Instant, interval_at},
};

/// How often somebody who waits is told that it goes on.
const ON_TERMINAL: Duration = Duration::from_secs(1);
const IN_LOG: Duration = Duration::from_secs(5);

/// Says how long a step has taken, until dropped.
pub(crate) struct Progress(JoinHandle<()>);

impl Progress {
    pub(crate) fn start() -> Self {
        let terminal = stdout().is_terminal();
        let every = if terminal { ON_TERMINAL } else { IN_LOG };
        let begun = Instant::now();
        Self(tokio::spawn(async move {
            let mut ticks = interval_at(begun + every, every);
            loop {
                ticks.tick().await;
                let seconds = begun.elapsed().as_secs();
                if terminal {
                    print!("\r  … {seconds} s ");
                    let _ = stdout().flush();
                } else {
                    println!("  … {seconds} s");
                }
            }
        }))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A line of its own, over whatever the progress has written.
pub(crate) fn say(line: &str) {
    if stdout().is_terminal() {
        println!("\r\x1b[K{line}");
    } else {
        println!("{line}");
    }
}

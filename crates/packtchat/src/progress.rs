//! What the person at the terminal sees while things start.

use std::io::{IsTerminal, Write, stdout};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, interval};

/// Lines of progress. On a terminal the step under way is shown with its seconds below them;
/// elsewhere only what is done is printed. Cloning it is cheap, and all clones write to the same
/// place.
#[derive(Clone)]
pub(crate) struct Progress {
    shown: Arc<Mutex<Shown>>,
    terminal: bool,
}

struct Shown {
    step: Option<(String, Instant)>,
}

impl Progress {
    pub(crate) fn new() -> Progress {
        let progress = Progress {
            shown: Arc::new(Mutex::new(Shown { step: None })),
            terminal: stdout().is_terminal(),
        };
        if progress.terminal {
            tokio::spawn(progress.clone().tick());
        }
        progress
    }

    /// Shows that a step is under way. It ends with the next line or step.
    pub(crate) fn step(&self, what: &str) {
        let mut shown = self.lock();
        shown.step = Some((what.to_owned(), Instant::now()));
        self.draw(&shown);
    }

    /// Shows no step any more.
    pub(crate) fn rest(&self) {
        let mut shown = self.lock();
        self.erase();
        shown.step = None;
    }

    /// Prints that something is done, and how long it took.
    pub(crate) fn done(&self, what: &str, took: Duration) {
        let mark = if self.terminal {
            "\x1b[32m✔\x1b[0m"
        } else {
            "✔"
        };
        self.line(&format!("{mark} {what:<20} {:>5.1} s", took.as_secs_f64()));
    }

    /// Prints a line.
    pub(crate) fn line(&self, text: &str) {
        let shown = self.lock();
        self.erase();
        write(&format!("{text}\n"));
        self.draw(&shown);
    }

    async fn tick(self) {
        let mut ticks = interval(Duration::from_millis(200));
        loop {
            ticks.tick().await;
            let shown = self.lock();
            self.draw(&shown);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn erase(&self) {
        if self.terminal {
            write("\r\x1b[K");
        }
    }

    fn draw(&self, shown: &Shown) {
        if let (true, Some((what, since))) = (self.terminal, &shown.step) {
            let seconds = since.elapsed().as_secs();
            write(&format!("\r\x1b[K… {what} {seconds} s"));
        }
    }
}

/// Nobody reads when the terminal is gone; what runs is stopped in order all the same.
fn write(text: &str) {
    let mut output = stdout();
    let _ = output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush());
}

//! What the person at the terminal sees while a run goes on.

use std::cell::Cell;
use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// Drawing costs processor time that the measurement should have.
const PAUSE: Duration = Duration::from_millis(200);

/// One line on standard error, drawn over and over; nothing where that is no terminal.
pub(crate) struct ProgressLine {
    terminal: bool,
    drawn: Cell<Option<Instant>>,
}

impl ProgressLine {
    pub(crate) fn new() -> ProgressLine {
        ProgressLine {
            terminal: stderr().is_terminal(),
            drawn: Cell::new(None),
        }
    }

    /// Shows this, unless something was shown a moment ago.
    pub(crate) fn show(&self, text: impl FnOnce() -> String) {
        let recent = |drawn: Instant| drawn.elapsed() < PAUSE;
        if self.terminal && !self.drawn.get().is_some_and(recent) {
            self.drawn.set(Some(Instant::now()));
            write(&format!("\r\x1b[K{}", text()));
        }
    }

    /// Leaves this above the line.
    pub(crate) fn keep(&self, text: &str) {
        if self.terminal {
            write(&format!("\r\x1b[K{text}\n"));
        }
    }

    /// Shows nothing any more.
    pub(crate) fn clear(&self) {
        if self.terminal && self.drawn.take().is_some() {
            write("\r\x1b[K");
        }
    }
}

/// Nobody reads when the terminal is gone; the run goes on all the same.
fn write(text: &str) {
    let mut output = stderr();
    let _ = output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush());
}

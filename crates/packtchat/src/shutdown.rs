//! The wish to stop, by signal.

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ctrl-C, SIGTERM and the end of the terminal.
pub(crate) struct Shutdown([Signal; 3]);

impl Shutdown {
    pub(crate) fn listen() -> anyhow::Result<Shutdown> {
        let listen = |kind| signal(kind).context("cannot listen to signals");
        Ok(Shutdown([
            listen(SignalKind::interrupt())?,
            listen(SignalKind::terminate())?,
            listen(SignalKind::hangup())?,
        ]))
    }

    /// Waits for the next wish.
    pub(crate) async fn wished(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

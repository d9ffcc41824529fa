//! The limit on open files: each connection is one.

use anyhow::ensure;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is open beside connections: standard streams, the runtime's, senders' second handles.
const RESERVE: u64 = 64;

/// Raises the limit as far as it goes and looks whether it suffices for so many sockets.
///
/// # Errors
/// When it does not.
pub(crate) fn raise(sockets: usize) -> anyhow::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised)?;
    let needed = sockets as u64 + RESERVE;
    // No maximum means no limit.
    let allowed = limit.maximum.unwrap_or(u64::MAX);
    ensure!(
        needed <= allowed,
        "{sockets} sockets need {needed} open files and the limit is {allowed}: raise it (ulimit -Hn) or take fewer \
         connections"
    );
    Ok(())
}

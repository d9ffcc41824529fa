//! The kernel's clocks, as nanoseconds.

use std::time::Duration;

use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec, clock_gettime};

const NS_PER_S: u64 = 1_000_000_000;

/// Nanoseconds since the machine started. Readings of different threads can be compared.
pub(crate) fn now_ns() -> u64 {
    read(ClockId::Monotonic)
}

/// The processor time this thread has used.
pub(crate) fn thread_cpu_ns() -> u64 {
    read(ClockId::ThreadCPUTime)
}

/// The processor time this process has used.
pub(crate) fn process_cpu_ns() -> u64 {
    read(ClockId::ProcessCPUTime)
}

/// Waits, off the thread, until [`now_ns`] has reached `at_ns`.
pub(crate) async fn wait_until(at_ns: u64) {
    let left = at_ns.saturating_sub(now_ns());
    tokio::time::sleep(Duration::from_nanos(left)).await;
}

/// Blocks this thread until [`now_ns`] has reached `at_ns`; only for threads that do nothing else.
pub(crate) fn block_until(at_ns: u64) {
    let at = Timespec {
        tv_sec: (at_ns / NS_PER_S).cast_signed(),
        tv_nsec: (at_ns % NS_PER_S).cast_signed(),
    };
    // A signal ends the sleep early.
    while now_ns() < at_ns {
        let _ = clock_nanosleep_absolute(ClockId::Monotonic, &at);
    }
}

/// Seconds between two readings; 0 when the second is the earlier.
pub(crate) fn seconds_between(from_ns: u64, to_ns: u64) -> f64 {
    to_ns.saturating_sub(from_ns) as f64 / 1e9
}

fn read(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    time.tv_sec.cast_unsigned() * NS_PER_S + time.tv_nsec.cast_unsigned()
}

//! Processor time over a stretch of a run.

use std::collections::BTreeMap;

use serde::Serialize;

use super::clock::{now_ns, process_cpu_ns, seconds_between, thread_cpu_ns};
use super::procfs::{Machine, Process, machine};

/// Clocks read together, to be subtracted from a later reading.
pub(crate) struct Clocks {
    at_ns: u64,
    processes: Vec<(String, f64)>,
    own_ns: u64,
    thread_ns: u64,
    machine: Machine,
}

/// What was used between two readings.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Usage {
    /// Length of the stretch.
    pub(crate) seconds: f64,
    /// Processor seconds of the named processes.
    pub(crate) cpu_seconds: BTreeMap<String, f64>,
    /// Processor seconds of this load generator.
    pub(crate) generator_cpu_seconds: f64,
    /// Share of the time in which the generator's reading thread was at work. Close to 1, it is
    /// the generator that is measured.
    pub(crate) generator_busy: f64,
    /// Cores that neither the named processes nor the generator used: noise.
    pub(crate) other_cores: f64,
    /// Cores the hypervisor kept for others: noise.
    pub(crate) stolen_cores: f64,
}

impl Clocks {
    /// Reads them. On the thread whose work `generator_busy` is to tell.
    ///
    /// # Errors
    /// When a process has ended.
    pub(crate) fn read(processes: &[Process]) -> anyhow::Result<Clocks> {
        let cpu = |process: &Process| Ok((process.name.clone(), process.cpu_seconds()?));
        Ok(Clocks {
            at_ns: now_ns(),
            processes: processes.iter().map(cpu).collect::<anyhow::Result<_>>()?,
            own_ns: process_cpu_ns(),
            thread_ns: thread_cpu_ns(),
            machine: machine()?,
        })
    }

    /// What was used since `earlier`.
    pub(crate) fn since(&self, earlier: &Clocks) -> Usage {
        let seconds = seconds_between(earlier.at_ns, self.at_ns);
        let mut cpu_seconds = BTreeMap::new();
        for ((name, end), (_, begin)) in self.processes.iter().zip(&earlier.processes) {
            *cpu_seconds.entry(name.clone()).or_default() += end - begin;
        }
        let own = seconds_between(earlier.own_ns, self.own_ns);
        let known = own + cpu_seconds.values().sum::<f64>();
        let busy = self.machine.busy - earlier.machine.busy;
        Usage {
            seconds,
            cpu_seconds,
            generator_cpu_seconds: own,
            generator_busy: seconds_between(earlier.thread_ns, self.thread_ns) / seconds,
            other_cores: (busy - known).max(0.0) / seconds,
            stolen_cores: (self.machine.stolen - earlier.machine.stolen) / seconds,
        }
    }
}

impl Usage {
    /// Above this the generator itself may be what limits the numbers.
    const TOO_BUSY: f64 = 0.9;

    /// Whether the generator was at its limit.
    pub(crate) fn generator_was_the_limit(&self) -> bool {
        self.generator_busy > Self::TOO_BUSY
    }

    /// Microseconds of each named process per `count` of something.
    pub(crate) fn microseconds_per(&self, count: u64) -> BTreeMap<String, f64> {
        let each = |(name, seconds): (&String, &f64)| (name.clone(), per(*seconds, count));
        self.cpu_seconds.iter().map(each).collect()
    }

    /// Microseconds of the generator per `count` of something.
    pub(crate) fn generator_microseconds_per(&self, count: u64) -> f64 {
        per(self.generator_cpu_seconds, count)
    }
}

fn per(seconds: f64, count: u64) -> f64 {
    seconds * 1e6 / count.max(1) as f64
}

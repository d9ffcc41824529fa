//! What the kernel says of processes and of the machine.

use std::fs;
use std::str::FromStr;

use anyhow::Context;
use rustix::param::clock_ticks_per_second;

/// A process to account for, written `NAME=PID`. Several with one name are added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    /// What the report calls it.
    pub(crate) name: String,
    pid: u32,
}

impl FromStr for Process {
    type Err = String;

    fn from_str(text: &str) -> Result<Process, String> {
        let (name, pid) = text.split_once('=').ok_or("write it NAME=PID")?;
        let pid = pid.parse().map_err(|_| format!("{pid} is no process id"))?;
        Ok(Process {
            name: name.to_owned(),
            pid,
        })
    }
}

impl Process {
    /// Seconds of processor time it has used, in user and kernel mode, its ended threads included.
    ///
    /// # Errors
    /// When the process has ended.
    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        let stat = self.read("stat")?;
        cpu_ticks(&stat)
            .map(|ticks| ticks as f64 / ticks_per_second())
            .with_context(|| format!("/proc/{}/stat has another form than it should", self.pid))
    }

    /// KiB of memory it has resident. Exact, unlike the running counters of `/proc/PID/status`.
    ///
    /// # Errors
    /// When the process has ended or belongs to somebody else.
    pub(crate) fn resident_kib(&self) -> anyhow::Result<u64> {
        let rollup = self.read("smaps_rollup")?;
        resident(&rollup).with_context(|| format!("/proc/{}/smaps_rollup names no Rss", self.pid))
    }

    fn read(&self, file: &str) -> anyhow::Result<String> {
        let Process { name, pid } = self;
        fs::read_to_string(format!("/proc/{pid}/{file}")).with_context(|| {
            format!("cannot look at the process {name}, id {pid}: has it ended, or is it another user's?")
        })
    }
}

/// Seconds that the cores of the machine have spent, added up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Machine {
    /// At work, for whomever.
    pub(crate) busy: f64,
    /// Ready to work while the hypervisor ran something else.
    pub(crate) stolen: f64,
}

/// Seconds the machine's cores have spent since it started.
///
/// # Errors
/// When `/proc` is not there.
pub(crate) fn machine() -> anyhow::Result<Machine> {
    let stat = fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?;
    let [busy, stolen] = machine_ticks(&stat);
    Ok(Machine {
        busy: busy as f64 / ticks_per_second(),
        stolen: stolen as f64 / ticks_per_second(),
    })
}

fn ticks_per_second() -> f64 {
    clock_ticks_per_second() as f64
}

/// `utime` and `stime`, fields 14 and 15 of `/proc/PID/stat`. The name in field 2 may hold spaces
/// and brackets.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

fn resident(rollup: &str) -> Option<u64> {
    let rest = rollup.lines().find_map(|line| line.strip_prefix("Rss:"))?;
    rest.trim().strip_suffix(" kB")?.parse().ok()
}

/// Busy and stolen, from the line of all cores: user nice system idle iowait irq softirq steal.
fn machine_ticks(stat: &str) -> [u64; 2] {
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<u64> = line
        .split_ascii_whitespace()
        .skip(1)
        .map(|field| field.parse().unwrap_or(0))
        .collect();
    let sum = |fields: &[usize]| fields.iter().filter_map(|field| ticks.get(*field)).sum();
    [sum(&[0, 1, 2, 5, 6]), sum(&[7])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_any_name() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 1 0 0 0 700 31 0 0 20 0 4 0 1 2 3";
        assert_eq!(cpu_ticks(stat), Some(731));
    }

    #[test]
    fn memory_and_the_machine_s_time_are_read() {
        let rollup = "5600-7ff [rollup]\nRss:               11796 kB\nPss: 1 kB\n";
        assert_eq!(resident(rollup), Some(11_796));
        let stat = "cpu  10 2 30 400 5 6 7 8 9 9\ncpu0 1 1 1 1 1 1 1 1\n";
        assert_eq!(machine_ticks(stat), [55, 8]);
    }

    #[test]
    fn this_process_uses_time_and_memory() {
        let this: Process = format!("test={}", std::process::id()).parse().unwrap();
        assert!(this.resident_kib().unwrap() > 1000);
        assert!(this.cpu_seconds().unwrap() < machine().unwrap().busy);
    }

    #[test]
    fn what_names_no_process_is_refused_in_words() {
        assert!("server".parse::<Process>().is_err());
        assert!("server=x".parse::<Process>().is_err());
        // Above the largest id Linux gives.
        let nobody: Process = "server=4194305".parse().unwrap();
        let words = format!("{:#}", nobody.cpu_seconds().unwrap_err());
        assert!(words.contains("server, id 4194305"), "{words}");
    }
}

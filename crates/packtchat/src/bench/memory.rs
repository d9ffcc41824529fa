//! Resident memory of the named processes.

use std::collections::BTreeMap;

use serde::Serialize;

use super::procfs::Process;

/// KiB by name of the process.
pub(crate) type Resident = BTreeMap<String, u64>;

/// What the processes have resident now.
///
/// # Errors
/// When one has ended or belongs to somebody else.
pub(crate) fn resident(processes: &[Process]) -> anyhow::Result<Resident> {
    let mut sums = Resident::new();
    for process in processes {
        *sums.entry(process.name.clone()).or_default() += process.resident_kib()?;
    }
    Ok(sums)
}

/// Memory before and after the connections came.
#[derive(Debug, Serialize)]
pub(crate) struct Memory {
    pub(crate) before_kib: Resident,
    pub(crate) open_kib: Resident,
    pub(crate) kib_per_connection: BTreeMap<String, f64>,
}

impl Memory {
    /// The growth from before to after, shared by so many connections.
    pub(crate) fn new(before_kib: Resident, open_kib: Resident, connections: usize) -> Memory {
        let growth = |(name, open): (&String, &u64)| {
            let before = before_kib.get(name).copied().unwrap_or(0);
            (
                name.clone(),
                (*open as f64 - before as f64) / connections as f64,
            )
        };
        Memory {
            kib_per_connection: open_kib.iter().map(growth).collect(),
            before_kib,
            open_kib,
        }
    }
}

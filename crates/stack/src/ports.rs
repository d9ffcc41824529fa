//! Free loopback ports.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, bail};

/// Where ports are taken from: above the standard ports of servers and below the range the
/// kernel gives to outgoing connections (32768 and up), so that no client can grab a port in the
/// moment between its choice and the server's start.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// The ports this process has handed out; none is handed out twice.
static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);

/// A loopback port nobody listens on.
///
/// The choice is random, so that processes that choose at the same time rarely meet.
///
/// # Errors
/// When a thousand tries found none, or the system has no random numbers.
pub fn free_port() -> anyhow::Result<u16> {
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let given = given.get_or_insert_default();
    for _ in 0..1000 {
        let random = getrandom::u32().context("no random number for a port")?;
        let span = u32::from(RANGE.end - RANGE.start);
        let port = RANGE.start + u16::try_from(random % span)?;
        if is_free(port) && given.insert(port) {
            return Ok(port);
        }
    }
    bail!(
        "no free port was found between {} and {}",
        RANGE.start,
        RANGE.end
    )
}

/// `wanted`, or a free port where it is 0.
///
/// # Errors
/// When nobody may listen on the wanted port: it is in use, or one below 1024 and this process
/// may not.
pub fn usable_port(wanted: u16) -> anyhow::Result<u16> {
    if wanted == 0 {
        return free_port();
    }
    match TcpListener::bind((Ipv4Addr::LOCALHOST, wanted)) {
        Ok(_) => Ok(wanted),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            bail!("port {wanted} is in use: stop what listens there, or choose another port")
        }
        Err(error) => Err(error).with_context(|| format!("cannot listen on port {wanted}")),
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_handed_out_twice() {
        let ports: HashSet<u16> = (0..200).map(|_| free_port().unwrap()).collect();
        assert_eq!(ports.len(), 200);
    }

    #[test]
    fn a_port_with_a_listener_is_not_free() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(!is_free(port));
        let error = usable_port(port).unwrap_err().to_string();
        assert!(error.contains("in use"), "{error}");
    }
}

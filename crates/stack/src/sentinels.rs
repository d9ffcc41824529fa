//! A Redis that outlives one of its servers: a primary, a replica, and the Sentinels that watch over them.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::ports::free_port;
use crate::private_file;
use crate::probe::Probe;
use crate::process::{Process, ProcessSpec};
use crate::redis::{Durability, Redis, RedisConfig};
use crate::wait::wait_until;

/// What the Sentinels call the primary.
const PRIMARY: &str = "packtchat";
/// The password of both servers; the Sentinels have none.
const PASSWORD: &str = "packtchat";

/// Two servers and three Sentinels on loopback ports. A dead primary is replaced within three seconds. Dropping it kills
/// them all.
#[derive(Debug)]
pub struct Sentinels {
    primary: Redis,
    _replica: Redis,
    sentinels: Vec<Process>,
}

impl Sentinels {
    /// Starts them with their files in `dir`.
    ///
    /// # Errors
    /// When one does not start.
    pub async fn start(dir: &Path) -> anyhow::Result<Sentinels> {
        let server = async |name: &str, replica_of| {
            Redis::start_with(RedisConfig {
                dir: dir.join(name),
                port: free_port()?,
                durability: Durability::None,
                password: Some(PASSWORD.into()),
                replica_of,
                log: dir.join(format!("{name}.log")),
            })
            .await
        };
        let primary = server("primary", None).await?;
        let replica = server("replica", Some(primary.port())).await?;
        let mut sentinels = Vec::new();
        for number in 1..=3 {
            let spec = sentinel(dir, number, primary.port())?;
            sentinels.push(Process::start(spec).await?);
        }
        let started = Sentinels {
            primary,
            _replica: replica,
            sentinels,
        };
        let what = "the Sentinels know each other and the replica";
        wait_until(Duration::from_secs(30), what, || started.know_each_other()).await?;
        Ok(started)
    }

    /// Before that, they could not agree on another primary.
    async fn know_each_other(&self) -> anyhow::Result<()> {
        for port in self.sentinels.iter().filter_map(|one| one.spec().port) {
            let mut sentinel = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
            let question = format!("SENTINEL MASTER {PRIMARY}\r\n");
            sentinel.write_all(question.as_bytes()).await?;
            sentinel.shutdown().await?;
            let mut answer = String::new();
            sentinel.read_to_string(&mut answer).await?;
            let fields: Vec<_> = answer.split("\r\n").collect();
            // Each field is two lines, of which the first one is its length; so is its value.
            let says = |field: &str, value: &str| {
                (fields.windows(3)).any(|lines| lines[0] == field && lines[2] == value)
            };
            ensure!(
                says("num-slaves", "1") && says("num-other-sentinels", "2"),
                "one says {answer}"
            );
        }
        Ok(())
    }

    /// Their addresses, as `PACKTCHAT__REDIS__SENTINELS` takes them.
    #[must_use]
    pub fn addresses(&self) -> String {
        let ports = self.sentinels.iter().filter_map(|one| one.spec().port);
        let addresses: Vec<_> = ports.map(|port| format!("127.0.0.1:{port}")).collect();
        addresses.join(",")
    }

    /// The server that is the primary at first.
    #[must_use]
    pub fn first_primary(&self) -> &Redis {
        &self.primary
    }
}

fn sentinel(dir: &Path, number: u8, primary: u16) -> anyhow::Result<ProcessSpec> {
    let name = format!("sentinel-{number}");
    let dir = dir.join(&name);
    std::fs::create_dir_all(&dir)?;
    let port = free_port()?;
    let file = dir.join("sentinel.conf");
    // Sentinel writes what it learns into this file.
    private_file::write(
        &file,
        &format!(
            "bind 127.0.0.1\nport {port}\ndir \"{}\"\n\
             sentinel monitor {PRIMARY} 127.0.0.1 {primary} 2\n\
             sentinel auth-pass {PRIMARY} {PASSWORD}\n\
             sentinel down-after-milliseconds {PRIMARY} 1000\n\
             sentinel failover-timeout {PRIMARY} 3000\n",
            dir.display()
        ),
    )?;
    Ok(ProcessSpec {
        log: dir.join("sentinel.log"),
        name,
        kind: "sentinel",
        program: "redis-server".into(),
        args: vec![file.into(), "--sentinel".into()],
        env: vec![],
        port: Some(port),
        admin_port: None,
        probe: Probe::Redis {
            port,
            password: None,
        },
        start_patience: Duration::from_secs(30),
        stop_signal: Signal::TERM,
        stop_patience: Duration::from_secs(10),
    })
}

//! Starts the real servers.
#![allow(clippy::unwrap_used, reason = "also in functions that only tests call")]

mod haproxy;
mod parent_death;
mod postgres;
mod rabbitmq;
mod redis;
mod tcp_proxy;
mod test_servers;

use std::time::Duration;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends a Redis command by hand and returns the first line of the answer.
async fn ask_redis(port: u16, command: &str) -> std::io::Result<String> {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

    let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    let mut stream = BufReader::new(stream);
    stream
        .write_all(format!("{command}\r\n").as_bytes())
        .await?;
    let mut answer = String::new();
    stream.read_line(&mut answer).await?;
    Ok(answer.trim_end().to_owned())
}

/// The processes that work in `directory` or name it in their arguments or environment.
fn processes_of(directory: &std::path::Path) -> Vec<String> {
    let name = directory.to_str().unwrap();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let read = |file| std::fs::read(entry.path().join(file)).unwrap_or_default();
        let (command, environment) = (read("cmdline"), read("environ"));
        let names = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(name);
        let works_there = std::fs::read_link(entry.path().join("cwd"))
            .is_ok_and(|place| place.starts_with(directory));
        if works_there || names(&command) || names(&environment) {
            found.push(String::from_utf8_lossy(&command).replace('\0', " "));
        }
    }
    found
}

//! `packtchat haproxy` and a real HAProxy.
#![allow(clippy::unwrap_used, reason = "also in functions that only tests call")]

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use stack::eventually;
use stack::haproxy::{Backend, HaproxyConfig};
use stack::ports::free_port;
use stack::process::Process;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

/// Longest wait for something that should happen soon.
const SOON: Duration = Duration::from_secs(20);

fn haproxy(socket: &Path, order: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_packtchat"))
        .arg("haproxy")
        .args(order)
        .env("PACKTCHAT__PROXY__ADMIN_SOCKET", socket)
        .output()
        .unwrap()
}

/// What it prints of this order, which is obeyed.
fn obeyed(socket: &Path, order: &[&str]) -> String {
    let output = haproxy(socket, order);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What it says of this order, which is not.
fn refused(socket: &Path, order: &[&str]) -> String {
    let output = haproxy(socket, order);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// A node that answers everything with 200, whether browsers or checks ask.
async fn node(name: &str) -> Backend {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // Who asks may be gone.
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        }
    });
    format!("{name}=127.0.0.1:{port}/{port}").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_shown_taken_out_of_all_its_backends_and_put_back() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port().unwrap();
    let gateways = vec![node("gateway-1").await];
    let realtimes = vec![node("realtime-1").await, node("realtime-2").await];
    let config = HaproxyConfig::on_loopback(dir.path(), port, gateways, realtimes).unwrap();
    let log = dir.path().join("haproxy.log");
    let _haproxy = Process::start(config.prepare(dir.path(), port, log).unwrap())
        .await
        .unwrap();
    let socket = dir.path().join("haproxy.sock");
    let states = || -> Vec<(String, String)> {
        obeyed(&socket, &["show"])
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|words| words[1].starts_with("realtime"))
            .map(|words| (format!("{}/{}", words[0], words[1]), words[3].to_owned()))
            .collect()
    };
    let are = |first: &str, second: &str| {
        [
            ("chat-realtime/realtime-1", first),
            ("chat-realtime/realtime-2", second),
            ("chat-realtime-alive/realtime-1", first),
            ("chat-realtime-alive/realtime-2", second),
        ]
        .map(|(server, state)| (server.to_owned(), state.to_owned()))
    };
    eventually(SOON, "both are up", async || states() == are("UP", "UP")).await;

    let said = obeyed(&socket, &["drain", "realtime-2"]);
    assert_eq!(said.matches("now drain").count(), 2, "{said}");
    assert_eq!(states(), are("UP", "DRAIN"));
    obeyed(&socket, &["ready", "realtime-2"]);
    assert_eq!(states(), are("UP", "UP"));

    obeyed(&socket, &["drain", "realtime-1", "realtime-2"]);
    assert_eq!(states(), are("DRAIN", "DRAIN"));
    let said = obeyed(&socket, &["ready"]);
    assert_eq!(said.matches("now ready").count(), 4, "{said}");
    assert_eq!(states(), are("UP", "UP"));

    // Nothing is done where one of the names is wrong.
    let said = refused(&socket, &["drain", "realtime-1", "realtime-3.invalid"]);
    assert!(
        said.contains("knows no server realtime-3.invalid"),
        "{said}"
    );
    assert_eq!(states(), are("UP", "UP"));
}

#[test]
fn where_no_haproxy_runs_it_says_where_it_looked() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("haproxy.sock");
    let said = refused(&socket, &["show"]);
    assert!(said.contains("HAProxy does not answer at"), "{said}");
    assert!(said.contains(socket.to_str().unwrap()), "{said}");
}

#[test]
fn a_haproxy_that_says_nothing_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("haproxy.sock");
    let _silent = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let said = refused(&socket, &["show"]);
    assert!(said.contains("no answer within"), "{said}");
}

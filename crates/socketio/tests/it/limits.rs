use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use socketio::{CloseReason, Config, DisconnectReason};
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    client::Client,
    server::{Server, wait_until},
};

fn small() -> Config {
    Config {
        max_payload: 1_000,
        ..Config::default()
    }
}

/// An event of this many bytes.
fn echo(size: usize) -> String {
    let around = r#"42["echo",""]"#.len();
    format!(r#"42["echo","{}"]"#, "x".repeat(size - around))
}

#[tokio::test]
async fn messages_up_to_the_limit_are_taken() {
    let server = Server::start(small());
    let mut client = Client::connected(server.port).await;
    client.send(&echo(1_000)).await;
    assert_eq!(client.text().await, echo(1_000));
    client.send(&echo(1_001)).await;
    assert_eq!(client.closed().await, 1009);
}

#[tokio::test]
async fn fragments_are_put_together_up_to_the_limit() {
    let server = Server::start(small());
    let mut client = Client::connected(server.port).await;
    client
        .send_fragments(&["42[\"ec", "", "ho\",\"é", "\"]"])
        .await;
    assert_eq!(client.text().await, r#"42["echo","é"]"#);
    let part = "x".repeat(600);
    client.send_fragments(&[&part, &part]).await;
    assert_eq!(client.closed().await, 1009);
}

#[tokio::test]
async fn malformed_messages_end_their_connection_only() {
    let mut server = Server::start(small());
    let mut other = Client::connected(server.port).await;
    for malformed in [
        Message::text("4abc"),
        Message::text("abc"),
        Message::text(""),
        Message::text("2"),
        Message::text(r#"42["unfinished""#),
        Message::text("42[]"),
        Message::text(r#"42/custom,["not joined"]"#),
        Message::text("40"),
        Message::binary(vec![1]),
        Message::text("452-[\"echo\"]"),
    ] {
        let mut client = Client::connected(server.port).await;
        client.send_message(malformed.clone()).await;
        if malformed == Message::text("452-[\"echo\"]") {
            // Only half of the attachments come.
            client.send_message(Message::binary(vec![1])).await;
            client.send(r#"42["echo"]"#).await;
        }
        assert_eq!(client.closed().await, 1002, "{malformed}");
        let (_, reason) = server.disconnect().await;
        assert!(matches!(
            reason,
            DisconnectReason::Closed(CloseReason::InvalidPacket | CloseReason::UnexpectedPacket)
        ));
    }
    other.send(r#"42["echo"]"#).await;
    assert_eq!(other.text().await, r#"42["echo"]"#);
    assert_eq!(server.hub.connections(), 1);
}

#[tokio::test]
async fn wrong_arguments_end_nothing() {
    let server = Server::start(Config::default());
    let mut client = Client::connected(server.port).await;
    client.send(r#"421["join",{"not":"a name"}]"#).await;
    assert_eq!(client.text().await, r#"431[""]"#);
}

/// One client does not read; the room goes on without it.
#[tokio::test]
async fn a_slow_reader_is_dropped_while_the_others_get_everything() {
    let mut server = Server::start(Config {
        max_buffered_bytes: 64_000,
        // Also the time after which the peer is cut off: it reads nothing.
        ping_timeout: Duration::from_secs(1),
        ..Config::default()
    });
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut slow = Client::open_with(server.port, socket).await;
    slow.join("/").await;
    let slow_port = slow.stream.get_ref().local_addr().unwrap().port();
    let accepted = accepted(server.port, slow_port);
    assert!(is_open(&accepted));
    let mut sender = Client::connected(server.port).await;
    let mut reader = Client::connected(server.port).await;
    let filling = "x".repeat(20_000);
    let mut sent = 0;
    // The queues of the kernel take some megabytes before the server's own queue fills.
    let mut dropped = false;
    while !dropped {
        assert!(sent < 10_000, "the slow reader is not dropped");
        sender
            .send(&format!(r#"42["everybody","{sent} {filling}"]"#))
            .await;
        let expected = format!(r#"42["said","{sent} {filling}"]"#);
        assert_eq!(sender.text().await, expected);
        assert_eq!(reader.text().await, expected);
        sent += 1;
        dropped = server.hub.connections() == 2;
    }
    let reason = DisconnectReason::Closed(CloseReason::SlowReader);
    assert_eq!(server.disconnect().await, ("/".to_owned(), reason));
    // Still unread, its connection does not hold a file descriptor of the server for ever.
    wait_until("the server keeps the connection", || !is_open(&accepted)).await;
}

/// The socket at the server's end of a connection, as `/proc` names it.
fn accepted(server_port: u16, client_port: u16) -> PathBuf {
    let ends = format!(" 0100007F:{server_port:04X} 0100007F:{client_port:04X} ");
    let table = fs::read_to_string("/proc/self/net/tcp").unwrap();
    let line = table.lines().find(|line| line.contains(&ends)).unwrap();
    let inode = line.split_whitespace().nth(9).unwrap();
    format!("socket:[{inode}]").into()
}

fn is_open(socket: &Path) -> bool {
    let mut descriptors = fs::read_dir("/proc/self/fd").unwrap();
    descriptors.any(|fd| fs::read_link(fd.unwrap().path()).is_ok_and(|link| link == socket))
}

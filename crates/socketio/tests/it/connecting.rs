use std::time::Duration;

use socketio::{CloseReason, Config, DisconnectReason};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    client::Client,
    server::{Server, wait_until},
};

#[tokio::test]
async fn a_client_joins_two_namespaces_of_one_connection() {
    let server = Server::start(Config::default());
    let mut client = Client::open(server.port).await;
    client.join("/").await;
    client.join("/custom").await;
    client.send(r#"42["echo",1]"#).await;
    assert_eq!(client.text().await, r#"42["echo",1]"#);
    client.send(r#"42/custom,["echo",2]"#).await;
    assert_eq!(client.text().await, r#"42/custom,["echo",2]"#);
    assert_eq!(server.hub.connections(), 1);
}

#[tokio::test]
async fn a_refused_client_reads_why_and_may_go_on() {
    let mut server = Server::start(Config::default());
    let mut client = Client::open(server.port).await;
    client.send(r#"40{"refuse":true}"#).await;
    assert_eq!(
        client.text().await,
        r#"44{"data":{"why":"because"},"message":"No"}"#
    );
    client.send("40/nope,").await;
    assert_eq!(
        client.text().await,
        r#"44/nope,{"message":"Invalid namespace"}"#
    );
    client.join("/").await;
    client.send("1").await;
    assert_eq!(client.closed().await, 1000);
    let reason = DisconnectReason::Closed(CloseReason::ClientClosed);
    assert_eq!(server.disconnect().await, ("/".to_owned(), reason));
    server.emptied().await;
    assert!(!server.had_disconnect(), "the refused one has none");
}

#[tokio::test]
async fn leaving_one_namespace_keeps_the_other() {
    let mut server = Server::start(Config::default());
    let mut client = Client::connected(server.port).await;
    client.join("/custom").await;
    client.send("41/custom,").await;
    client.send(r#"42["echo"]"#).await;
    assert_eq!(client.text().await, r#"42["echo"]"#);
    let left = ("/custom".to_owned(), DisconnectReason::ClientLeft);
    assert_eq!(server.disconnect().await, left);
    client.join("/custom").await;
}

#[tokio::test]
async fn whoever_is_put_out_is_told_and_may_come_back() {
    let mut server = Server::start(Config::default());
    let mut client = Client::connected(server.port).await;
    client.send(r#"42["out"]"#).await;
    client.send(r#"42["echo","crosses"]"#).await;
    assert_eq!(client.text().await, "41");
    let left = ("/".to_owned(), DisconnectReason::ServerLeft);
    assert_eq!(server.disconnect().await, left);
    client.join("/").await;
    client.join("/custom").await;
    client.send(r#"42["hang up"]"#).await;
    assert_eq!(client.text().await, "41");
    assert_eq!(client.text().await, "41/custom,");
    assert_eq!(client.closed().await, 1000);
}

#[tokio::test]
async fn a_client_that_joins_nothing_is_closed() {
    let server = Server::start(Config {
        connect_timeout: Duration::from_secs(3),
        ..Config::default()
    });
    let mut stays = Client::connected(server.port).await;
    let mut client = Client::open(server.port).await;
    assert_eq!(client.closed().await, 1008);
    stays.send(r#"42["echo"]"#).await;
    assert_eq!(stays.text().await, r#"42["echo"]"#);
}

#[tokio::test]
async fn a_client_that_does_not_answer_pings_is_closed() {
    let mut server = Server::start(Config {
        ping_interval: Duration::from_millis(50),
        ping_timeout: Duration::from_secs(3),
        ..Config::default()
    });
    let mut client = Client::connected(server.port).await;
    while client.pings < 3 {
        client.send(r#"42["echo"]"#).await;
        client.text().await;
    }
    // Reads nothing any more, so it answers nothing.
    let reason = DisconnectReason::Closed(CloseReason::PingTimeout);
    assert_eq!(server.disconnect().await, ("/".to_owned(), reason));
    server.emptied().await;
}

#[tokio::test]
async fn a_vanished_client_is_noticed_though_it_was_connecting() {
    let mut server = Server::start(Config::default());
    let mut client = Client::open(server.port).await;
    client.send(r#"40{"wait":true}"#).await;
    // Answered in order, so the server has begun to connect it.
    client.send("40/nope,").await;
    client.text().await;
    drop(client);
    server.gate.add_permits(1);
    let reason = DisconnectReason::Closed(CloseReason::TransportClosed);
    assert_eq!(server.disconnect().await, ("/".to_owned(), reason));
    server.emptied().await;
}

#[tokio::test]
async fn websocket_pings_are_answered() {
    let server = Server::start(Config::default());
    let mut client = Client::open(server.port).await;
    client.send_message(Message::Ping("hi".into())).await;
    assert_eq!(client.message().await, Message::Pong("hi".into()));
}

#[tokio::test]
async fn bad_requests_get_the_protocol_s_errors() {
    let server = Server::start(Config::default());
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    let close = "Connection: close\r\n";
    let keyless = format!("{upgrade}Sec-WebSocket-Version: 13\r\n");
    for (request, headers, body) in [
        (
            "GET /socket.io/?EIO=4",
            upgrade,
            r#"{"code":0,"message":"Transport unknown"}"#,
        ),
        (
            "GET /socket.io?EIO=4&transport=webtransport",
            close,
            r#"{"code":0,"message":"Transport unknown"}"#,
        ),
        (
            "GET /socket.io/?EIO=4&transport=websocket&sid=x",
            upgrade,
            r#"{"code":1,"message":"Session ID unknown"}"#,
        ),
        (
            "POST /socket.io/?EIO=4&transport=websocket",
            "Connection: close\r\nContent-Length: 0\r\n",
            r#"{"code":2,"message":"Bad handshake method"}"#,
        ),
        (
            "GET /socket.io/?EIO=4&transport=websocket",
            close,
            r#"{"code":3,"message":"Bad request"}"#,
        ),
        (
            "GET /socket.io/?EIO=4&transport=websocket",
            &keyless,
            r#"{"code":3,"message":"Bad request"}"#,
        ),
        (
            "GET /socket.io/?EIO=3&transport=websocket",
            upgrade,
            r#"{"code":5,"message":"Unsupported protocol version"}"#,
        ),
    ] {
        let mut tcp = TcpStream::connect(("127.0.0.1", server.port))
            .await
            .unwrap();
        let request = format!("{request} HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        tcp.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        tcp.read_to_string(&mut response).await.unwrap();
        assert!(response.starts_with("HTTP/1.1 400"), "{request}{response}");
        assert!(response.ends_with(body), "{request}{response}");
    }
    wait_until("a connection is counted", || server.hub.connections() == 0).await;
}

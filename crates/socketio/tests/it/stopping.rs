use socketio::{CloseReason, Config, DisconnectReason};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{client::Client, server::Server};

#[tokio::test]
async fn draining_closes_all_and_waits_for_their_handlers() {
    let mut server = Server::start(Config::default());
    let mut idle = Client::connected(server.port).await;
    let mut busy = Client::connected(server.port).await;
    busy.send(r#"42["wait"]"#).await;
    busy.send(r#"42["others","unsaid is not unheard"]"#).await;
    busy.send("40/nope,").await;
    busy.text().await;
    server.drain();
    // No Socket.IO DISCONNECT before it, so stock clients come back by themselves.
    assert_eq!(idle.closed().await, 1012);
    assert_eq!(busy.closed().await, 1012);
    let reason = DisconnectReason::Closed(CloseReason::ServiceRestart);
    assert_eq!(server.disconnect().await, ("/".to_owned(), reason));
    assert!(!server.had_disconnect());
    assert_eq!(server.hub.connections(), 1);
    server.gate.add_permits(1);
    assert_eq!(server.disconnect().await, ("/".to_owned(), reason));
    server.emptied().await;

    let mut tcp = TcpStream::connect(("127.0.0.1", server.port))
        .await
        .unwrap();
    let request =
        "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    tcp.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 503"), "{response}");
}

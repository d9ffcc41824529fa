use std::time::Duration;

use stack::{Durability, Redis, TcpProxy, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::{PATIENCE, ask_redis};

#[tokio::test]
async fn cuts_and_resumes() {
    let dir = tempfile::tempdir().unwrap();
    let redis = Redis::start(dir.path(), Durability::None).await.unwrap();
    let mut proxy = TcpProxy::start(&redis.url()).await.unwrap();
    assert!(proxy.url().contains(&proxy.port().to_string()));
    assert_eq!(ask_redis(proxy.port(), "PING").await.unwrap(), "+PONG");

    let mut open = TcpStream::connect(("127.0.0.1", proxy.port()))
        .await
        .unwrap();
    open.write_all(b"PING\r\n").await.unwrap();
    let mut answer = [0; 7];
    open.read_exact(&mut answer).await.unwrap();
    proxy.cut().await;
    let ended = timeout(PATIENCE, open.read(&mut answer)).await.unwrap();
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    assert!(ask_redis(proxy.port(), "PING").await.is_err());

    proxy.resume().await.unwrap();
    assert_eq!(ask_redis(proxy.port(), "PING").await.unwrap(), "+PONG");
}

#[tokio::test]
async fn holds_back_while_stalled_and_delivers_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    let redis = Redis::start(dir.path(), Durability::None).await.unwrap();
    let mut proxy = TcpProxy::start(&redis.url()).await.unwrap();
    proxy.stall();
    let mut client = TcpStream::connect(("127.0.0.1", proxy.port()))
        .await
        .unwrap();
    client.write_all(b"SET key value\r\n").await.unwrap();
    let mut answer = [0; 5];
    let early = timeout(Duration::from_millis(200), client.read_exact(&mut answer)).await;
    assert!(early.is_err(), "an answer came through a stalled proxy");

    proxy.resume().await.unwrap();
    timeout(PATIENCE, client.read_exact(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&answer, b"+OK\r\n");
}

#[tokio::test]
async fn a_dropped_proxy_closes_its_connections() {
    let dir = tempfile::tempdir().unwrap();
    let redis = Redis::start(dir.path(), Durability::None).await.unwrap();
    let proxy = TcpProxy::start(&redis.url()).await.unwrap();
    let port = proxy.port();
    drop(proxy);
    eventually(PATIENCE, "the port refuses", async || {
        TcpStream::connect(("127.0.0.1", port)).await.is_err()
    })
    .await;
}

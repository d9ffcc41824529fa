use std::time::Duration;

use socketio::{CloseReason, Config, DisconnectReason};
use tokio_tungstenite::tungstenite::Message;

use crate::{client::Client, server::Server};

#[tokio::test]
async fn events_are_acknowledged() {
    let server = Server::start(Config::default());
    let mut client = Client::connected(server.port).await;
    client.join("/custom").await;
    client.send(r#"42/custom,17["echo","hi",{"a":1}]"#).await;
    assert_eq!(client.text().await, r#"42/custom,["echo","hi",{"a":1}]"#);
    assert_eq!(client.text().await, r#"43/custom,17["hi"]"#);
}

#[tokio::test]
async fn attachments_travel_both_ways() {
    let server = Server::start(Config::default());
    let mut client = Client::connected(server.port).await;
    let event = r#"451-["echo",{"_placeholder":true,"num":0}]"#;
    client.send(event).await;
    client.send_message(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(client.text().await, event);
    assert_eq!(client.message().await, Message::binary(vec![1, 2, 3]));
}

#[tokio::test]
async fn a_room_gets_what_one_of_them_says_but_the_sender() {
    let server = Server::start(Config::default());
    let mut sender = Client::connected(server.port).await;
    let mut member = Client::connected(server.port).await;
    let mut left = Client::connected(server.port).await;
    left.send(r#"421["leave","lobby"]"#).await;
    left.text().await;
    sender.send(r#"42["others","a"]"#).await;
    sender.send(r#"42["everybody","b"]"#).await;
    assert_eq!(sender.text().await, r#"42["said","b"]"#);
    assert_eq!(member.text().await, r#"42["said","a"]"#);
    assert_eq!(member.text().await, r#"42["said","b"]"#);
    left.send(r#"42["echo","alone"]"#).await;
    assert_eq!(left.text().await, r#"42["echo","alone"]"#);
}

#[tokio::test]
async fn a_slow_handler_keeps_the_order_while_pings_go_on() {
    let server = Server::start(Config {
        ping_interval: Duration::from_millis(20),
        ..Config::default()
    });
    let mut client = Client::connected(server.port).await;
    client.join("/custom").await;
    client.send(r#"42["wait"]"#).await;
    client.send(r#"42["wait"]"#).await;
    client.send(r#"42["echo","last"]"#).await;
    let pings = client.pings;
    while client.pings < pings + 3 {
        // Another namespace is not held up.
        client.send(r#"42/custom,["echo"]"#).await;
        assert_eq!(client.text().await, r#"42/custom,["echo"]"#);
    }
    server.gate.add_permits(2);
    assert_eq!(client.text().await, r#"42["waited",1]"#);
    assert_eq!(client.text().await, r#"42["waited",2]"#);
    assert_eq!(client.text().await, r#"42["echo","last"]"#);
}

#[tokio::test]
async fn a_client_that_is_too_far_ahead_is_held_back_and_not_given_up() {
    let server = Server::start(Config {
        ping_interval: Duration::from_millis(20),
        ping_timeout: Duration::from_secs(5),
        max_pending_events: 4,
        ..Config::default()
    });
    let mut client = Client::connected(server.port).await;
    client.send(r#"42["wait"]"#).await;
    let events = 5_000;
    for number in 0..events {
        client.send(&format!(r#"42["echo",{number}]"#)).await;
    }
    server.gate.add_permits(1);
    assert_eq!(client.text().await, r#"42["waited",1]"#);
    for number in 0..events {
        assert_eq!(client.text().await, format!(r#"42["echo",{number}]"#));
    }
}

#[tokio::test]
async fn events_that_arrived_before_the_end_are_handled() {
    let mut server = Server::start(Config::default());
    let mut leaving = Client::connected(server.port).await;
    let mut other = Client::connected(server.port).await;
    leaving.send(r#"42["wait"]"#).await;
    leaving.send(r#"42["others","goodbye"]"#).await;
    leaving.send("41").await;
    // Answered in order, so all the above has arrived.
    leaving.send("40/nope,").await;
    leaving.text().await;
    server.gate.add_permits(1);
    assert_eq!(other.text().await, r#"42["said","goodbye"]"#);
    let left = ("/".to_owned(), DisconnectReason::ClientLeft);
    assert_eq!(server.disconnect().await, left);
}

#[tokio::test]
async fn a_panicking_handler_ends_its_connection_only() {
    let mut server = Server::start(Config::default());
    let mut client = Client::connected(server.port).await;
    let mut other = Client::connected(server.port).await;
    client.send(r#"42["panic"]"#).await;
    client.send(r#"42["others","unheard"]"#).await;
    assert_eq!(client.closed().await, 1011);
    let reason = DisconnectReason::Closed(CloseReason::HandlerPanicked);
    assert_eq!(server.disconnect().await, ("/".to_owned(), reason));
    other.send(r#"42["echo"]"#).await;
    assert_eq!(other.text().await, r#"42["echo"]"#);
    drop(other);
    server.emptied().await;
    let reason = DisconnectReason::Closed(CloseReason::TransportClosed);
    assert_eq!(server.disconnect().await, ("/".to_owned(), reason));
    assert!(!server.had_disconnect());
}

#[tokio::test]
async fn the_client_acknowledges_events_or_does_not_in_time() {
    let server = Server::start(Config::default());
    let mut client = Client::connected(server.port).await;
    client.send(r#"42["ask","why?"]"#).await;
    assert_eq!(client.text().await, r#"421["question","why?"]"#);
    client.send(r#"4399["nobody asked for this one"]"#).await;
    client.send(r#"431["because",1]"#).await;
    assert_eq!(client.text().await, r#"42["answer","because",1]"#);
    client.send(r#"42["ask","again?"]"#).await;
    assert_eq!(client.text().await, r#"422["question","again?"]"#);
    let given_up = client.text().await;
    assert!(given_up.contains("did not acknowledge"), "{given_up}");
    client.send(r#"432["too late"]"#).await;
    client.send(r#"42["echo"]"#).await;
    assert_eq!(client.text().await, r#"42["echo"]"#);
}

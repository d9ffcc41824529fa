use serde_json::json;
use stack::{TcpProxy, eventually};

use crate::world::{Node, SOON, World};

/// Two nodes; Redis can be taken from the second.
async fn nodes(world: &World) -> (Node, Node, TcpProxy) {
    let proxy = TcpProxy::start(&world.servers.redis_url()).await.unwrap();
    let a = world.node(world.settings()).await;
    let mut settings = world.settings();
    settings.redis.url = proxy.url().into();
    let b = world.node(settings).await;
    (a, b, proxy)
}

#[tokio::test]
async fn what_was_missed_in_an_outage_arrives_in_order() {
    let world = World::new().await;
    let (a, b, mut proxy) = nodes(&world).await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let carol = world.person("carol").await;
    let mut alices = a.enter(&alice, "lobby").await;
    let mut carols = a.enter(&carol, "lobby").await;
    let mut bobs = b.enter(&bob, "lobby").await;
    alices.say("lobby", "before").await;
    assert_eq!(bobs.next_chats(1).await, [(1, "before".to_owned())]);

    proxy.cut().await;
    let mut missed = Vec::new();
    for n in 2..=21 {
        let text = format!("missed {n}");
        missed.push((alices.say("lobby", &text).await, text));
    }
    carols.enter("garden").await;
    proxy.resume().await.unwrap();

    assert_eq!(bobs.next_chats(20).await, missed);
    let users = bobs.next("GetUser").await;
    assert_eq!(users, json!([alice.json(), bob.json()]));
    let rooms = bobs.next("GetRoom").await;
    assert_eq!(rooms.as_array().map(Vec::len), Some(2));
    alices.say("lobby", "after").await;
    assert_eq!(bobs.next_chats(1).await, [(22, "after".to_owned())]);
    assert_eq!(alices.next_chats(22).await[21].1, "after");
}

#[tokio::test]
async fn without_redis_everything_is_answered_and_goes_on_after_it() {
    let world = World::new().await;
    let (a, b, mut proxy) = nodes(&world).await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let mut alices = a.enter(&alice, "lobby").await;
    let mut bobs = b.enter(&bob, "lobby").await;

    proxy.cut().await;
    let chat = json!({ "room": "lobby", "message": "hi", "id": "m-1" });
    for (event, payload) in [
        ("GetRoom", json!({})),
        ("GetUser", json!({ "room": "lobby" })),
        ("GetChat", json!({ "room": "lobby" })),
        ("AddChat", chat.clone()),
    ] {
        assert_eq!(bobs.refused(event, payload).await, "unavailable", "{event}");
    }
    bobs.ask("GetMe", json!(null)).await;

    proxy.resume().await.unwrap();
    eventually(SOON, "the message is taken", async || {
        bobs.call("AddChat", chat.clone()).await["ok"] == true
    })
    .await;
    assert_eq!(alices.next_chats(1).await, [(1, "hi".to_owned())]);
    assert_eq!(bobs.next_chats(1).await, [(1, "hi".to_owned())]);
    alices.say("lobby", "end").await;
    assert_eq!(bobs.next_chats(1).await, [(2, "end".to_owned())]);
}

#[tokio::test]
async fn a_room_entered_in_vain_is_entered_at_the_next_try() {
    let world = World::new().await;
    let (a, b, mut proxy) = nodes(&world).await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let mut alices = a.enter(&alice, "lobby").await;
    let mut bobs = b.connect(&bob).await;

    proxy.cut().await;
    let lobby = json!({ "name": "lobby" });
    assert_eq!(bobs.refused("AddRoom", lobby.clone()).await, "unavailable");
    let chat = json!({ "room": "lobby", "message": "hi" });
    assert_eq!(bobs.refused("AddChat", chat).await, "not_in_room");
    proxy.resume().await.unwrap();
    eventually(SOON, "the room is entered", async || {
        bobs.call("AddRoom", lobby.clone()).await["ok"] == true
    })
    .await;
    assert_eq!(alices.next("AddUser").await, bob.in_room("lobby"));
    alices.say("lobby", "welcome").await;
    assert_eq!(bobs.next_chats(1).await, [(1, "welcome".to_owned())]);
}

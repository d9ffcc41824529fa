use serde_json::{Value, json};

use crate::{client::refusal_code, world::World};

#[tokio::test]
async fn bad_input_is_refused_and_the_connection_goes_on() {
    let world = World::new().await;
    let node = world.node(world.settings()).await;
    let alice = world.person("alice").await;
    let mut client = node.enter(&alice, "lobby").await;
    let long_name = "x".repeat(65);
    let long_message = "x".repeat(4_001);
    let cases = [
        ("RemoveRoom", json!({ "name": "lobby" }), "invalid"),
        ("NoSuchEvent", json!({}), "invalid"),
        ("AddRoom", json!(null), "invalid"),
        ("AddRoom", json!("lobby"), "invalid"),
        ("AddRoom", json!({ "name": 7 }), "invalid"),
        ("AddRoom", json!({ "name": "  " }), "invalid"),
        ("AddRoom", json!({ "name": "a\nb" }), "invalid"),
        ("AddRoom", json!({ "name": long_name }), "too_large"),
        ("GetUser", json!({}), "invalid"),
        ("GetUser", json!({ "room": "" }), "invalid"),
        ("GetUser", json!({ "room": long_name }), "too_large"),
        ("GetChat", json!([]), "invalid"),
        ("GetChat", json!({ "room": "\u{0}" }), "invalid"),
        ("GetChat", json!({ "room": "lobby", "limit": 0 }), "invalid"),
        (
            "GetChat",
            json!({ "room": "lobby", "limit": 501 }),
            "invalid",
        ),
        (
            "GetChat",
            json!({ "room": "lobby", "limit": -1 }),
            "invalid",
        ),
        (
            "GetChat",
            json!({ "room": "lobby", "since": "1" }),
            "invalid",
        ),
        (
            "GetChat",
            json!({ "room": "lobby", "since": 1, "before": 3 }),
            "invalid",
        ),
        ("AddChat", json!({ "room": "lobby" }), "invalid"),
        (
            "AddChat",
            json!({ "room": "lobby", "message": "" }),
            "invalid",
        ),
        (
            "AddChat",
            json!({ "room": "lobby", "message": " \n " }),
            "invalid",
        ),
        (
            "AddChat",
            json!({ "room": "lobby", "message": null }),
            "invalid",
        ),
        (
            "AddChat",
            json!({ "room": "lobby", "message": long_message }),
            "too_large",
        ),
        (
            "AddChat",
            json!({ "room": "lobby", "message": "hi", "id": "not an id" }),
            "invalid",
        ),
        (
            "AddChat",
            json!({ "room": "lobby", "message": "hi", "id": "x".repeat(65) }),
            "invalid",
        ),
        (
            "AddChat",
            json!({ "room": "garden", "message": "hi" }),
            "not_in_room",
        ),
    ];
    for (event, payload, code) in cases {
        let refused = client.refused(event, payload.clone()).await;
        assert_eq!(refused, code, "{event} {payload}");
    }
    for event in ["AddRoom", "GetUser", "GetChat", "AddChat"] {
        let id = client.emit(event, &[]).await;
        let answer = client.answer(id).await;
        assert_eq!(refusal_code(&answer), "invalid", "{event} of nothing");
    }
    assert_eq!(
        client.say("lobby", "hi").await,
        1,
        "nothing was stored before"
    );
}

#[tokio::test]
async fn what_is_just_within_the_bounds_is_taken() {
    let world = World::new().await;
    let node = world.node(world.settings()).await;
    let alice = world.person("alice").await;
    let name = "東".repeat(64);
    let message = "🎉".repeat(4_000);
    let mut client = node.enter(&alice, &name).await;
    let chat = json!({ "room": name, "message": message, "id": "x".repeat(64) });
    client.ask("AddChat", chat).await;
    assert_eq!(client.next("AddChat").await["message"], message);
    let most = json!({ "room": name, "limit": 500 });
    let answer = client.ask("GetChat", most).await;
    assert_eq!(answer["chats"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn nobody_speaks_where_they_are_not() {
    let world = World::new().await;
    let node = world.node(world.settings()).await;
    let alice = world.person("alice").await;
    let mut client = node.connect(&alice).await;
    let chat = |room: &str| json!({ "room": room, "message": "hi" });
    assert_eq!(
        client.refused("AddChat", chat("lobby")).await,
        "not_in_room"
    );
    client.enter("lobby").await;
    client.enter("garden").await;
    assert_eq!(
        client.refused("AddChat", chat("lobby")).await,
        "not_in_room"
    );
    client.ask("AddChat", chat("garden")).await;
    let lobby = client.ask("GetChat", json!({ "room": "lobby" })).await;
    assert_eq!(lobby["chats"], Value::from(Vec::<Value>::new()));
}

#[tokio::test]
async fn a_malformed_frame_ends_its_connection_alone() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.http.workers = Some(1);
    let node = world.node(settings).await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let mut watcher = node.enter(&bob, "lobby").await;
    for malformed in ["garbage", "42/packtchat,7[", "42/packtchat,{}"] {
        let mut client = node.enter(&alice, "lobby").await;
        assert_eq!(watcher.next("AddUser").await, alice.in_room("lobby"));
        client.send(malformed).await;
        assert_eq!(client.closed().await, 1002, "{malformed}");
        assert_eq!(watcher.next("RemoveUser").await, alice.in_room("lobby"));
    }
    watcher.say("lobby", "still here").await;
}

use serde_json::json;
use stack::eventually;
use tokio::time::Instant;

use crate::{
    client::{Client, refusal_code},
    world::{SOON, World},
};

#[tokio::test]
async fn a_burst_is_limited_over_all_nodes_and_goes_on_later() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.limits.messages_per_second = 1;
    settings.limits.message_burst = 3;
    let a = world.node(settings.clone()).await;
    let b = world.node(settings).await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let mut first = a.enter(&alice, "lobby").await;
    let mut second = b.enter(&alice, "lobby").await;
    let mut bobs = b.enter(&bob, "lobby").await;

    let start = Instant::now();
    let (on_a, on_b) = tokio::join!(burst(&mut first), burst(&mut second));
    let taken = on_a + on_b;
    let earned = start.elapsed().as_secs() + 1;
    assert!(
        (3..=3 + earned).contains(&taken),
        "{taken} taken, {earned} earned"
    );

    bobs.say("lobby", "others may speak").await;
    eventually(SOON, "alice may speak again", async || {
        let chat = json!({ "room": "lobby", "message": "again" });
        first.call("AddChat", chat).await["ok"] == true
    })
    .await;
}

/// How many of ten messages sent at once are taken.
async fn burst(client: &mut Client) -> u64 {
    let mut ids = Vec::new();
    for _ in 0..10 {
        let chat = json!({ "room": "lobby", "message": "hi" });
        ids.push(client.emit("AddChat", &[chat]).await);
    }
    let mut taken = 0;
    for id in ids {
        let answer = client.answer(id).await;
        if answer["ok"] == true {
            taken += 1;
        } else {
            assert_eq!(refusal_code(&answer), "rate_limited");
        }
    }
    taken
}

#[tokio::test]
async fn rooms_and_questions_are_limited_and_messages_go_on() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.limits.requests_per_second = 1;
    settings.limits.request_burst = 4;
    let node = world.node(settings).await;
    let alice = world.person("alice").await;
    let mut client = node.enter(&alice, "lobby").await;
    let mut refused = 0;
    for number in 0..8 {
        for (event, payload) in [
            ("AddRoom", json!({ "name": format!("room {number}") })),
            ("GetChat", json!({ "room": "lobby" })),
            ("GetUser", json!({ "room": "lobby" })),
            ("GetRoom", json!(null)),
        ] {
            let answer = client.call(event, payload).await;
            if answer["ok"] != true {
                assert_eq!(refusal_code(&answer), "rate_limited", "{event}");
                refused += 1;
            }
        }
    }
    // Eight rounds of four take no eight seconds.
    assert!(refused > 16, "{refused} of 32 were refused");
    eventually(SOON, "she may enter a room again", async || {
        let room = json!({ "name": "lobby" });
        client.call("AddRoom", room).await["ok"] == true
    })
    .await;
    client.say("lobby", "still here").await;
}

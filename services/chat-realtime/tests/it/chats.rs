use serde_json::json;

use crate::{client::Client, world::World};

#[tokio::test]
async fn everybody_in_the_room_gets_a_message_once() {
    let (world, a, b) = World::with_two_nodes().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let mut speaker = a.enter(&alice, "lobby").await;
    let mut beside = a.enter(&bob, "lobby").await;
    let mut far = b.enter(&bob, "lobby").await;
    let mut elsewhere = b.enter(&bob, "garden").await;

    assert_eq!(speaker.say("lobby", "one").await, 1);
    assert_eq!(speaker.say("lobby", "two").await, 2);
    let both = vec![(1, "one".to_owned()), (2, "two".to_owned())];
    for client in [&mut speaker, &mut beside, &mut far] {
        assert_eq!(client.next_chats(2).await, both);
    }
    elsewhere.say("garden", "quiet here").await;
    let chat = elsewhere.next("AddChat").await;
    assert_eq!((&chat["room"], &chat["seq"]), (&json!("garden"), &json!(1)));
}

#[tokio::test]
async fn everybody_sees_the_same_order_without_holes() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.limits.messages_per_second = 0;
    let a = world.node(settings.clone()).await;
    let b = world.node(settings).await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let mut alices = a.enter(&alice, "lobby").await;
    let mut bobs = b.enter(&bob, "lobby").await;
    let mut third = b.enter(&alice, "lobby").await;

    tokio::join!(speak(&mut alices, "a"), speak(&mut bobs, "b"));
    let seen = third.next_chats(100).await;
    let numbers: Vec<u64> = seen.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, (1..=100).collect::<Vec<_>>());
    assert_eq!(alices.next_chats(100).await, seen);
    assert_eq!(bobs.next_chats(100).await, seen);
    for name in ["a", "b"] {
        let of_one = seen.iter().filter(|(_, text)| text.starts_with(name));
        let sent: Vec<_> = (0..50).map(|n| format!("{name} {n}")).collect();
        let said: Vec<_> = of_one.map(|(_, text)| text.clone()).collect();
        assert_eq!(said, sent, "each speaker's own order");
    }
    let history = third.ask("GetChat", json!({ "room": "lobby" })).await;
    let stored: Vec<_> = history["chats"]
        .as_array()
        .unwrap()
        .iter()
        .map(|chat| {
            let text = chat["message"].as_str().unwrap().to_owned();
            (chat["seq"].as_u64().unwrap(), text)
        })
        .collect();
    assert_eq!(stored, seen, "what is told is what is stored");
}

/// Fifty messages, none waiting for the one before.
async fn speak(client: &mut Client, name: &str) {
    let mut ids = Vec::new();
    for n in 0..50 {
        let chat = json!({ "room": "lobby", "message": format!("{name} {n}") });
        ids.push(client.emit("AddChat", &[chat]).await);
    }
    let mut last = 0;
    for id in ids {
        let answer = client.answer(id).await;
        let seq = answer["seq"].as_u64().unwrap_or_else(|| panic!("{answer}"));
        assert!(seq > last, "{seq} after {last}");
        last = seq;
    }
}

#[tokio::test]
async fn a_repeated_id_is_one_message() {
    let (world, a, b) = World::with_two_nodes().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let mut first = a.enter(&alice, "lobby").await;
    let mut second = b.enter(&alice, "lobby").await;
    let mut bobs = b.enter(&bob, "lobby").await;
    let chat = json!({ "room": "lobby", "message": "once", "id": "m-1" });
    let answer = first.ask("AddChat", chat.clone()).await;
    assert_eq!(first.ask("AddChat", chat.clone()).await, answer);
    assert_eq!(
        second.ask("AddChat", chat.clone()).await,
        answer,
        "over another node"
    );

    let of_bob = bobs.ask("AddChat", chat).await;
    assert_eq!(of_bob["seq"], 2, "ids are each user's own");
    let seen = vec![(1, "once".to_owned()), (2, "once".to_owned())];
    bobs.say("lobby", "end").await;
    for client in [&mut first, &mut second, &mut bobs] {
        assert_eq!(client.next_chats(2).await, seen);
        assert_eq!(client.next_chats(1).await, [(3, "end".to_owned())]);
    }
}

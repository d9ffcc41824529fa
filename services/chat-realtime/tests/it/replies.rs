use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn get_me_tells_who_the_session_is() {
    let world = World::new().await;
    let node = world.node(world.settings()).await;
    let alice = world.person("alice").await;
    let mut client = node.connect(&alice).await;

    let id = client.emit("GetMe", &[]).await;
    let answer = client.answer(id).await;
    assert_eq!(answer, json!({ "ok": true, "me": alice.json() }));
    assert_eq!(client.next("GetMe").await, alice.json());
}

#[tokio::test]
async fn get_room_lists_the_most_recently_active_first() {
    let (world, a, b) = World::with_two_nodes().await;
    let alice = world.person("alice").await;
    let mut client = a.connect(&alice).await;
    let nothing = client.ask("GetRoom", json!(null)).await;
    assert_eq!(nothing, json!({ "ok": true, "rooms": [] }));
    assert_eq!(client.next("GetRoom").await, json!([]));

    // Activity is marked to the millisecond.
    world.redis("ZADD rooms 1000 first 2000 second").await;
    client.enter("first").await;
    let mut other = b.connect(&alice).await;
    let rooms = json!([
        { "id": "first", "name": "first" },
        { "id": "second", "name": "second" },
    ]);
    let answer = other.ask("GetRoom", json!({})).await;
    assert_eq!(answer, json!({ "ok": true, "rooms": rooms }));
    assert_eq!(other.next("GetRoom").await, rooms);

    world.redis("ZADD rooms 1000 first 2000 second").await;
    client.say("first", "still here").await;
    let answer = other.ask("GetRoom", json!({})).await;
    assert_eq!(answer["rooms"], rooms, "a message marks its room active");
}

#[tokio::test]
async fn get_user_lists_the_room_over_all_nodes() {
    let (world, a, b) = World::with_two_nodes().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let carol = world.person("carol").await;
    let mut in_a = a.enter(&bob, "lobby").await;
    let _in_b = b.enter(&alice, "lobby").await;
    let _elsewhere = b.enter(&carol, "garden").await;

    let users = json!([alice.json(), bob.json()]);
    let answer = in_a.ask("GetUser", json!({ "room": "lobby" })).await;
    assert_eq!(answer, json!({ "ok": true, "users": users }));
    assert_eq!(in_a.next("GetUser").await, users);
    let answer = in_a.ask("GetUser", json!({ "room": "empty" })).await;
    assert_eq!(answer["users"], json!([]));
}

#[tokio::test]
async fn get_chat_tells_what_was_said() {
    let (world, a, b) = World::with_two_nodes().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let mut speaker = a.enter(&alice, "lobby").await;
    let text = "line\n\"quoted\" \\ \u{1F389} \u{2028}";
    let stored = speaker
        .ask(
            "AddChat",
            json!({ "room": "lobby", "message": text, "id": "m-1" }),
        )
        .await;
    assert_eq!(
        stored,
        json!({ "ok": true, "id": "m-1", "seq": 1, "ts": stored["ts"] })
    );

    let mut reader = b.connect(&bob).await;
    let chats = json!([{
        "id": "m-1",
        "seq": 1,
        "room": "lobby",
        "message": text,
        "ts": stored["ts"],
        "user": alice.json(),
    }]);
    let answer = reader.ask("GetChat", json!({ "room": "lobby" })).await;
    assert_eq!(
        answer,
        json!({ "ok": true, "chats": chats, "gap": false, "more": false })
    );
    assert_eq!(reader.next("GetChat").await, chats);
    assert_eq!(
        speaker.next("AddChat").await,
        chats[0],
        "what is told is what is stored"
    );
}

#[tokio::test]
async fn a_reply_comes_without_an_acknowledgement_too() {
    let world = World::new().await;
    let node = world.node(world.settings()).await;
    let alice = world.person("alice").await;
    let mut client = node.connect(&alice).await;
    client.send(r#"42/packtchat,["GetMe"]"#).await;
    assert_eq!(client.next("GetMe").await, alice.json());
}

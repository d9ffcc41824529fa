use models::redis_keys;
use serde_json::{Value, json};

use crate::{
    client::Client,
    world::{Node, World, room_name},
};

/// Ten messages in the lobby, and a client that is not there.
async fn ten_messages(world: &World) -> (Node, Client) {
    let node = world.node(world.settings()).await;
    let alice = world.person("alice").await;
    let mut speaker = node.enter(&alice, "lobby").await;
    for n in 1..=10 {
        assert_eq!(speaker.say("lobby", "hi").await, n);
    }
    let reader = node.connect(&alice).await;
    (node, reader)
}

/// The numbers of the messages, and whether there is a gap and more.
async fn get(client: &mut Client, mut question: Value) -> (Vec<u64>, bool, bool) {
    question["room"] = json!("lobby");
    let answer = client.ask("GetChat", question).await;
    let chats = answer["chats"].as_array().unwrap();
    let numbers = chats.iter().map(|chat| chat["seq"].as_u64().unwrap());
    (
        numbers.collect(),
        answer["gap"].as_bool().unwrap(),
        answer["more"].as_bool().unwrap(),
    )
}

fn numbers(from: u64, to: u64) -> Vec<u64> {
    (from..=to).collect()
}

#[tokio::test]
async fn any_part_of_the_history_can_be_had() {
    let world = World::new().await;
    let (_node, mut client) = ten_messages(&world).await;
    let client = &mut client;
    let all = (numbers(1, 10), false, false);
    assert_eq!(get(client, json!({})).await, all);
    assert_eq!(get(client, json!({ "since": 0 })).await, all);
    assert_eq!(get(client, json!({ "limit": 10 })).await, all);
    assert_eq!(
        get(client, json!({ "limit": 3 })).await,
        (numbers(8, 10), false, true)
    );
    assert_eq!(
        get(client, json!({ "before": 8, "limit": 3 })).await,
        (numbers(5, 7), false, true)
    );
    assert_eq!(
        get(client, json!({ "before": 4 })).await,
        (numbers(1, 3), false, false)
    );
    assert_eq!(
        get(client, json!({ "before": 1 })).await,
        (vec![], false, false)
    );
    assert_eq!(
        get(client, json!({ "since": 4, "limit": 3 })).await,
        (numbers(5, 7), false, true)
    );
    assert_eq!(
        get(client, json!({ "since": 7, "limit": 3 })).await,
        (numbers(8, 10), false, false)
    );
    assert_eq!(
        get(client, json!({ "since": 10 })).await,
        (vec![], false, false)
    );
}

#[tokio::test]
async fn what_was_removed_is_a_gap() {
    let world = World::new().await;
    let (_node, mut client) = ten_messages(&world).await;
    let client = &mut client;
    let stream = redis_keys::room_chats(&room_name("lobby"));
    world.redis(&format!("XTRIM {stream} MINID 6-0")).await;
    assert_eq!(
        get(client, json!({ "since": 2 })).await,
        (numbers(6, 10), true, false)
    );
    assert_eq!(
        get(client, json!({ "since": 5 })).await,
        (numbers(6, 10), false, false)
    );
    assert_eq!(get(client, json!({})).await, (numbers(6, 10), false, false));

    world.redis(&format!("XTRIM {stream} MAXLEN 0")).await;
    assert_eq!(
        get(client, json!({ "since": 8 })).await,
        (vec![], true, false)
    );
    assert_eq!(
        get(client, json!({ "since": 10 })).await,
        (vec![], false, false)
    );
    assert_eq!(
        get(client, json!({ "since": 11 })).await,
        (vec![], true, false),
        "a number that was never given: Redis has lost its data"
    );
}

use messaging::{Published, Redis, Subscriber};
use models::redis_keys;
use serde_json::json;
use settings::RedisSettings;
use stack::eventually;

use crate::world::{SOON, World};

#[tokio::test]
async fn a_reader_that_falls_behind_misses_nothing_without_being_told() {
    let world = World::new().await;
    let redis = Redis::connect(&RedisSettings::new(&world.servers.redis_url())).unwrap();
    let (subscriber, mut published) = Subscriber::start(&redis);
    subscriber.subscribe("news".to_owned()).await.unwrap();

    let count = Subscriber::QUEUE + 100;
    publish(&world, "news", count).await;
    eventually(SOON, "the connection is given up", async || {
        world.listeners("news").await == 0
    })
    .await;
    assert!(!subscriber.behind().is_zero());
    for n in 1..=Subscriber::QUEUE {
        assert_eq!(published.recv().await, Some(news(n)));
    }
    assert_eq!(published.recv().await, Some(Published::Resubscribed));
    publish(&world, "news", 1).await;
    assert_eq!(published.recv().await, Some(news(1)));
    assert!(subscriber.behind().is_zero());
}

#[tokio::test]
async fn a_node_that_cannot_deliver_refuses_messages_until_it_can() {
    let world = World::new().await;
    let node = world.node(world.settings()).await;
    let alice = world.person("alice").await;
    let mut client = node.enter(&alice, "lobby").await;
    client.say("lobby", "before").await;

    // Its fan-out stands still while it cannot read what it missed.
    world.redis("RENAME rooms kept").await;
    world.redis("SET rooms unreadable").await;
    world.redis("CLIENT KILL TYPE pubsub").await;
    eventually(SOON, "the node listens again", async || {
        world.listeners("rooms:{lobby}:events").await == 1
    })
    .await;
    let chat = json!({ "room": "lobby", "message": "during", "id": "m-1" });
    publish(&world, redis_keys::LOBBY_CHANNEL, 1).await;
    eventually(SOON, "messages are refused", async || {
        client.call("AddChat", chat.clone()).await["error"]["code"] == "unavailable"
    })
    .await;

    world.redis("DEL rooms").await;
    world.redis("RENAME kept rooms").await;
    eventually(SOON, "messages are taken", async || {
        client.call("AddChat", chat.clone()).await["ok"] == true
    })
    .await;
    let seen = vec![(1, "before".to_owned()), (2, "during".to_owned())];
    assert_eq!(client.next_chats(2).await, seen);
}

/// Publishes the numbers from 1 to `count`, all at once.
async fn publish(world: &World, channel: &str, count: usize) {
    let script = format!("for n = 1, {count} do redis.call('PUBLISH', '{channel}', n) end");
    world.redis(&format!("EVAL \"{script}\" 0")).await;
}

fn news(n: usize) -> Published {
    Published::Message {
        channel: "news".to_owned(),
        payload: n.to_string().into(),
    }
}

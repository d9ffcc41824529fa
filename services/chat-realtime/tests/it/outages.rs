use std::time::Duration;

use futures_util::future::join_all;
use messaging::Presence;
use serde_json::json;
use stack::{TcpProxy, eventually};
use tokio::time::Instant;

use crate::{
    client::Client,
    world::{Node, SOON, World},
};

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
async fn a_redis_that_hangs_is_not_waited_for() {
    let world = World::new().await;
    let mut proxy = TcpProxy::start(&world.servers.redis_url()).await.unwrap();
    let mut settings = world.settings();
    settings.redis.url = proxy.url().into();
    settings.redis.deadline_ms = 300;
    let node = world.node(settings).await;
    let alice = world.person("alice").await;
    let mut client = node.enter_at_last(&alice, "lobby").await;
    client.say_at_last("lobby", "before").await;

    proxy.stall();
    let chat = json!({ "room": "lobby", "message": "during", "id": "m-1" });
    for _ in 0..3 {
        assert_eq!(client.refused("AddChat", chat.clone()).await, "unavailable");
    }
    proxy.resume().await.unwrap();
    eventually(SOON, "the message is taken", async || {
        client.call("AddChat", chat.clone()).await["ok"] == true
    })
    .await;
    let seen = vec![(1, "before".to_owned()), (2, "during".to_owned())];
    assert_eq!(client.next_chats(2).await, seen);
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

#[tokio::test]
async fn a_catch_up_that_fails_is_tried_again() {
    let world = World::new().await;
    let (a, b, mut proxy) = nodes(&world).await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let mut alices = a.enter(&alice, "lobby").await;
    let mut bobs = b.enter(&bob, "lobby").await;

    proxy.cut().await;
    alices.say("lobby", "missed").await;
    // The list of rooms cannot be read now, though the subscription can be made.
    world.redis("RENAME rooms kept").await;
    world.redis("SET rooms unreadable").await;
    proxy.resume().await.unwrap();
    eventually(
        SOON,
        "the second node fails to read the rooms",
        async || {
            let errors = world.redis("INFO errorstats").await;
            errors[0].contains("errorstat_WRONGTYPE")
        },
    )
    .await;
    world.redis("RENAME kept rooms").await;

    assert_eq!(bobs.next_chats(1).await, [(1, "missed".to_owned())]);
    alices.say("lobby", "after").await;
    assert_eq!(bobs.next_chats(1).await, [(2, "after".to_owned())]);
}

#[tokio::test]
async fn many_who_try_to_enter_in_an_outage_are_all_answered() {
    let world = World::new().await;
    let mut proxy = TcpProxy::start(&world.servers.redis_url()).await.unwrap();
    let mut settings = world.settings();
    settings.redis.url = proxy.url().into();
    settings.redis.deadline_ms = 200;
    let node = world.node(settings).await;
    let alice = world.person("alice").await;
    let mut clients = Vec::new();
    for _ in 0..64 {
        clients.push(Client::connect_at_last(node.port, &alice.cookie).await);
    }

    proxy.cut().await;
    // Long enough for more tries than the subscriber's queue holds, and for a round of the node's housekeeping.
    let end = Instant::now() + Presence::HEARTBEAT + Duration::from_secs(1);
    let tries = clients
        .into_iter()
        .enumerate()
        .map(async |(number, mut client)| {
            let mut tries = 0;
            while Instant::now() < end {
                let room = json!({ "name": format!("room {number} {tries}") });
                assert_eq!(client.refused("AddRoom", room).await, "unavailable");
                tries += 1;
            }
            client
        });
    let mut clients = join_all(tries).await;

    proxy.resume().await.unwrap();
    let client = &mut clients[0];
    eventually(SOON, "the room is entered", async || {
        client.call("AddRoom", json!({ "name": "lobby" })).await["ok"] == true
    })
    .await;
}

#[tokio::test]
async fn subscriptions_that_break_in_the_midst_of_talk_lose_and_double_nothing() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.limits.messages_per_second = 0;
    let a = world.node(settings.clone()).await;
    let b = world.node(settings).await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let mut alices = a.enter(&alice, "lobby").await;
    let mut bobs = b.enter(&bob, "lobby").await;

    let mut said = Vec::new();
    for round in 0..5 {
        world.redis("CLIENT KILL TYPE pubsub").await;
        for n in 0..40 {
            let text = format!("{round} {n}");
            said.push((alices.say_at_last("lobby", &text).await, text));
        }
        eventually(SOON, "both nodes listen again", async || {
            world.listeners("rooms:{lobby}:events").await == 2
        })
        .await;
    }
    said.push((bobs.say_at_last("lobby", "end").await, "end".to_owned()));
    assert_eq!(alices.next_chats(201).await, said);
    assert_eq!(bobs.next_chats(201).await, said);
}

#[tokio::test]
async fn a_redis_that_lost_messages_is_talked_through_at_once() {
    let (world, a, b) = World::with_two_nodes().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let mut alices = a.enter(&alice, "lobby").await;
    let mut bobs = b.enter(&bob, "lobby").await;
    for n in 1..=3 {
        assert_eq!(alices.say("lobby", "lost").await, n);
    }
    bobs.next_chats(3).await;

    lose_the_chat(&world).await;
    world.redis("CLIENT KILL TYPE pubsub").await;
    // Each node tells its clients who is there when it has caught up.
    bobs.next("GetUser").await;
    alices.next("GetUser").await;
    assert_eq!(alices.say("lobby", "first").await, 1);
    assert_eq!(bobs.next_chats(1).await, [(1, "first".to_owned())]);
}

/// As when a replica takes over that was behind.
async fn lose_the_chat(world: &World) {
    let script = "for _, key in ipairs(redis.call('KEYS', 'rooms*')) do redis.call('DEL', key) end";
    world.redis(&format!("EVAL \"{script}\" 0")).await;
}

#[tokio::test]
async fn a_redis_that_lost_its_sessions_too_has_everybody_sign_in_again() {
    let (mut world, a, b) = World::with_two_nodes().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let mut alices = a.enter(&alice, "lobby").await;
    let mut bobs = b.enter(&bob, "lobby").await;

    world.servers.redis.kill().await;
    world.servers.redis.restart().await.unwrap();
    alices.ended().await;
    bobs.ended().await;
    let mut alices = a.enter_at_last(&world.again(&alice).await, "garden").await;
    let mut bobs = b.enter_at_last(&world.again(&bob).await, "garden").await;
    assert_eq!(alices.say_at_last("garden", "first").await, 1);
    assert_eq!(bobs.next_chats(1).await, [(1, "first".to_owned())]);
}

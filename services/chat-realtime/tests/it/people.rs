use models::{UserId, redis_keys};
use serde_json::json;
use stack::{TcpProxy, eventually};

use crate::world::{SOON, World, room_name};

const PRESENCE: [&str; 2] = ["AddUser", "RemoveUser"];

#[tokio::test]
async fn who_comes_and_goes_is_told_on_every_node() {
    let (world, a, b) = World::with_two_nodes().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let mut beside = a.enter(&alice, "lobby").await;
    let mut far = b.enter(&alice, "lobby").await;
    let mut bobs = a.enter(&bob, "lobby").await;
    for watcher in [&mut beside, &mut far] {
        assert_eq!(watcher.next("AddUser").await, bob.in_room("lobby"));
    }
    bobs.enter("garden").await;
    for watcher in [&mut beside, &mut far] {
        assert_eq!(watcher.next("RemoveUser").await, bob.in_room("lobby"));
    }
    bobs.enter("lobby").await;
    for watcher in [&mut beside, &mut far] {
        assert_eq!(watcher.next("AddUser").await, bob.in_room("lobby"));
    }
    bobs.close().await;
    for watcher in [&mut beside, &mut far] {
        assert_eq!(watcher.next("RemoveUser").await, bob.in_room("lobby"));
    }
    let users = far.ask("GetUser", json!({ "room": "lobby" })).await;
    assert_eq!(users["users"], json!([alice.json()]));
}

#[tokio::test]
async fn nobody_is_told_of_themselves() {
    let (world, a, b) = World::with_two_nodes().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let mut first = a.enter(&alice, "lobby").await;
    // Entering the room one is in changes nothing.
    first.enter("lobby").await;
    let _second = b.enter(&bob, "lobby").await;
    let (event, user) = first.next_of(&PRESENCE).await;
    assert_eq!((event.as_str(), user), ("AddUser", bob.in_room("lobby")));
}

#[tokio::test]
async fn two_tabs_are_one_user_until_the_last_leaves() {
    let (world, a, b) = World::with_two_nodes().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let carol = world.person("carol").await;
    let mut watcher = a.enter(&bob, "lobby").await;
    let first = a.enter(&alice, "lobby").await;
    let mut second = b.enter(&alice, "lobby").await;
    assert_eq!(watcher.next("AddUser").await, alice.in_room("lobby"));
    let users = watcher.ask("GetUser", json!({ "room": "lobby" })).await;
    assert_eq!(users["users"], json!([alice.json(), bob.json()]));

    first.close().await;
    eventually(SOON, "one tab is left", async || {
        world.connections(&alice, "lobby").await == "1"
    })
    .await;
    let carols = b.enter(&carol, "lobby").await;
    let (event, user) = watcher.next_of(&PRESENCE).await;
    assert_eq!(
        (event.as_str(), user),
        ("AddUser", carol.in_room("lobby")),
        "neither came alice twice, nor has she gone"
    );

    second.enter("garden").await;
    let (event, user) = watcher.next_of(&PRESENCE).await;
    assert_eq!(
        (event.as_str(), user),
        ("RemoveUser", alice.in_room("lobby"))
    );
    carols.close().await;
    assert_eq!(watcher.next("RemoveUser").await, carol.in_room("lobby"));
}

#[tokio::test]
async fn what_a_dead_node_left_is_swept_and_told() {
    let (world, a, b) = World::with_two_nodes().await;
    let alice = world.person("alice").await;
    let mut beside = a.enter(&alice, "lobby").await;
    let mut far = b.enter(&alice, "lobby").await;
    let ghost = UserId::generate();
    let key = redis_keys::room_users(&room_name("lobby"));
    let user = redis_keys::user(ghost);
    world
        .redis(&format!("HSET {user} name ghost type local"))
        .await;
    world.redis(&format!("ZADD {key} 1000 {ghost}")).await;

    let told = json!({ "id": ghost, "user": "ghost", "type": "local", "room": "lobby" });
    assert_eq!(beside.next("RemoveUser").await, told);
    assert_eq!(far.next("RemoveUser").await, told);
    let users = beside.ask("GetUser", json!({ "room": "lobby" })).await;
    assert_eq!(users["users"], json!([alice.json()]));

    // Somebody who enters does not see it even where nobody else has swept.
    let key = redis_keys::room_users(&room_name("attic"));
    world.redis(&format!("ZADD {key} 1000 {ghost}")).await;
    beside.enter("attic").await;
    let users = beside.ask("GetUser", json!({ "room": "attic" })).await;
    assert_eq!(users["users"], json!([alice.json()]));
}

#[tokio::test]
async fn a_node_that_was_away_too_long_loses_its_people_and_brings_them_back() {
    let world = World::new().await;
    let mut proxy = TcpProxy::start(&world.servers.redis_url()).await.unwrap();
    let a = world.node(world.settings()).await;
    let mut settings = world.settings();
    settings.redis.url = proxy.url().into();
    let b = world.node(settings).await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let mut watcher = a.enter(&alice, "lobby").await;
    let mut lost = b.enter(&bob, "lobby").await;
    assert_eq!(watcher.next("AddUser").await, bob.in_room("lobby"));

    proxy.cut().await;
    // As if its last heartbeat were long ago.
    let room = room_name("lobby");
    let users = redis_keys::room_users(&room);
    let connections = redis_keys::room_user_connections(&room, bob.user.id);
    world.redis(&format!("DEL {connections}")).await;
    world
        .redis(&format!("ZADD {users} 1000 {}", bob.user.id))
        .await;
    assert_eq!(watcher.next("RemoveUser").await, bob.in_room("lobby"));

    proxy.resume().await.unwrap();
    assert_eq!(watcher.next("AddUser").await, bob.in_room("lobby"));
    lost.say("lobby", "back").await;
    assert_eq!(watcher.next("AddChat").await["message"], "back");
}

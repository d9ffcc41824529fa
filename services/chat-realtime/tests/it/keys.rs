use models::redis_keys;
use serde_json::json;

use crate::world::{World, room_name};

#[tokio::test]
async fn an_operator_finds_the_state_in_redis() {
    let world = World::new().await;
    let node = world.node(world.settings()).await;
    let alice = world.person("alice").await;
    let mut client = node.enter(&alice, "lobby").await;
    let chat = json!({ "room": "lobby", "message": "hi", "id": "m-1" });
    client.ask("AddChat", chat).await;

    let id = alice.user.id;
    let types = [
        ("rooms".to_owned(), "zset"),
        ("rooms:{lobby}".to_owned(), "zset"),
        ("rooms:{lobby}:chats".to_owned(), "stream"),
        ("rooms:{lobby}:seq".to_owned(), "string"),
        (format!("rooms:{{lobby}}:sent:{id}:m-1"), "string"),
        (format!("rooms:{{lobby}}:user:{id}"), "zset"),
        ("users".to_owned(), "zset"),
        (format!("user:{id}"), "hash"),
        (format!("user:{id}:room"), "string"),
        (format!("user:{id}:sessions"), "zset"),
        (format!("user:{id}:rate"), "string"),
        (format!("user:{id}:request-rate"), "string"),
        (redis_keys::session(&alice.session), "string"),
    ];
    // The rates' keys expire within the tenth of a second that one message takes.
    for (key, kind) in types.iter().filter(|(key, _)| !key.ends_with("rate")) {
        assert_eq!(world.redis(&format!("TYPE {key}")).await, [*kind], "{key}");
    }
    let mut keys = world.redis("KEYS *").await;
    keys.retain(|key| types.iter().all(|(known, _)| known != key));
    assert_eq!(keys, Vec::<String>::new(), "keys nobody documented");

    let of_user = world.redis(&format!("HGETALL user:{id}")).await;
    assert_eq!(of_user, ["name", "alice", "type", "local"]);
    let room = world.redis(&format!("GET user:{id}:room")).await;
    assert_eq!(room, ["lobby"]);
    let users = world.redis("ZRANGE rooms:{lobby} 0 -1").await;
    assert_eq!(users, [id.to_string()]);
    for key in [
        redis_keys::room_user_connections(&room_name("lobby"), id),
        redis_keys::user_room(id),
        redis_keys::session(&alice.session),
    ] {
        let left: i64 = world.redis(&format!("TTL {key}")).await[0].parse().unwrap();
        assert!(left > 0, "{key} expires");
    }
}

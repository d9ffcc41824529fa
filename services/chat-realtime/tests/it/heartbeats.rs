use std::sync::Arc;

use messaging::{Connection, Presence, Redis};
use models::{User, UserId, UserType, redis_keys};
use settings::RedisSettings;

use crate::world::{World, room_name};

#[tokio::test]
async fn a_crowd_keeps_its_places_and_who_lost_theirs_is_told_apart() {
    let world = World::new().await;
    let redis = Redis::connect(&RedisSettings::new(&world.servers.redis_url())).unwrap();
    let presence = Presence::new(redis);
    let room = room_name("lobby");
    let mut crowd = Vec::new();
    for n in 0..250 {
        let connection = Arc::new(Connection {
            user: User {
                id: UserId::generate(),
                user: format!("user {n}"),
                kind: UserType::local(),
            },
            socket: format!("socket {n}"),
            room: room.clone(),
        });
        presence.join(&connection).await.unwrap();
        crowd.push(connection);
    }
    let heartbeat = presence.heartbeat(&room, &crowd).await.unwrap();
    assert!(
        heartbeat.lost.is_empty() && !heartbeat.sweep,
        "{heartbeat:?}"
    );

    let users = redis_keys::room_users(&room);
    // Long ago, for all but two: one has lost its place among the users, the other its connection.
    for connection in &crowd {
        let id = connection.user.id;
        world.redis(&format!("ZADD {users} 1000 {id}")).await;
    }
    world
        .redis(&format!("ZREM {users} {}", crowd[3].user.id))
        .await;
    let connections = redis_keys::room_user_connections(&room, crowd[207].user.id);
    world.redis(&format!("DEL {connections}")).await;
    let heartbeat = presence.heartbeat(&room, &crowd).await.unwrap();
    let lost: Vec<_> = heartbeat.lost.iter().map(|lost| &*lost.socket).collect();
    assert_eq!(lost, ["socket 3", "socket 207"]);
    assert!(heartbeat.sweep, "one of them is still listed");
    assert_eq!(presence.sweep(&room).await.unwrap(), 1);
    let here = world.redis(&format!("ZCOUNT {users} 1001 +inf")).await;
    assert_eq!(here, ["248"]);

    for lost in heartbeat.lost {
        presence.join(&lost).await.unwrap();
    }
    let heartbeat = presence.heartbeat(&room, &crowd).await.unwrap();
    assert!(
        heartbeat.lost.is_empty() && !heartbeat.sweep,
        "{heartbeat:?}"
    );
}

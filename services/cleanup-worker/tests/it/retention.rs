use std::collections::BTreeSet;

use cleanup_worker::{
    cleaning::{Removed, clean},
    settings::Keep,
};
use messaging::{Chats, ListedRoom, RoomRemains};
use models::redis_keys;

use crate::world::{LONG_AGO, World, an_hour_ago, room, user};

#[tokio::test]
async fn an_idle_room_goes_and_everybody_is_told() {
    let world = World::new().await;
    let (idle, active) = (room("idle"), room("active"));
    world.list_long_ago(&idle).await;
    world.said_long_ago(&idle, 3).await;
    world.list(&active).await;
    world.say(&active).await;
    let mut lobby = world.subscribe(redis_keys::LOBBY_CHANNEL.to_owned()).await;

    let removed = world.clean().await;
    assert_eq!(
        removed,
        Removed {
            rooms: 1,
            chats: 3,
            ..Removed::default()
        }
    );
    assert_eq!(world.rooms().await, vec![active.clone()]);
    assert_eq!(world.messages(&active).await, 1);
    assert_eq!(
        lobby.next_packet().await,
        "2/packtchat,[\"RemoveRoom\",{\"id\":\"idle\",\"name\":\"idle\"}]"
    );
    let keys = world.redis_cli(&["KEYS", "rooms:{idle}*"]).await;
    assert_eq!(keys, "rooms:{idle}:seq");

    assert_eq!(world.clean().await, Removed::default(), "nothing is left");
}

#[tokio::test]
async fn numbers_go_on_when_a_removed_room_comes_back() {
    let world = World::new().await;
    let lobby = room("lobby");
    world.list_long_ago(&lobby).await;
    world.said_long_ago(&lobby, 3).await;
    assert_eq!(world.clean().await.rooms, 1);
    let seq = redis_keys::room_seq(&lobby);
    let ttl: u32 = world.redis_cli(&["TTL", &seq]).await.parse().unwrap();
    assert!((29 * 86_400..=30 * 86_400).contains(&ttl), "{ttl}");

    world.list(&lobby).await;
    assert_eq!(world.say(&lobby).await, 4);
    assert_eq!(world.redis_cli(&["TTL", &seq]).await, "-1");
    // Somebody who has seen the removed messages, or a part of them.
    let chats = Chats::new(world.redis.clone());
    assert!(!chats.since(&lobby, 3, 10).await.unwrap().gap);
    assert!(chats.since(&lobby, 2, 10).await.unwrap().gap);
}

#[tokio::test]
async fn a_room_with_somebody_in_it_stays_and_loses_its_old_messages() {
    let world = World::new().await;
    let lobby = room("lobby");
    world.list_long_ago(&lobby).await;
    world.said_long_ago(&lobby, 250).await;
    world.enter(&lobby, &user("alice")).await;
    let removed = world.clean().await;
    assert_eq!((removed.rooms, removed.chats), (0, 250));
    assert_eq!(world.rooms().await, vec![lobby.clone()]);
    assert_eq!(world.redis_cli(&["ZCARD", "rooms:{lobby}"]).await, "1");
    assert_eq!(world.say(&lobby).await, 251);
}

#[tokio::test]
async fn a_room_with_a_new_message_stays_and_keeps_it() {
    let world = World::new().await;
    let lobby = room("lobby");
    world.said_long_ago(&lobby, 120).await;
    assert_eq!(world.say(&lobby).await, 121);
    assert_eq!(world.say(&lobby).await, 122);
    world.list_long_ago(&lobby).await;
    let removed = world.clean().await;
    assert_eq!((removed.rooms, removed.chats), (0, 120));
    assert_eq!(world.rooms().await, vec![lobby.clone()]);
    let chats = Chats::new(world.redis.clone());
    let history = chats.since(&lobby, 0, 10).await.unwrap();
    assert!(history.gap);
    let left: Vec<_> = history.chats.iter().map(|chat| chat.seq).collect();
    assert_eq!(left, [121, 122]);
}

/// Somebody enters between the look at the list and the removal.
#[tokio::test]
async fn a_room_that_has_become_active_meanwhile_stays_on_the_list() {
    let world = World::new().await;
    let lobby = room("lobby");
    world.said_long_ago(&lobby, 1).await;
    world.list(&lobby).await;
    let as_it_was = ListedRoom {
        name: lobby.clone(),
        active: LONG_AGO,
    };
    let remains = world
        .retention()
        .remove_old_of_room(&as_it_was, an_hour_ago())
        .await
        .unwrap();
    assert_eq!(
        remains,
        RoomRemains {
            removed: false,
            messages: 1
        }
    );
    assert_eq!(world.rooms().await, [lobby]);
}

#[tokio::test]
async fn a_new_room_without_messages_stays() {
    let world = World::new().await;
    world.list(&room("new")).await;
    assert_eq!(world.clean().await, Removed::default());
    assert_eq!(world.rooms().await.len(), 1);
}

#[tokio::test]
async fn thousands_go_in_small_steps() {
    let world = World::new().await;
    let fill = "for i = 1, 1050 do \
                  local room = 'room ' .. i \
                  redis.call('ZADD', 'rooms', 1000, room) \
                  for seq = 1, 3 do \
                    redis.call('XADD', 'rooms:{' .. room .. '}:chats', seq .. '-0', 'chat', '{}', 'ts', '1000') \
                  end \
                  local id = string.format('00000000-0000-7000-8000-%012d', i) \
                  redis.call('ZADD', 'users', 1000, id) \
                end \
                redis.call('ZADD', 'users', 1000, 'no id of a user')";
    world.redis_cli(&["EVAL", fill, "0"]).await;
    let large = room("large");
    world.said_long_ago(&large, 5_000).await;
    world.list(&large).await;
    world.redis_cli(&["CONFIG", "RESETSTAT"]).await;
    assert_eq!(
        world.clean().await,
        Removed {
            rooms: 1_050,
            chats: 3 * 1_050 + 5_000,
            users: 1_051,
            presences: 0,
        }
    );
    let stats = world.redis_cli(&["INFO", "commandstats"]).await;
    let (_, steps) = stats.split_once("cmdstat_evalsha:calls=").unwrap();
    let steps: u32 = steps.split(',').next().unwrap().parse().unwrap();
    // Two for each room, one for each hundred of messages and of users.
    let least = 2 * 1_050 + 50 + 11;
    assert!(steps >= least, "{steps} steps");
    assert_eq!(world.rooms().await, [large]);
    assert_eq!(world.redis_cli(&["EXISTS", "users"]).await, "0");
}

#[tokio::test]
async fn who_was_not_active_is_forgotten() {
    let world = World::new().await;
    let (gone, here) = (user("gone"), user("here"));
    let lobby = room("lobby");
    world.enter(&lobby, &gone).await;
    world.enter(&lobby, &here).await;
    let (gone_id, gone_key) = (gone.id.to_string(), redis_keys::user(gone.id));
    world.redis_cli(&["ZADD", "users", "1000", &gone_id]).await;
    assert_eq!(world.clean().await.users, 1);
    let users = world.redis_cli(&["ZRANGE", "users", "0", "-1"]).await;
    assert_eq!(users, here.id.to_string());
    let ttl: i32 = world.redis_cli(&["TTL", &gone_key]).await.parse().unwrap();
    assert!((1..=3_600).contains(&ttl), "{ttl}");
    let here_key = redis_keys::user(here.id);
    assert_eq!(world.redis_cli(&["TTL", &here_key]).await, "-1");
}

#[tokio::test]
async fn what_a_dead_node_left_behind_goes_and_the_room_is_told() {
    let world = World::new().await;
    let lobby = room("lobby");
    let (lost, here) = (user("lost"), user("here"));
    world.list(&lobby).await;
    world.enter(&lobby, &here).await;
    world.entered_by_a_dead_node(&lobby, &lost).await;
    let mut events = world.subscribe(redis_keys::room_channel(&lobby)).await;
    let removed = clean(&world.retention(), Keep::Forever).await.unwrap();
    assert_eq!(removed.presences, 1);
    let present = world
        .redis_cli(&["ZRANGE", "rooms:{lobby}", "0", "-1"])
        .await;
    assert_eq!(present, here.id.to_string());
    let packet = events.next_packet().await;
    assert!(
        packet.starts_with("2/packtchat,[\"RemoveUser\","),
        "{packet}"
    );
    assert!(packet.contains(&lost.id.to_string()), "{packet}");
}

#[tokio::test]
async fn for_ever_is_for_ever() {
    let world = World::new().await;
    let lobby = room("lobby");
    world.list_long_ago(&lobby).await;
    world.said_long_ago(&lobby, 3).await;
    world
        .redis_cli(&["ZADD", "users", "1000", &user("alice").id.to_string()])
        .await;
    let removed = clean(&world.retention(), Keep::Forever).await.unwrap();
    assert_eq!(removed, Removed::default());
    assert_eq!(world.rooms().await, vec![lobby.clone()]);
    assert_eq!(world.messages(&lobby).await, 3);
    assert_eq!(world.redis_cli(&["ZCARD", "users"]).await, "1");
}

/// A clean-up may be stopped anywhere, and another one may be at it at the same time.
#[tokio::test]
async fn two_clean_ups_at_once_remove_everything_once() {
    let world = World::new().await;
    for n in 0..300 {
        world.list_long_ago(&room(&format!("room {n}"))).await;
    }
    let mut lobby = world.subscribe(redis_keys::LOBBY_CHANNEL.to_owned()).await;
    let (first, second) = tokio::join!(world.clean(), world.clean());
    assert_eq!(first.rooms + second.rooms, 300);
    assert!(world.rooms().await.is_empty());
    let mut told = BTreeSet::new();
    for _ in 0..300 {
        told.insert(lobby.next_packet().await);
    }
    assert_eq!(told.len(), 300, "a room was announced twice");
}

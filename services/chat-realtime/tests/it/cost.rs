//! What things cost Redis, which all nodes share.

use crate::world::World;

#[tokio::test]
async fn a_message_is_one_call_and_marks_its_room_now_and_then() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.limits.messages_per_second = 0;
    let node = world.node(settings).await;
    let alice = world.person("alice").await;
    let mut client = node.enter(&alice, "lobby").await;
    client.say("lobby", "first").await;

    let scripts = calls(&world, "evalsha").await;
    let marks = calls(&world, "zadd").await;
    for n in 0..100 {
        client.say("lobby", &format!("message {n}")).await;
    }
    // A round of heartbeats and a mark or two may fall between.
    let scripts = calls(&world, "evalsha").await - scripts;
    assert!((100..120).contains(&scripts), "{scripts} scripts");
    let marks = calls(&world, "zadd").await - marks;
    assert!(marks < 50, "{marks} marks");
}

/// How often a command was carried out, within scripts too.
async fn calls(world: &World, command: &str) -> u64 {
    let stats = world.redis("INFO commandstats").await.remove(0);
    let head = format!("cmdstat_{command}:calls=");
    let calls = stats.lines().find_map(|line| line.strip_prefix(&head));
    calls.map_or(0, |calls| calls.split(',').next().unwrap().parse().unwrap())
}

use crate::world::World;

#[tokio::test]
async fn a_node_that_stops_sends_its_clients_elsewhere() {
    let (world, a, b) = World::with_two_nodes().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let carol = world.person("carol").await;
    let mut watcher = a.enter(&alice, "lobby").await;
    let mut bobs = b.enter(&bob, "lobby").await;
    let mut carols = b.connect(&carol).await;

    b.begin_stop();
    assert_eq!(bobs.closed().await, 1012);
    assert_eq!(carols.closed().await, 1012);
    assert_eq!(watcher.next("RemoveUser").await, bob.in_room("lobby"));
    b.ended().await.unwrap();
    assert_eq!(world.connections(&bob, "lobby").await, "0");
    watcher.say("lobby", "still here").await;
}

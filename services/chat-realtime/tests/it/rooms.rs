use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn a_new_room_is_announced_to_everybody_else() {
    let (world, a, b) = World::with_two_nodes().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let mut sender = a.connect(&alice).await;
    let mut beside = a.connect(&bob).await;
    let mut far = b.connect(&bob).await;

    let entered = sender.ask("AddRoom", json!({ "name": " lobby " })).await;
    let lobby = json!({ "id": "lobby", "name": "lobby" });
    assert_eq!(entered, json!({ "ok": true, "room": lobby }));
    assert_eq!(beside.next("AddRoom").await, lobby);
    assert_eq!(far.next("AddRoom").await, lobby);

    // An old room is not announced: the next announcement is that of another.
    far.enter("lobby").await;
    beside.enter("garden").await;
    let garden = json!({ "id": "garden", "name": "garden" });
    assert_eq!(sender.next("AddRoom").await, garden, "nor one's own");
    assert_eq!(far.next("AddRoom").await, garden);
    sender.enter("garden").await;
    sender.enter("lobby").await;
    sender.enter("attic").await;
    let attic = json!({ "id": "attic", "name": "attic" });
    assert_eq!(beside.next("AddRoom").await, attic);
    assert_eq!(far.next("AddRoom").await, attic);
}

#[tokio::test]
async fn a_room_may_have_any_name() {
    let (world, a, b) = World::with_two_nodes().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    for name in ["}:chats", "%7D", "{}", "Größe \"東京\" 🎉", "a,b[1]"] {
        let mut speaker = a.enter(&alice, name).await;
        let mut listener = b.enter(&bob, name).await;
        speaker.say(name, "hi").await;
        let chat = listener.next("AddChat").await;
        assert_eq!((&chat["room"], &chat["seq"]), (&json!(name), &json!(1)));
    }
}

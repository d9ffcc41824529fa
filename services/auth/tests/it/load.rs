use futures_util::future::join_all;
use models::account::AuthReply;
use stack::eventually;

use crate::world::{Client, SOON, Service, World};

/// One request at a time, each long enough to be met at work.
async fn slow_auth(world: &World) -> Service {
    let mut settings = world.settings();
    settings.passwords.rounds = 400_000;
    world.auth(settings).await
}

fn ask_many(client: &Client, count: usize) -> tokio::task::JoinHandle<Vec<AuthReply>> {
    let client = client.clone();
    tokio::spawn(
        async move { join_all((0..count).map(|_| client.verify("nobody", "any horse"))).await },
    )
}

#[tokio::test]
async fn a_flood_waits_in_the_queue_and_not_in_the_process() {
    let world = World::new().await;
    let _auth = slow_auth(&world).await;
    let flood = ask_many(&world.client(), 20);
    let mut deepest = 0;
    eventually(SOON, "the flood is over", async || {
        let depth = world.queue_depth().await;
        assert!(depth.unacknowledged <= 2, "{depth:?}");
        deepest = deepest.max(depth.ready);
        flood.is_finished()
    })
    .await;
    assert!(deepest >= 10, "{deepest}");
    assert_eq!(flood.await.unwrap(), vec![AuthReply::WrongCredentials; 20]);
}

#[tokio::test]
async fn draining_answers_what_is_in_flight_and_leaves_the_rest_to_others() {
    let world = World::new().await;
    let auth = slow_auth(&world).await;
    let flood = ask_many(&world.client(), 6);
    eventually(SOON, "requests are at work and others wait", async || {
        let depth = world.queue_depth().await;
        depth.unacknowledged == 2 && depth.ready > 0
    })
    .await;
    auth.stop().await;
    let left = world.queue_depth().await;
    assert_eq!(left.unacknowledged, 0);
    assert!((1..=4).contains(&left.ready), "{left:?}");
    let _other = slow_auth(&world).await;
    assert_eq!(flood.await.unwrap(), vec![AuthReply::WrongCredentials; 6]);
}

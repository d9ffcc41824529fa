use futures_util::future::join_all;
use models::account::AuthReply;
use sqlx::Connection;
use stack::{QueueDepth, eventually};
use tokio::task::JoinHandle;

use crate::world::{BEGIN, Client, SOON, World};

/// Asks for so many accounts at once.
fn register_many(client: &Client, count: usize) -> JoinHandle<Vec<AuthReply>> {
    let client = client.clone();
    tokio::spawn(async move {
        let names: Vec<_> = (0..count).map(|n| format!("user-{n}")).collect();
        let register = names
            .iter()
            .map(|name| client.register(name, "correct horse"));
        join_all(register).await
    })
}

fn all_accepted(replies: &[AuthReply]) -> bool {
    let accepted = |reply: &AuthReply| matches!(reply, AuthReply::Accepted { .. });
    replies.iter().all(accepted)
}

#[tokio::test]
async fn a_flood_waits_in_the_queue_and_not_in_the_process() {
    let world = World::new().await;
    let _auth = world.auth(world.patient_settings()).await;
    // Nothing can be written, so nothing is answered.
    let mut database = world.database().await;
    let writer = database.begin_with(BEGIN).await.unwrap();
    let flood = register_many(&world.client(), 20);
    let full = QueueDepth {
        ready: 18,
        unacknowledged: 2,
    };
    eventually(SOON, "two are at work and the others wait", async || {
        let depth = world.queue_depth().await;
        assert!(depth.unacknowledged <= 2, "{depth:?}");
        depth == full
    })
    .await;
    writer.rollback().await.unwrap();
    let replies = flood.await.unwrap();
    assert!(all_accepted(&replies), "{replies:?}");
}

#[tokio::test]
async fn draining_answers_what_is_in_flight_and_leaves_the_rest_to_others() {
    let world = World::new().await;
    let auth = world.auth(world.patient_settings()).await;
    let mut database = world.database().await;
    let writer = database.begin_with(BEGIN).await.unwrap();
    let flood = register_many(&world.client(), 6);
    let full = QueueDepth {
        ready: 4,
        unacknowledged: 2,
    };
    eventually(SOON, "two are at work and the others wait", async || {
        world.queue_depth().await == full
    })
    .await;
    auth.lifecycle.stop().cancel();
    writer.rollback().await.unwrap();
    auth.stop().await;
    let left = QueueDepth {
        ready: 4,
        unacknowledged: 0,
    };
    assert_eq!(world.queue_depth().await, left);
    let _other = world.auth(world.settings()).await;
    let replies = flood.await.unwrap();
    assert!(all_accepted(&replies), "{replies:?}");
}

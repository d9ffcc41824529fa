use std::time::{Duration, Instant};

use messaging::RpcError;
use models::account::AuthReply;
use serde_json::json;
use sqlx::Connection;
use stack::{Postgres, QueueDepth, TcpProxy, eventually};

use crate::{
    database::Database,
    world::{BEGIN, SOON, World, accepted, register},
};

on_both_databases!(a_database_that_does_not_answer_is_told);

const IDLE: QueueDepth = QueueDepth {
    ready: 0,
    unacknowledged: 0,
};

#[tokio::test]
async fn an_unreadable_request_is_rejected_and_the_next_one_served() {
    let (world, _auth, client) = World::with_auth().await;
    let impatient = world.client_with_patience(Duration::from_secs(1));
    for garbage in [
        json!("garbage"),
        json!({"do": "format_disk"}),
        json!({"do": "verify", "username": "alice"}),
        json!({"do": "verify", "username": "alice", "password": 7}),
    ] {
        let answer = impatient.ask_anything(&garbage).await;
        assert!(matches!(answer, Err(RpcError::Timeout(_))), "{answer:?}");
    }
    client.registered("alice", "correct horse").await;
    eventually(SOON, "nothing is left in the queue", async || {
        world.queue_depth().await == IDLE
    })
    .await;
}

#[tokio::test]
async fn serves_again_after_the_broker_was_away() {
    let world = World::new().await;
    let mut proxy = TcpProxy::start(&world.servers.amqp_url()).await.unwrap();
    let mut settings = world.settings();
    settings.amqp.url = proxy.url().into();
    let auth = world.auth(settings).await;
    let client = world.client();
    client.registered("alice", "correct horse").await;
    proxy.cut().await;
    eventually(SOON, "auth is not ready", async || {
        !auth.lifecycle.report().await.ready
    })
    .await;
    proxy.resume().await.unwrap();
    auth.is_ready().await;
    accepted(client.verify("alice", "correct horse").await);
}

/// The account is made, the connection breaks before the answer, RabbitMQ gives the request out again: the answer is
/// that of the first time.
#[tokio::test]
async fn a_registration_survives_losing_its_answer() {
    let world = World::new().await;
    let mut proxy = TcpProxy::start(&world.servers.amqp_url()).await.unwrap();
    let mut settings = world.patient_settings();
    settings.amqp.url = proxy.url().into();
    let _auth = world.auth(settings).await;
    let client = world.client();
    let mut database = world.database().await;
    let writer = database.begin_with(BEGIN).await.unwrap();
    let registration = tokio::spawn({
        let client = client.clone();
        async move { client.ask(&register("alice", "correct horse")).await }
    });
    eventually(SOON, "the request is at work", async || {
        world.queue_depth().await.unacknowledged == 1
    })
    .await;
    proxy.cut().await;
    writer.rollback().await.unwrap();
    eventually(SOON, "the account is made", async || {
        let accounts: i64 = sqlx::query_scalar("SELECT count(*) FROM accounts")
            .fetch_one(&mut database)
            .await
            .unwrap();
        accounts == 1
    })
    .await;
    assert!(!registration.is_finished());
    proxy.resume().await.unwrap();
    let user = accepted(registration.await.unwrap());
    assert_eq!(
        accepted(client.verify("alice", "correct horse").await),
        user
    );
}

async fn a_database_that_does_not_answer_is_told(database: Database) {
    let world = World::on(database).await;
    let mut settings = world.settings();
    settings.database.deadline_ms = 1_000;
    let _auth = world.auth(settings).await;
    let client = world.client();
    let mut connection = world.database().await;
    let writer = database.lock(&mut connection).await;
    assert_eq!(
        client.register("alice", "correct horse").await,
        AuthReply::Unavailable
    );
    writer.rollback().await.unwrap();
    client.registered("alice", "correct horse").await;
}

#[tokio::test]
async fn serves_again_after_postgresql_was_away() {
    let mut postgres = Postgres::start().await.unwrap();
    let url = postgres.create_database("chat").await.unwrap();
    let world = World::new().await;
    let mut settings = world.settings();
    settings.database.url = url.as_str().into();
    let auth = world.auth(settings).await;
    let client = world.client();
    client.registered("alice", "correct horse").await;
    postgres.stop().await;
    assert_eq!(
        client.verify("alice", "correct horse").await,
        AuthReply::Unavailable
    );
    eventually(SOON, "auth is not ready", async || {
        !auth.lifecycle.report().await.ready
    })
    .await;
    postgres.restart().await.unwrap();
    auth.is_ready().await;
    accepted(client.verify("alice", "correct horse").await);
    postgres.stop().await;
}

#[tokio::test]
async fn a_postgresql_that_falls_silent_is_told() {
    let postgres = stack::postgres_database().await.unwrap();
    let mut proxy = TcpProxy::start(&postgres).await.unwrap();
    let world = World::new().await;
    let mut settings = world.settings();
    settings.database.url = proxy.url().into();
    let auth = world.auth(settings).await;
    let client = world.client();
    client.registered("alice", "correct horse").await;
    proxy.stall();
    let asked = Instant::now();
    let reply = client.verify("alice", "correct horse").await;
    assert_eq!(reply, AuthReply::Unavailable);
    // Whoever asks has five seconds, the database two.
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    proxy.resume().await.unwrap();
    auth.is_ready().await;
    accepted(client.verify("alice", "correct horse").await);
}

#[tokio::test]
async fn a_damaged_hash_is_an_outage_for_its_owner_alone() {
    let (world, _auth, client) = World::with_auth().await;
    client.registered("alice", "correct horse").await;
    let mut database = world.database().await;
    sqlx::query("UPDATE passwords SET phc = 'damaged'")
        .execute(&mut database)
        .await
        .unwrap();
    assert_eq!(
        client.verify("alice", "correct horse").await,
        AuthReply::Unavailable
    );
    client.registered("bob", "correct horse").await;
}

use models::{
    redis_keys,
    session::{Session, SessionId, SessionKeys},
};
use serde_json::json;
use stack::{TcpProxy, eventually};

use crate::{
    client::Client,
    world::{SOON, World},
};

#[tokio::test]
async fn only_a_living_session_of_somebody_is_admitted() {
    let world = World::new().await;
    let node = world.node(world.settings()).await;
    let refusal = json!({ "message": "Not Authenticated" });

    assert_eq!(Client::refusal(node.port, None).await, refusal, "no cookie");

    let alice = world.person("alice").await;
    let other_keys = SessionKeys::new(b"another secret for tests, long enough").unwrap();
    let forged = other_keys.sign(&alice.session);
    assert_eq!(
        Client::refusal(node.port, Some(&forged)).await,
        refusal,
        "forged"
    );

    let nobody = SessionId::generate();
    let sessions = world.sessions();
    sessions
        .create(&nobody, &Session::anonymous())
        .await
        .unwrap();
    let cookie = sessions.cookie_value(&nobody);
    assert_eq!(
        Client::refusal(node.port, Some(&cookie)).await,
        refusal,
        "signed in nowhere"
    );

    node.connect(&alice).await;
    sessions.end_all(alice.user.id, None).await.unwrap();
    assert_eq!(
        Client::refusal(node.port, Some(&alice.cookie)).await,
        refusal,
        "ended"
    );
}

#[tokio::test]
async fn a_node_is_ready_when_it_hears_of_new_rooms() {
    let world = World::new().await;
    world.redis("ACL SETUSER default -subscribe").await;
    let node = world.start(world.settings()).await;
    eventually(SOON, "its servers answer", async || {
        let checks = node.report().await.checks;
        checks["redis"] == "ok" && checks["amqp"] == "ok"
    })
    .await;
    assert!(!node.report().await.ready);

    world.redis("ACL SETUSER default +subscribe").await;
    eventually(SOON, "it is ready", async || node.report().await.ready).await;
    assert_eq!(world.listeners(redis_keys::LOBBY_CHANNEL).await, 1);
}

#[tokio::test]
async fn without_redis_a_client_is_told_to_try_again() {
    let world = World::new().await;
    let mut proxy = TcpProxy::start(&world.servers.redis_url()).await.unwrap();
    let mut settings = world.settings();
    settings.redis.url = proxy.url().into();
    let node = world.node(settings).await;
    let alice = world.person("alice").await;

    proxy.cut().await;
    assert_eq!(
        Client::refusal(node.port, Some(&alice.cookie)).await,
        json!({ "message": "Try again in a moment" })
    );
    proxy.resume().await.unwrap();
    node.enter_at_last(&alice, "lobby").await;
    assert_eq!(world.connections(&alice, "lobby").await, "1");
}

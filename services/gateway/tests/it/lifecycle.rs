//! Ready, draining, stopped.

use reqwest::StatusCode;
use stack::{TcpProxy, eventually};
use tokio::net::TcpStream;

use crate::world::{SOON, World};

#[tokio::test]
async fn ready_means_redis_and_rabbitmq_answer() {
    let world = World::new().await;
    let mut redis = TcpProxy::start(&world.servers.redis_url()).await.unwrap();
    let mut settings = world.settings();
    settings.redis.url = redis.url().into();
    let gateway = World::start(settings).await;
    gateway.is_ready().await;
    let names: Vec<_> = gateway
        .lifecycle
        .report()
        .await
        .checks
        .into_keys()
        .collect();
    assert_eq!(names, ["amqp", "redis"]);

    redis.cut().await;
    gateway.is_unready().await;
    let report = gateway.lifecycle.report().await;
    assert_eq!(report.checks["amqp"], "ok");
    assert!(report.checks["redis"].contains("Redis"), "{report:?}");
    redis.resume().await.unwrap();
    gateway.is_ready().await;

    gateway.lifecycle.begin_drain();
    assert!(!gateway.lifecycle.report().await.ready);
    assert_eq!(
        gateway.browser().get("/").await.status,
        StatusCode::OK,
        "work goes on until the load balancer has noticed"
    );
}

#[tokio::test]
async fn a_stop_finishes_the_requests_in_flight() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.auth.patience_ms = 5_000;
    let gateway = World::start(settings).await;
    gateway.is_ready().await;
    let port = gateway.port;
    // An idle connection does not hold up the stop.
    let mut idle = gateway.browser();
    idle.get("/").await;

    let mut browser = gateway.browser();
    let csrf = browser.get("/account/login").await.csrf();
    let in_flight = tokio::spawn(async move {
        let fields = [
            ("csrf", csrf.as_str()),
            ("username", "alice"),
            ("password", "correct horse"),
        ];
        browser.post("/account/login", &fields).await
    });
    // It is in flight once its question waits in the queue, where nobody takes it.
    eventually(SOON, "the question is asked", async || {
        world.waits_for_auth().await
    })
    .await;
    gateway.stop().await;

    let answer = in_flight.await.unwrap();
    assert!(answer.leads_to("/account/login"), "{}", answer.text());
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

//! What people read when something we need is away.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use stack::{TcpProxy, eventually};

use crate::world::{SOON, Service, World};

const PASSWORD: &str = "correct horse battery";
const FIELDS: [(&str, &str); 2] = [("username", "alice"), ("password", PASSWORD)];
/// What a machine that is busy with other tests may add to a deadline.
const SLACK: Duration = Duration::from_secs(3);

async fn gateway_with(
    world: &World,
    change: impl FnOnce(&mut gateway::settings::Settings),
) -> Service {
    let mut settings = world.settings();
    change(&mut settings);
    World::start(settings).await
}

async fn says_try_again(gateway: &Service, patience: Duration) {
    for path in ["/account/login", "/account/register"] {
        let mut browser = gateway.browser();
        let began = Instant::now();
        let answer = browser.submit(path, &FIELDS).await;
        assert!(began.elapsed() < patience + SLACK, "{:?}", began.elapsed());
        assert!(answer.leads_to(path), "{}", answer.text());
        let form = browser.follow(&answer).await;
        assert!(form.flashes()[0].contains("try again in a moment"));
        assert!(form.text().contains("value=\"alice\""));

        let json = gateway.browser().of_json().submit(path, &FIELDS).await;
        assert_eq!(json.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(
            json.json()["detail"]
                .as_str()
                .unwrap()
                .contains("try again in a moment")
        );
    }
}

async fn accounts_work(gateway: &Service) {
    eventually(SOON, "somebody can register", async || {
        gateway
            .browser()
            .register("alice", PASSWORD)
            .await
            .leads_to("/chat")
    })
    .await;
}

#[tokio::test]
async fn auth_away() {
    let world = World::new().await;
    let patience = Duration::from_millis(300);
    let gateway = gateway_with(&world, |settings| settings.auth.patience_ms = 300).await;
    gateway.is_ready().await;
    says_try_again(&gateway, patience).await;

    let _auth = world.auth().await;
    // Questions asked while nobody was there have expired: the name is still free.
    accounts_work(&gateway).await;
}

#[tokio::test]
async fn rabbitmq_away() {
    let world = World::new().await;
    let _auth = world.auth().await;
    let mut proxy = TcpProxy::start(&world.servers.amqp_url()).await.unwrap();
    let url = proxy.url().to_owned();
    let gateway = gateway_with(&world, |settings| {
        settings.amqp = settings::AmqpSettings::new(&url);
        settings.auth.patience_ms = 1_000;
    })
    .await;
    gateway.is_ready().await;

    proxy.cut().await;
    gateway.is_unready().await;
    says_try_again(&gateway, Duration::from_secs(1)).await;

    proxy.resume().await.unwrap();
    gateway.is_ready().await;
    accounts_work(&gateway).await;
}

async fn survives_without_redis(gateway: &Service, cookie: &str) {
    for path in [
        "/account/login",
        "/account/register",
        "/account/logout",
        "/account",
        "/auth/google",
        "/chat",
    ] {
        let mut browser = gateway.browser().with_session(cookie);
        let began = Instant::now();
        let answer = browser.get(path).await;
        assert!(began.elapsed() < Duration::from_secs(1) + SLACK);
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(answer.text().contains("try again in a moment"), "{path}");
        assert_eq!(answer.header("retry-after"), "2");
        let answer = browser.of_json().get(path).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.json()["status"], 503);
    }
    let mut visitor = gateway.browser();
    let form = visitor.get("/account/login").await;
    assert_eq!(form.status, StatusCode::OK, "a form needs no session");
    let fields = [("csrf", &*form.csrf()), ("username", "alice")];
    let answer = visitor.post("/account/login", &fields).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    for path in ["/", "/static/assets/site-1.js", "/robots.txt"] {
        let answer = gateway.browser().with_session(cookie).get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path} needs no session");
    }
}

#[tokio::test]
async fn redis_away() {
    let world = World::new().await;
    let cookie = world.signed_in("alice").await;
    let mut proxy = TcpProxy::start(&world.servers.redis_url()).await.unwrap();
    let url = proxy.url().to_owned();
    let gateway = gateway_with(&world, |settings| {
        settings.redis.url = url.as_str().into();
        settings.redis.deadline_ms = 1_000;
    })
    .await;
    gateway.is_ready().await;
    let chat = async || {
        gateway
            .browser()
            .with_session(&cookie)
            .get("/chat")
            .await
            .status
    };
    assert_eq!(chat().await, StatusCode::OK);

    proxy.cut().await;
    gateway.is_unready().await;
    survives_without_redis(&gateway, &cookie).await;
    proxy.resume().await.unwrap();
    gateway.is_ready().await;
    eventually(SOON, "the session works again", async || {
        chat().await == StatusCode::OK
    })
    .await;

    proxy.stall();
    survives_without_redis(&gateway, &cookie).await;
    proxy.resume().await.unwrap();
    eventually(SOON, "the session works again", async || {
        chat().await == StatusCode::OK
    })
    .await;
}

#[tokio::test]
async fn a_gateway_may_start_first() {
    let world = World::new().await;
    let mut redis = TcpProxy::start(&world.servers.redis_url()).await.unwrap();
    let mut amqp = TcpProxy::start(&world.servers.amqp_url()).await.unwrap();
    redis.cut().await;
    amqp.cut().await;
    let gateway = gateway_with(&world, |settings| {
        settings.redis.url = redis.url().into();
        settings.amqp.url = amqp.url().into();
    })
    .await;
    assert_eq!(gateway.browser().get("/").await.status, StatusCode::OK);
    assert!(!gateway.lifecycle.report().await.ready);

    let _auth = world.auth().await;
    redis.resume().await.unwrap();
    amqp.resume().await.unwrap();
    gateway.is_ready().await;
    accounts_work(&gateway).await;
}

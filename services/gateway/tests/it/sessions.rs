//! Sessions and their cookie.

use gateway::PublicUrl;
use reqwest::{
    StatusCode,
    header::{CACHE_CONTROL, SET_COOKIE},
};

use crate::{browser::Browser, world::World};

const PASSWORD: &str = "correct horse battery";

async fn is_signed_in(mut browser: Browser) -> bool {
    browser.get("/chat").await.status == StatusCode::OK
}

#[tokio::test]
async fn nobody_gets_a_session_without_need() {
    let world = World::new().await;
    let gateway = world.gateway().await;
    let mut browser = gateway.browser();
    for path in [
        "/",
        "/chat",
        "/nowhere",
        "/account/logout",
        "/static/assets/site-1.js",
        "/robots.txt",
        "/favicon.ico",
    ] {
        let answer = browser.get(path).await;
        assert!(!answer.headers.contains_key(SET_COOKIE), "{path}");
    }
    browser.get("/account/login").await;
    let cookie = browser.session().unwrap();
    let csrf = browser.get("/account/register").await.csrf();
    assert_eq!(browser.session(), Some(cookie.clone()), "one is enough");
    assert_eq!(
        world.redis_line("DBSIZE").await,
        ":0",
        "nothing to remember"
    );
    let refused = browser.post("/account/register", &[("csrf", &csrf)]).await;
    assert!(refused.leads_to("/account/register"));
    let kept = browser.session().unwrap();
    assert_ne!(kept, cookie);
    assert_eq!(world.ask_redis("EXISTS", &kept, "").await, ":1");
    assert_eq!(world.ask_redis("EXISTS", &cookie, "").await, ":0");
}

#[tokio::test]
async fn visitors_from_one_address_are_remembered_in_numbers() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.throttle.visitors = 5;
    settings.throttle.visitor_forget_secs = 3_600;
    let gateway = World::start(settings).await;
    gateway.is_ready().await;
    let mut refused = 0;
    for _ in 0..8 {
        let mut browser = gateway.browser();
        let csrf = browser.get("/account/login").await.csrf();
        let answer = browser.post("/account/login", &[("csrf", &csrf)]).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert!(
                answer
                    .text()
                    .contains("Too many visitors from your network")
            );
            refused += 1;
        }
    }
    assert!((2..=3).contains(&refused), "{refused}");
    let keys = world.redis_line("DBSIZE").await;
    assert_eq!(
        keys,
        format!(":{}", 8 - refused + 1),
        "and the count itself"
    );
}

#[tokio::test]
async fn the_id_changes_at_sign_in_and_at_sign_out() {
    let (_world, gateway, _auth) = World::with_auth().await;
    let mut browser = gateway.browser();
    browser.get("/account/login").await;
    let before = browser.session().unwrap();

    browser.register("alice", PASSWORD).await;
    let signed_in = browser.session().unwrap();
    assert_ne!(before, signed_in);
    assert!(is_signed_in(browser.clone()).await);
    assert!(!is_signed_in(gateway.browser().with_session(&before)).await);

    browser.submit("/account/logout", &[]).await;
    let signed_out = browser.session().unwrap();
    assert_ne!(signed_in, signed_out);
    for dead in [before, signed_in, signed_out] {
        assert!(!is_signed_in(gateway.browser().with_session(&dead)).await);
    }
}

#[tokio::test]
async fn a_token_does_not_outlive_its_session() {
    let (_world, gateway, _auth) = World::with_auth().await;
    let mut browser = gateway.browser();
    let csrf = browser.get("/account/register").await.csrf();
    browser.register("alice", PASSWORD).await;
    let replayed = browser.post("/account/logout", &[("csrf", &csrf)]).await;
    assert_eq!(replayed.status, StatusCode::FORBIDDEN);
    assert!(is_signed_in(browser).await);
}

#[tokio::test]
async fn all_gateways_share_them() {
    let (world, one, _auth) = World::with_auth().await;
    let two = world.gateway().await;
    let mut browser = one.browser();
    let csrf = browser.get("/account/register").await.csrf();
    let mut browser = browser.at(two.port);
    let fields = [
        ("csrf", csrf.as_str()),
        ("username", "alice"),
        ("password", PASSWORD),
    ];
    let registered = browser.post("/account/register", &fields).await;
    assert!(
        registered.leads_to("/chat"),
        "a form of one is taken by the other"
    );
    assert!(is_signed_in(browser.clone().at(one.port)).await);

    let mut elsewhere = browser.clone();
    elsewhere.submit("/account/logout", &[]).await;
    assert!(!is_signed_in(browser.at(one.port)).await);
}

#[tokio::test]
async fn they_live_on_as_long_as_they_are_used() {
    let world = World::new().await;
    let gateway = world.gateway().await;
    let cookie = world.signed_in("alice").await;
    for path in ["/", "/chat"] {
        assert_eq!(world.ask_redis("EXPIRE", &cookie, "100").await, ":1");
        let page = gateway.browser().with_session(&cookie).get(path).await;
        let sent = page.header("set-cookie").to_owned();
        assert!(
            sent.starts_with(&format!("packtchat.sid={cookie};")),
            "{path}: {sent}"
        );
        assert!(sent.contains("Max-Age=604800"), "{path}: {sent}");
        let left: u64 = world.ask_redis("TTL", &cookie, "").await[1..]
            .parse()
            .unwrap();
        assert!((604_700..=604_800).contains(&left), "{path}: {left}");
    }
}

#[tokio::test]
async fn an_expired_one_is_none() {
    let (world, gateway, _auth) = World::with_auth().await;
    let cookie = world.signed_in("alice").await;
    let browser = gateway.browser().with_session(&cookie);
    assert!(is_signed_in(browser.clone()).await);
    assert_eq!(world.ask_redis("DEL", &cookie, "").await, ":1");
    assert!(!is_signed_in(browser.clone()).await);

    // It never lives again: what has to be remembered from now on is another one.
    let mut browser = browser;
    let csrf = browser.get("/account/login").await.csrf();
    assert_eq!(browser.session(), Some(cookie.clone()));
    browser.post("/account/login", &[("csrf", &csrf)]).await;
    assert_ne!(browser.session(), Some(cookie.clone()));
    assert_eq!(world.ask_redis("EXISTS", &cookie, "").await, ":0");
    assert!(browser.register("alice", PASSWORD).await.leads_to("/chat"));
    assert_eq!(world.ask_redis("EXISTS", &cookie, "").await, ":0");
}

#[tokio::test]
async fn a_form_left_open_for_long_is_as_good_as_new() {
    let (world, gateway, _auth) = World::with_auth().await;
    let mut browser = gateway.browser();
    browser.get("/auth/nobody").await;
    let csrf = browser.get("/account/register").await.csrf();
    let cookie = browser.session().unwrap();
    assert_eq!(world.ask_redis("DEL", &cookie, "").await, ":1");
    let fields = [
        ("csrf", csrf.as_str()),
        ("username", "alice"),
        ("password", PASSWORD),
    ];
    let registered = browser.post("/account/register", &fields).await;
    assert!(registered.leads_to("/chat"), "{}", registered.text());
}

#[tokio::test]
async fn a_forged_cookie_is_nobodys() {
    let world = World::new().await;
    let gateway = world.gateway().await;
    let genuine = world.signed_in("alice").await;
    let (id, signature) = genuine.split_once('.').unwrap();
    let other = world.signed_in("bob").await;
    let other_id = other.split_once('.').unwrap().0;
    let changed = if signature.starts_with('A') { "B" } else { "A" };
    for forged in [
        id.to_owned(),
        format!("{id}."),
        format!("{other_id}.{signature}"),
        format!("{id}.{changed}{}", &signature[1..]),
        "x".repeat(4_000),
        "%00".to_owned(),
        String::new(),
    ] {
        let mut browser = gateway.browser().with_session(&forged);
        let chat = browser.get("/chat").await;
        assert!(chat.leads_to("/account/login?next=%2Fchat"), "{forged}");
        let form = browser.get("/account/login").await;
        assert_eq!(form.status, StatusCode::OK);
        assert_ne!(browser.session().unwrap(), forged, "it is never taken over");
    }
    assert!(is_signed_in(gateway.browser().with_session(&genuine)).await);
}

#[tokio::test]
async fn the_cookie_is_kept_from_scripts_and_other_sites() {
    let world = World::new().await;
    let gateway = world.gateway().await;
    let form = gateway.browser().get("/account/login").await;
    let cookie = form.header("set-cookie");
    assert!(
        cookie.contains("; HttpOnly; SameSite=Lax; Path=/; Max-Age=3600"),
        "{cookie}"
    );
    assert!(!cookie.contains("Secure"));
    assert_eq!(form.headers[CACHE_CONTROL], "no-store");

    let mut settings = world.settings();
    settings.session.secure = true;
    settings.http.public_url = PublicUrl::parse("https://chat.example").unwrap();
    let behind_tls = World::start(settings).await;
    let form = behind_tls.browser().get("/account/login").await;
    assert!(form.header("set-cookie").contains("; Secure"));
}

#[tokio::test]
async fn whoever_comes_from_a_page_that_was_left_reads_why() {
    let world = World::new().await;
    let gateway = world.gateway().await;
    let mut browser = gateway.browser();
    let form = browser.get("/account/login?next=%2Fchat&ended=1").await;
    assert_eq!(
        form.flashes(),
        ["You were signed out. Sign in to go on where you were."]
    );
    let form = browser.get("/account/login?next=%2Fchat").await;
    assert!(form.flashes().is_empty());
}

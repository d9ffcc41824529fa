//! What every answer tells the browser to be careful about: on each route the gateway has, whatever it answers.

use std::collections::BTreeSet;

use gateway::{PublicUrl, RouteMap, list_routes, settings::Settings};
use reqwest::{
    Method, StatusCode,
    header::{CONTENT_TYPE, COOKIE, IF_NONE_MATCH, SET_COOKIE},
};
use stack::TcpProxy;

use crate::{
    browser::{Answer, Browser, FORM},
    world::{Service, World},
};

const PASSWORD: &str = "correct horse battery";

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
                      connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const METHODS: [Method; 8] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
    Method::TRACE,
];

fn behind_tls(settings: &mut Settings) {
    settings.session.secure = true;
    settings.http.public_url = PublicUrl::parse("https://chat.example").unwrap();
}

/// Addresses of all routes, and of none.
fn paths() -> Vec<String> {
    let routes = list_routes(&RouteMap::default());
    assert!(routes.len() > 15, "{routes:?}");
    routes
        .iter()
        .map(|route| address(&route.path))
        .chain(["/nowhere", "/static/assets/nothing.js", "/account/"].map(str::to_owned))
        .collect()
}

/// A path of this route.
fn address(route: &str) -> String {
    let path = route.replace("{provider}", "nobody");
    let path = path.replace("{path:.+}", "site-1.js");
    assert!(!path.contains('{'), "what does {route} stand for?");
    path
}

/// The form routes.
fn forms() -> Vec<String> {
    let routes = list_routes(&RouteMap::default());
    let forms = routes.iter().filter(|route| route.takes_forms);
    forms.map(|route| address(&route.path)).collect()
}

/// Holds an answer to everything it has to say.
fn is_careful(answer: &Answer, secure: bool, what: &str) {
    for (name, value) in [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        let values: Vec<_> = answer.headers.get_all(name).iter().collect();
        assert_eq!(values, [value], "{name} of {what}");
    }
    assert_eq!(answer.header("x-request-id").len(), 32, "{what}");
    let features = answer.header("permissions-policy");
    for feature in ["camera", "microphone", "geolocation", "usb", "payment"] {
        assert!(features.contains(&format!("{feature}=()")), "{what}");
    }
    let strict = answer.header("strict-transport-security");
    let expected = if secure {
        "max-age=63072000; includeSubDomains"
    } else {
        ""
    };
    assert_eq!(strict, expected, "{what}");
    let caching = answer.header("cache-control");
    let is_public = answer.status.is_success() || answer.status.is_redirection();
    let is_file = ["/static/", "/favicon.ico", "/robots.txt"];
    if is_public && is_file.iter().any(|file| what.contains(file)) {
        assert!(caching.starts_with("public, max-age="), "{what}: {caching}");
    } else {
        assert_eq!(caching, "no-store", "{what}");
    }
    for cookie in answer.headers.get_all(SET_COOKIE) {
        is_careful_cookie(cookie.to_str().unwrap(), secure);
    }
    for revealing in ["server", "x-powered-by"] {
        assert_eq!(answer.header(revealing), "", "{what}");
    }
}

fn is_careful_cookie(cookie: &str, secure: bool) {
    let attributes: Vec<_> = cookie.split("; ").skip(1).collect();
    for needed in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(attributes.contains(&needed), "{cookie}");
    }
    let has_prefix = cookie.starts_with("__Host-packtchat.");
    assert_eq!(has_prefix, secure, "{cookie}");
    assert_eq!(attributes.contains(&"Secure"), secure, "{cookie}");
    assert!(
        attributes.iter().any(|text| text.starts_with("Max-Age=")),
        "{cookie}"
    );
    assert!(
        !attributes.iter().any(|text| text.starts_with("Domain")),
        "{cookie}"
    );
}

/// Every route by every method; tells the statuses.
async fn sweep(browser: &Browser, secure: bool) -> BTreeSet<u16> {
    let mut statuses = BTreeSet::new();
    for path in paths() {
        for method in METHODS {
            let request = browser.request(method.clone(), &path);
            let answer = browser.clone().send(request).await;
            is_careful(&answer, secure, &format!("{method} {path}"));
            statuses.insert(answer.status.as_u16());
        }
    }
    statuses
}

/// Forms that are no forms.
async fn sweep_forms(browser: &Browser, secure: bool) -> BTreeSet<u16> {
    let mut statuses = BTreeSet::new();
    for path in forms() {
        for (content_type, body) in [
            ("application/json", "{}".to_owned()),
            (FORM, "%".to_owned()),
            (FORM, "csrf=x".to_owned()),
            (FORM, "x=".to_owned() + &"x".repeat(20_000)),
        ] {
            let request = browser
                .request(Method::POST, &path)
                .header(CONTENT_TYPE, content_type)
                .body(body);
            let answer = browser.clone().send(request).await;
            is_careful(&answer, secure, &format!("POST {path}"));
            statuses.insert(answer.status.as_u16());
        }
    }
    statuses
}

async fn gateway(world: &World, secure: bool) -> Service {
    let mut settings = world.settings();
    if secure {
        behind_tls(&mut settings);
    }
    let gateway = World::start(settings).await;
    gateway.is_ready().await;
    gateway
}

async fn every_answer_is_careful(secure: bool) {
    let world = World::new().await;
    let _auth = world.auth().await;
    let gateway = gateway(&world, secure).await;
    let nobody = gateway.browser();
    let mut alice = gateway.browser();
    assert!(alice.register("alice", PASSWORD).await.leads_to("/chat"));

    let mut statuses = BTreeSet::new();
    for browser in [
        nobody.clone(),
        nobody.of_json(),
        alice.clone(),
        alice.of_json(),
    ] {
        statuses.append(&mut sweep(&browser, secure).await);
        statuses.append(&mut sweep_forms(&browser, secure).await);
    }
    let seen = [200, 302, 303, 403, 404, 405, 413, 415];
    assert!(
        seen.iter().all(|status| statuses.contains(status)),
        "{statuses:?}"
    );
}

#[tokio::test]
async fn every_answer_is_careful_without_tls() {
    every_answer_is_careful(false).await;
}

#[tokio::test]
async fn every_answer_is_careful_behind_tls() {
    every_answer_is_careful(true).await;
}

#[tokio::test]
async fn so_are_answers_about_what_is_known_refused_or_away() {
    let world = World::new().await;
    let mut proxy = TcpProxy::start(&world.servers.redis_url()).await.unwrap();
    let _auth = world.auth().await;
    let mut settings = world.settings();
    settings.redis.url = proxy.url().into();
    settings.redis.deadline_ms = 500;
    settings.throttle.account_failures = 1;
    settings.throttle.first_wait_secs = 60;
    let gateway = World::start(settings).await;
    gateway.is_ready().await;
    let mut browser = gateway.browser();

    let file = "/static/assets/site-1.js";
    let tag = browser.get(file).await.header("etag").to_owned();
    let request = browser
        .request(Method::GET, file)
        .header(IF_NONE_MATCH, tag);
    let known = browser.send(request).await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
    is_careful(&known, false, file);

    let mut refused = browser.clone().of_json();
    for status in [StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS] {
        let answer = refused.sign_in("alice", "wrong horse").await;
        assert_eq!(answer.status, status);
        is_careful(&answer, false, "a refusal");
    }

    let request = browser.request(Method::GET, "/account/login");
    let request = request.header(COOKIE, "packtchat.sid=x");
    is_careful(&browser.send(request).await, false, "a foreign cookie");

    proxy.cut().await;
    gateway.is_unready().await;
    let cookie = world.signed_in("bob").await;
    let away = gateway.browser().with_session(&cookie).get("/chat").await;
    assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE);
    is_careful(&away, false, "GET /chat");
}

#[tokio::test]
async fn every_form_is_refused_without_the_token_of_its_session() {
    let (_world, gateway, _auth) = World::with_auth().await;
    let mut alice = gateway.browser();
    assert!(alice.register("alice", PASSWORD).await.leads_to("/chat"));
    let mut stranger = gateway.browser();
    let foreign = stranger.get("/account/login").await.csrf();
    let nobody = gateway.browser();

    let forms = forms();
    assert!(forms.len() >= 10, "{forms:?}");
    for path in forms {
        let fields = |csrf| [("csrf", csrf), ("username", "bob"), ("password", PASSWORD)];
        for browser in [&alice, &nobody] {
            for csrf in ["", "x", &foreign] {
                let answer = browser.clone().post(&path, &fields(csrf)).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {csrf:?}");
            }
            let none = browser.clone().post(&path, &fields("")[1..]).await;
            assert_eq!(none.status, StatusCode::FORBIDDEN, "{path}");
        }
        // Nor is the token enough in another place than the form.
        let query = format!("{path}?csrf={foreign}");
        let answer = stranger.clone().post(&query, &[]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(
        alice.get("/chat").await.status,
        StatusCode::OK,
        "still signed in"
    );
}

#[tokio::test]
async fn every_cookie_is_for_this_host_and_no_script() {
    for secure in [false, true] {
        let world = World::new().await;
        let _auth = world.auth().await;
        let gateway = gateway(&world, secure).await;
        let mut browser = gateway.browser();
        let mut names = BTreeSet::new();
        let mut look = |answer: &Answer| {
            for cookie in answer.headers.get_all(SET_COOKIE) {
                let cookie = cookie.to_str().unwrap();
                is_careful_cookie(cookie, secure);
                let (name, _) = cookie.split_once('=').unwrap();
                names.insert(name.trim_start_matches("__Host-").to_owned());
            }
        };
        look(&browser.get("/account/login").await);
        let refused = browser.sign_in("alice", "wrong horse").await;
        look(&refused);
        look(&browser.follow(&refused).await);
        look(&browser.register("alice", PASSWORD).await);
        look(&browser.submit("/account/logout", &[]).await);
        look(&browser.sign_in("alice", PASSWORD).await);
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        assert_eq!(
            names,
            ["packtchat.device", "packtchat.form", "packtchat.sid"]
        );
        // And it is these that are read again.
        assert_eq!(browser.get("/chat").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn what_is_said_of_https_must_agree() {
    let world = World::new().await;
    for (url, secure) in [("https://chat.example", false), ("http://localhost", true)] {
        let mut settings = world.settings();
        settings.http.public_url = PublicUrl::parse(url).unwrap();
        settings.session.secure = secure;
        let refused = World::refusal(settings).await;
        assert!(refused.contains("PACKTCHAT__SESSION__SECURE"), "{refused}");
    }
}

#[tokio::test]
async fn files_at_another_place_are_allowed_from_there() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.static_files.url = Some("https://cdn.example/p/".parse().unwrap());
    let gateway = World::start(settings).await;
    let page = gateway.browser().get("/").await;
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("script-src 'self' https://cdn.example;"),
        "{policy}"
    );
    let file = gateway.browser().get("/static/assets/site-1.js").await;
    assert_eq!(file.header("cross-origin-resource-policy"), "cross-origin");
    assert_eq!(page.header("cross-origin-resource-policy"), "same-origin");
}

use chat_realtime::origin::{AllowedOrigins, Origin};
use models::session::SECURE_COOKIE;
use serde_json::{Value, json};

use crate::{
    http::{self, Answer},
    world::{Node, World},
};

const POLLING: &str = "GET /socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "GET /socket.io/?EIO=4&transport=websocket";

/// The handshake over both transports, with these headers.
async fn shake_hands(node: &Node, headers: &[(&str, &str)]) -> [Answer; 2] {
    let polling = http::ask(node.port, POLLING, headers, "").await;
    let mut upgrade = vec![
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    upgrade.extend_from_slice(headers);
    let websocket = http::ask(node.port, WEBSOCKET, &upgrade, "").await;
    [polling, websocket]
}

fn statuses(answers: &[Answer; 2]) -> [u16; 2] {
    answers.each_ref().map(|answer| answer.status)
}

#[tokio::test]
async fn only_pages_of_this_site_and_of_those_named_may_connect() {
    let world = World::new().await;
    let mut settings = world.settings();
    let named = Origin::parse("https://www.example.org").unwrap();
    settings.socket.allowed_origins = AllowedOrigins::new(vec![named]);
    let node = world.node(settings).await;
    let here = ("Host", "chat.example.org");
    for headers in [
        vec![here],
        vec![here, ("Origin", "https://chat.example.org")],
        vec![here, ("Origin", "http://chat.example.org")],
        vec![
            here,
            ("Origin", "https://chat.example.org"),
            ("X-Forwarded-Proto", "https"),
        ],
        vec![here, ("Origin", "https://www.example.org")],
        vec![
            ("Host", "localhost:8080"),
            ("Origin", "http://localhost:8080"),
        ],
    ] {
        let answers = shake_hands(&node, &headers).await;
        assert_eq!(statuses(&answers), [200, 101], "{headers:?}");
    }
    for headers in [
        vec![here, ("Origin", "null")],
        vec![here, ("Origin", "")],
        vec![here, ("Origin", "https://evil.example")],
        vec![here, ("Origin", "https://chat.example.org:8443")],
        vec![here, ("Origin", "http://www.example.org")],
        vec![
            here,
            ("Origin", "http://chat.example.org"),
            ("X-Forwarded-Proto", "https"),
        ],
    ] {
        let answers = shake_hands(&node, &headers).await;
        assert_eq!(statuses(&answers), [403, 403], "{headers:?}");
        for answer in answers {
            let body: Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(
                body,
                json!({ "code": 4, "message": "Pages of this origin may not connect" })
            );
            assert_eq!(answer.header("access-control-allow-origin"), None);
        }
    }
}

#[tokio::test]
async fn only_pages_that_are_named_may_read_answers_of_another_site() {
    let world = World::new().await;
    let mut settings = world.settings();
    let node = world.node(settings.clone()).await;
    let named = Origin::parse("https://www.example.org").unwrap();
    settings.socket.allowed_origins = AllowedOrigins::new(vec![named]);
    let open = world.node(settings).await;

    let preflight = POLLING.replace("GET", "OPTIONS");
    for (node, origin, allowed) in [
        (&node, "https://www.example.org", None),
        (&node, "https://chat.example.org", None),
        (
            &open,
            "https://www.example.org",
            Some("https://www.example.org"),
        ),
        (&open, "https://evil.example", None),
    ] {
        let origin = ("Origin", origin);
        let method = ("Access-Control-Request-Method", "POST");
        for answer in [
            http::ask(node.port, POLLING, &[origin], "").await,
            http::ask(node.port, &preflight, &[origin, method], "").await,
        ] {
            let told = answer.header("access-control-allow-origin");
            assert_eq!(told, allowed, "{origin:?}");
            if allowed.is_some() {
                let credentials = answer.header("access-control-allow-credentials");
                assert_eq!(credentials, Some("true"), "{origin:?}");
            }
        }
    }
}

#[tokio::test]
async fn behind_tls_pages_without_it_may_not_connect_and_the_cookie_is_another() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.session.secure = true;
    let node = world.node(settings).await;
    let secure = shake_hands(&node, &[("Origin", "https://chat.example.org")]).await;
    assert_eq!(statuses(&secure), [200, 101]);
    let plain = shake_hands(&node, &[("Origin", "http://chat.example.org")]).await;
    assert_eq!(statuses(&plain), [403, 403]);

    let alice = world.person("alice").await;
    for (name, admitted) in [(SECURE_COOKIE, true), ("packtchat.sid", false)] {
        let cookie = format!("{name}={}", alice.cookie);
        let open = http::ask(node.port, POLLING, &[("Cookie", &cookie)], "").await;
        let open: Value = serde_json::from_str(&open.body[1..]).unwrap();
        let session = POLLING.replace("GET ", "") + "&sid=" + open["sid"].as_str().unwrap();
        http::ask(node.port, &format!("POST {session}"), &[], "40/packtchat,").await;
        let answer = http::ask(node.port, &format!("GET {session}"), &[], "").await;
        assert_eq!(answer.body.starts_with("40/packtchat,"), admitted, "{name}");
    }
}

//! Forms that our own pages did not send, and what is not a form at all.

use reqwest::{Method, StatusCode, header::CONTENT_TYPE};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    browser::{Browser, FORM},
    world::World,
};

const FORMS: [&str; 10] = [
    "/account/login",
    "/account/register",
    "/account/logout",
    "/account/username",
    "/account/display-name",
    "/account/password",
    "/account/link",
    "/account/unlink",
    "/account/sessions/end",
    "/account/sessions/end-others",
];

async fn token(browser: &mut Browser) -> String {
    browser.get("/account/login").await.csrf()
}

#[tokio::test]
async fn a_missing_or_foreign_token_is_forbidden() {
    let (world, gateway, _auth) = World::with_auth().await;
    let foreign = token(&mut gateway.browser()).await;
    for path in FORMS {
        let mut with_session = gateway.browser();
        token(&mut with_session).await;
        let cookie = world.signed_in("alice").await;
        for mut browser in [
            gateway.browser(),
            with_session,
            gateway.browser().with_session(&cookie),
        ] {
            for fields in [
                vec![],
                vec![("csrf", "")],
                vec![("csrf", foreign.as_str())],
                vec![("username", "alice"), ("password", "correct horse battery")],
            ] {
                let answer = browser.post(path, &fields).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {fields:?}");
                assert!(answer.text().contains("Reload the form"));
                assert!(answer.text().contains(&format!("href=\"{path}\"")));
            }
        }
        let chat = gateway.browser().with_session(&cookie).get("/chat").await;
        assert_eq!(chat.status, StatusCode::OK, "nobody was signed out");
    }
}

#[tokio::test]
async fn only_forms_are_taken() {
    let (_world, gateway, _auth) = World::with_auth().await;
    let mut browser = gateway.browser();
    let csrf = token(&mut browser).await;
    for content_type in [
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
    ] {
        let request = browser
            .request(Method::POST, "/account/login")
            .header(CONTENT_TYPE, content_type)
            .body(format!("csrf={csrf}"));
        let answer = browser.send(request).await;
        assert_eq!(
            answer.status,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "{content_type}"
        );
    }
    for unreadable in ["csrf=a&csrf=b", "username=a&username=b"] {
        let request = browser
            .request(Method::POST, "/account/login")
            .header(CONTENT_TYPE, FORM)
            .body(unreadable);
        let answer = browser.send(request).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{unreadable}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let (_world, gateway, _auth) = World::with_auth().await;
    let mut browser = gateway.browser();
    let csrf = token(&mut browser).await;
    let large = "x".repeat(20_000);
    let fields = [("csrf", csrf.as_str()), ("username", large.as_str())];
    let answer = browser.post("/account/login", &fields).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.text().contains("more than a form may hold"));
    assert_eq!(browser.get("/account/login").await.status, StatusCode::OK);
}

/// A body whose length is not told is counted while it comes.
#[tokio::test]
async fn a_body_without_end_is_refused() {
    let (_world, gateway, _auth) = World::with_auth().await;
    let mut connection = TcpStream::connect(("127.0.0.1", gateway.port))
        .await
        .unwrap();
    let head = format!(
        "POST /account/login HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    for _ in 0..5 {
        connection.write_all(chunk.as_bytes()).await.unwrap();
    }
    let mut answer = [0; 12];
    connection.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.http.request_timeout_ms = 100;
    let gateway = World::start(settings).await;
    let mut connection = TcpStream::connect(("127.0.0.1", gateway.port))
        .await
        .unwrap();
    let head = format!(
        "POST /account/login HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: 100\r\n\r\ncsrf="
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    connection.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
}

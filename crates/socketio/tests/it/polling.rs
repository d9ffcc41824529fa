use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use serde_json::{Value, json};
use socketio::{CloseReason, Config, Cors, DisconnectReason, Transports};
use tokio::net::TcpStream;
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

use crate::{
    client::{Client, DEADLINE},
    server::{Server, wait_until},
};

/// A client that polls.
struct Poller {
    http: reqwest::Client,
    base: String,
    url: String,
}

impl Poller {
    fn new(server: &Server) -> Self {
        let base = format!("http://127.0.0.1:{}/socket.io/?EIO=4", server.port);
        let builder = reqwest::Client::builder().timeout(DEADLINE).no_proxy();
        Self {
            http: builder.build().unwrap(),
            url: format!("{base}&transport=polling"),
            base,
        }
    }

    /// A session, with its open packet.
    async fn open(server: &Server) -> (Self, Value) {
        let mut poller = Self::new(server);
        let response = poller.get().send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let packet = response.text().await.unwrap();
        let open: Value = serde_json::from_str(packet.strip_prefix('0').unwrap()).unwrap();
        poller.url = format!("{}&sid={}", poller.url, open["sid"].as_str().unwrap());
        (poller, open)
    }

    /// A session in the main namespace.
    async fn connected(server: &Server) -> Self {
        let (poller, _) = Self::open(server).await;
        poller.post("40").await;
        let answer = poller.poll().await;
        assert!(answer.starts_with(r#"40{"sid":""#), "{answer}");
        poller
    }

    fn get(&self) -> RequestBuilder {
        self.http.get(&self.url)
    }

    async fn poll(&self) -> String {
        let response = self.get().send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.text().await.unwrap()
    }

    /// What is answered to these packets.
    async fn posted(&self, packets: &str) -> StatusCode {
        let request = self.http.post(&self.url).body(packets.to_owned());
        request.send().await.unwrap().status()
    }

    async fn post(&self, packets: &str) {
        assert_eq!(self.posted(packets).await, StatusCode::OK);
    }

    async fn is_known(&self) -> bool {
        let request = self.http.request(Method::PUT, &self.url);
        let error: Value = request.send().await.unwrap().json().await.unwrap();
        // A session that polls does not take this method.
        error["code"] == json!(2)
    }

    /// A WebSocket for the same session.
    async fn websocket(&self, server: &Server) -> WebSocketStream<TcpStream> {
        let url = self
            .url
            .replace("http:", "ws:")
            .replace("=polling", "=websocket");
        let tcp = TcpStream::connect(("127.0.0.1", server.port))
            .await
            .unwrap();
        tokio_tungstenite::client_async(url, tcp).await.unwrap().0
    }

    /// The same session after a change to a WebSocket.
    async fn upgraded(&self, server: &Server) -> Client {
        let stream = self.websocket(server).await;
        let mut client = Client { stream, pings: 0 };
        client.send("2probe").await;
        assert_eq!(client.text().await, "3probe");
        client.send("5").await;
        client
    }
}

async fn error(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

#[tokio::test]
async fn a_session_that_polls_says_that_it_can_be_upgraded() {
    let server = Server::start(Config::default());
    let (_poller, open) = Poller::open(&server).await;
    assert_eq!(open["upgrades"], json!(["websocket"]));
    assert_eq!(open["maxPayload"], json!(100_000));
    let only_polling = Config {
        transports: Transports {
            polling: true,
            websocket: false,
        },
        ..Config::default()
    };
    let server = Server::start(only_polling);
    let (_poller, open) = Poller::open(&server).await;
    assert_eq!(open["upgrades"], json!([]));
}

#[tokio::test]
async fn events_go_both_ways_several_in_one_payload_and_binary_as_base64() {
    // With two threads, about half of the requests come to the one that has not the session.
    let server = Server::with_workers(Config::default(), 2);
    let poller = Poller::connected(&server).await;
    poller
        .post("42[\"echo\",\"é\"]\u{1e}451-[\"echo\",{\"_placeholder\":true,\"num\":0}]\u{1e}bAQID\u{1e}421[\"join\",\"x\"]")
        .await;
    let expected = "42[\"echo\",\"é\"]\u{1e}451-[\"echo\",{\"_placeholder\":true,\"num\":0}]\u{1e}bAQID\u{1e}431[\"x\"]";
    assert_eq!(poller.poll().await, expected);
    for number in 0..20 {
        let event = format!("42[\"echo\",{number}]");
        poller.post(&event).await;
        assert_eq!(poller.poll().await, event);
    }
}

#[tokio::test]
async fn a_poll_waits_until_there_is_something_to_say() {
    let server = Server::start(Config::default());
    let waiting = Poller::connected(&server).await;
    let mut other = Client::connected(server.port).await;
    let poll = waiting.poll();
    let say = other.send(r#"42["others","hello"]"#);
    let (heard, ()) = tokio::join!(poll, say);
    assert_eq!(heard, r#"42["said","hello"]"#);
}

#[tokio::test]
async fn what_the_protocol_does_not_allow_is_answered_with_its_code() {
    let server = Server::start(Config::default());
    let poller = Poller::new(&server);
    let host = format!("http://127.0.0.1:{}/socket.io", server.port);
    for (method, query, code) in [
        (Method::GET, "/?EIO=4", 0),
        (Method::GET, "/?EIO=4&transport=carrier-pigeon", 0),
        (Method::GET, "/?EIO=4&transport=polling&sid=nope", 1),
        (Method::POST, "/?EIO=4&transport=polling", 2),
        (Method::DELETE, "?EIO=4&transport=polling", 2),
        (Method::GET, "/?EIO=4&transport=websocket", 3),
        (Method::GET, "/?EIO=3&transport=polling", 5),
        (Method::GET, "/?transport=polling", 5),
    ] {
        let request = poller.http.request(method, format!("{host}{query}"));
        let (status, error) = error(request.send().await.unwrap()).await;
        assert_eq!((status, &error["code"]), (400, &json!(code)), "{query}");
    }
    assert_eq!(server.hub.connections(), 0);
}

#[tokio::test]
async fn the_application_may_forbid_a_connection() {
    let server = Server::start(Config::default());
    let poller = Poller::new(&server);
    let request = poller.get().header("origin", "https://evil.example");
    let (status, error) = error(request.send().await.unwrap()).await;
    assert_eq!(status, 403);
    assert_eq!(error, json!({ "code": 4, "message": "Not from there" }));
    let url = format!("{}&transport=websocket", poller.base);
    let upgrade = poller.http.get(url).headers(
        [
            (header::CONNECTION, "upgrade"),
            (header::UPGRADE, "websocket"),
            (header::SEC_WEBSOCKET_VERSION, "13"),
            (header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
            (header::ORIGIN, "https://evil.example"),
        ]
        .into_iter()
        .map(|(name, value)| (name, value.parse().unwrap()))
        .collect(),
    );
    assert_eq!(
        upgrade.send().await.unwrap().status(),
        StatusCode::FORBIDDEN
    );
    assert_eq!(server.hub.connections(), 0);
}

#[tokio::test]
async fn a_second_poll_beside_the_first_ends_the_session() {
    let mut server = Server::start(Config::default());
    let poller = Poller::connected(&server).await;
    let (one, other) = tokio::join!(poller.get().send(), poller.get().send());
    let mut answers = Vec::new();
    for response in [one.unwrap(), other.unwrap()] {
        answers.push((response.status().as_u16(), response.text().await.unwrap()));
    }
    answers.sort();
    assert_eq!(answers[0], (200, "1".to_owned()));
    assert_eq!(answers[1].0, 400);
    assert!(!poller.is_known().await);
    let reason = DisconnectReason::Closed(CloseReason::ConcurrentRequests);
    assert_eq!(server.disconnect().await.1, reason);
    server.emptied().await;
}

#[tokio::test]
async fn a_wrong_payload_ends_the_session() {
    let server = Server::start(Config::default());
    for wrong in ["abc", "", "4", "42[\"echo\"]\u{1e}", "2", "b!"] {
        let poller = Poller::connected(&server).await;
        assert_eq!(
            poller.posted(wrong).await,
            StatusCode::BAD_REQUEST,
            "{wrong:?}"
        );
        assert!(!poller.is_known().await, "{wrong:?}");
    }
    let poller = Poller::connected(&server).await;
    let request = poller.http.post(&poller.url).body(vec![b'4', 0xFF]);
    assert_eq!(
        request.send().await.unwrap().status(),
        StatusCode::BAD_REQUEST
    );
    assert!(!poller.is_known().await);
    server.emptied().await;
}

#[tokio::test]
async fn a_payload_that_is_too_large_is_refused_and_changes_nothing() {
    let config = Config {
        max_payload: 1_000,
        ..Config::default()
    };
    let server = Server::start(config);
    let poller = Poller::connected(&server).await;
    let large = format!("42[\"echo\",\"{}\"]", "x".repeat(1_000));
    assert_eq!(poller.posted(&large).await, StatusCode::PAYLOAD_TOO_LARGE);
    poller.post(r#"42["echo"]"#).await;
    assert_eq!(poller.poll().await, r#"42["echo"]"#);
}

#[tokio::test]
async fn a_client_that_says_goodbye_is_let_go() {
    let mut server = Server::start(Config::default());
    let poller = Poller::connected(&server).await;
    let (poll, ()) = tokio::join!(poller.poll(), poller.post("1"));
    assert_eq!(poll, "6");
    assert!(!poller.is_known().await);
    let reason = DisconnectReason::Closed(CloseReason::ClientClosed);
    assert_eq!(server.disconnect().await.1, reason);
}

#[tokio::test]
async fn whoever_is_put_out_is_told_before_the_session_ends() {
    let mut server = Server::start(Config::default());
    let poller = Poller::connected(&server).await;
    let (poll, ()) = tokio::join!(poller.poll(), poller.post(r#"42["hang up"]"#));
    assert_eq!(poll, "41");
    assert_eq!(poller.poll().await, "1");
    assert!(!poller.is_known().await);
    let (_, reason) = server.disconnect().await;
    assert_eq!(reason, DisconnectReason::ServerLeft);

    // Where no poll is under way, the next one is.
    let poller = Poller::connected(&server).await;
    poller.post(r#"42["hang up"]"#).await;
    assert_eq!(server.disconnect().await.1, DisconnectReason::ServerLeft);
    assert_eq!(poller.poll().await, "41");
    assert_eq!(poller.poll().await, "1");
}

#[tokio::test]
async fn a_poll_that_crosses_with_the_goodbye_is_answered_too() {
    // The two requests come to different threads now and then.
    let server = Server::with_workers(Config::default(), 2);
    for _ in 0..20 {
        let poller = Poller::connected(&server).await;
        let (poll, ()) = tokio::join!(poller.poll(), poller.post("1"));
        assert_eq!(poll, "6");
        assert!(!poller.is_known().await);
    }
}

#[tokio::test]
async fn a_session_that_has_ended_does_not_wait_for_ever_for_a_last_poll() {
    let server = Server::start(Config::default());
    for goodbye in ["1", r#"42["hang up"]"#] {
        Poller::connected(&server).await.post(goodbye).await;
    }
    server.emptied().await;
}

#[tokio::test]
async fn a_client_that_hangs_up_its_poll_is_gone() {
    let mut server = Server::start(Config::default());
    let poller = Poller::connected(&server).await;
    let impatient = poller.get().timeout(Duration::from_millis(50));
    assert!(impatient.send().await.unwrap_err().is_timeout());
    let reason = DisconnectReason::Closed(CloseReason::TransportClosed);
    assert_eq!(server.disconnect().await.1, reason);
    server.emptied().await;
}

#[tokio::test]
async fn a_client_that_polls_is_pinged_and_given_up() {
    let config = Config {
        ping_interval: Duration::from_millis(300),
        ping_timeout: Duration::from_secs(3),
        ..Config::default()
    };
    let mut server = Server::start(config);
    let (poller, _) = Poller::open(&server).await;
    poller.post("40").await;
    let mut pings = 0;
    while pings < 3 {
        // On a slow machine a ping comes with the admission.
        for packet in poller.poll().await.split('\u{1e}') {
            if packet == "2" {
                poller.post("3").await;
                pings += 1;
            } else {
                assert!(packet.starts_with(r#"40{"sid":""#), "{packet}");
            }
        }
    }
    let reason = DisconnectReason::Closed(CloseReason::PingTimeout);
    assert_eq!(server.disconnect().await.1, reason);
    assert!(!poller.is_known().await);
}

#[tokio::test]
async fn an_upgrade_loses_nothing() {
    for workers in [1, 2] {
        let server = Server::with_workers(Config::default(), workers);
        for _ in 0..8 {
            let poller = Poller::connected(&server).await;
            poller.post(r#"42["echo","before"]"#).await;
            let mut socket = poller.upgraded(&server).await;
            socket.send(r#"42["echo","after"]"#).await;
            assert_eq!(socket.text().await, r#"42["echo","before"]"#);
            assert_eq!(socket.text().await, r#"42["echo","after"]"#);
            assert!(!poller.is_known().await, "it does not poll any more");
        }
    }
}

#[tokio::test]
async fn a_poll_ends_when_the_websocket_is_proven() {
    let server = Server::start(Config::default());
    let poller = Poller::connected(&server).await;
    let change = async {
        let mut client = Client {
            stream: poller.websocket(&server).await,
            pings: 0,
        };
        client.send("2probe").await;
        assert_eq!(client.text().await, "3probe");
        client
    };
    let (poll, mut client) = tokio::join!(poller.poll(), change);
    assert_eq!(poll, "6");
    // Until the client says that it changes, events still go where it polls.
    poller.post(r#"42["echo"]"#).await;
    assert_eq!(poller.poll().await, r#"42["echo"]"#);
    client.send("5").await;
    client.send(r#"42["echo"]"#).await;
    assert_eq!(client.text().await, r#"42["echo"]"#);
}

#[tokio::test]
async fn a_websocket_that_does_not_prove_itself_is_closed_and_harms_nobody() {
    let config = Config {
        upgrade_timeout: Duration::from_secs(2),
        ..Config::default()
    };
    let server = Server::start(config);
    let poller = Poller::connected(&server).await;
    for nonsense in [Some("5"), Some("4hello"), None] {
        let mut client = Client {
            stream: poller.websocket(&server).await,
            pings: 0,
        };
        if let Some(nonsense) = nonsense {
            client.send(nonsense).await;
        }
        client.ended().await;
        poller.post(r#"42["echo"]"#).await;
        assert_eq!(poller.poll().await, r#"42["echo"]"#);
    }
    let mut client = poller.upgraded(&server).await;
    client.send(r#"42["echo"]"#).await;
    assert_eq!(client.text().await, r#"42["echo"]"#);
    // One WebSocket is enough for a session.
    let mut second = Client {
        stream: poller.websocket(&server).await,
        pings: 0,
    };
    second.ended().await;
    client.send(r#"42["echo"]"#).await;
    assert_eq!(client.text().await, r#"42["echo"]"#);
    client.send_message(Message::Close(None)).await;
    server.emptied().await;
}

#[tokio::test]
async fn a_server_that_is_full_says_when_to_come_back() {
    let config = Config {
        max_connections: 2,
        max_connections_per_address: Some(1),
        trusted_proxies: vec![[127, 0, 0, 1].into()],
        ..Config::default()
    };
    let server = Server::start(config);
    let poller = Poller::new(&server);
    let from = |address| poller.get().header("x-forwarded-for", address);
    assert_eq!(from("10.0.0.1").send().await.unwrap().status(), 200);
    let again = from("10.0.0.1").send().await.unwrap();
    assert_eq!(again.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(from("10.0.0.2").send().await.unwrap().status(), 200);
    let full = from("10.0.0.3").send().await.unwrap();
    assert_eq!(full.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(full.headers().contains_key(header::RETRY_AFTER));
    assert_eq!(server.hub.connections(), 2);
}

#[tokio::test]
async fn pages_of_allowed_origins_may_poll_and_others_are_not_told_so() {
    let allowed = "https://chat.example";
    let config = Config {
        cors: Some(Cors {
            origins: vec![allowed.to_owned()],
            credentials: true,
        }),
        ..Config::default()
    };
    let server = Server::start(config);
    let poller = Poller::new(&server);
    let ask = |method: Method, origin: &str| {
        let request = poller.http.request(method, &poller.url);
        let request = request.header("access-control-request-method", "POST");
        request.header("origin", origin.to_owned()).send()
    };
    let response = ask(Method::OPTIONS, allowed).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["access-control-allow-origin"], allowed);
    let response = ask(Method::GET, allowed).await.unwrap();
    assert_eq!(response.headers()["access-control-allow-origin"], allowed);
    assert_eq!(
        response.headers()["access-control-allow-credentials"],
        "true"
    );
    let response = ask(Method::GET, "https://other.example").await.unwrap();
    assert!(
        !response
            .headers()
            .contains_key("access-control-allow-origin")
    );
}

#[tokio::test]
async fn a_cookie_names_the_session_where_one_is_wanted() {
    let config = Config {
        cookie: Some(actix_web::cookie::Cookie::new("io", "")),
        ..Config::default()
    };
    let server = Server::start(config);
    let response = Poller::new(&server).get().send().await.unwrap();
    let cookie = response.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .to_owned();
    let open: Value = serde_json::from_str(&response.text().await.unwrap()[1..]).unwrap();
    assert_eq!(cookie, format!("io={}", open["sid"].as_str().unwrap()));
}

#[tokio::test]
async fn stopping_answers_those_who_poll() {
    let server = Server::start(Config::default());
    let poller = Poller::connected(&server).await;
    let poll = tokio::spawn(poller.get().send());
    // The request is on its way or has arrived; either way it is answered.
    server.drain();
    wait_until("connections are left", || server.hub.connections() == 0).await;
    let response = poll.await.unwrap().unwrap();
    let said = (response.status().as_u16(), response.text().await.unwrap());
    assert!(said == (200, "1".to_owned()) || said.0 == 400, "{said:?}");
    let (status, _) = error(Poller::new(&server).get().send().await.unwrap()).await;
    assert_eq!(status, 503);
}

//! Signing in with identity providers, up to what needs one: who may begin, and what comes back to whom.

use std::collections::BTreeMap;

use auth::providers::ProviderSettings;
use models::{
    account::{AuthReply, AuthRequest},
    now_ms,
    session::SignInPurpose,
};
use reqwest::{Method, StatusCode};
use stack::eventually;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use url::{Url, form_urlencoded};

use crate::{
    browser::{Answer, Browser},
    world::{SOON, Service, World},
};

const PASSWORD: &str = "correct horse battery";

/// A provider that gives out its keys, none, and hangs up on whoever brings a code. It ends with the test.
pub(crate) async fn provider(label: &str, colour: &str) -> ProviderSettings {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(give_out_keys(connection));
        }
    });
    let settings = serde_json::json!({
        "client_id": "packtchat",
        "client_secret": "a secret of the provider",
        "label": label,
        "colour": colour,
        "issuer": origin,
        "authorization_endpoint": format!("{origin}/authorize"),
        "token_endpoint": format!("{origin}/token"),
        "jwks_uri": format!("{origin}/keys"),
    });
    serde_json::from_value(settings).unwrap()
}

async fn give_out_keys(connection: TcpStream) {
    let mut connection = BufReader::new(connection);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if connection.read_line(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    if head.starts_with("GET /keys ") {
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\
                      connection: close\r\n\r\n{\"keys\":[]}";
        let _ = connection.write_all(answer.as_bytes()).await;
    }
}

/// A gateway and an `auth` with two providers, which the login page shows.
async fn with_providers() -> (World, Service, Service) {
    let world = World::new().await;
    let providers = BTreeMap::from([
        ("acme".to_owned(), provider("Acme <ID>", "#ffcc00").await),
        ("blue".to_owned(), provider("Blue & Co", "#0033aa").await),
    ]);
    let auth = world.auth_with(providers).await;
    let gateway = world.gateway().await;
    eventually(SOON, "the login page shows the providers", async || {
        let page = gateway.browser().get("/account/login").await;
        page.text().contains("class=\"button provider")
    })
    .await;
    (world, gateway, auth)
}

/// The query of the address the browser is sent to.
fn query(answer: &Answer) -> BTreeMap<String, String> {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let url = Url::parse(answer.location()).unwrap();
    url.query_pairs().into_owned().collect()
}

/// Begins a sign-in and tells its state.
async fn begin(browser: &mut Browser, path: &str) -> String {
    let answer = browser.get(path).await;
    query(&answer).remove("state").unwrap()
}

async fn flashes_at(browser: &mut Browser, answer: &Answer, page: &str) -> Vec<String> {
    assert!(answer.leads_to(page), "{} is not {page}", answer.location());
    browser.follow(answer).await.flashes()
}

fn callback(provider: &str, pairs: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    format!("/auth/{provider}/callback?{query}")
}

#[tokio::test]
async fn each_configured_provider_has_a_button_and_no_other() {
    let (_world, gateway, _auth) = with_providers().await;
    for form in ["/account/login", "/account/register"] {
        let text = gateway.browser().get(form).await.text();
        for part in [
            "class=\"button provider provider--light\" href=\"/auth/acme\"",
            "fill=\"#ffcc00\"",
            "Continue with Acme &#60;ID&#62;",
            "class=\"button provider\" href=\"/auth/blue\"",
            "fill=\"#0033aa\"",
            "Continue with Blue &#38; Co",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert_eq!(text.matches("href=\"/auth/").count(), 2);
        assert!(!text.contains(" style="), "the policy allows none");

        let on_the_way = format!("{form}?next=%2Fchat%3Fx");
        let text = gateway.browser().get(&on_the_way).await.text();
        assert!(text.contains("href=\"/auth/acme?next=%2Fchat%3Fx\""));
    }
}

#[tokio::test]
async fn no_provider_no_button() {
    let (world, gateway, _auth) = World::with_auth().await;
    let request = AuthRequest::ListProviders;
    assert_eq!(
        world.ask_auth(&request).await,
        AuthReply::Providers { providers: vec![] }
    );
    let text = gateway.browser().get("/account/login").await.text();
    assert!(!text.contains("/auth/") && !text.contains("other-ways"));
}

#[tokio::test]
async fn the_list_appears_once_auth_is_there() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.auth.patience_ms = 300;
    let gateway = World::start(settings).await;
    gateway.is_ready().await;
    let shows_it = async || {
        let page = gateway.browser().get("/account/login").await;
        page.text().contains("href=\"/auth/acme\"")
    };
    assert!(!shows_it().await);
    let providers = BTreeMap::from([("acme".to_owned(), provider("Acme", "#ffcc00").await)]);
    let _auth = world.auth_with(providers).await;
    eventually(SOON, "the login page shows the provider", shows_it).await;
}

#[tokio::test]
async fn the_browser_goes_to_the_provider_and_its_session_remembers() {
    let (world, gateway, _auth) = with_providers().await;
    let mut browser = gateway.browser();
    let answer = browser.get("/auth/acme?next=%2Fchat%23room%2Flobby").await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let query = query(&answer);
    assert_eq!(
        query["redirect_uri"],
        "http://localhost:8080/auth/acme/callback"
    );
    assert_eq!(query["response_type"], "code");
    assert_eq!(query["code_challenge_method"], "S256");
    let session = world.session(&browser.session().unwrap()).await;
    let [sign_in] = &session.sign_ins[..] else {
        panic!("{session:?}");
    };
    assert!(sign_in.state.is(&query["state"]));
    assert!(sign_in.nonce.is(&query["nonce"]));
    assert!(!answer.location().contains(sign_in.verifier.expose()));
    assert_eq!(
        sign_in.purpose,
        SignInPurpose::SignIn {
            next: Some("/chat#room/lobby".to_owned())
        }
    );
}

#[tokio::test]
async fn nobody_is_sent_to_another_site_afterwards() {
    let (world, gateway, _auth) = with_providers().await;
    for elsewhere in ["//evil.example", "https://evil.example/", "/\\evil.example"] {
        let mut browser = gateway.browser();
        let next: String = form_urlencoded::byte_serialize(elsewhere.as_bytes()).collect();
        browser.get(&format!("/auth/acme?next={next}")).await;
        let session = world.session(&browser.session().unwrap()).await;
        let purpose = &session.sign_ins[0].purpose;
        assert_eq!(*purpose, SignInPurpose::SignIn { next: None });

        let cookie = world.signed_in("alice").await;
        let mut signed_in = gateway.browser().with_session(&cookie);
        let answer = signed_in.get(&format!("/auth/acme?next={next}")).await;
        assert!(answer.leads_to("/chat"), "{}", answer.location());
    }
}

#[tokio::test]
async fn who_is_signed_in_goes_on_at_once() {
    let (world, gateway, _auth) = with_providers().await;
    let cookie = world.signed_in("alice").await;
    let mut browser = gateway.browser().with_session(&cookie);
    let answer = browser.get("/auth/acme?next=%2Faccount").await;
    assert!(answer.leads_to("/account"), "{}", answer.location());
    assert_eq!(world.session(&cookie).await.sign_ins, []);
}

#[tokio::test]
async fn an_unknown_provider_is_said_so() {
    let (_world, gateway, _auth) = with_providers().await;
    let long = "x".repeat(3_000);
    for name in ["nobody", "..%2f", "%3Cb%3E", "ACME%0a", &long] {
        let mut browser = gateway.browser();
        let answer = browser.get(&format!("/auth/{name}?next=%2Fchat")).await;
        let flashes = flashes_at(&mut browser, &answer, "/account/login?next=%2Fchat").await;
        assert!(flashes[0].contains("no such way to sign in"), "{flashes:?}");
        let json = gateway.browser().of_json().get("/auth/nobody").await;
        assert_eq!(json.status, StatusCode::NOT_FOUND);
    }
    let nowhere = gateway.browser().get("/auth/acme/elsewhere").await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    let mut browser = gateway.browser();
    let post = browser.request(Method::POST, "/auth/acme");
    let status = browser.send(post).await.status;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn what_the_provider_says_instead_of_a_code() {
    let (_world, gateway, _auth) = with_providers().await;
    for (error, words, status) in [
        ("access_denied", "You cancelled it", StatusCode::FORBIDDEN),
        (
            "temporarily_unavailable",
            "does not answer just now",
            StatusCode::SERVICE_UNAVAILABLE,
        ),
        (
            "invalid_scope",
            "not told for certain",
            StatusCode::FORBIDDEN,
        ),
        (
            "\u{1b}[31m\nx",
            "not told for certain",
            StatusCode::FORBIDDEN,
        ),
        ("", "not told for certain", StatusCode::FORBIDDEN),
    ] {
        let mut browser = gateway.browser();
        let state = begin(&mut browser, "/auth/acme?next=%2Fchat").await;
        let path = callback("acme", &[("error", error), ("state", &state)]);
        let answer = browser.get(&path).await;
        let flashes = flashes_at(&mut browser, &answer, "/account/login?next=%2Fchat").await;
        assert_eq!(flashes.len(), 1, "{flashes:?}");
        assert!(flashes[0].contains(words), "{error}: {flashes:?}");

        let mut browser = gateway.browser();
        let state = begin(&mut browser, "/auth/acme").await;
        let path = callback("acme", &[("error", error), ("state", &state)]);
        let json = browser.of_json().get(&path).await;
        assert_eq!(json.status, status, "{error}");
    }
}

#[tokio::test]
async fn a_provider_that_is_away_is_said_so_and_the_code_stays_out_of_sight() {
    let (world, gateway, _auth) = with_providers().await;
    let mut browser = gateway.browser();
    let state = begin(&mut browser, "/auth/acme").await;
    let path = callback("acme", &[("code", "the-secret-code"), ("state", &state)]);
    let answer = browser.get(&path).await;
    assert_eq!(answer.header("referrer-policy"), "same-origin");
    let flashes = flashes_at(&mut browser, &answer, "/account/login").await;
    assert!(
        flashes[0].contains("does not answer just now"),
        "{flashes:?}"
    );
    let session = world.session(&browser.session().unwrap()).await;
    assert_eq!((session.user, session.newcomer), (None, None));
}

const STALE: &str =
    "was begun in another browser, was finished before, or took more than ten minutes";

#[tokio::test]
async fn what_this_browser_did_not_begin_lately_is_not_finished() {
    let (world, gateway, _auth) = with_providers().await;
    let mut browser = gateway.browser();
    let state = begin(&mut browser, "/auth/acme").await;
    let cancelled = |provider: &str, state: &str| {
        callback(provider, &[("error", "access_denied"), ("state", state)])
    };

    let mut other = gateway.browser();
    begin(&mut other, "/auth/acme").await;
    for (who, mut browser) in [
        ("one without a session", gateway.browser()),
        ("one that began another", other),
    ] {
        let answer = browser.get(&cancelled("acme", &state)).await;
        let flashes = flashes_at(&mut browser, &answer, "/account/login").await;
        assert!(flashes[0].contains(STALE), "{who}: {flashes:?}");
    }
    for foreign in [
        cancelled("blue", &state),
        cancelled("acme", ""),
        cancelled("acme", &"x".repeat(9_000)),
        "/auth/acme/callback".to_owned(),
        "/auth/acme/callback?code=x&code=y&state&&%%".to_owned(),
    ] {
        let answer = browser.get(&foreign).await;
        let flashes = flashes_at(&mut browser, &answer, "/account/login").await;
        assert!(flashes[0].contains(STALE), "{foreign}: {flashes:?}");
    }

    // None of that took it away; coming back does.
    let answer = browser.get(&cancelled("acme", &state)).await;
    let flashes = flashes_at(&mut browser, &answer, "/account/login").await;
    assert!(flashes[0].contains("You cancelled it"), "{flashes:?}");
    let replayed = browser.get(&cancelled("acme", &state)).await;
    let flashes = flashes_at(&mut browser, &replayed, "/account/login").await;
    assert!(flashes[0].contains(STALE), "{flashes:?}");

    let state = begin(&mut browser, "/auth/acme").await;
    let cookie = browser.session().unwrap();
    world
        .change_session(&cookie, |session| {
            session.sign_ins[0].begun = now_ms() - 10 * 60 * 1_000;
        })
        .await;
    let late = browser.get(&cancelled("acme", &state)).await;
    let flashes = flashes_at(&mut browser, &late, "/account/login").await;
    assert!(flashes[0].contains(STALE), "{flashes:?}");
}

#[tokio::test]
async fn a_callback_cannot_change_who_is_signed_in() {
    let (_world, gateway, _auth) = with_providers().await;
    let mut browser = gateway.browser();
    let state = begin(&mut browser, "/auth/acme").await;
    browser.register("alice", PASSWORD).await;
    let path = callback("acme", &[("code", "code"), ("state", &state)]);
    let answer = browser.get(&path).await;
    let flashes = flashes_at(&mut browser, &answer, "/account").await;
    assert!(flashes[0].contains(STALE), "{flashes:?}");
    let account = browser.get("/account").await.text();
    assert!(account.contains("<strong>alice</strong>"), "{account}");
}

#[tokio::test]
async fn many_may_be_begun_and_the_newest_count() {
    let (world, gateway, _auth) = with_providers().await;
    let mut browser = gateway.browser();
    let first = begin(&mut browser, "/auth/acme").await;
    for _ in 0..models::session::MAX_SIGN_INS {
        begin(&mut browser, "/auth/blue").await;
    }
    let session = world.session(&browser.session().unwrap()).await;
    assert_eq!(session.sign_ins.len(), models::session::MAX_SIGN_INS);
    let path = callback("acme", &[("error", "access_denied"), ("state", &first)]);
    let answer = browser.get(&path).await;
    let flashes = flashes_at(&mut browser, &answer, "/account/login").await;
    assert!(flashes[0].contains(STALE), "{flashes:?}");
}

#[tokio::test]
async fn auth_away() {
    let (world, gateway, auth) = with_providers().await;
    let mut settings = world.settings();
    settings.auth.patience_ms = 300;
    let hasty = World::start(settings).await;
    hasty.is_ready().await;
    let mut browser = gateway.browser();
    let state = begin(&mut browser, "/auth/acme").await;
    auth.stop().await;

    let mut browser = browser.at(hasty.port);
    let path = callback("acme", &[("code", "code"), ("state", &state)]);
    for path in ["/auth/acme", path.as_str()] {
        let answer = browser.get(path).await;
        let flashes = flashes_at(&mut browser, &answer, "/account/login").await;
        assert!(flashes[0].contains("try again in a moment"), "{flashes:?}");
    }
    let shown = gateway.browser().get("/account/login").await.text();
    assert!(shown.contains("href=\"/auth/acme\""), "the buttons stay");
}

#[tokio::test]
async fn a_page_of_another_site_begins_no_sign_in() {
    let (_world, gateway, _auth) = World::with_auth().await;
    for (led_from, begun) in [
        ("cross-site", false),
        ("same-site", false),
        ("same-origin", true),
        ("none", true),
    ] {
        let mut browser = gateway.browser();
        let request = browser
            .request(Method::GET, "/auth/google?next=%2Fchat%3Froom%3Dlobby")
            .header("Sec-Fetch-Site", led_from);
        let answer = browser.send(request).await;
        let form = "/account/login?next=%2Fchat%3Froom%3Dlobby";
        assert!(answer.leads_to(form), "{led_from}");
        // Nobody has configured Google here, which is told to who wanted to go there.
        let flashes = browser.follow(&answer).await.flashes();
        assert_eq!(flashes.len(), usize::from(begun), "{led_from}");
    }
}

#[tokio::test]
async fn of_those_that_bring_one_state_at_the_same_moment_one_is_looked_into() {
    let (_world, gateway, _auth) = with_providers().await;
    let mut browser = gateway.browser();
    let state = begin(&mut browser, "/auth/acme").await;
    let path = callback("acme", &[("error", "access_denied"), ("state", &state)]);
    let answers = futures_util::future::join_all((0..8).map(|_| {
        let mut json = browser.clone().of_json();
        let path = &path;
        async move { json.get(path).await.text() }
    }))
    .await;
    let looked_into = answers
        .iter()
        .filter(|text| text.contains("You cancelled it"));
    assert_eq!(looked_into.count(), 1, "{answers:?}");
    let too_late = answers
        .iter()
        .filter(|text| text.contains("was finished before"));
    assert_eq!(too_late.count(), 7, "{answers:?}");
}

//! Registering, signing in and out.

use reqwest::StatusCode;

use crate::{
    browser::{Answer, Browser},
    world::World,
};

const PASSWORD: &str = "correct horse battery";

#[tokio::test]
async fn register_chat_sign_out_sign_in() {
    let (_world, gateway, _auth) = World::with_auth().await;
    let mut browser = gateway.browser();

    let registered = browser.register("Alice", PASSWORD).await;
    assert!(registered.leads_to("/chat"), "{}", registered.text());
    let chat = browser.follow(&registered).await;
    assert_eq!(chat.status, StatusCode::OK);
    assert!(
        chat.text()
            .contains("<div id=\"app\" data-user=\"{&#34;id&#34;")
    );
    assert!(
        chat.text()
            .contains("<a class=\"viewer\" href=\"/account\">alice</a>")
    );
    assert!(
        chat.text()
            .contains("data-login=\"/account/login\" data-message-chars=\"4000\"")
    );

    let signed_out = browser.submit("/account/logout", &[]).await;
    assert!(signed_out.leads_to("/"));
    let index = browser.follow(&signed_out).await;
    assert_eq!(index.flashes(), ["You are signed out."]);
    assert_eq!(
        browser.get("/").await.flashes(),
        [""; 0],
        "it is shown once"
    );
    let chat = browser.get("/chat").await;
    assert!(chat.leads_to("/account/login?next=%2Fchat"));

    let form = browser.follow(&chat).await;
    assert!(form.text().contains("name=\"next\" value=\"/chat\""));
    let signed_in = browser.sign_in("alice", PASSWORD).await;
    assert!(signed_in.leads_to("/chat"));
    assert_eq!(browser.get("/chat").await.status, StatusCode::OK);
}

#[tokio::test]
async fn wrong_passwords_and_unknown_names_get_the_same_answer() {
    let (_world, gateway, _auth) = World::with_auth().await;
    gateway.browser().register("alice", PASSWORD).await;
    let mut answers = Vec::new();
    for (username, password) in [
        ("alice", "wrong horse battery"),
        ("nobody", PASSWORD),
        ("not a name at all!", PASSWORD),
        ("alice", "x".repeat(200).as_str()),
    ] {
        let mut browser = gateway.browser();
        let answer = browser.sign_in(username, password).await;
        assert!(answer.leads_to("/account/login"));
        let form = browser.follow(&answer).await;
        assert_eq!(form.flashes(), ["Wrong Username or Password"]);
        assert_eq!(form.wrong_fields(), [""; 0], "points at no field");
        answers.push(
            form.text()
                .replace(username, "?")
                .replace(&form.csrf(), "?"),
        );
        assert!(
            browser
                .get("/chat")
                .await
                .leads_to("/account/login?next=%2Fchat")
        );
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[tokio::test]
async fn a_taken_name_is_said_so() {
    let (_world, gateway, _auth) = World::with_auth().await;
    gateway.browser().register("alice", PASSWORD).await;
    let mut browser = gateway.browser();
    let answer = browser.register("ALICE", "another horse battery").await;
    let form = browser.follow(&answer).await;
    assert_eq!(form.flashes(), ["User exists!"]);
    assert_eq!(form.wrong_fields(), ["username"]);
    assert!(
        form.text().contains("value=\"ALICE\""),
        "what was typed is kept"
    );
}

#[tokio::test]
async fn empty_fields_are_named() {
    let (_world, gateway, _auth) = World::with_auth().await;
    let form_and_words = [
        ("/account/login", "Missing credentials"),
        ("/account/register", "Please fill out all the fields"),
    ];
    for (path, words) in form_and_words {
        for (fields, wrong) in [
            (vec![], "username"),
            (vec![("username", ""), ("password", "")], "username"),
            (
                vec![("username", " \t"), ("password", PASSWORD)],
                "username",
            ),
            (vec![("username", "bob"), ("password", "")], "password"),
            (vec![("username", "bob")], "password"),
        ] {
            let mut browser = gateway.browser();
            let answer = browser.submit(path, &fields).await;
            let form = browser.follow(&answer).await;
            assert_eq!(form.flashes(), [words], "{path} {fields:?}");
            assert_eq!(form.text().matches(words).count(), 1, "in one place");
            assert_eq!(form.wrong_fields(), [wrong]);
            let again = browser.get(path).await;
            assert_eq!(again.flashes(), [""; 0], "it is said once");
            assert_eq!(again.wrong_fields(), [""; 0]);
            assert!(!again.text().contains("value=\"bob\""));
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_name_or_password_is_told() {
    let (_world, gateway, _auth) = World::with_auth().await;
    for (username, password, field, words) in [
        (
            "ab",
            PASSWORD,
            "username",
            "A username has 3 to 32 characters",
        ),
        (
            "älice",
            PASSWORD,
            "username",
            "A username is made of the letters",
        ),
        (
            "alice",
            "short",
            "password",
            "A password has 8 to 128 characters",
        ),
        (
            "alice",
            "password1",
            "password",
            "one of the most common ones",
        ),
    ] {
        let mut browser = gateway.browser();
        let answer = browser.register(username, password).await;
        assert!(answer.leads_to("/account/register"));
        let form = browser.follow(&answer).await;
        assert!(form.flashes()[0].contains(words), "{:?}", form.flashes());
        assert_eq!(form.wrong_fields(), [field]);
        assert!(form.text().contains(&format!("value=\"{username}\"")));
        assert!(!form.text().contains(password), "passwords are not kept");
    }
}

#[tokio::test]
async fn markup_is_shown_as_text() {
    let (world, gateway, _auth) = World::with_auth().await;
    let markup = "\"><script>alert(1)</script>";

    let mut browser = gateway.browser();
    let answer = browser.register(markup, PASSWORD).await;
    let form = browser.follow(&answer).await;
    assert!(
        form.text().contains("value=\"&#34;&#62;&#60;script&#62;"),
        "{}",
        form.text()
    );
    assert!(!form.text().contains("<script>alert"));

    let cookie = world.signed_in(markup).await;
    for path in ["/", "/chat", "/account/logout"] {
        let page = gateway.browser().with_session(&cookie).get(path).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(
            page.text().contains("script&#62;alert(1)"),
            "{path} names the person"
        );
        assert!(!page.text().contains("<script>alert"), "{path}");
    }
}

#[tokio::test]
async fn the_way_goes_on_to_where_one_wanted_to_go() {
    let (_world, gateway, _auth) = World::with_auth().await;
    let mut browser = gateway.browser();
    let path = "/account/register?next=%2Fchat%3Fx%3D1%26y%23room%2Flobby";
    let form = browser.get(path).await;
    let login = "<a href=\"/account/login?next=%2Fchat%3Fx%3D1%26y%23room%2Flobby\">";
    assert!(form.text().contains(login), "the other form goes there too");

    let refused = browser.submit(path, &[("username", "bob")]).await;
    assert!(
        refused.leads_to(path),
        "an error keeps it: {}",
        refused.location()
    );
    let fields = [("username", "bob"), ("password", PASSWORD)];
    let registered = browser.submit(path, &fields).await;
    assert!(registered.leads_to("/chat?x=1&y#room/lobby"));

    let there_already = browser.get(path).await;
    assert!(there_already.leads_to("/chat?x=1&y#room/lobby"));
    for form in ["/account/login", "/account/register"] {
        assert!(
            browser.get(form).await.leads_to("/chat"),
            "signed in already"
        );
    }
}

#[tokio::test]
async fn nobody_is_sent_to_another_site() {
    let (_world, gateway, _auth) = World::with_auth().await;
    gateway.browser().register("alice", PASSWORD).await;
    for elsewhere in [
        "//evil.example",
        "https://evil.example/chat",
        "/\\evil.example",
        "/\t/evil.example",
        "/x\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
    ] {
        let mut browser = gateway.browser();
        let query: String = url::form_urlencoded::byte_serialize(elsewhere.as_bytes()).collect();
        let form = browser.get(&format!("/account/login?next={query}")).await;
        assert!(!form.text().contains("name=\"next\""), "{elsewhere:?}");
        let refused = post(&mut browser, &form.csrf(), elsewhere, "").await;
        assert!(refused.leads_to("/account/login"), "{elsewhere:?}");
        let csrf = browser.follow(&refused).await.csrf();
        let signed_in = post(&mut browser, &csrf, elsewhere, PASSWORD).await;
        assert!(signed_in.leads_to("/chat"), "{elsewhere:?}");
    }
}

async fn post(browser: &mut Browser, csrf: &str, next: &str, password: &str) -> Answer {
    let fields = [
        ("csrf", csrf),
        ("next", next),
        ("username", "alice"),
        ("password", password),
    ];
    browser.post("/account/login", &fields).await
}

#[tokio::test]
async fn callers_that_read_json_are_told_at_once() {
    let (_world, gateway, _auth) = World::with_auth().await;
    gateway.browser().register("alice", PASSWORD).await;
    for (path, username, password, status, detail) in [
        (
            "/account/login",
            "alice",
            "wrong horse",
            401,
            "Wrong Username or Password",
        ),
        ("/account/login", "", "", 422, "Missing credentials"),
        (
            "/account/register",
            "alice",
            "another horse battery",
            409,
            "User exists!",
        ),
        (
            "/account/register",
            "a",
            PASSWORD,
            422,
            "A username has 3 to 32 characters",
        ),
    ] {
        let fields = [("username", username), ("password", password)];
        let answer = gateway.browser().of_json().submit(path, &fields).await;
        assert_eq!(answer.status.as_u16(), status, "{detail}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let problem = answer.json();
        assert_eq!(problem["detail"], detail);
        assert_eq!(problem["status"], status);
    }
}

#[tokio::test]
async fn an_account_keeps_its_name_when_the_bounds_on_new_ones_change() {
    let (world, gateway, _auth) = World::with_auth().await;
    let name = "alice-the-first";
    assert!(
        gateway
            .browser()
            .register(name, PASSWORD)
            .await
            .leads_to("/chat")
    );
    let mut settings = world.settings();
    settings.limits.username_max = 5;
    let stricter = World::start(settings).await;
    stricter.is_ready().await;
    assert!(
        stricter
            .browser()
            .sign_in(name, PASSWORD)
            .await
            .leads_to("/chat")
    );
    let refused = stricter
        .browser()
        .register("bob-the-second", PASSWORD)
        .await;
    assert!(refused.leads_to("/account/register"));
}

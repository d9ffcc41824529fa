//! The account page and its forms.

use std::collections::BTreeMap;

use models::{
    User,
    account::{AuthReply, AuthRequest, Identity},
    now_ms,
    session::{Session, SignInPurpose},
};
use reqwest::StatusCode;
use stack::eventually;

use crate::{
    browser::Browser,
    providers::provider,
    world::{SOON, Service, World},
};

const PASSWORD: &str = "correct horse battery";
const OTHER_PASSWORD: &str = "another horse battery";
const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36";
const QUARTER_HOUR_MS: u64 = 15 * 60 * 1_000;
const SIGN_IN_AGAIN: &str = "Please sign in again first";

async fn alice(gateway: &Service) -> Browser {
    let mut browser = gateway.browser();
    let registered = browser.register("alice", PASSWORD).await;
    assert!(registered.leads_to("/chat"), "{}", registered.text());
    browser
}

async fn is_signed_in(mut browser: Browser) -> bool {
    browser.get("/chat").await.status == StatusCode::OK
}

/// Sends a form of the account page, and tells what the page says then.
async fn flashes_after(
    browser: &mut Browser,
    action: &str,
    fields: &[(&str, &str)],
) -> Vec<String> {
    let answer = browser.act(action, fields).await;
    assert!(answer.leads_to("/account"), "{}", answer.location());
    browser.follow(&answer).await.flashes()
}

fn identity(provider: &str) -> Identity {
    Identity {
        provider: provider.to_owned(),
        subject: "248289761001".to_owned(),
        label: "carol@example.com".to_owned(),
    }
}

/// The session of somebody who proved so long ago who they are.
fn signed_in_before(user: User, ago_ms: u64) -> Session {
    Session {
        created: now_ms() - ago_ms,
        ..Session::signed_in(user)
    }
}

#[tokio::test]
async fn it_is_for_those_signed_in() {
    let (_world, gateway, _auth) = World::with_auth().await;
    let mut browser = gateway.browser();
    let answer = browser.get("/account").await;
    assert!(answer.leads_to("/account/login?next=%2Faccount"));
    for action in [
        "/account/display-name",
        "/account/password",
        "/account/link",
        "/account/unlink",
        "/account/sessions/end",
        "/account/sessions/end-others",
    ] {
        let read = browser.get(action).await;
        assert!(read.leads_to("/account"), "{action}");
        let csrf = browser.get("/account/login").await.csrf();
        let answer = browser.post(action, &[("csrf", &csrf)]).await;
        let login = "/account/login?next=%2Faccount";
        assert!(answer.leads_to(login), "{action}: {}", answer.text());
        let page = browser.follow(&answer).await;
        let flashes = page.flashes();
        assert!(flashes[0].contains(SIGN_IN_AGAIN), "{action}: {flashes:?}");
        let csrf = page.csrf();
        let mut json = browser.clone().of_json();
        let problem = json.post(action, &[("csrf", &csrf)]).await;
        assert_eq!(problem.status, StatusCode::FORBIDDEN, "{action}");
    }
    let signed_in = browser.register("alice", PASSWORD).await;
    assert!(signed_in.leads_to("/chat"));
}

#[tokio::test]
async fn it_shows_what_is_kept() {
    let (_world, gateway, _auth) = World::with_auth().await;
    let mut browser = alice(&gateway).await;
    let page = browser.get("/account").await;
    let text = page.text();
    for part in [
        "<title>Your account · PacktChat</title>",
        "<strong>alice</strong>",
        "name=\"display_name\" type=\"text\" value=\"alice\"",
        "<strong>Firefox on Linux</strong>",
        "this session",
        " UTC</time>",
        "Current password",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    for part in [
        "Other ways to sign in",
        "Sign out everywhere else",
        browser.session().unwrap().split('.').next().unwrap(),
    ] {
        assert!(!text.contains(part), "no {part} in {text}");
    }
}

#[tokio::test]
async fn a_name_is_seen_in_all_sessions() {
    let (world, gateway, _auth) = World::with_auth().await;
    let elsewhere = world.gateway().await;
    let mut browser = alice(&gateway).await;
    let mut other = elsewhere.browser();
    other.sign_in("alice", PASSWORD).await;

    let name = "Alice <b>L.</b>";
    let fields = [("display_name", name)];
    let flashes = flashes_after(&mut browser, "/account/display-name", &fields).await;
    let shown = "Alice &#60;b&#62;L.&#60;/b&#62;";
    assert_eq!(flashes, [format!("From now on others see you as {shown}.")]);
    for browser in [&mut browser, &mut other] {
        let page = browser.get("/account").await.text();
        assert!(page.contains(&format!("class=\"viewer\" href=\"/account\">{shown}</a>")));
        assert!(page.contains(&format!("value=\"{shown}\"")));
        let session = world.session(&browser.session().unwrap()).await;
        assert_eq!(session.user.unwrap().user, name);
    }

    let flashes = flashes_after(&mut browser, "/account/display-name", &[]).await;
    assert_eq!(flashes, ["From now on others see you as alice."]);
    assert!(is_signed_in(other).await);
}

#[tokio::test]
async fn a_name_that_will_not_do_is_told() {
    let (_world, gateway, _auth) = World::with_auth().await;
    gateway.browser().register("bob", PASSWORD).await;
    let mut browser = alice(&gateway).await;
    let long = "x".repeat(33);
    for (name, words, status) in [
        (long.as_str(), "1 to 32 characters", 422),
        ("a\u{202e}b", "no invisible characters", 422),
        ("Bob", "Somebody else has this name", 409),
    ] {
        let fields = [("display_name", name)];
        let answer = browser.act("/account/display-name", &fields).await;
        let page = browser.follow(&answer).await;
        assert!(page.flashes()[0].contains(words), "{:?}", page.flashes());
        assert_eq!(page.wrong_fields(), ["display_name"]);
        let again = browser.get("/account").await;
        assert_eq!((again.flashes(), again.wrong_fields()), (vec![], vec![]));
        let mut json = browser.clone().of_json();
        let problem = json.act("/account/display-name", &fields).await;
        assert_eq!(problem.status.as_u16(), status);
        assert!(problem.json()["detail"].as_str().unwrap().contains(words));
    }
}

#[tokio::test]
async fn a_new_password_ends_all_other_sessions() {
    let (world, gateway, _auth) = World::with_auth().await;
    let elsewhere = world.gateway().await;
    let mut browser = alice(&gateway).await;
    let mut other = elsewhere.browser();
    other.sign_in("alice", PASSWORD).await;
    assert!(is_signed_in(other.clone()).await);
    let before = browser.session().unwrap();

    let fields = [("old", PASSWORD), ("new", OTHER_PASSWORD)];
    let flashes = flashes_after(&mut browser, "/account/password", &fields).await;
    assert_eq!(
        flashes,
        ["Your password is set, and you are signed out everywhere else."]
    );
    assert!(!is_signed_in(other).await);
    assert_ne!(browser.session().unwrap(), before);
    assert!(!is_signed_in(gateway.browser().with_session(&before)).await);
    assert!(is_signed_in(browser).await);

    let old = gateway.browser().sign_in("alice", PASSWORD).await;
    assert!(old.leads_to("/account/login"));
    let new = gateway.browser().sign_in("alice", OTHER_PASSWORD).await;
    assert!(new.leads_to("/chat"));
}

#[tokio::test]
async fn a_password_is_not_changed_by_who_does_not_know_it() {
    let (_world, gateway, _auth) = World::with_auth().await;
    let mut browser = alice(&gateway).await;
    let before = browser.session();
    for (fields, words, field, status) in [
        (
            vec![("old", "wrong horse"), ("new", OTHER_PASSWORD)],
            "not your current password",
            "old",
            401,
        ),
        // As an account without a password would send it.
        (
            vec![("new", OTHER_PASSWORD)],
            "not your current password",
            "old",
            401,
        ),
        (
            vec![("old", ""), ("new", OTHER_PASSWORD)],
            "fill out",
            "old",
            422,
        ),
        (vec![("old", PASSWORD)], "fill out", "new", 422),
        (
            vec![("old", PASSWORD), ("new", "short")],
            "8 to 128",
            "new",
            422,
        ),
        (
            vec![("old", PASSWORD), ("new", "password1")],
            "most common",
            "new",
            422,
        ),
    ] {
        let answer = browser.act("/account/password", &fields).await;
        assert!(answer.leads_to("/account"), "{}", answer.location());
        let page = browser.follow(&answer).await;
        assert!(page.flashes()[0].contains(words), "{:?}", page.flashes());
        assert_eq!(page.wrong_fields(), [field]);
        for (_, secret) in &fields {
            assert!(secret.is_empty() || !page.text().contains(secret));
        }
        let mut json = browser.clone().of_json();
        let problem = json.act("/account/password", &fields).await;
        assert_eq!(problem.status.as_u16(), status, "{fields:?}");
    }
    assert_eq!(browser.session(), before);
    let unchanged = gateway.browser().sign_in("alice", PASSWORD).await;
    assert!(unchanged.leads_to("/chat"));
}

#[tokio::test]
async fn a_first_password_is_for_who_signed_in_lately() {
    let (world, gateway, _auth) = World::with_auth().await;
    let carol = world.account_of(&identity("acme"), "carol").await;

    let late = world
        .keep(&signed_in_before(carol.clone(), QUARTER_HOUR_MS))
        .await;
    let mut browser = gateway.browser().with_session(&late);
    let text = browser.get("/account").await.text();
    assert!(text.contains("sign in again first") && !text.contains("name=\"new\""));
    let fields = [("new", PASSWORD)];
    let flashes = flashes_after(&mut browser, "/account/password", &fields).await;
    assert!(flashes[0].contains(SIGN_IN_AGAIN), "{flashes:?}");

    let session = signed_in_before(carol, QUARTER_HOUR_MS - 60_000);
    let cookie = world.keep(&session).await;
    let mut browser = gateway.browser().with_session(&cookie);
    let text = browser.get("/account").await.text();
    assert!(text.contains("name=\"new\"") && !text.contains("name=\"old\""));
    let flashes = flashes_after(&mut browser, "/account/password", &fields).await;
    assert!(flashes[0].contains("Your password is set"), "{flashes:?}");
    let renewed = browser.session().unwrap();
    assert_ne!(renewed, cookie);
    assert_eq!(world.session(&renewed).await.created, session.created);
    assert!(!is_signed_in(gateway.browser().with_session(&late)).await);
    let with_it = gateway.browser().sign_in("carol", PASSWORD).await;
    assert!(with_it.leads_to("/chat"));
}

#[tokio::test]
async fn a_session_is_ended_on_every_node_at_once() {
    let (world, gateway, _auth) = World::with_auth().await;
    let elsewhere = world.gateway().await;
    let mut browser = alice(&gateway).await;
    let mut other = elsewhere.browser().that_is(CHROME);
    other.sign_in("alice", PASSWORD).await;
    let mut robot = gateway.browser().that_is("<script>alert(1)</script>");
    robot.sign_in("alice", PASSWORD).await;
    let text = browser.get("/account").await.text();
    assert!(text.contains("<strong>Chrome on Windows</strong>"));
    assert!(text.contains("there: Unknown device, last used"));
    assert!(text.contains("Sign out everywhere else"));

    let sessions = world.sessions();
    let (id, _) = sessions
        .load(&other.session().unwrap())
        .await
        .unwrap()
        .unwrap();
    let handle = id.handle();
    assert!(!text.contains(id.as_str()), "ids are not shown");
    let fields = [("session", handle.as_str())];
    let flashes = flashes_after(&mut browser, "/account/sessions/end", &fields).await;
    assert_eq!(flashes, ["You are signed out there."]);
    assert!(!is_signed_in(other).await);
    let flashes = flashes_after(&mut browser, "/account/sessions/end", &fields).await;
    assert_eq!(flashes, ["You were signed out there already."]);
    let text = browser.get("/account").await.text();
    assert!(!text.contains("Chrome on Windows"));
    assert!(is_signed_in(browser).await);
}

#[tokio::test]
async fn all_others_are_ended_at_once() {
    let (world, gateway, _auth) = World::with_auth().await;
    let elsewhere = world.gateway().await;
    let mut browser = alice(&gateway).await;
    let mut others = [gateway.browser(), elsewhere.browser()];
    for other in &mut others {
        other.sign_in("alice", PASSWORD).await;
    }
    let flashes = flashes_after(&mut browser, "/account/sessions/end-others", &[]).await;
    assert_eq!(flashes, ["You are signed out everywhere else."]);
    for other in others {
        assert!(!is_signed_in(other).await);
    }
    assert!(is_signed_in(browser).await);
}

#[tokio::test]
async fn ones_own_session_may_be_ended_too() {
    let (world, gateway, _auth) = World::with_auth().await;
    let mut browser = alice(&gateway).await;
    let cookie = browser.session().unwrap();
    let (id, _) = world.sessions().load(&cookie).await.unwrap().unwrap();
    let handle = id.handle();
    let fields = [("session", handle.as_str())];
    let answer = browser.act("/account/sessions/end", &fields).await;
    assert!(answer.leads_to("/"), "{}", answer.location());
    let index = browser.follow(&answer).await;
    assert_eq!(index.flashes(), ["You are signed out."]);
    assert!(!is_signed_in(gateway.browser().with_session(&cookie)).await);
}

#[tokio::test]
async fn nobody_ends_the_sessions_of_others() {
    let (world, gateway, _auth) = World::with_auth().await;
    let mut browser = alice(&gateway).await;
    let mut bob = gateway.browser();
    bob.register("bob", PASSWORD).await;
    let cookie = bob.session().unwrap();
    let (id, _) = world.sessions().load(&cookie).await.unwrap().unwrap();
    let handle = id.handle();
    let fields = [("session", handle.as_str())];
    flashes_after(&mut browser, "/account/sessions/end", &fields).await;
    flashes_after(&mut browser, "/account/sessions/end-others", &[]).await;
    assert!(is_signed_in(bob).await);
}

#[tokio::test]
async fn an_identity_is_unlinked_unless_it_is_the_last_way_in() {
    let (world, gateway, _auth) = World::with_auth().await;
    let carol = world.account_of(&identity("acme"), "carol").await;
    let cookie = world.keep(&Session::signed_in(carol.clone())).await;
    let mut browser = gateway.browser().with_session(&cookie);
    let text = browser.get("/account").await.text();
    assert!(text.contains("carol@example.com"));
    assert!(!text.contains("action=\"/account/unlink\""), "{text}");
    let fields = [("provider", "acme")];
    let flashes = flashes_after(&mut browser, "/account/unlink", &fields).await;
    assert!(
        flashes[0].contains("the only way to sign in"),
        "{flashes:?}"
    );

    flashes_after(&mut browser, "/account/password", &[("new", PASSWORD)]).await;
    let late = world.keep(&signed_in_before(carol, QUARTER_HOUR_MS)).await;
    let mut late = gateway.browser().with_session(&late);
    let text = late.get("/account").await.text();
    assert!(!text.contains("action=\"/account/unlink\""), "{text}");
    let flashes = flashes_after(&mut late, "/account/unlink", &fields).await;
    assert!(flashes[0].contains(SIGN_IN_AGAIN), "{flashes:?}");

    let text = browser.get("/account").await.text();
    assert!(text.contains("action=\"/account/unlink\""), "{text}");
    let flashes = flashes_after(&mut browser, "/account/unlink", &fields).await;
    assert_eq!(flashes, ["From now on you cannot sign in with acme."]);
    let text = browser.get("/account").await.text();
    assert!(!text.contains("carol@example.com"));
}

#[tokio::test]
async fn linking_goes_on_to_the_provider_by_a_page() {
    let world = World::new().await;
    let providers = BTreeMap::from([("acme".to_owned(), provider("Acme <ID>", "#ffcc00").await)]);
    let _auth = world.auth_with(providers).await;
    let gateway = world.gateway().await;
    let mut browser = alice(&gateway).await;
    eventually(SOON, "the page offers the provider", async || {
        let text = browser.get("/account").await.text();
        text.contains("Link Acme &#60;ID&#62;")
    })
    .await;
    let fields = [("provider", "acme")];
    let page = browser.act("/account/link", &fields).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    let text = page.text();
    let (_, url) = text
        .split_once("<meta http-equiv=\"refresh\" content=\"0;url=")
        .unwrap();
    let url = url.split('"').next().unwrap();
    assert!(url.contains("/authorize?"), "{url}");
    assert!(text.contains(&format!("href=\"{url}\"")));
    let session = world.session(&browser.session().unwrap()).await;
    assert_eq!(session.sign_ins[0].purpose, SignInPurpose::Link);

    let state = session.sign_ins[0].state.expose();
    let path = format!("/auth/acme/callback?error=access_denied&state={state}");
    let answer = browser.get(&path).await;
    assert!(answer.leads_to("/account"), "{}", answer.location());
    let flashes = browser.follow(&answer).await.flashes();
    assert!(flashes[0].contains("You cancelled it"), "{flashes:?}");

    let fields = [("provider", "nobody")];
    let flashes = flashes_after(&mut browser, "/account/link", &fields).await;
    assert!(flashes[0].contains("no such way to sign in"), "{flashes:?}");
}

#[tokio::test]
async fn linking_is_for_who_signed_in_lately_and_the_way_leads_there() {
    let world = World::new().await;
    let providers = BTreeMap::from([("acme".to_owned(), provider("Acme", "#ffcc00").await)]);
    let _auth = world.auth_with(providers).await;
    let gateway = world.gateway().await;
    let mut browser = alice(&gateway).await;
    let cookie = browser.session().unwrap();
    world
        .change_session(&cookie, |session| session.created -= QUARTER_HOUR_MS)
        .await;
    eventually(SOON, "the page tells of the provider", async || {
        let text = browser.get("/account").await.text();
        text.contains("To change how you sign in, sign in again first.")
    })
    .await;
    let fields = [("provider", "acme")];
    let flashes = flashes_after(&mut browser, "/account/link", &fields).await;
    assert!(flashes[0].contains(SIGN_IN_AGAIN), "{flashes:?}");
    let session = world.session(&cookie).await;
    assert_eq!(session.sign_ins, []);

    let again = "/account/login?next=%2Faccount";
    let answer = browser.act("/account/logout", &[("next", again)]).await;
    assert!(answer.leads_to(again), "{}", answer.location());
    let fields = [("username", "alice"), ("password", PASSWORD)];
    let answer = browser.submit(again, &fields).await;
    assert!(answer.leads_to("/account"), "{}", answer.location());
    let text = browser.follow(&answer).await.text();
    assert!(text.contains("Link Acme"), "{text}");
}

#[tokio::test]
async fn signing_out_leads_to_no_other_site() {
    let (_world, gateway, _auth) = World::with_auth().await;
    let mut browser = alice(&gateway).await;
    let fields = [("next", "//evil.example")];
    let answer = browser.act("/account/logout", &fields).await;
    assert!(answer.leads_to("/"), "{}", answer.location());
}

#[tokio::test]
async fn without_auth_sessions_can_be_ended_all_the_same() {
    let (world, gateway, auth) = World::with_auth().await;
    let browser = alice(&gateway).await;
    let mut other = gateway.browser();
    other.sign_in("alice", PASSWORD).await;
    auth.stop().await;
    let mut settings = world.settings();
    settings.auth.patience_ms = 300;
    let hasty = World::start(settings).await;
    hasty.is_ready().await;
    let mut browser = browser.at(hasty.port);
    let text = browser.get("/account").await.text();
    assert!(text.contains("try again in a moment"), "{text}");
    assert!(!text.contains("name=\"new\""));
    let flashes = flashes_after(&mut browser, "/account/sessions/end-others", &[]).await;
    assert_eq!(flashes[0], "You are signed out everywhere else.");
    assert!(!is_signed_in(other).await);
    let fields = [("display_name", "Alice")];
    let problem = browser
        .of_json()
        .act("/account/display-name", &fields)
        .await;
    assert_eq!(problem.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_session_without_an_account_is_over() {
    let (world, gateway, _auth) = World::with_auth().await;
    let cookie = world.signed_in("ghost").await;
    let mut browser = gateway.browser().with_session(&cookie);
    let answer = browser.get("/account").await;
    assert!(answer.leads_to("/account/login"), "{}", answer.location());
    let form = browser.follow(&answer).await;
    assert_eq!(form.flashes(), ["This account does not exist any more."]);
    assert!(!is_signed_in(gateway.browser().with_session(&cookie)).await);
}

/// A name that changed while its session was written is put right.
#[tokio::test]
async fn a_session_with_an_old_name_learns_the_new_one() {
    let (world, gateway, _auth) = World::with_auth().await;
    let mut browser = alice(&gateway).await;
    let cookie = browser.session().unwrap();
    let id = world.session(&cookie).await.user.unwrap().id;
    let request = AuthRequest::SetDisplayName {
        id,
        name: "Alice L.".to_owned(),
    };
    let renamed = world.ask_auth(&request).await;
    assert!(matches!(renamed, AuthReply::Accepted { .. }));
    browser.get("/account").await;
    let user = world.session(&cookie).await.user.unwrap();
    assert_eq!(user.user, "Alice L.");
}

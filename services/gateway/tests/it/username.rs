//! The form to choose a username, after the first sign-in with a provider.

use models::{
    account::{AuthReply, AuthRequest, Identity},
    session::{Newcomer, Session},
};
use reqwest::StatusCode;

use crate::world::{Service, World};

const FORM: &str = "/account/username";

fn identity(subject: &str) -> Identity {
    Identity {
        provider: "acme".to_owned(),
        subject: subject.to_owned(),
        label: "<b>carol</b>@example.com".to_owned(),
    }
}

/// A session of somebody whom a provider has proved.
fn newcomer(subject: &str, next: Option<&str>) -> Session {
    Session {
        newcomer: Some(Newcomer {
            identity: identity(subject),
            username: "carol".to_owned(),
            next: next.map(str::to_owned),
        }),
        ..Session::anonymous()
    }
}

async fn is_signed_in(gateway: &Service, cookie: &str) -> bool {
    let mut browser = gateway.browser().with_session(cookie);
    browser.get("/chat").await.status == StatusCode::OK
}

#[tokio::test]
async fn the_proposal_is_taken_and_the_way_goes_on() {
    let (world, gateway, _auth) = World::with_auth().await;
    let cookie = world.keep(&newcomer("1", Some("/chat#room/lobby"))).await;
    let mut browser = gateway.browser().with_session(&cookie);
    let form = browser.get(FORM).await;
    for part in [
        "<title>Choose a username · PacktChat</title>",
        "&#60;b&#62;carol&#60;/b&#62;@example.com",
        "name=\"username\" type=\"text\" value=\"carol\"",
        "3 to 32 of the letters",
    ] {
        assert!(form.text().contains(part), "{part} in {}", form.text());
    }
    let answer = browser.submit(FORM, &[("username", "carol")]).await;
    assert!(answer.leads_to("/chat#room/lobby"), "{}", answer.location());
    let signed_in = browser.session().unwrap();
    assert_ne!(signed_in, cookie, "under a new id");
    assert!(is_signed_in(&gateway, &signed_in).await);
    assert!(!is_signed_in(&gateway, &cookie).await);
    let session = world.session(&signed_in).await;
    assert_eq!(session.user.unwrap().user, "carol");
    assert_eq!(session.newcomer, None);
    assert_eq!(session.device, "Firefox on Linux");
    assert!(browser.get(FORM).await.leads_to("/chat"), "it is chosen");
}

#[tokio::test]
async fn what_will_not_do_comes_back_to_the_form() {
    let (world, gateway, _auth) = World::with_auth().await;
    gateway
        .browser()
        .register("alice", "correct horse battery")
        .await;
    let cookie = world.keep(&newcomer("1", None)).await;
    let mut browser = gateway.browser().with_session(&cookie);
    for (username, words, status) in [
        ("alice", "User exists!", StatusCode::CONFLICT),
        ("ab", "3 to 32 characters", StatusCode::UNPROCESSABLE_ENTITY),
        (" ", "fill out", StatusCode::UNPROCESSABLE_ENTITY),
        (
            "\"><script>alert(1)",
            "letters a-z",
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
    ] {
        let answer = browser.submit(FORM, &[("username", username)]).await;
        assert!(answer.leads_to(FORM), "{}", answer.location());
        let form = browser.follow(&answer).await;
        assert!(form.flashes()[0].contains(words), "{:?}", form.flashes());
        assert_eq!(form.wrong_fields(), ["username"]);
        assert!(!form.text().contains("<script>alert"));
        let mut json = browser.clone().of_json();
        let problem = json.submit(FORM, &[("username", username)]).await;
        assert_eq!(problem.status, status, "{username}");
    }
    let answer = browser.submit(FORM, &[("username", "carol")]).await;
    assert!(answer.leads_to("/chat"));
}

#[tokio::test]
async fn cancelling_forgets_who_it_was() {
    let (world, gateway, _auth) = World::with_auth().await;
    let cookie = world.keep(&newcomer("1", Some("/chat"))).await;
    let mut browser = gateway.browser().with_session(&cookie);
    let fields = [("username", "carol"), ("cancel", "yes")];
    let answer = browser.submit(FORM, &fields).await;
    assert!(answer.leads_to("/account/login?next=%2Fchat"));
    let form = browser.follow(&answer).await;
    assert!(form.flashes()[0].contains("You cancelled it"));
    assert!(browser.get(FORM).await.leads_to("/account/login"));
    assert_eq!(world.session(&cookie).await.newcomer, None);
    world.account_of(&identity("1"), "carol").await;
}

#[tokio::test]
async fn who_has_got_an_account_meanwhile_signs_in_to_it() {
    let (world, gateway, _auth) = World::with_auth().await;
    world.account_of(&identity("1"), "caroline").await;
    let cookie = world.keep(&newcomer("1", None)).await;
    let mut browser = gateway.browser().with_session(&cookie);
    let answer = browser.submit(FORM, &[("username", "carol")]).await;
    assert!(answer.leads_to("/account/login"));
    let form = browser.follow(&answer).await;
    assert!(form.flashes()[0].contains("belongs to another account"));
    let request = AuthRequest::CreateWithIdentity {
        identity: identity("2"),
        username: "carol".to_owned(),
    };
    let free = world.ask_auth(&request).await;
    assert!(matches!(free, AuthReply::Accepted { .. }), "{free:?}");
}

#[tokio::test]
async fn it_is_for_newcomers_alone() {
    let (world, gateway, _auth) = World::with_auth().await;
    assert!(gateway.browser().get(FORM).await.leads_to("/account/login"));
    let mut nobody = gateway.browser();
    let csrf = nobody.get("/account/login").await.csrf();
    let fields = [("csrf", csrf.as_str()), ("username", "carol")];
    let answer = nobody.post(FORM, &fields).await;
    assert!(answer.leads_to("/account/login"), "{}", answer.location());

    let cookie = world.keep(&newcomer("1", None)).await;
    let mut newcomer = gateway.browser().with_session(&cookie);
    let forged = newcomer.post(FORM, &[("username", "carol")]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert!(forged.text().contains("href=\"/account/username\""));
    assert!(!is_signed_in(&gateway, &cookie).await);
    let account = newcomer.get("/account").await;
    assert!(account.leads_to("/account/login?next=%2Faccount"));
}

#[tokio::test]
async fn nobody_is_sent_to_another_site_afterwards() {
    let (world, gateway, _auth) = World::with_auth().await;
    let session = newcomer("1", Some("//evil.example"));
    let cookie = world.keep(&session).await;
    let mut browser = gateway.browser().with_session(&cookie);
    let answer = browser.submit(FORM, &[("username", "carol")]).await;
    assert!(answer.leads_to("/chat"), "{}", answer.location());
}

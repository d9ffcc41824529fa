use futures_util::future::join_all;
use models::{
    User, UserId,
    account::{AccountDetails, AuthReply, AuthRequest},
};

use crate::{
    database::{Database, identity},
    world::{Client, World, accepted, add_password},
};

on_both_databases!(
    an_account_tells_its_owner_what_is_kept,
    a_display_name_is_set_and_taken_back,
    of_many_who_want_one_display_name_one_gets_it,
    a_first_password_is_added_to_an_account_without_one_alone,
    of_nobody_nothing_is_told,
);

async fn account(client: &Client, id: UserId) -> AccountDetails {
    match client.ask(&AuthRequest::GetAccount { id }).await {
        AuthReply::Account { account } => account,
        other => panic!("no account: {other:?}"),
    }
}

async fn set_name(client: &Client, id: UserId, name: &str) -> AuthReply {
    let name = name.to_owned();
    client.ask(&AuthRequest::SetDisplayName { id, name }).await
}

async fn an_account_tells_its_owner_what_is_kept(database: Database) {
    let (_world, _auth, client) = World::with_auth_on(database).await;
    let alice = client.registered("alice", "correct horse").await;
    let told = account(&client, alice.id).await;
    assert!(models::now_ms() - told.created < 60_000);
    let expected = AccountDetails {
        user: alice.clone(),
        username: "alice".to_owned(),
        has_password: true,
        identities: vec![],
        created: told.created,
    };
    assert_eq!(told, expected);

    set_name(&client, alice.id, "Queen").await;
    for provider in ["google", "facebook"] {
        client.link(alice.id, identity(provider, "1")).await;
    }
    let told = account(&client, alice.id).await;
    let expected = AccountDetails {
        user: User {
            user: "Queen".to_owned(),
            ..alice
        },
        identities: vec![identity("facebook", "1"), identity("google", "1")],
        ..expected
    };
    assert_eq!(told, expected);
}

async fn a_display_name_is_set_and_taken_back(database: Database) {
    let (_world, _auth, client) = World::with_auth_on(database).await;
    let alice = client.registered("alice", "correct horse").await;
    let bob = client.registered("bob", "correct horse").await;
    // Delivered twice, it gets one answer.
    for _ in 0..2 {
        let named = accepted(set_name(&client, alice.id, "  Queen \t of Hearts ").await);
        assert_eq!(
            (named.id, named.user.as_str()),
            (alice.id, "Queen of Hearts")
        );
    }
    let verified = accepted(client.verify("alice", "correct horse").await);
    assert_eq!(verified.user, "Queen of Hearts");
    for taken in ["Alice", "queen of hearts"] {
        assert_eq!(
            set_name(&client, bob.id, taken).await,
            AuthReply::UsernameTaken
        );
    }
    assert!(matches!(
        set_name(&client, bob.id, "\u{202e}bob").await,
        AuthReply::Invalid { .. }
    ));
    for _ in 0..2 {
        assert_eq!(accepted(set_name(&client, alice.id, "  ").await), alice);
    }
}

async fn of_many_who_want_one_display_name_one_gets_it(database: Database) {
    let world = World::on(database).await;
    let _first = world.auth(world.settings()).await;
    let _second = world.auth(world.settings()).await;
    let client = world.client();
    let mut ids = Vec::new();
    for n in 0..8 {
        ids.push(
            client
                .registered(&format!("user-{n}"), "correct horse")
                .await
                .id,
        );
    }
    let replies = join_all(ids.iter().map(|id| set_name(&client, *id, "Queen"))).await;
    let (given, refused): (Vec<_>, Vec<_>) = replies
        .into_iter()
        .partition(|reply| matches!(reply, AuthReply::Accepted { .. }));
    assert_eq!(given.len(), 1, "{given:?}");
    assert!(
        refused
            .iter()
            .all(|reply| *reply == AuthReply::UsernameTaken),
        "{refused:?}"
    );
}

async fn a_first_password_is_added_to_an_account_without_one_alone(database: Database) {
    let (world, _auth, client) = World::with_auth_on(database).await;
    let alice = accepted(client.create_with(identity("google", "1"), "alice").await);
    assert!(!account(&client, alice.id).await.has_password);
    let wrong = client.change_password(alice.id, "", "correct horse").await;
    assert_eq!(wrong, AuthReply::WrongCredentials);
    let short = client.ask(&add_password(alice.id, "short")).await;
    assert!(matches!(short, AuthReply::Invalid { .. }), "{short:?}");
    // Delivered twice, it gets one answer.
    for _ in 0..2 {
        assert_eq!(
            accepted(client.ask(&add_password(alice.id, "correct horse")).await),
            alice
        );
    }
    assert_eq!(
        accepted(client.verify("alice", "correct horse").await),
        alice
    );
    let other = client.ask(&add_password(alice.id, "another horse")).await;
    assert_eq!(other, AuthReply::WrongCredentials);
    world.two_minutes_pass().await;
    let late = client.ask(&add_password(alice.id, "correct horse")).await;
    assert_eq!(late, AuthReply::WrongCredentials);
}

async fn of_nobody_nothing_is_told(database: Database) {
    let (_world, _auth, client) = World::with_auth_on(database).await;
    let id = UserId::generate();
    let name = "Nobody".to_owned();
    for request in [
        AuthRequest::GetAccount { id },
        AuthRequest::SetDisplayName { id, name },
        AuthRequest::LinkIdentity {
            id,
            identity: identity("google", "1"),
        },
        AuthRequest::UnlinkIdentity {
            id,
            provider: "google".to_owned(),
        },
        add_password(id, "correct horse"),
    ] {
        let reply = client.ask(&request).await;
        assert_eq!(reply, AuthReply::WrongCredentials, "{request:?}");
    }
}

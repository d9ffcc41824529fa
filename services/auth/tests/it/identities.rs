use futures_util::future::join_all;
use models::account::{AuthReply, AuthRequest};

use crate::{
    database::{Database, identity},
    world::{World, accepted},
};

on_both_databases!(
    a_newcomer_gets_an_account,
    a_request_delivered_again_gets_the_same_answer,
    of_many_newcomers_with_one_identity_one_gets_an_account,
    an_identity_is_linked_to_one_account,
    the_last_way_in_is_kept,
    one_e_mail_address_does_not_merge_accounts,
);

async fn a_newcomer_gets_an_account(database: Database) {
    let (_world, _auth, client) = World::with_auth_on(database).await;
    client.registered("alice", "correct horse").await;
    let google = identity("google", "1");
    for taken in ["alice", "a1ice"] {
        let reply = client.create_with(google.clone(), taken).await;
        assert_eq!(reply, AuthReply::UsernameTaken, "{taken}");
    }
    let short = client.create_with(google.clone(), "al").await;
    assert!(matches!(short, AuthReply::Invalid { .. }), "{short:?}");
    let user = accepted(client.create_with(google.clone(), "Alice2").await);
    assert_eq!(
        (user.user.as_str(), user.kind.as_str()),
        ("alice2", "google")
    );
    let another = client.create_with(google, "alice3").await;
    assert_eq!(another, AuthReply::IdentityTaken);
    // It has no password that somebody could guess.
    let guess = client.verify("alice2", "").await;
    assert_eq!(guess, AuthReply::WrongCredentials);
}

async fn a_request_delivered_again_gets_the_same_answer(database: Database) {
    let (world, _auth, client) = World::with_auth_on(database).await;
    let create = || client.create_with(identity("google", "1"), "alice");
    let first = create().await;
    assert!(matches!(first, AuthReply::Accepted { .. }));
    assert_eq!(create().await, first);
    let other = client.create_with(identity("google", "2"), "alice").await;
    assert_eq!(other, AuthReply::UsernameTaken);
    world.two_minutes_pass().await;
    assert_eq!(create().await, AuthReply::IdentityTaken);
}

async fn of_many_newcomers_with_one_identity_one_gets_an_account(database: Database) {
    let world = World::on(database).await;
    let _first = world.auth(world.settings()).await;
    let _second = world.auth(world.settings()).await;
    let client = world.client();
    let names: Vec<_> = (0..10).map(|n| format!("alice-{n}")).collect();
    let wishes = names.iter();
    let replies =
        join_all(wishes.map(|name| client.create_with(identity("google", "1"), name))).await;
    let lost = replies
        .iter()
        .filter(|reply| **reply == AuthReply::IdentityTaken);
    assert_eq!(lost.count(), 9, "{replies:?}");
}

async fn an_identity_is_linked_to_one_account(database: Database) {
    let (_world, _auth, client) = World::with_auth_on(database).await;
    let alice = client.registered("alice", "correct horse").await;
    let bob = client.registered("bob", "correct horse").await;
    let google = identity("google", "1");
    for _ in 0..2 {
        assert_eq!(accepted(client.link(alice.id, google.clone()).await), alice);
    }
    for (id, taken) in [
        (bob.id, google.clone()),
        (alice.id, identity("google", "2")),
    ] {
        assert_eq!(client.link(id, taken).await, AuthReply::IdentityTaken);
    }
    for _ in 0..2 {
        assert_eq!(accepted(client.unlink(alice.id, "google").await), alice);
    }
    assert_eq!(accepted(client.link(bob.id, google).await), bob);
}

async fn the_last_way_in_is_kept(database: Database) {
    let (_world, _auth, client) = World::with_auth_on(database).await;
    let alice = accepted(client.create_with(identity("google", "1"), "alice").await);
    assert_eq!(
        client.unlink(alice.id, "google").await,
        AuthReply::LastWayIn
    );
    accepted(client.link(alice.id, identity("facebook", "1")).await);
    accepted(client.unlink(alice.id, "google").await);
    assert_eq!(
        client.unlink(alice.id, "facebook").await,
        AuthReply::LastWayIn
    );
}

async fn one_e_mail_address_does_not_merge_accounts(database: Database) {
    let (_world, _auth, client) = World::with_auth_on(database).await;
    let (google, facebook) = (identity("google", "1"), identity("facebook", "1"));
    assert_eq!(google.label, facebook.label);
    let alice = accepted(client.create_with(google, "alice").await);
    let other = accepted(client.create_with(facebook, "other").await);
    assert_ne!(alice.id, other.id);
    let account = client.ask(&AuthRequest::GetAccount { id: alice.id }).await;
    let AuthReply::Account { account } = account else {
        panic!("no account: {account:?}");
    };
    assert_eq!(account.identities.len(), 1);
}

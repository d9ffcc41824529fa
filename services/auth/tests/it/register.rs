use futures_util::future::join_all;
use models::account::AuthReply;

use crate::{
    database::Database,
    world::{World, accepted},
};

on_both_databases!(
    an_account_is_made_once,
    what_will_not_do_is_told,
    a_request_delivered_again_gets_the_same_answer,
    of_many_who_want_one_name_one_gets_it
);

async fn an_account_is_made_once(database: Database) {
    let (_world, _auth, client) = World::with_auth_on(database).await;
    let user = client.registered(" Alice ", "correct horse").await;
    assert_eq!((user.user.as_str(), user.kind.as_str()), ("alice", "local"));
    assert_eq!(
        client.register("ALICE", "another horse").await,
        AuthReply::UsernameTaken
    );
    assert_eq!(
        accepted(client.verify("alice", "correct horse").await),
        user
    );
    let other = client.registered("bob", "correct horse").await;
    assert_ne!(other.id, user.id);
}

async fn what_will_not_do_is_told(database: Database) {
    let (_world, _auth, client) = World::with_auth_on(database).await;
    for (username, password, sentence) in [
        ("al", "correct horse", "A username has 3 to 32 characters"),
        (
            "al ice",
            "correct horse",
            "A username is made of the letters a-z, digits, and _ . -",
        ),
        ("alice", "short", "A password has 8 to 128 characters"),
        (
            "alice",
            "Password1",
            "This password is one of the most common ones, please choose another",
        ),
        (
            "alice",
            "Alice!?!?",
            "This password is mostly your username or the name of this site, please choose another",
        ),
    ] {
        let message = sentence.to_owned();
        assert_eq!(
            client.register(username, password).await,
            AuthReply::Invalid { message },
            "{username:?} {password:?}"
        );
    }
    assert_eq!(
        client.verify("alice", "Password1").await,
        AuthReply::WrongCredentials
    );
}

async fn a_request_delivered_again_gets_the_same_answer(database: Database) {
    let (world, _auth, client) = World::with_auth_on(database).await;
    let first = client.register("alice", "correct horse").await;
    assert!(matches!(first, AuthReply::Accepted { .. }));
    assert_eq!(client.register("alice", "correct horse").await, first);
    // Later it is another person who happens to choose the same, or a guess.
    world.two_minutes_pass().await;
    assert_eq!(
        client.register("alice", "correct horse").await,
        AuthReply::UsernameTaken
    );
}

async fn of_many_who_want_one_name_one_gets_it(database: Database) {
    let world = World::on(database).await;
    let mut settings = world.settings();
    settings.passwords.hash_threads = 4;
    let first = world.auth(settings.clone()).await;
    let second = world.auth(settings).await;
    let client = world.client();
    let passwords: Vec<_> = (0..20).map(|n| format!("correct horse {n}")).collect();
    let replies = join_all(
        passwords
            .iter()
            .map(|password| client.register("alice", password)),
    )
    .await;
    let (winners, losers): (Vec<_>, Vec<_>) = replies
        .into_iter()
        .zip(&passwords)
        .partition(|(reply, _)| matches!(reply, AuthReply::Accepted { .. }));
    assert_eq!(winners.len(), 1, "{winners:?}");
    for (reply, _) in &losers {
        assert_eq!(*reply, AuthReply::UsernameTaken);
    }
    let (reply, password) = &winners[0];
    assert_eq!(client.verify("alice", password).await, *reply);
    assert_eq!(
        client.verify("alice", losers[0].1).await,
        AuthReply::WrongCredentials
    );
    first.stop().await;
    second.stop().await;
}

use models::{UserId, account::AuthReply};

use crate::{
    database::Database,
    world::{World, accepted},
};

on_both_databases!(
    the_new_password_takes_the_old_ones_place,
    the_old_password_and_a_good_new_one_are_needed,
    a_request_delivered_again_gets_the_same_answer
);

async fn the_new_password_takes_the_old_ones_place(database: Database) {
    let (_world, _auth, client) = World::with_auth_on(database).await;
    let user = client.registered("alice", "correct horse").await;
    let reply = client
        .change_password(user.id, "correct horse", "better horse")
        .await;
    assert_eq!(accepted(reply), user);
    assert_eq!(
        client.verify("alice", "correct horse").await,
        AuthReply::WrongCredentials
    );
    assert_eq!(accepted(client.verify("alice", "better horse").await), user);
}

async fn the_old_password_and_a_good_new_one_are_needed(database: Database) {
    let (_world, _auth, client) = World::with_auth_on(database).await;
    let id = client.registered("alice", "correct horse").await.id;
    for (id, old, new) in [
        (id, "wrong horse", "better horse"),
        (id, "", "better horse"),
        (UserId::generate(), "correct horse", "better horse"),
    ] {
        assert_eq!(
            client.change_password(id, old, new).await,
            AuthReply::WrongCredentials
        );
    }
    let short = client.change_password(id, "correct horse", "short").await;
    assert_eq!(
        short,
        AuthReply::Invalid {
            message: "A password has 8 to 128 characters".to_owned()
        }
    );
    accepted(client.verify("alice", "correct horse").await);
}

async fn a_request_delivered_again_gets_the_same_answer(database: Database) {
    let (world, _auth, client) = World::with_auth_on(database).await;
    let id = client.registered("alice", "correct horse").await.id;
    let change = || client.change_password(id, "correct horse", "better horse");
    let first = change().await;
    assert!(matches!(first, AuthReply::Accepted { .. }));
    assert_eq!(change().await, first);
    assert_eq!(
        client
            .change_password(id, "correct horse", "third horse")
            .await,
        AuthReply::WrongCredentials
    );
    world.two_minutes_pass().await;
    assert_eq!(change().await, AuthReply::WrongCredentials);
}

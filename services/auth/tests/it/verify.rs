use models::account::AuthReply;

use crate::{
    database::Database,
    world::{World, accepted},
};

on_both_databases!(
    wrong_and_unknown_get_one_answer,
    a_login_rehashes_when_the_work_factor_rose,
    an_account_outlives_tighter_limits
);

async fn wrong_and_unknown_get_one_answer(database: Database) {
    let (_world, _auth, client) = World::with_auth_on(database).await;
    let user = client.registered("alice", "correct horse").await;
    let too_long = "x".repeat(129);
    for (username, password) in [
        ("alice", "wrong horse"),
        ("alice", ""),
        ("alice", too_long.as_str()),
        ("bob", "correct horse"),
        ("", "correct horse"),
        ("no such name!", "correct horse"),
    ] {
        assert_eq!(
            client.verify(username, password).await,
            AuthReply::WrongCredentials,
            "{username:?} {password:?}"
        );
    }
    assert_eq!(
        accepted(client.verify(" Alice", "correct horse").await),
        user
    );
}

async fn a_login_rehashes_when_the_work_factor_rose(database: Database) {
    let (world, auth, client) = World::with_auth_on(database).await;
    let user = client.registered("alice", "correct horse").await;
    assert!(world.stored_phc().await.contains("$i=1000,"));
    auth.stop().await;

    let mut settings = world.settings();
    settings.passwords.rounds = 2_000;
    let auth = world.auth(settings).await;
    assert_eq!(
        client.verify("alice", "wrong horse").await,
        AuthReply::WrongCredentials
    );
    assert!(world.stored_phc().await.contains("$i=1000,"));
    assert_eq!(
        accepted(client.verify("alice", "correct horse").await),
        user
    );
    let rehashed = world.stored_phc().await;
    assert!(rehashed.contains("$i=2000,"), "{rehashed}");
    assert_eq!(
        accepted(client.verify("alice", "correct horse").await),
        user
    );
    assert_eq!(world.stored_phc().await, rehashed, "once is enough");
    auth.stop().await;

    // A factor that was lowered again leaves the better hash alone.
    let _auth = world.auth(world.settings()).await;
    accepted(client.verify("alice", "correct horse").await);
    assert_eq!(world.stored_phc().await, rehashed);
}

async fn an_account_outlives_tighter_limits(database: Database) {
    let (world, auth, client) = World::with_auth_on(database).await;
    client.registered("bob", "correct horse").await;
    auth.stop().await;
    let mut settings = world.settings();
    settings.limits.username_min = 5;
    let _auth = world.auth(settings).await;
    accepted(client.verify("bob", "correct horse").await);
}

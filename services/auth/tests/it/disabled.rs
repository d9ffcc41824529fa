use auth::{accounts::Accounts, settings::DatabaseSettings};
use models::{
    UserId,
    account::{AuthReply, AuthRequest},
};

use crate::{
    database::{Database, identity},
    world::{World, accepted, add_password},
};

on_both_databases!(only_who_could_sign_in_learns_that_an_account_is_disabled);

async fn set_disabled(world: &World, id: UserId, disabled: bool) {
    let settings = DatabaseSettings::new(world.database_url());
    let accounts = Accounts::open(&settings).await.unwrap();
    accounts.set_disabled(id, disabled).await.unwrap();
}

async fn only_who_could_sign_in_learns_that_an_account_is_disabled(database: Database) {
    let (world, _auth, client) = World::with_auth_on(database).await;
    let alice = client.registered("alice", "correct horse").await;
    let id = alice.id;
    set_disabled(&world, id, true).await;
    assert_eq!(
        client.verify("alice", "correct horse").await,
        AuthReply::Disabled
    );
    assert_eq!(
        client.verify("alice", "wrong horse").await,
        AuthReply::WrongCredentials
    );
    // Not even what this request has made a moment ago.
    assert_eq!(
        client.register("alice", "correct horse").await,
        AuthReply::UsernameTaken
    );
    let provider = "google".to_owned();
    let name = "Queen".to_owned();
    for request in [
        AuthRequest::GetAccount { id },
        AuthRequest::SetDisplayName { id, name },
        AuthRequest::LinkIdentity {
            id,
            identity: identity("google", "1"),
        },
        AuthRequest::UnlinkIdentity { id, provider },
        add_password(id, "better horse"),
    ] {
        assert_eq!(
            client.ask(&request).await,
            AuthReply::Disabled,
            "{request:?}"
        );
    }
    let change = client
        .change_password(id, "correct horse", "better horse")
        .await;
    assert_eq!(change, AuthReply::Disabled);
    set_disabled(&world, id, false).await;
    assert_eq!(
        accepted(client.verify("alice", "correct horse").await),
        alice
    );
}

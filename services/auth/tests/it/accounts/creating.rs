use auth::accounts::{Creation, FirstWayIn};
use futures_util::future::join_all;
use models::{UserId, now_ms};

use crate::database::{Database, PHC, create, create_with, identity, name, shown};

on_both_databases!(
    an_account_is_found_by_name_id_and_identity,
    a_username_is_given_once,
    a_username_that_looks_like_a_name_of_somebody_is_refused,
    of_many_who_want_one_username_one_gets_it,
    of_many_who_come_with_one_identity_one_gets_an_account,
    an_account_is_disabled_and_enabled,
);

async fn an_account_is_found_by_name_id_and_identity(database: Database) {
    let opened = database.open().await;
    let accounts = &opened.accounts;
    let alice = create(accounts, "alice").await;
    let google = identity("google", "1");
    let bob = create_with(accounts, "bob", &google).await;
    assert_eq!(
        (alice.user.as_str(), alice.kind.as_str()),
        ("alice", "local")
    );
    assert_eq!((bob.user.as_str(), bob.kind.as_str()), ("bob", "google"));

    let by_name = accounts.by_username(&name("Alice")).await.unwrap().unwrap();
    assert_eq!(by_name.user, alice);
    assert_eq!(by_name.password.as_ref().unwrap().phc, PHC);
    assert!(now_ms() - by_name.created < 60_000);
    assert_eq!(by_name.disabled, None);
    let by_id = accounts.by_id(alice.id).await.unwrap().unwrap();
    assert_eq!(by_id, by_name);

    let by_identity = accounts.by_identity("google", "1").await.unwrap().unwrap();
    assert_eq!(
        (by_identity.user, by_identity.password),
        (bob.clone(), None)
    );
    assert_eq!(accounts.identities(bob.id).await.unwrap(), [google]);

    assert_eq!(accounts.by_username(&name("eve")).await.unwrap(), None);
    assert_eq!(accounts.by_id(UserId::generate()).await.unwrap(), None);
    assert_eq!(accounts.by_identity("google", "2").await.unwrap(), None);
    assert_eq!(accounts.by_identity("facebook", "1").await.unwrap(), None);
}

async fn a_username_is_given_once(database: Database) {
    let opened = database.open().await;
    let accounts = &opened.accounts;
    let alice = create(accounts, "alice").await;
    let username = name("alice");
    let again = accounts.create(&username, FirstWayIn::Password("other"));
    assert_eq!(again.await.unwrap(), Creation::UsernameTaken);
    let kept = accounts.by_id(alice.id).await.unwrap().unwrap();
    assert_eq!(kept.password.unwrap().phc, PHC);
}

async fn a_username_that_looks_like_a_name_of_somebody_is_refused(database: Database) {
    let opened = database.open().await;
    let accounts = &opened.accounts;
    let alice = create(accounts, "alice").await;
    accounts
        .set_display_name(alice.id, Some(&shown("Queen Of Hearts.")))
        .await
        .unwrap();
    let bob = create(accounts, "bob").await;
    accounts
        .set_display_name(bob.id, Some(&shown("Модерн")))
        .await
        .unwrap();
    accounts
        .set_display_name(bob.id, Some(&shown("Rnad.Hatter")))
        .await
        .unwrap();
    for taken in ["a1ice", "b0b", "mad.hatter"] {
        let username = name(taken);
        let eve = accounts.create(&username, FirstWayIn::Password("eve"));
        assert_eq!(eve.await.unwrap(), Creation::UsernameTaken, "{taken}");
        assert_eq!(accounts.by_username(&username).await.unwrap(), None);
    }
    create(accounts, "alicia").await;
}

async fn of_many_who_want_one_username_one_gets_it(database: Database) {
    let opened = database.open().await;
    let processes = [&opened.accounts, &opened.again().await];
    let creations = join_all((0..20).map(|n| async move {
        let phc = n.to_string();
        // Half of them want a name that only looks the same.
        let username = name(if n % 4 < 2 { "alice" } else { "a1ice" });
        let accounts = processes[n % 2];
        accounts
            .create(&username, FirstWayIn::Password(&phc))
            .await
            .unwrap()
    }))
    .await;
    let made = |creation: &&Creation| matches!(creation, Creation::Created(_));
    assert_eq!(creations.iter().filter(made).count(), 1, "{creations:?}");
    assert_eq!(opened.accounts.all().await.unwrap().len(), 1);
}

async fn of_many_who_come_with_one_identity_one_gets_an_account(database: Database) {
    let opened = database.open().await;
    let processes = [&opened.accounts, &opened.again().await];
    let google = &identity("google", "1");
    let creations = join_all((0..20).map(|n| async move {
        let username = name(&format!("alice-{n}"));
        let accounts = processes[n % 2];
        accounts
            .create(&username, FirstWayIn::Identity(google))
            .await
            .unwrap()
    }))
    .await;
    let lost = |creation: &&Creation| **creation == Creation::IdentityTaken;
    assert_eq!(creations.iter().filter(lost).count(), 19, "{creations:?}");
    // Nothing is left of the others, their names are free.
    assert_eq!(opened.accounts.all().await.unwrap().len(), 1);
    for (n, creation) in creations.iter().enumerate() {
        let username = name(&format!("alice-{n}"));
        let again = opened
            .accounts
            .create(&username, FirstWayIn::Password(PHC))
            .await
            .unwrap();
        let won = matches!(creation, Creation::Created(_));
        assert_eq!(again == Creation::UsernameTaken, won, "{username}");
    }
}

async fn an_account_is_disabled_and_enabled(database: Database) {
    let opened = database.open().await;
    let accounts = &opened.accounts;
    let id = create(accounts, "alice").await.id;
    let since = async || accounts.by_id(id).await.unwrap().unwrap().disabled;
    assert!(!accounts.set_disabled(id, false).await.unwrap());
    assert!(accounts.set_disabled(id, true).await.unwrap());
    let first = since().await.unwrap();
    assert!(now_ms() - first < 60_000);
    assert!(!accounts.set_disabled(id, true).await.unwrap());
    assert_eq!(since().await, Some(first));
    assert!(accounts.set_disabled(id, false).await.unwrap());
    assert_eq!(since().await, None);
    assert!(
        !accounts
            .set_disabled(UserId::generate(), true)
            .await
            .unwrap()
    );
}

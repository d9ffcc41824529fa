use auth::accounts::Replacement;
use futures_util::future::join_all;
use models::UserId;

use crate::database::{Database, create, create_with, identity};

on_both_databases!(
    a_password_is_replaced_only_if_it_is_the_expected_one,
    a_first_password_is_given_once,
    a_reset_password_takes_the_place_of_any,
);

async fn a_password_is_replaced_only_if_it_is_the_expected_one(database: Database) {
    let opened = database.open().await;
    let accounts = &opened.accounts;
    let id = create(accounts, "alice").await.id;
    opened
        .execute("UPDATE passwords SET phc = 'one', changed = 7")
        .await;
    let replace = |old, new, why| accounts.replace_password(id, old, new, why);
    let password = async || accounts.by_id(id).await.unwrap().unwrap().password.unwrap();
    assert!(!replace("two", "three", Replacement::Chosen).await.unwrap());
    assert!(replace("one", "two", Replacement::Rehashed).await.unwrap());
    let stored = password().await;
    assert_eq!((stored.phc.as_str(), stored.changed), ("two", 7));
    assert!(replace("two", "three", Replacement::Chosen).await.unwrap());
    let stored = password().await;
    assert_eq!(stored.phc, "three");
    assert!(stored.changed > 7);
}

async fn a_first_password_is_given_once(database: Database) {
    let opened = database.open().await;
    let processes = [&opened.accounts, &opened.again().await];
    let id = create_with(processes[0], "alice", &identity("google", "1"))
        .await
        .id;
    let hashes: Vec<_> = (0..8).map(|n| n.to_string()).collect();
    let wishes = hashes.iter().enumerate();
    let added = join_all(wishes.map(|(n, phc)| processes[n % 2].add_password(id, phc))).await;
    let winners: Vec<_> = added
        .into_iter()
        .zip(&hashes)
        .filter(|(added, _)| *added.as_ref().unwrap())
        .collect();
    assert_eq!(winners.len(), 1);
    let account = processes[0].by_id(id).await.unwrap().unwrap();
    assert_eq!(account.password.unwrap().phc, *winners[0].1);
    assert!(
        !processes[0]
            .add_password(UserId::generate(), "phc")
            .await
            .unwrap()
    );
}

async fn a_reset_password_takes_the_place_of_any(database: Database) {
    let opened = database.open().await;
    let accounts = &opened.accounts;
    let alice = create(accounts, "alice").await.id;
    let bob = create_with(accounts, "bob", &identity("google", "1"))
        .await
        .id;
    for id in [alice, bob] {
        assert!(accounts.reset_password(id, "new").await.unwrap());
        let account = accounts.by_id(id).await.unwrap().unwrap();
        assert_eq!(account.password.unwrap().phc, "new");
    }
    assert!(
        !accounts
            .reset_password(UserId::generate(), "new")
            .await
            .unwrap()
    );
}

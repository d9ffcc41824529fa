use auth::accounts::{Linking, Unlinking};
use futures_util::future::{join, join_all};
use models::UserId;

use crate::database::{Database, create, create_with, identity};

on_both_databases!(
    an_identity_belongs_to_one_account_and_an_account_has_one_of_each_provider,
    of_many_accounts_that_want_one_identity_one_gets_it,
    the_last_way_in_stays,
    of_two_identities_unlinked_at_once_one_stays,
);

async fn an_identity_belongs_to_one_account_and_an_account_has_one_of_each_provider(
    database: Database,
) {
    let opened = database.open().await;
    let accounts = &opened.accounts;
    let alice = create(accounts, "alice").await.id;
    let bob = create(accounts, "bob").await.id;
    let (google, other, facebook) = (
        identity("google", "1"),
        identity("google", "2"),
        identity("facebook", "1"),
    );
    assert_eq!(
        accounts.link(alice, &google).await.unwrap(),
        Linking::Linked
    );
    assert_eq!(
        accounts.link(alice, &google).await.unwrap(),
        Linking::Linked
    );
    assert_eq!(accounts.link(alice, &other).await.unwrap(), Linking::Taken);
    assert_eq!(accounts.link(bob, &google).await.unwrap(), Linking::Taken);
    assert_eq!(
        accounts.link(alice, &facebook).await.unwrap(),
        Linking::Linked
    );
    let nobody = UserId::generate();
    assert_eq!(
        accounts.link(nobody, &other).await.unwrap(),
        Linking::NoAccount
    );
    assert_eq!(
        accounts.identities(alice).await.unwrap(),
        [facebook, google.clone()]
    );
    assert_eq!(accounts.identities(bob).await.unwrap(), []);

    assert_eq!(
        accounts.unlink(alice, "google").await.unwrap(),
        Unlinking::Unlinked
    );
    assert_eq!(
        accounts.unlink(alice, "google").await.unwrap(),
        Unlinking::Unlinked
    );
    assert_eq!(accounts.by_identity("google", "1").await.unwrap(), None);
    assert_eq!(accounts.link(bob, &google).await.unwrap(), Linking::Linked);
    assert_eq!(
        accounts.unlink(nobody, "google").await.unwrap(),
        Unlinking::NoAccount
    );
}

async fn of_many_accounts_that_want_one_identity_one_gets_it(database: Database) {
    let opened = database.open().await;
    let processes = [&opened.accounts, &opened.again().await];
    let mut ids = Vec::new();
    for n in 0..12 {
        ids.push(create(processes[0], &format!("user-{n}")).await.id);
    }
    let google = &identity("google", "1");
    let wishes = ids.iter().enumerate();
    let linkings = join_all(wishes.map(|(n, id)| processes[n % 2].link(*id, google))).await;
    let linked = linkings
        .into_iter()
        .filter(|linking| *linking.as_ref().unwrap() == Linking::Linked);
    assert_eq!(linked.count(), 1);
}

async fn the_last_way_in_stays(database: Database) {
    let opened = database.open().await;
    let accounts = &opened.accounts;
    let google = identity("google", "1");
    let alice = create_with(accounts, "alice", &google).await.id;
    let unlink = async || accounts.unlink(alice, "google").await.unwrap();
    assert_eq!(unlink().await, Unlinking::LastWayIn);
    assert_eq!(accounts.identities(alice).await.unwrap(), [google]);
    assert!(accounts.add_password(alice, "phc").await.unwrap());
    assert_eq!(unlink().await, Unlinking::Unlinked);
    assert_eq!(accounts.identities(alice).await.unwrap(), []);
}

async fn of_two_identities_unlinked_at_once_one_stays(database: Database) {
    let opened = database.open().await;
    let processes = [&opened.accounts, &opened.again().await];
    for n in 0..10 {
        let google = identity("google", &n.to_string());
        let alice = create_with(processes[0], &format!("alice-{n}"), &google)
            .await
            .id;
        let facebook = identity("facebook", &n.to_string());
        processes[0].link(alice, &facebook).await.unwrap();
        let (one, two) = join(
            processes[0].unlink(alice, "google"),
            processes[1].unlink(alice, "facebook"),
        )
        .await;
        let (one, two) = (one.unwrap(), two.unwrap());
        assert_ne!(one, two);
        assert_eq!(processes[0].identities(alice).await.unwrap().len(), 1);
    }
}

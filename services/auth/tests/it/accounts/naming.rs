use auth::accounts::{Accounts, Creation, FirstWayIn, Naming};
use futures_util::future::{join, join_all};
use models::{UserId, Username};

use crate::database::{Database, create, name, shown};

on_both_databases!(
    a_display_name_is_shown_in_place_of_the_username,
    nobody_may_look_like_somebody_else,
    ones_own_names_may_look_alike_and_old_ones_are_free_again,
    of_many_who_want_one_display_name_one_gets_it,
    of_a_display_name_and_a_username_at_once_one_is_given,
    two_who_change_their_names_back_and_forth_never_block_each_other,
);

async fn set(accounts: &Accounts, id: UserId, text: &str) -> Naming {
    let name = shown(text);
    accounts.set_display_name(id, Some(&name)).await.unwrap()
}

fn named(naming: &Naming) -> bool {
    matches!(naming, Naming::Named(_))
}

async fn a_display_name_is_shown_in_place_of_the_username(database: Database) {
    let opened = database.open().await;
    let accounts = &opened.accounts;
    let alice = create(accounts, "alice").await;
    let mut cooper = alice.clone();
    cooper.user = "Alice Cooper 🎸".to_owned();
    let naming = set(accounts, alice.id, "Alice Cooper 🎸").await;
    assert_eq!(naming, Naming::Named(cooper.clone()));
    let account = accounts.by_username(&name("alice")).await.unwrap().unwrap();
    assert_eq!((account.user, account.username.as_str()), (cooper, "alice"));
    let naming = accounts.set_display_name(alice.id, None).await.unwrap();
    assert_eq!(naming, Naming::Named(alice));
    let nobody = UserId::generate();
    assert_eq!(set(accounts, nobody, "Nobody").await, Naming::NoAccount);
}

async fn nobody_may_look_like_somebody_else(database: Database) {
    let opened = database.open().await;
    let accounts = &opened.accounts;
    let alice = create(accounts, "alice").await.id;
    let eve = create(accounts, "eve").await.id;
    assert!(named(&set(accounts, alice, "Queen of Hearts").await));
    for taken in [
        "alice",
        "ALICE",
        "аlice", // a Cyrillic а
        "AIice", // a capital I
        "A1ice",
        "Queen of Hearts",
        "queen OF hearts",
        "Queen  of Hearts",
        "Quееn of Hearts", // Cyrillic е
        "Queen of\u{200d} Hearts",
    ] {
        assert_eq!(set(accounts, eve, taken).await, Naming::Taken, "{taken:?}");
    }
    let account = accounts.by_id(eve).await.unwrap().unwrap();
    assert_eq!(account.user.user, "eve");
    assert!(named(&set(accounts, eve, "King of Hearts").await));
}

async fn ones_own_names_may_look_alike_and_old_ones_are_free_again(database: Database) {
    let opened = database.open().await;
    let accounts = &opened.accounts;
    let alice = create(accounts, "alice").await.id;
    let bob = create(accounts, "bob").await.id;
    for own in ["Alice", "AIice", "Queen", "queen", "Alice"] {
        assert!(named(&set(accounts, alice, own).await), "{own}");
    }
    assert!(named(&set(accounts, bob, "Queen").await));
    assert_eq!(set(accounts, alice, "Queen").await, Naming::Taken);
    // The username stays its owner's, whatever is shown.
    accounts.set_display_name(alice, None).await.unwrap();
    assert_eq!(set(accounts, bob, "Alice").await, Naming::Taken);
    accounts.set_display_name(bob, None).await.unwrap();
    assert!(named(&set(accounts, alice, "Queen").await));
}

async fn of_many_who_want_one_display_name_one_gets_it(database: Database) {
    let opened = database.open().await;
    let processes = [&opened.accounts, &opened.again().await];
    let mut ids = Vec::new();
    for n in 0..12 {
        ids.push(create(processes[0], &format!("user-{n}")).await.id);
    }
    let namings = join_all(ids.iter().enumerate().map(|(n, id)| {
        let wish = ["Zoe", "zoe", "ZOE", "Ζoe"][n % 4]; // the last one with a Greek Ζ
        set(processes[n % 2], *id, wish)
    }))
    .await;
    assert_eq!(namings.iter().filter(|naming| named(naming)).count(), 1);
    let all = opened.accounts.all().await.unwrap();
    let with_name = all
        .iter()
        .filter(|record| record.account.display_name.is_some());
    assert_eq!(with_name.count(), 1);
}

async fn of_a_display_name_and_a_username_at_once_one_is_given(database: Database) {
    let opened = database.open().await;
    let processes = [&opened.accounts, &opened.again().await];
    let alice = create(processes[0], "alice").await.id;
    for n in 0..10 {
        let text = format!("Wanted-{n}");
        let username: Username = name(&text);
        let (naming, creation) = join(
            set(processes[0], alice, &text),
            processes[1].create(&username, FirstWayIn::Password("phc")),
        )
        .await;
        let created = matches!(creation.unwrap(), Creation::Created(_));
        assert_ne!(named(&naming), created, "{text}");
    }
}

async fn two_who_change_their_names_back_and_forth_never_block_each_other(database: Database) {
    let opened = database.open().await;
    let processes = [&opened.accounts, &opened.again().await];
    let alice = create(processes[0], "alice").await.id;
    let bob = create(processes[0], "bob").await.id;
    // Whether each is given depends on the other; an error would not.
    for n in 0..20 {
        let (mine, yours) = if n % 2 == 0 {
            ("Queen", "King")
        } else {
            ("King", "Queen")
        };
        join(
            set(processes[0], alice, mine),
            set(processes[1], bob, yours),
        )
        .await;
    }
}

use auth::accounts::{Accounts, Creation, FirstWayIn, Import, Record};

use crate::database::{Database, create, create_with, identity, name, shown};

on_both_databases!(
    accounts_move_with_all_that_is_kept_of_them,
    what_clashes_is_told_and_nothing_changes,
    names_that_looked_alike_before_move_together,
);

/// Alice with everything, Bob with a provider alone.
async fn filled(accounts: &Accounts) -> Vec<Record> {
    let alice = create(accounts, "alice").await.id;
    accounts
        .set_display_name(alice, Some(&shown("Queen of Hearts")))
        .await
        .unwrap();
    accounts
        .link(alice, &identity("google", "1"))
        .await
        .unwrap();
    accounts
        .link(alice, &identity("facebook", "1"))
        .await
        .unwrap();
    accounts.set_disabled(alice, true).await.unwrap();
    create_with(accounts, "bob", &identity("google", "2")).await;
    accounts.all().await.unwrap()
}

async fn accounts_move_with_all_that_is_kept_of_them(database: Database) {
    let from = Database::Sqlite.open().await;
    let records = filled(&from.accounts).await;
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].identities.len(), 2);
    let to = database.open().await;
    create(&to.accounts, "carol").await;
    for new in [2, 0] {
        let import = to.accounts.import(&records).await.unwrap();
        assert_eq!(import, Import::Done { new });
    }
    let all = to.accounts.all().await.unwrap();
    assert_eq!(all.len(), 3);
    assert!(records.iter().all(|record| all.contains(record)), "{all:?}");
    // The looks of names have come along.
    for taken in ["a1ice", "queen.of.hearts"] {
        let eve = to
            .accounts
            .create(&name(taken), FirstWayIn::Password("phc"))
            .await
            .unwrap();
        assert_eq!(eve == Creation::UsernameTaken, taken == "a1ice", "{taken}");
    }
    let carol = to
        .accounts
        .by_username(&name("carol"))
        .await
        .unwrap()
        .unwrap();
    let wish = shown("queen of hearts");
    let naming = to
        .accounts
        .set_display_name(carol.user.id, Some(&wish))
        .await
        .unwrap();
    assert_eq!(naming, auth::accounts::Naming::Taken);
}

async fn what_clashes_is_told_and_nothing_changes(database: Database) {
    let from = Database::Sqlite.open().await;
    let records = filled(&from.accounts).await;
    let clashes: [(&str, &str); 4] = [
        ("alice", "alice: the name belongs to another account"),
        ("a1ice", "alice: a name of another account looks the same"),
        (
            "carol",
            "bob: its identity of google belongs to another account",
        ),
        ("bob", "bob: the name belongs to another account"),
    ];
    for (username, expected) in clashes {
        let to = database.open().await;
        create_with(&to.accounts, username, &identity("google", "2")).await;
        let before = to.accounts.all().await.unwrap();
        let Import::Refused(why) = to.accounts.import(&records).await.unwrap() else {
            panic!("{username} does not clash");
        };
        assert!(why.iter().any(|one| one == expected), "{why:?}");
        assert_eq!(to.accounts.all().await.unwrap(), before);
    }
    let to = database.open().await;
    to.accounts.import(&records).await.unwrap();
    let alice = records[0].account.user.id;
    to.accounts.set_disabled(alice, false).await.unwrap();
    let again = to.accounts.import(&records).await.unwrap();
    let differs = "alice: the database has this account already, and it differs";
    assert_eq!(again, Import::Refused(vec![differs.to_owned()]));

    let empty = database.open().await;
    let mut wrong = records[1].clone();
    wrong.account.username = "Bob".to_owned();
    let import = empty.accounts.import(&[wrong]).await.unwrap();
    assert!(matches!(import, Import::Refused(_)), "{import:?}");
}

async fn names_that_looked_alike_before_move_together(database: Database) {
    let from = database.open().await;
    create(&from.accounts, "alice").await;
    create(&from.accounts, "bob").await;
    from.execute("UPDATE accounts SET username = 'a1ice' WHERE username = 'bob'")
        .await;
    from.execute("DELETE FROM looks WHERE look = 'bob'").await;
    let records = from.accounts.all().await.unwrap();
    let to = database.open().await;
    assert_eq!(
        to.accounts.import(&records).await.unwrap(),
        Import::Done { new: 2 }
    );
    assert_eq!(to.accounts.all().await.unwrap(), records);
}

use models::Limits;

use crate::database::{Database, create, shown};

on_both_databases!(a_username_is_proposed_that_is_free);

async fn a_username_is_proposed_that_is_free(database: Database) {
    let opened = database.open().await;
    let accounts = &opened.accounts;
    let limits = Limits::default();
    let propose = async |wish| {
        let proposal = accounts.free_username(wish, &limits).await.unwrap();
        proposal.to_string()
    };
    assert_eq!(propose("Alice@example.com").await, "alice");
    create(accounts, "alice").await;
    assert_eq!(propose("Alice").await, "alice2");
    // It must not look like anybody's display name, either.
    let bob = create(accounts, "bob").await.id;
    accounts
        .set_display_name(bob, Some(&shown("Alice2")))
        .await
        .unwrap();
    assert_eq!(propose("Alice").await, "alice3");
    for n in 3..10 {
        create(accounts, &format!("alice{n}")).await;
    }
    let random = propose("Alice").await;
    let number: u32 = random.strip_prefix("alice").unwrap().parse().unwrap();
    assert!(number >= 10, "{random}");
}

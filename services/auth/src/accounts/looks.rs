//! What names look like, so that nobody looks like somebody else.

use std::collections::BTreeSet;

use models::{DisplayName, UserId};
use sqlx::AnyConnection;
use unicode_security::confusable_detection::skeleton;

/// What a username looks like. The migrations say the same of the characters it may have.
pub(super) fn of_username(username: &str) -> String {
    fold(&skeleton(username).collect::<String>())
}

/// What a display name looks like: as it is written, and in small letters, in which another person may know it.
/// (`AIice` with a capital I looks like `Alice`; `ALICE` does not, and yet it is the same name.)
pub(super) fn of_display_name(name: &DisplayName) -> BTreeSet<String> {
    let visible: String = name.as_str().chars().filter(|c| !is_joiner(*c)).collect();
    [visible.clone(), fold(&visible)]
        .map(|text| fold(&skeleton(&text).collect::<String>()))
        .into()
}

/// Takes a look for an account. `false` when another one has it.
pub(super) async fn take(
    tx: &mut AnyConnection,
    id: UserId,
    look: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query("INSERT INTO looks (look, account_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(look)
        .bind(id.to_string())
        .execute(&mut *tx)
        .await?;
    Ok(holder(tx, look).await? == Some(id))
}

/// The account that has this look.
pub(super) async fn holder(
    tx: &mut AnyConnection,
    look: &str,
) -> Result<Option<UserId>, sqlx::Error> {
    let id: Option<String> = sqlx::query_scalar("SELECT account_id FROM looks WHERE look = $1")
        .bind(look)
        .fetch_optional(tx)
        .await?;
    id.map(|id| id.parse().map_err(|e| sqlx::Error::Decode(Box::new(e))))
        .transpose()
}

/// The looks an account has.
pub(super) async fn of_account(
    tx: &mut AnyConnection,
    id: UserId,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT look FROM looks WHERE account_id = $1")
        .bind(id.to_string())
        .fetch_all(tx)
        .await
}

/// Lets anybody take a look.
pub(super) async fn give_up(tx: &mut AnyConnection, look: &str) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM looks WHERE look = $1")
        .bind(look)
        .execute(tx)
        .await?;
    Ok(())
}

/// Folds letters of either case, of any script, to one: by way of the capital, as small ones of one letter may differ
/// (σ and ς, ß and ss).
fn fold(text: &str) -> String {
    text.chars()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect()
}

/// What a [`DisplayName`] may have that is not seen.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use models::Limits;

    use super::*;

    fn display(text: &str) -> BTreeSet<String> {
        of_display_name(&DisplayName::parse(text, &Limits::default()).unwrap())
    }

    /// The migration of SQLite's tables has to say it in SQL.
    #[test]
    fn a_username_looks_as_the_migration_says() {
        let all = "abcdefghijklmnopqrstuvwxyz";
        for name in [all, "0123456789_.-"] {
            let said = name.replace('m', "rn").replace('1', "l").replace('0', "o");
            assert_eq!(of_username(name), said);
        }
    }

    #[test]
    fn what_looks_the_same_is_the_same() {
        for (name, like) in [
            ("alice", "Alice"),
            ("alice", "ALICE"),
            ("alice", "аlice"), // a Cyrillic а
            ("alice", "AIice"), // a capital I
            ("alice", "a1ice"),
            ("alice", "Ａｌｉｃｅ"),
            ("alice", "al\u{200d}ice"),
            ("bob", "B0B"),
            ("morn", "rnorn"),
            ("strasse", "Straße"),
        ] {
            assert!(display(like).contains(&of_username(name)), "{name} {like}");
        }
        assert!(!display("ΣΊΣΥΦΟΣ").is_disjoint(&display("σίσυφος")));
    }

    #[test]
    fn what_looks_different_is_different() {
        for (name, unlike) in [
            ("alice", "Alicia"),
            ("alice", "Al ice"),
            ("user-10", "User-11"),
        ] {
            assert!(
                !display(unlike).contains(&of_username(name)),
                "{name} {unlike}"
            );
        }
    }
}

use std::{fmt, sync::LazyLock};

use serde::{Deserialize, Serialize};

use crate::Limits;

/// A password as typed. Never printed: `Debug` shows `[redacted]`.
///
/// Serializable because it crosses the broker from gateway to auth; it is never stored.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Password(String);

/// Why a text will not do as a new [`Password`]; the message is for the person who typed it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidPassword {
    /// Too few or too many characters.
    #[error("A password has {min} to {max} characters")]
    Length {
        /// Fewest allowed.
        min: usize,
        /// Most allowed.
        max: usize,
    },
    /// On the list that attackers try first.
    #[error("This password is one of the most common ones, please choose another")]
    Common,
    /// What guessers try next.
    #[error(
        "This password is mostly your username or the name of this site, please choose another"
    )]
    Obvious,
}

/// What guessers try first, in lower case and sorted; `password/README.md` tells where it is from.
static COMMON: LazyLock<Vec<&str>> =
    LazyLock::new(|| include_str!("password/common.txt").lines().collect());

/// The name of this site.
const SITE: &str = "packtchat";

impl Password {
    /// Parses a password somebody chooses for an account.
    ///
    /// # Errors
    /// When the length is out of bounds, or the password is a common one or mostly the site's name.
    pub fn choose(text: &str, limits: &Limits) -> Result<Self, InvalidPassword> {
        let password = Self(text.to_owned());
        password.check(limits).map(|()| password)
    }

    /// Holds this password, as typed, to what is asked of a new one.
    ///
    /// # Errors
    /// As [`Password::choose`].
    pub fn check(&self, limits: &Limits) -> Result<(), InvalidPassword> {
        let chars = self.0.chars().count();
        if chars < limits.password_min || chars > limits.password_max {
            return Err(InvalidPassword::Length {
                min: limits.password_min,
                max: limits.password_max,
            });
        }
        if COMMON.binary_search(&&*self.0.to_lowercase()).is_ok() {
            return Err(InvalidPassword::Common);
        }
        self.check_for(SITE)
    }

    /// Holds this password, as typed, to what is asked of a new one for the account of this username, beyond
    /// [`Password::check`].
    ///
    /// # Errors
    /// When at least half of it is the username.
    pub fn check_for(&self, username: &str) -> Result<(), InvalidPassword> {
        let password = self.0.to_lowercase();
        let rest = password.replace(username, "");
        if !username.is_empty() && rest.len() * 2 <= password.len() {
            return Err(InvalidPassword::Obvious);
        }
        Ok(())
    }

    /// Takes a password somebody signs in with; `None` when it is longer than any account's can be, so that
    /// hashing it would only cost time.
    #[must_use]
    pub fn attempt(text: &str, limits: &Limits) -> Option<Self> {
        let password = Self(text.to_owned());
        (!password.is_too_long(limits)).then_some(password)
    }

    /// Is this password, as typed, longer than any account's can be?
    #[must_use]
    pub fn is_too_long(&self, limits: &Limits) -> bool {
        self.0.chars().count() > limits.password_max
    }

    /// The bytes to hash.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_in_characters_not_bytes() {
        let limits = Limits::default();
        assert!(Password::choose(&"ü".repeat(128), &limits).is_ok());
        assert!(matches!(
            Password::choose(&"ü".repeat(129), &limits),
            Err(InvalidPassword::Length { .. })
        ));
        assert!(matches!(
            Password::choose("seven77", &limits),
            Err(InvalidPassword::Length { .. })
        ));
    }

    #[test]
    fn common_ones_are_refused_in_any_case() {
        for common in ["password1", "PassWord1", "12345678", "qwertyuiop"] {
            assert_eq!(
                Password::choose(common, &Limits::default()),
                Err(InvalidPassword::Common)
            );
        }
    }

    #[test]
    fn the_list_is_as_it_is_searched() {
        assert!(COMMON.len() > 20_000);
        assert!(COMMON.is_sorted());
        for word in COMMON.iter() {
            assert_eq!(*word, word.to_lowercase());
            assert!((8..=128).contains(&word.chars().count()), "{word}");
        }
    }

    #[test]
    fn what_is_mostly_a_name_is_refused() {
        let password = |text: &str| Password(text.to_owned());
        for obvious in ["alice.b12", "ALICE.B!", "alice.balice.b2024!"] {
            let refused = password(obvious).check_for("alice.b");
            assert_eq!(refused, Err(InvalidPassword::Obvious), "{obvious}");
        }
        for fine in ["alice.b loves horses", "correct horse", "alice"] {
            assert_eq!(password(fine).check_for("alice.b"), Ok(()), "{fine}");
        }
        assert_eq!(password("").check_for(""), Ok(()));
        assert_eq!(
            Password::choose("PacktChat-7", &Limits::default()),
            Err(InvalidPassword::Obvious)
        );
    }

    #[test]
    fn debug_does_not_show_it() {
        let password = Password::choose("correct horse", &Limits::default()).unwrap();
        assert_eq!(format!("{password:?}"), "[redacted]");
    }
}

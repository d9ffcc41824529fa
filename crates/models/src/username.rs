use std::fmt;

use crate::Limits;

/// A name to sign in with: by default 3 to 32 of `a-z 0-9 _ . -`.
///
/// Capital letters are folded to small ones, so that `Alice` and `alice` are one account.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Username(String);

/// Why a text is not a [`Username`]; the message is for the person who typed it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidUsername {
    /// Too few or too many characters.
    #[error("A username has {min} to {max} characters")]
    Length {
        /// Fewest allowed.
        min: usize,
        /// Most allowed.
        max: usize,
    },
    /// A character outside the allowed set.
    #[error("A username is made of the letters a-z, digits, and _ . -")]
    Character,
}

impl Username {
    /// Parses what a person typed.
    ///
    /// # Errors
    /// When the length is out of bounds or a character is not allowed.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, InvalidUsername> {
        let name = text.trim().to_ascii_lowercase();
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.-".contains(c);
        if !name.chars().all(allowed) {
            return Err(InvalidUsername::Character);
        }
        if name.len() < limits.username_min || name.len() > limits.username_max {
            return Err(InvalidUsername::Length {
                min: limits.username_min,
                max: limits.username_max,
            });
        }
        Ok(Self(name))
    }

    /// Parses the name of an account that may be there already: it keeps its name when the bounds on new ones change.
    ///
    /// # Errors
    /// When it is empty or a character is not allowed.
    pub fn of_any_length(text: &str) -> Result<Self, InvalidUsername> {
        let any_length = Limits {
            username_min: 1,
            username_max: usize::MAX,
            ..Limits::default()
        };
        Self::parse(text, &any_length)
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_case_and_trims() {
        let name = Username::parse(" Alice.B-1_ ", &Limits::default()).unwrap();
        assert_eq!(name.as_str(), "alice.b-1_");
    }

    #[test]
    fn a_name_that_is_there_already_may_have_any_length() {
        let long = "x".repeat(99);
        for name in ["a", long.as_str()] {
            assert_eq!(Username::of_any_length(name).unwrap().as_str(), name);
        }
        assert!(Username::of_any_length("").is_err());
        assert!(Username::of_any_length("a b").is_err());
    }

    #[test]
    fn refuses_bad_lengths_and_characters() {
        let limits = Limits::default();
        assert!(matches!(
            Username::parse("ab", &limits),
            Err(InvalidUsername::Length { min: 3, max: 32 })
        ));
        assert!(matches!(
            Username::parse(&"a".repeat(33), &limits),
            Err(InvalidUsername::Length { .. })
        ));
        for bad in ["a b c", "älice", "eve\u{0}", "<b>x</b>", "a/b", "ＡＢＣ"] {
            assert_eq!(
                Username::parse(bad, &limits),
                Err(InvalidUsername::Character),
                "{bad:?}"
            );
        }
    }
}

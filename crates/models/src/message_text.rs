use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Limits;

/// What a person says: by default 1 to 4,000 characters, not only white space. Kept exactly as typed.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(transparent)]
pub struct MessageText(String);

/// Why a text is not a [`MessageText`]; the message is for the person who typed it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidMessage {
    /// Nothing but white space.
    #[error("Please enter a message")]
    Empty,
    /// Too many characters.
    #[error("A message has at most {max} characters, this one has {chars}")]
    TooLong {
        /// Most allowed.
        max: usize,
        /// What came.
        chars: usize,
    },
}

impl MessageText {
    /// Parses what a client sent.
    ///
    /// # Errors
    /// When it is empty or too long.
    pub fn parse(text: String, limits: &Limits) -> Result<Self, InvalidMessage> {
        if text.trim().is_empty() {
            return Err(InvalidMessage::Empty);
        }
        let chars = text.chars().count();
        if chars > limits.message_chars {
            return Err(InvalidMessage::TooLong {
                max: limits.message_chars,
                chars,
            });
        }
        Ok(Self(text))
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_characters() {
        let limits = Limits::default();
        assert!(MessageText::parse("🎉".repeat(4_000), &limits).is_ok());
        assert_eq!(
            MessageText::parse("x".repeat(4_001), &limits),
            Err(InvalidMessage::TooLong {
                max: 4_000,
                chars: 4_001
            })
        );
        assert_eq!(
            MessageText::parse(" \n\t".to_owned(), &limits),
            Err(InvalidMessage::Empty)
        );
    }
}

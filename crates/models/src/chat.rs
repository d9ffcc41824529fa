use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{MessageText, RoomName, User};

/// The id a client gives a message so that sending it again does not store it twice: 1 to 64 of
/// `A-Z a-z 0-9 _ -`. The server makes one for a client that gives none.
#[derive(Clone, Debug, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(transparent)]
pub struct ChatId(String);

/// A text that is not a [`ChatId`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("A message id has 1 to 64 of A-Z a-z 0-9 _ -")]
pub struct InvalidChatId;

impl ChatId {
    /// Parses what a client sent.
    ///
    /// # Errors
    /// When it is empty, too long, or holds another character.
    pub fn parse(text: String) -> Result<Self, InvalidChatId> {
        let allowed = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c == b'-';
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text))
        } else {
            Err(InvalidChatId)
        }
    }

    /// A fresh id.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::new_v4().to_string())
    }

    /// The id itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChatId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ChatId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// One stored message.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Chat {
    /// The id its sender gave it.
    pub id: ChatId,
    /// Its place in the room: 1, 2, 3, … without holes, the same for everybody.
    pub seq: u64,
    /// The room it was said in.
    #[serde(deserialize_with = "stored_room")]
    pub room: RoomName,
    /// What was said.
    pub message: MessageText,
    /// When the server stored it, in milliseconds since the Unix epoch.
    pub ts: u64,
    /// Who said it.
    pub user: User,
}

fn stored_room<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<RoomName, D::Error> {
    String::deserialize(deserializer).map(RoomName::stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_bounded() {
        assert!(ChatId::parse("a-B_9".to_owned()).is_ok());
        assert!(ChatId::parse(ChatId::generate().to_string()).is_ok());
        for bad in [
            String::new(),
            "a b".to_owned(),
            "ä".to_owned(),
            "x".repeat(65),
        ] {
            assert_eq!(ChatId::parse(bad), Err(InvalidChatId));
        }
    }
}

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Limits;

/// The name of a room, which is also its identity: by default 1 to 64 characters, no control characters,
/// trimmed. `Lobby` and `lobby` are two rooms.
#[derive(Clone, Debug, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct RoomName(String);

/// Why a text is not a [`RoomName`]; the message is for the person who typed it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidRoomName {
    /// Nothing but white space.
    #[error("Please enter a room name")]
    Empty,
    /// Too many characters.
    #[error("A room name has at most {max} characters")]
    TooLong {
        /// Most allowed.
        max: usize,
    },
    /// A control or text-direction character, which would not show or would disturb what does.
    #[error("A room name has no control characters")]
    Character,
}

impl RoomName {
    /// Parses what a person typed or a link carries.
    ///
    /// # Errors
    /// When nothing is left after trimming, or it is too long, or holds a control character.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, InvalidRoomName> {
        let name = text.trim();
        if name.is_empty() {
            return Err(InvalidRoomName::Empty);
        }
        if name.chars().count() > limits.room_chars {
            return Err(InvalidRoomName::TooLong {
                max: limits.room_chars,
            });
        }
        if name.chars().any(is_invisible) {
            return Err(InvalidRoomName::Character);
        }
        Ok(Self(name.to_owned()))
    }

    /// A name read back from Redis, where only parsed names are written.
    #[must_use]
    pub fn stored(name: String) -> Self {
        Self(name)
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Control characters, and those that turn the direction of text or join lines invisibly.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A room, as listed to everybody.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Room {
    /// Identity: the name.
    pub id: RoomName,
    /// The name shown.
    pub name: RoomName,
}

impl From<RoomName> for Room {
    fn from(name: RoomName) -> Self {
        Self {
            id: name.clone(),
            name,
        }
    }
}

impl<'de> Deserialize<'de> for Room {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Wire {
            name: String,
        }
        Wire::deserialize(deserializer).map(|wire| RoomName::stored(wire.name).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trims_and_keeps_case_and_any_script() {
        let limits = Limits::default();
        assert_eq!(
            RoomName::parse("  Größe 東京 🎉 ", &limits)
                .unwrap()
                .as_str(),
            "Größe 東京 🎉"
        );
        assert!(RoomName::parse(&"東".repeat(64), &limits).is_ok());
    }

    #[test]
    fn refuses_empty_long_and_invisible() {
        let limits = Limits::default();
        assert_eq!(
            RoomName::parse(" \t ", &limits),
            Err(InvalidRoomName::Empty)
        );
        assert_eq!(
            RoomName::parse(&"x".repeat(65), &limits),
            Err(InvalidRoomName::TooLong { max: 64 })
        );
        for bad in ["a\nb", "a\u{0}b", "a\u{202e}b", "a\u{200b}b", "\u{7f}"] {
            assert_eq!(
                RoomName::parse(bad, &limits),
                Err(InvalidRoomName::Character),
                "{bad:?}"
            );
        }
    }
}

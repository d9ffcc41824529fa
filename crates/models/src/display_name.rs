use std::fmt;

use crate::Limits;

/// A name shown to others in place of the username: by default 1 to 32 characters, none of them invisible.
///
/// White space around it is dropped, and any within it is one space.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct DisplayName(String);

/// Why a text is not a [`DisplayName`]; the message is for the person who typed it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidDisplayName {
    /// No or too many characters.
    #[error("A name has 1 to {max} characters")]
    Length {
        /// Most allowed.
        max: usize,
    },
    /// A character that controls how others are shown, or shows nothing.
    #[error("A name has no invisible characters")]
    Character,
}

impl DisplayName {
    /// Parses what a person typed.
    ///
    /// # Errors
    /// When the length is out of bounds or a character is not allowed.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, InvalidDisplayName> {
        let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if name.chars().any(is_invisible) || (!name.is_empty() && name.chars().all(is_joiner)) {
            return Err(InvalidDisplayName::Character);
        }
        if name.is_empty() || name.chars().count() > limits.display_name_max {
            return Err(InvalidDisplayName::Length {
                max: limits.display_name_max,
            });
        }
        Ok(Self(name))
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Controls, the marks that turn the direction of text (UAX #9), and what is drawn as nothing (the Unicode property
/// `Default_Ignorable_Code_Point`, and the empty Braille pattern); but for joiners.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Shapes its neighbours, as words of Persian and many emoji need: zero-width joiners and variation selectors.
fn is_joiner(c: char) -> bool {
    matches!(c, ' ' | '\u{200c}'..='\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<DisplayName, InvalidDisplayName> {
        DisplayName::parse(text, &Limits::default())
    }

    #[test]
    fn space_is_trimmed_and_collapsed() {
        let name = parse(" \u{a0}Alice \t\n  Cooper\u{3000}").unwrap();
        assert_eq!(name.as_str(), "Alice Cooper");
    }

    #[test]
    fn bounds_are_in_characters_not_bytes() {
        assert!(parse("ü").is_ok());
        assert!(parse(&"ü".repeat(32)).is_ok());
        for bad in ["", "  ", &"ü".repeat(33)] {
            assert_eq!(
                parse(bad),
                Err(InvalidDisplayName::Length { max: 32 }),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn people_write_their_names_in_any_script_and_with_emoji() {
        for name in [
            "Łukasz",
            "李小龍",
            "عمر",
            "می\u{200c}خواهم",
            "👩\u{200d}🚀",
            "❤\u{fe0f}",
        ] {
            assert_eq!(parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn nothing_invisible_passes() {
        for bad in [
            "eve\u{0}",
            "eve\u{7f}",
            "eve\u{9b}x",
            "\u{202e}eve",
            "eve\u{2066}",
            "e\u{200b}ve",
            "e\u{ad}ve",
            "\u{3164}",
            "\u{2800}",
            "\u{200d}",
            "\u{200d} \u{fe0f}",
            "eve\u{e0041}",
        ] {
            assert_eq!(parse(bad), Err(InvalidDisplayName::Character), "{bad:?}");
        }
    }
}

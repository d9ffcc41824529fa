use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

/// A text that proves something to whoever knows it, such as a form's CSRF token. Never printed: `Debug` shows
/// `[redacted]`.
#[derive(Clone, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// 128 random bits, as 22 characters of base64url.
    ///
    /// # Panics
    /// When the operating system has no randomness to give: nothing that follows would be safe.
    #[must_use]
    #[expect(clippy::expect_used, reason = "without randomness no token is safe")]
    pub fn generate() -> Self {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Is it this text? Takes the same time wherever a wrong one differs.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        subtle::ConstantTimeEq::ct_eq(self.0.as_bytes(), text.as_bytes()).into()
    }
}

impl From<String> for Token {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// In constant time.
impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.is(&other.0)
    }
}

impl Eq for Token {}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_random_equal_to_itself_alone_and_never_printed() {
        let token = Token::generate();
        assert_eq!(token.expose().len(), 22);
        assert!(token.is(token.expose()));
        assert!(!token.is(""));
        assert_ne!(token, Token::generate());
        assert_eq!(format!("{token:?}"), "[redacted]");
    }
}

//! Sessions: what the cookie carries and what Redis holds for it.
//!
//! The cookie [`COOKIE`] is `<id>.<signature>`: a random 128-bit id, and HMAC-SHA256 over it under the session
//! secret, so that a guessed or altered id is refused without asking Redis. The contents lie in Redis alone.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::{User, now_ms};

/// The name of the session cookie.
pub const COOKIE: &str = "packtchat.sid";

/// Shortest secret that may sign sessions, in bytes.
pub const MIN_SECRET_BYTES: usize = 32;

/// A random 128-bit session id, as 22 characters of base64url. `Debug` does not show it: whoever reads it in a
/// log could not forge the cookie, but could find the session in Redis.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct SessionId(String);

impl SessionId {
    /// A fresh id from the operating system's generator.
    ///
    /// # Panics
    /// When the operating system has no randomness to give: nothing that follows would be safe.
    #[must_use]
    #[expect(clippy::expect_used, reason = "without randomness no session is safe")]
    pub fn generate() -> Self {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The 22 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Signs and verifies session cookies. Cloning copies the keys.
#[derive(Clone)]
pub struct SessionKeys {
    signing: Hmac<Sha256>,
}

/// A secret that is too short to sign with.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a session secret has at least {MIN_SECRET_BYTES} bytes, this one has {0}")]
pub struct WeakSecret(usize);

impl SessionKeys {
    /// Keys made from the session secret.
    ///
    /// # Errors
    /// When the secret is shorter than [`MIN_SECRET_BYTES`].
    pub fn new(secret: &[u8]) -> Result<Self, WeakSecret> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(WeakSecret(secret.len()));
        }
        let signing = Hmac::new_from_slice(secret).map_err(|_| WeakSecret(secret.len()))?;
        Ok(Self { signing })
    }

    /// The cookie's value for this id.
    #[must_use]
    pub fn sign(&self, id: &SessionId) -> String {
        let signature = self.mac(&id.0).finalize().into_bytes();
        format!("{}.{}", id.0, URL_SAFE_NO_PAD.encode(signature))
    }

    /// The id in a cookie's value; `None` for anything this secret did not sign. Takes the same time wherever a
    /// wrong signature differs.
    #[must_use]
    pub fn verify(&self, cookie: &str) -> Option<SessionId> {
        let (id, signature) = cookie.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.mac(id).verify_slice(&signature).ok()?;
        Some(SessionId(id.to_owned()))
    }

    fn mac(&self, id: &str) -> Hmac<Sha256> {
        let mut mac = self.signing.clone();
        mac.update(b"packtchat.sid:");
        mac.update(id.as_bytes());
        mac
    }
}

impl std::fmt::Debug for SessionKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionKeys([redacted])")
    }
}

/// What Redis holds for a session, as JSON.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Session {
    /// Who is signed in, if anybody.
    pub user: Option<User>,
    /// What every form of this session must send back.
    pub csrf: String,
    /// Messages for the next page, shown once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flash: Vec<Flash>,
    /// When it began, in milliseconds since the Unix epoch.
    pub created: u64,
}

impl Session {
    /// A session of nobody yet.
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            user: None,
            csrf: SessionId::generate().0,
            flash: Vec::new(),
            created: now_ms(),
        }
    }

    /// A session of somebody who has just signed in.
    #[must_use]
    pub fn signed_in(user: User) -> Self {
        Self {
            user: Some(user),
            ..Self::anonymous()
        }
    }

    /// Is this the token this session's forms carry? Takes the same time wherever a wrong one differs.
    #[must_use]
    pub fn accepts_csrf(&self, token: &str) -> bool {
        subtle::ConstantTimeEq::ct_eq(self.csrf.as_bytes(), token.as_bytes()).into()
    }
}

/// A message for the next page.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Flash {
    /// What it tells.
    pub kind: FlashKind,
    /// The sentence.
    pub message: String,
}

/// What a [`Flash`] tells.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FlashKind {
    /// Something went well.
    Info,
    /// Something did not.
    Error,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(byte: u8) -> SessionKeys {
        SessionKeys::new(&[byte; MIN_SECRET_BYTES]).unwrap()
    }

    #[test]
    fn a_signed_id_comes_back() {
        let id = SessionId::generate();
        assert_eq!(id.as_str().len(), 22);
        assert_eq!(keys(1).verify(&keys(1).sign(&id)), Some(id));
    }

    #[test]
    fn anything_else_is_refused() {
        let cookie = keys(1).sign(&SessionId::generate());
        assert_eq!(keys(2).verify(&cookie), None, "another secret");
        let other = SessionId::generate();
        let signature = cookie.split_once('.').unwrap().1;
        assert_eq!(
            keys(1).verify(&format!("{}.{signature}", other.as_str())),
            None,
            "another id"
        );
        for bad in ["", ".", "x", "x.", ".x", "x.y", &cookie[..cookie.len() - 1]] {
            assert_eq!(keys(1).verify(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert_eq!(SessionKeys::new(b"short").unwrap_err(), WeakSecret(5));
    }

    #[test]
    fn csrf_tokens_are_of_one_session() {
        let session = Session::anonymous();
        assert!(session.accepts_csrf(&session.csrf.clone()));
        assert!(!session.accepts_csrf(""));
        assert!(!session.accepts_csrf(&Session::anonymous().csrf));
    }
}

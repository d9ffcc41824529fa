//! Sessions: what the cookie carries and what Redis holds for it.
//!
//! The cookie is `<id>.<signature>`: a random 128-bit id, and HMAC-SHA256 over it under the session secret, so that a
//! guessed or altered id is refused without asking Redis. The contents lie in Redis alone.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Token, User, account::Identity, now_ms};

/// The name of the session cookie where there is no TLS.
pub const COOKIE: &str = "packtchat.sid";

/// The name of the session cookie behind TLS: browsers take it over HTTPS only, and from no other host of the domain
/// (RFC 6265bis, section 4.1.3.2).
pub const SECURE_COOKIE: &str = "__Host-packtchat.sid";

/// Shortest secret that may sign sessions, in bytes.
pub const MIN_SECRET_BYTES: usize = 32;

/// Most sign-ins with providers that one session may have begun and not finished; older ones give way.
pub const MAX_SIGN_INS: usize = 8;

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
    pub fn generate() -> Self {
        Self(Token::generate().expose().to_owned())
    }

    /// An id as Redis holds it in the list of a user's sessions.
    #[must_use]
    pub fn stored(id: String) -> Self {
        Self(id)
    }

    /// The 22 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The session's name for those who must not know its id.
    #[must_use]
    pub fn handle(&self) -> SessionHandle {
        let digest = Sha256::digest(self.0.as_bytes());
        SessionHandle(URL_SAFE_NO_PAD.encode(&digest[..16]))
    }
}

impl std::fmt::Debug for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The name of a session in pages, logs and on channels: 22 characters made from its id, from which nobody can make
/// the id again.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(transparent)]
pub struct SessionHandle(String);

impl SessionHandle {
    /// The 22 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is told on [`crate::redis_keys::SESSIONS_CHANNEL`], as JSON.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionNews {
    /// They are over: whoever is connected with one of them is to be disconnected.
    Ended(Vec<SessionHandle>),
    /// Their user is shown by another name from now on: whoever is connected with one of them is to connect again.
    Changed(Vec<SessionHandle>),
}

/// Signs and verifies session cookies. Cloning copies the keys.
#[derive(Clone)]
pub struct SessionKeys {
    /// The first one signs, all of them verify.
    keys: Vec<Hmac<Sha256>>,
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
        let keys = vec![key(secret)?];
        Ok(Self { keys })
    }

    /// Verifies what this secret has signed, too: the one that was the session secret before.
    ///
    /// # Errors
    /// When the secret is shorter than [`MIN_SECRET_BYTES`].
    pub fn and_before(mut self, secret: &[u8]) -> Result<Self, WeakSecret> {
        self.keys.push(key(secret)?);
        Ok(self)
    }

    /// The cookie's value for this id.
    #[must_use]
    pub fn sign(&self, id: &SessionId) -> String {
        format!("{}.{}", id.0, self.signature(Purpose::Session, &id.0))
    }

    /// The id in a cookie's value; `None` for anything these secrets did not sign. Takes the same time wherever a
    /// wrong signature differs.
    #[must_use]
    pub fn verify(&self, cookie: &str) -> Option<SessionId> {
        let (id, signature) = cookie.split_once('.')?;
        self.is_signature(Purpose::Session, id, signature)
            .then(|| SessionId(id.to_owned()))
    }

    /// What every form of this session must send back. It is made from the id, so that a visitor's form needs nothing to
    /// be remembered for it.
    #[must_use]
    pub fn csrf(&self, id: &SessionId) -> Token {
        Token::from(self.signature(Purpose::Csrf, &id.0))
    }

    /// Is this the token this session's forms carry? Takes the same time wherever a wrong one differs.
    #[must_use]
    pub fn accepts_csrf(&self, id: &SessionId, token: &str) -> bool {
        self.is_signature(Purpose::Csrf, &id.0, token)
    }

    pub(crate) fn signature(&self, purpose: Purpose, text: &str) -> String {
        let mac = mac(&self.keys[0], purpose, text);
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }

    pub(crate) fn is_signature(&self, purpose: Purpose, text: &str, signature: &str) -> bool {
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else {
            return false;
        };
        self.keys
            .iter()
            .any(|key| mac(key, purpose, text).verify_slice(&signature).is_ok())
    }
}

/// What a signature is for; one for something else is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    /// A session's id.
    Session,
    /// The forms of a session.
    Csrf,
    /// A browser an account knows.
    Device,
}

fn key(secret: &[u8]) -> Result<Hmac<Sha256>, WeakSecret> {
    if secret.len() < MIN_SECRET_BYTES {
        return Err(WeakSecret(secret.len()));
    }
    Hmac::new_from_slice(secret).map_err(|_| WeakSecret(secret.len()))
}

fn mac(key: &Hmac<Sha256>, purpose: Purpose, text: &str) -> Hmac<Sha256> {
    let mut mac = key.clone();
    mac.update(match purpose {
        Purpose::Session => b"packtchat.sid:".as_slice(),
        Purpose::Csrf => b"packtchat.csrf:",
        Purpose::Device => b"packtchat.device:".as_slice(),
    });
    mac.update(text.as_bytes());
    mac
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
    /// Messages for the next page, shown once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flash: Vec<Flash>,
    /// When it began, in milliseconds since the Unix epoch; for somebody signed in, when they proved who they are.
    pub created: u64,
    /// What it is used with, for its owner to recognize: "Firefox on Linux".
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub device: String,
    /// Sign-ins with providers that were begun and not finished, oldest first; at most [`MAX_SIGN_INS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sign_ins: Vec<SignIn>,
    /// Somebody a provider has proved, who is asked for a username before there is an account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newcomer: Option<Newcomer>,
}

impl Session {
    /// A session of nobody yet.
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            user: None,
            flash: Vec::new(),
            created: now_ms(),
            device: String::new(),
            sign_ins: Vec::new(),
            newcomer: None,
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
}

/// A sign-in with a provider, between the two redirects.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SignIn {
    /// The provider's name.
    pub provider: String,
    /// What the provider must send back; whoever begins another one in this session has another.
    pub state: Token,
    /// See [`crate::account::AuthRequest::FinishSignIn`].
    pub nonce: Token,
    /// See [`crate::account::AuthRequest::FinishSignIn`].
    pub verifier: Token,
    /// What for.
    pub purpose: SignInPurpose,
    /// When it was begun, in milliseconds since the Unix epoch.
    pub begun: u64,
}

/// What somebody signs in with a provider for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInPurpose {
    /// To be signed in, and then go on to this path of the site.
    SignIn {
        /// `None` for where everybody goes.
        next: Option<String>,
    },
    /// To link the identity to the account of the session.
    Link,
}

/// Somebody a provider has proved, and whom no account belongs to yet.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Newcomer {
    /// Who.
    pub identity: Identity,
    /// The username proposed to them.
    pub username: String,
    /// Where they wanted to go: a path of the site.
    pub next: Option<String>,
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
    fn after_a_change_of_the_secret_old_cookies_are_good_and_new_ones_are_signed_with_the_new_one()
    {
        let id = SessionId::generate();
        let both = keys(2).and_before(&[1; MIN_SECRET_BYTES]).unwrap();
        assert_eq!(both.verify(&keys(1).sign(&id)), Some(id.clone()));
        assert_eq!(both.sign(&id), keys(2).sign(&id));
        assert_eq!(both.verify(&keys(3).sign(&id)), None);
        assert_eq!(keys(1).and_before(b"short").unwrap_err(), WeakSecret(5));
    }

    #[test]
    fn a_handle_is_of_one_session_and_not_its_id() {
        let id = SessionId::generate();
        assert_eq!(id.handle(), id.clone().handle());
        assert_ne!(id.handle(), SessionId::generate().handle());
        assert_eq!(id.handle().as_str().len(), 22);
        assert!(!id.handle().as_str().contains(id.as_str()));
    }

    #[test]
    fn a_form_is_of_one_session() {
        let [id, other] = [SessionId::generate(), SessionId::generate()];
        let token = keys(1).csrf(&id);
        assert!(keys(1).accepts_csrf(&id, token.expose()));
        assert!(!keys(1).accepts_csrf(&other, token.expose()));
        assert!(!keys(2).accepts_csrf(&id, token.expose()));
        assert!(!keys(1).accepts_csrf(&id, ""));
        let cookie = keys(1).sign(&id);
        let signature = cookie.split_once('.').unwrap().1;
        assert!(!keys(1).accepts_csrf(&id, signature));
    }

    #[test]
    fn what_an_older_version_wrote_can_be_read() {
        let text = r#"{"user":null,"csrf":"abc","created":1}"#;
        let session: Session = serde_json::from_str(text).unwrap();
        assert_eq!(session.created, 1);
        assert_eq!(session.newcomer, None);
    }
}

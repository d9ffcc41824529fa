//! What goes wrong with a provider.

use std::error::Error;

use models::account::AuthReply;
use openidconnect::{ClaimsVerificationError, DiscoveryError, SignatureVerificationError};

use super::http::HttpError;

/// Longest reason in the log, in characters: part of it may be a provider's words.
const MAX_REASON: usize = 300;

/// Why a sign-in did not come about. The reason is for the log: it tells no code, token or secret.
#[derive(Debug)]
pub enum Failure {
    /// The provider refused, or what it sent proves nothing.
    Refused(String),
    /// The provider did not answer in time, or said that it cannot.
    Unavailable(String),
}

impl Failure {
    /// What is wrong with what the provider sent.
    pub(super) fn refused(reason: &str) -> Self {
        Self::Refused(bounded(reason))
    }

    /// What kept the provider from answering.
    pub(super) fn unavailable(reason: &str) -> Self {
        Self::Unavailable(bounded(reason))
    }

    /// Logs it, and gives the answer for whoever asked.
    #[must_use]
    pub fn reply(self, provider: &str) -> AuthReply {
        match self {
            Self::Refused(reason) => {
                tracing::warn!(provider, reason, "sign-in refused");
                AuthReply::SignInRefused
            }
            Self::Unavailable(reason) => {
                tracing::warn!(provider, reason, "identity provider unavailable");
                AuthReply::ProviderUnavailable
            }
        }
    }
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        Self::unavailable(&chain(&error))
    }
}

impl From<DiscoveryError<HttpError>> for Failure {
    fn from(error: DiscoveryError<HttpError>) -> Self {
        match error {
            DiscoveryError::Request(error) => error.into(),
            DiscoveryError::Parse(error) => Self::refused(&format!(
                "its discovery document or its keys cannot be read: {error}"
            )),
            error => Self::refused(&format!("discovery or keys: {}", chain(&error))),
        }
    }
}

impl From<ClaimsVerificationError> for Failure {
    fn from(error: ClaimsVerificationError) -> Self {
        let reason = match &error {
            ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            ) => "it is signed with a key that is not among the provider's".to_owned(),
            error => chain(error),
        };
        Self::refused(&format!("the ID token proves nothing: {reason}"))
    }
}

/// An error with its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn bounded(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_REASON)
        .collect()
}

//! What an ID token proves.

use chrono::{TimeDelta, Utc};
use models::account::Identity;
use openidconnect::{
    ClaimsVerificationError, Nonce,
    core::{CoreIdToken, CoreIdTokenClaims, CoreIdTokenVerifier, CoreJwsSigningAlgorithm},
};

use super::{metadata::Metadata, settings::Configuration};

/// How far the provider's clock may be from ours, in seconds.
const CLOCK_SKEW_SECS: i64 = 60;

/// Longest subject, in bytes (OpenID Connect Core 1.0, section 2).
const MAX_SUBJECT: usize = 255;

/// Longest label, in characters.
const MAX_LABEL: usize = 100;

/// How ID tokens may be signed: with a key that only the provider has.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Somebody a provider has proved.
pub struct Proven {
    /// Who.
    pub identity: Identity,
    /// What they might like as their username: a name or an e-mail address.
    pub wish: String,
}

/// Checks signature, algorithm, issuer, audience, authorized party, expiry and nonce.
pub(super) fn verify(
    id_token: &CoreIdToken,
    nonce: &Nonce,
    configuration: &Configuration,
    metadata: &Metadata,
) -> Result<Proven, ClaimsVerificationError> {
    let verifier = CoreIdTokenVerifier::new_public_client(
        configuration.client_id.clone(),
        configuration.issuer.clone(),
        metadata.keys.clone(),
    )
    .set_allowed_algs(ALGORITHMS)
    // Several audiences are for the authorized party to tell apart, below.
    .set_other_audience_verifier_fn(|_| true)
    .set_time_fn(|| Utc::now() - TimeDelta::seconds(CLOCK_SKEW_SECS))
    .set_issue_time_verifier_fn(|issued| {
        let latest = Utc::now() + TimeDelta::seconds(CLOCK_SKEW_SECS);
        if issued > latest {
            return Err(format!("it was issued in the future, at {issued}"));
        }
        Ok(())
    });
    let claims = id_token.claims(&verifier, nonce)?;
    check_authorized_party(claims, configuration)?;
    let subject = claims.subject().as_str();
    if subject.is_empty() || subject.len() > MAX_SUBJECT || subject.chars().any(char::is_control) {
        return Err(ClaimsVerificationError::InvalidSubject(format!(
            "it is not 1 to {MAX_SUBJECT} characters"
        )));
    }
    let email = claims.email().map(|email| email.as_str());
    let username = claims.preferred_username().map(|name| name.as_str());
    let name = name(claims);
    Ok(Proven {
        identity: Identity {
            provider: configuration.shown.name.clone(),
            subject: subject.to_owned(),
            label: first([email, username, name]).unwrap_or_else(|| clean(subject)),
        },
        wish: first([username, email, name]).unwrap_or_default(),
    })
}

/// OpenID Connect Core 1.0, section 3.1.3.7, points 3 to 5.
fn check_authorized_party(
    claims: &CoreIdTokenClaims,
    configuration: &Configuration,
) -> Result<(), ClaimsVerificationError> {
    let ours = match claims.authorized_party() {
        Some(party) => *party == configuration.client_id,
        None => claims.audiences().len() == 1,
    };
    if ours {
        return Ok(());
    }
    Err(ClaimsVerificationError::InvalidAudience(
        "it was not issued to this client (azp)".to_owned(),
    ))
}

/// The first of these texts that says anything.
fn first(texts: [Option<&str>; 3]) -> Option<String> {
    texts
        .into_iter()
        .flatten()
        .map(clean)
        .find(|text| !text.is_empty())
}

fn name(claims: &CoreIdTokenClaims) -> Option<&str> {
    let (_, name) = claims.name()?.iter().next()?;
    Some(name.as_str())
}

/// Without control characters, and as long as a label may be.
fn clean(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    text.trim().chars().take(MAX_LABEL).collect()
}

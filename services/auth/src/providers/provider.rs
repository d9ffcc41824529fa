use std::{future::Future, time::Duration};

use models::{Token, account};
use openidconnect::{
    AuthenticationFlow, AuthorizationCode, ClaimsVerificationError, CsrfToken, EndpointNotSet,
    EndpointSet, ErrorResponse, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, TokenResponse,
    core::{CoreClient, CoreIdToken, CoreResponseType},
    url::form_urlencoded::byte_serialize,
};
use tokio::{sync::Semaphore, time::timeout};

use super::{
    Proven,
    failure::Failure,
    http::{HttpClient, HttpError},
    id_token,
    metadata::{Cache, Metadata},
    settings::Configuration,
};

/// Longest wait for a provider in one request, whatever it takes. The gateway waits a little longer.
pub(super) const PATIENCE: Duration = Duration::from_secs(4);

/// Most requests that may wait for one provider; any more are told at once that it is not available, so that a slow
/// provider leaves this process free for others.
const MAX_IN_FLIGHT: usize = 16;

/// An identity provider.
pub struct Provider {
    configuration: Configuration,
    http: HttpClient,
    cache: Cache,
    in_flight: Semaphore,
}

/// A sign-in that has begun: where to send the browser, and what to remember until it is back.
pub struct Begun {
    /// The provider's page.
    pub url: String,
    /// What the provider sends back.
    pub state: Token,
    /// What the ID token will hold.
    pub nonce: Token,
    /// What the code can be exchanged with.
    pub verifier: Token,
}

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
    EndpointNotSet,
>;

impl Provider {
    pub(super) fn new(configuration: Configuration, http: HttpClient) -> Self {
        Self {
            configuration,
            http,
            cache: Cache::default(),
            in_flight: Semaphore::new(MAX_IN_FLIGHT),
        }
    }

    /// What the form to sign in shows of it.
    #[must_use]
    pub fn shown(&self) -> &account::Provider {
        &self.configuration.shown
    }

    /// Begins a sign-in that comes back to this address.
    ///
    /// # Errors
    /// When discovery is needed and fails.
    pub async fn begin(&self, redirect_uri: &str) -> Result<Begun, Failure> {
        let metadata = self
            .bounded(self.cache.current(&self.configuration, &self.http))
            .await?;
        let client = self.client(&metadata, redirect_uri)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scopes(self.configuration.scopes.iter().cloned())
            .set_pkce_challenge(challenge)
            .url();
        Ok(Begun {
            url: url.into(),
            state: state.into_secret().into(),
            nonce: nonce.secret().clone().into(),
            verifier: verifier.into_secret().into(),
        })
    }

    /// Finishes it: exchanges the code, which can be done once, and verifies the ID token.
    ///
    /// # Errors
    /// When the provider refuses, sends something else than a proof, or does not answer.
    pub async fn finish(
        &self,
        redirect_uri: &str,
        code: &Token,
        nonce: &Token,
        verifier: &Token,
    ) -> Result<Proven, Failure> {
        self.bounded(async {
            let metadata = self.cache.current(&self.configuration, &self.http).await?;
            let client = self.client(&metadata, redirect_uri)?;
            let id_token = self.exchange(&client, code, verifier).await?;
            let nonce = Nonce::new(nonce.expose().to_owned());
            let verify = |metadata: &Metadata| {
                id_token::verify(&id_token, &nonce, &self.configuration, metadata)
            };
            match verify(&metadata) {
                // Signed with a key that is newer than what is known of them, perhaps.
                Err(error @ ClaimsVerificationError::SignatureVerification(_)) => {
                    match self.cache.with_other_keys(&metadata, &self.http).await? {
                        Some(renewed) => Ok(verify(&renewed)?),
                        None => Err(error.into()),
                    }
                }
                verified => Ok(verified?),
            }
        })
        .await
    }

    async fn exchange(
        &self,
        client: &Client,
        code: &Token,
        verifier: &Token,
    ) -> Result<CoreIdToken, Failure> {
        let answer = client
            .exchange_code(AuthorizationCode::new(code.expose().to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose().to_owned()))
            .request_async(&self.http)
            .await
            .map_err(|error| exchange_failure(error, &self.sent(code, verifier)))?;
        answer
            .id_token()
            .cloned()
            .ok_or_else(|| Failure::refused("it sent no ID token"))
    }

    /// The secrets of an exchange, as they are and as a form has them.
    fn sent(&self, code: &Token, verifier: &Token) -> Vec<String> {
        let secret = self.configuration.client_secret.as_ref();
        let secret = secret.map(|secret| secret.secret().as_str());
        [Some(code.expose()), Some(verifier.expose()), secret]
            .into_iter()
            .flatten()
            .filter(|text| !text.is_empty())
            .flat_map(|text| [text.to_owned(), byte_serialize(text.as_bytes()).collect()])
            .collect()
    }

    fn client(&self, metadata: &Metadata, redirect_uri: &str) -> Result<Client, Failure> {
        let redirect_uri = RedirectUrl::new(redirect_uri.to_owned())
            .map_err(|error| Failure::refused(&format!("no redirect URI: {error}")))?;
        let configuration = &self.configuration;
        let client = CoreClient::new(
            configuration.client_id.clone(),
            configuration.issuer.clone(),
            metadata.keys.clone(),
        )
        .set_auth_uri(metadata.endpoints.authorization.clone())
        .set_token_uri(metadata.endpoints.token.clone())
        .set_auth_type(metadata.auth_type.clone())
        .set_redirect_uri(redirect_uri);
        Ok(match &configuration.client_secret {
            Some(secret) => client.set_client_secret(secret.clone()),
            None => client,
        })
    }

    /// Gives up what takes too long, and does not begin with what too many others do already.
    async fn bounded<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let Ok(_permit) = self.in_flight.try_acquire() else {
            let reason = format!("{MAX_IN_FLIGHT} others wait for it already");
            return Err(Failure::unavailable(&reason));
        };
        timeout(PATIENCE, work).await.unwrap_or_else(|_| {
            Err(Failure::unavailable(&format!(
                "no answer within {PATIENCE:?}"
            )))
        })
    }
}

fn exchange_failure<E: ErrorResponse>(
    error: RequestTokenError<HttpError, E>,
    sent: &[String],
) -> Failure {
    match error {
        RequestTokenError::ServerResponse(refusal) => {
            // A provider might repeat what it was sent.
            let words = sent.iter().fold(refusal.to_string(), |words, secret| {
                words.replace(secret, "[redacted]")
            });
            Failure::refused(&format!("it does not exchange the code: {words}"))
        }
        RequestTokenError::Request(error) => error.into(),
        // Whatever came may hold a token, so nothing of it is told.
        RequestTokenError::Parse(..) => Failure::refused("its answer to the code cannot be read"),
        RequestTokenError::Other(reason) => Failure::refused(&reason),
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Instant};

    use stack::eventually;

    use super::*;
    use crate::providers::unruly::{Unruly, discovery, json};

    fn provider(server: &Unruly) -> Provider {
        Provider::new(server.configuration(), HttpClient::new().unwrap())
    }

    #[tokio::test]
    async fn a_sign_in_begins_with_everything_that_protects_it() {
        let server = Unruly::answering(discovery).await;
        let begun = provider(&server)
            .begin("http://localhost/auth/unruly/callback")
            .await
            .unwrap();
        let url = openidconnect::url::Url::parse(&begun.url).unwrap();
        let value = |name: &str| {
            let mut pairs = url.query_pairs().filter(|(key, _)| key == name);
            let value = pairs.next().unwrap().1.into_owned();
            assert!(pairs.next().is_none(), "{name} stands there once");
            value
        };
        assert!(begun.url.starts_with(&format!("{}/auth?", server.address)));
        assert_eq!(value("response_type"), "code");
        assert_eq!(value("client_id"), "packtchat");
        assert_eq!(
            value("redirect_uri"),
            "http://localhost/auth/unruly/callback"
        );
        assert_eq!(value("scope"), "openid email profile");
        assert_eq!(value("state"), begun.state.expose());
        assert_eq!(value("nonce"), begun.nonce.expose());
        assert_eq!(value("code_challenge_method"), "S256");
        let verifier = PkceCodeVerifier::new(begun.verifier.expose().to_owned());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        assert_eq!(value("code_challenge"), challenge.as_str());
    }

    #[tokio::test]
    async fn a_slow_provider_keeps_only_so_many_waiting() {
        let server = Unruly::answering(|_, _| None).await;
        let provider = Arc::new(provider(&server));
        let waiting: Vec<_> = (0..MAX_IN_FLIGHT)
            .map(|_| {
                let provider = Arc::clone(&provider);
                tokio::spawn(async move { provider.begin("http://localhost/").await.is_ok() })
            })
            .collect();
        let soon = Duration::from_secs(2);
        eventually(soon, "all wait", async || {
            provider.in_flight.available_permits() == 0
        })
        .await;
        let asked = Instant::now();
        let Err(Failure::Unavailable(reason)) = provider.begin("http://localhost/").await else {
            panic!("it waits, too");
        };
        assert!(reason.contains("others wait"), "{reason}");
        assert!(asked.elapsed() < Duration::from_secs(1));
        for task in waiting {
            task.abort();
        }
    }

    #[tokio::test]
    async fn no_secret_is_told() {
        let answers = [
            r#"{"error":"invalid_grant","error_description":"the-code/ is used up"}"#,
            r#"{"error":"invalid_grant","error_description":"code=the-code%2F&code_verifier=the-verifier"}"#,
            r#"{"error":"invalid_client","error_description":"who is the-secret/, the-secret%2F?"}"#,
            r#"{"access_token":"the-token","token_type":"Bearer","id_token":"the-token"}"#,
            r#"{"access_token":"the-token","token_type":["the-token"]}"#,
            r#"{"access_token":"the-token","token_type":"Bearer"}"#,
        ];
        for answer in answers {
            let server = Unruly::answering(move |path, address| {
                if path != "/token" {
                    return discovery(path, address);
                }
                let status = if answer.contains("error") {
                    "400"
                } else {
                    "200"
                };
                Some(json(answer)?.replace(" 200 ", &format!(" {status} ")))
            })
            .await;
            let token = |text: &str| Token::from(text.to_owned());
            let finished = provider(&server)
                .finish(
                    "http://localhost/",
                    &token("the-code/"),
                    &token("n"),
                    &token("the-verifier"),
                )
                .await;
            let Err(Failure::Refused(reason)) = finished else {
                panic!("not refused: {answer}");
            };
            assert!(!reason.contains("the-"), "{reason}");
        }
    }
}

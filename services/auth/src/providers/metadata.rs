//! Where a provider answers and which keys it signs with, fetched when first needed and kept.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use openidconnect::{
    AuthType, JsonWebKeySet,
    core::{CoreClientAuthMethod, CoreJsonWebKeySet, CoreProviderMetadata},
};
use tokio::{sync::Mutex, time::timeout};

use super::{
    failure::Failure,
    http::HttpClient,
    settings::{Authentication, Configuration, Endpoints, is_private},
};

/// How long what was fetched is believed.
const LIFETIME: Duration = Duration::from_secs(3_600);

/// What is older is used on where it cannot be renewed within this time, which leaves some for the exchange.
const RENEWAL_PATIENCE: Duration = Duration::from_millis(1_500);

/// Pause before the next try to renew, so that only one request in it waits in vain.
const RENEWAL_PAUSE: Duration = Duration::from_secs(60);

/// Pause between two looks for keys that signatures asked for, so that nobody can flood a provider by sending wrong ones.
const KEYS_PAUSE: Duration = Duration::from_secs(5);

/// What is known of a provider at one time.
#[derive(Clone)]
pub(super) struct Metadata {
    pub(super) endpoints: Endpoints,
    pub(super) auth_type: AuthType,
    pub(super) keys: CoreJsonWebKeySet,
}

/// What was fetched last. One request fetches at a time; all others wait for it.
#[derive(Default)]
pub(super) struct Cache(Mutex<State>);

#[derive(Default)]
struct State {
    known: Option<Arc<Metadata>>,
    renew_at: Option<Instant>,
    looked_for_keys: Option<Instant>,
}

impl Cache {
    /// What is known, fetched where nothing is, and renewed where it is old.
    pub(super) async fn current(
        &self,
        configuration: &Configuration,
        http: &HttpClient,
    ) -> Result<Arc<Metadata>, Failure> {
        let mut state = self.0.lock().await;
        let due = state.renew_at.is_none_or(|at| Instant::now() >= at);
        let fetched = match &state.known {
            Some(known) if !due => return Ok(Arc::clone(known)),
            Some(known) => {
                let known = Arc::clone(known);
                // First of all, because whoever waits for the answer may give up.
                state.renew_at = Some(Instant::now() + RENEWAL_PAUSE);
                match timeout(RENEWAL_PATIENCE, fetch(configuration, http)).await {
                    Ok(Ok(fetched)) => fetched,
                    failed => {
                        let reason = match failed {
                            Ok(Err(Failure::Refused(reason) | Failure::Unavailable(reason))) => {
                                reason
                            }
                            _ => format!("no answer within {RENEWAL_PATIENCE:?}"),
                        };
                        let provider = &configuration.shown.name;
                        tracing::warn!(
                            provider,
                            reason,
                            "discovery and keys not renewed, the old ones are used"
                        );
                        return Ok(known);
                    }
                }
            }
            None => fetch(configuration, http).await?,
        };
        let fetched = Arc::new(fetched);
        state.renew_at = Some(Instant::now() + LIFETIME);
        state.known = Some(Arc::clone(&fetched));
        Ok(fetched)
    }

    /// What is known with other keys than those `seen`, which did not fit a signature; `None` when somebody has looked
    /// for them just now.
    pub(super) async fn with_other_keys(
        &self,
        seen: &Arc<Metadata>,
        http: &HttpClient,
    ) -> Result<Option<Arc<Metadata>>, Failure> {
        let mut state = self.0.lock().await;
        if let Some(known) = &state.known
            && !Arc::ptr_eq(known, seen)
        {
            return Ok(Some(Arc::clone(known)));
        }
        if state
            .looked_for_keys
            .is_some_and(|last| last.elapsed() < KEYS_PAUSE)
        {
            return Ok(None);
        }
        state.looked_for_keys = Some(Instant::now());
        let keys = JsonWebKeySet::fetch_async(&seen.endpoints.keys, http).await?;
        let renewed = Arc::new(Metadata {
            keys,
            ..Metadata::clone(seen)
        });
        state.known = Some(Arc::clone(&renewed));
        Ok(Some(renewed))
    }
}

async fn fetch(configuration: &Configuration, http: &HttpClient) -> Result<Metadata, Failure> {
    if let Some(endpoints) = &configuration.endpoints {
        return Ok(Metadata {
            endpoints: endpoints.clone(),
            auth_type: auth_type(configuration.authentication),
            keys: JsonWebKeySet::fetch_async(&endpoints.keys, http).await?,
        });
    }
    let found = CoreProviderMetadata::discover_async(configuration.issuer.clone(), http).await?;
    let endpoints = Endpoints {
        authorization: found.authorization_endpoint().clone(),
        token: found
            .token_endpoint()
            .ok_or_else(|| Failure::refused("its discovery document names no token endpoint"))?
            .clone(),
        keys: found.jwks_uri().clone(),
    };
    let urls = [
        endpoints.authorization.url(),
        endpoints.token.url(),
        endpoints.keys.url(),
    ];
    if let Some(open) = urls.into_iter().find(|url| !is_private(url)) {
        let reason =
            format!("its discovery document names {open}, which does not begin with https://");
        return Err(Failure::refused(&reason));
    }
    let authentication = configuration
        .authentication
        .or_else(|| announced(found.token_endpoint_auth_methods_supported()?));
    Ok(Metadata {
        endpoints,
        auth_type: auth_type(authentication),
        keys: found.jwks().clone(),
    })
}

/// The way to send the secret, of those a provider offers; by a header where it says nothing (OpenID Connect
/// Discovery 1.0, section 3).
fn announced(offered: &[CoreClientAuthMethod]) -> Option<Authentication> {
    let post_alone = offered.contains(&CoreClientAuthMethod::ClientSecretPost)
        && !offered.contains(&CoreClientAuthMethod::ClientSecretBasic);
    post_alone.then_some(Authentication::ClientSecretPost)
}

fn auth_type(authentication: Option<Authentication>) -> AuthType {
    match authentication {
        Some(Authentication::ClientSecretPost | Authentication::None) => AuthType::RequestBody,
        Some(Authentication::ClientSecretBasic) | None => AuthType::BasicAuth,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::providers::unruly::{Unruly, discovery};

    async fn refusal(server: &Unruly) -> String {
        let http = HttpClient::new().unwrap();
        let cache = Cache::default();
        match cache.current(&server.configuration(), &http).await {
            Err(Failure::Refused(reason)) => reason,
            Err(Failure::Unavailable(reason)) => panic!("unavailable: {reason}"),
            Ok(_) => panic!("believed"),
        }
    }

    #[tokio::test]
    async fn a_document_of_another_issuer_is_not_believed() {
        let server =
            Unruly::answering(|path, address| discovery(path, &format!("{address}/"))).await;
        let reason = refusal(&server).await;
        assert!(reason.contains("unexpected issuer URI"), "{reason}");
    }

    #[tokio::test]
    async fn a_document_that_names_an_open_address_is_not_believed() {
        let server = Unruly::answering(|path, address| {
            let honest = discovery(path, address)?;
            let token = format!("{address}/token");
            // As long as what it replaces.
            let open = format!("http://{:x<width$}", "", width = token.len() - 7);
            Some(honest.replace(&token, &open))
        })
        .await;
        let reason = refusal(&server).await;
        assert!(reason.contains("does not begin with https://"), "{reason}");
    }

    #[tokio::test]
    async fn what_is_old_is_used_on_while_the_provider_is_down() {
        let down = Arc::new(AtomicBool::new(false));
        let server = Unruly::answering({
            let down = Arc::clone(&down);
            move |path, address| {
                if down.load(Ordering::SeqCst) {
                    return Some("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n".to_owned());
                }
                discovery(path, address)
            }
        })
        .await;
        let (configuration, http) = (server.configuration(), HttpClient::new().unwrap());
        let cache = Cache::default();
        let current = async || cache.current(&configuration, &http).await.unwrap();
        let first = current().await;
        assert_eq!(server.requests(), 2, "the document and the keys");
        assert!(Arc::ptr_eq(&first, &current().await));
        assert_eq!(server.requests(), 2, "known by now");

        down.store(true, Ordering::SeqCst);
        let an_hour_passes = async || cache.0.lock().await.renew_at = Some(Instant::now());
        an_hour_passes().await;
        assert!(Arc::ptr_eq(&first, &current().await));
        assert_eq!(server.requests(), 3, "one try");
        assert!(Arc::ptr_eq(&first, &current().await));
        assert_eq!(server.requests(), 3, "no other one for a while");

        down.store(false, Ordering::SeqCst);
        an_hour_passes().await;
        assert!(!Arc::ptr_eq(&first, &current().await));
    }

    #[tokio::test]
    async fn keys_are_looked_for_once_in_a_while() {
        let server = Unruly::answering(discovery).await;
        let (configuration, http) = (server.configuration(), HttpClient::new().unwrap());
        let cache = Cache::default();
        let first = cache.current(&configuration, &http).await.unwrap();
        let second = cache.with_other_keys(&first, &http).await.unwrap().unwrap();
        assert!(!Arc::ptr_eq(&first, &second));
        assert_eq!(server.requests(), 3);
        // Who has not seen them yet gets them, who has gets no others.
        let again = cache.with_other_keys(&first, &http).await.unwrap().unwrap();
        assert!(Arc::ptr_eq(&second, &again));
        assert!(
            cache
                .with_other_keys(&second, &http)
                .await
                .unwrap()
                .is_none()
        );
        assert_eq!(server.requests(), 3);
    }
}

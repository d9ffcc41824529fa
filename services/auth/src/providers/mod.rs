//! Sign-in with OpenID Connect providers: authorization code with PKCE (OpenID Connect Core 1.0, section 3.1; RFC 7636).
//!
//! Nothing is kept of a sign-in here: `state`, `nonce` and verifier go to the gateway, which binds them to the browser's
//! session and gives the last two back with the code. What is kept is what all sign-ins share, the provider's endpoints
//! and keys. They are fetched when first needed, so that the service starts while a provider is down.
//!
//! Everything that waits for a provider waits four seconds at most, and only so many requests wait for one provider.

mod failure;
mod http;
mod id_token;
mod metadata;
mod provider;
mod settings;
#[cfg(test)]
mod unruly;

use std::collections::{BTreeMap, btree_map::Entry};

pub use self::{
    failure::Failure,
    id_token::Proven,
    provider::{Begun, Provider},
    settings::{Authentication, ProviderSettings, WrongProvider},
};
use self::{http::HttpClient, settings::Configuration};

/// All configured providers, by name.
pub struct Providers(BTreeMap<String, Provider>);

impl Providers {
    /// Checks the settings; asks no provider.
    ///
    /// # Errors
    /// When something is wrong with the settings of one; the error names the variable.
    pub fn new(settings: &BTreeMap<String, ProviderSettings>) -> anyhow::Result<Self> {
        let http = HttpClient::new()?;
        let mut providers = BTreeMap::new();
        for (key, settings) in settings {
            let configuration = Configuration::new(key, settings)?;
            match providers.entry(configuration.shown.name.clone()) {
                Entry::Vacant(entry) => {
                    entry.insert(Provider::new(configuration, http.clone()));
                }
                Entry::Occupied(entry) => anyhow::bail!(
                    "PACKTCHAT__PROVIDERS__{}__… describes the provider {} once more: remove one of them",
                    key.to_uppercase(),
                    entry.key()
                ),
            }
        }
        Ok(Self(providers))
    }

    /// The provider of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Provider> {
        self.0.get(name)
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.0.values()
    }
}

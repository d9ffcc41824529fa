//! What an operator says of a provider, and what is made of it.

use std::net::IpAddr;

use models::account::Provider;
use openidconnect::{
    AuthUrl, ClientId, ClientSecret, IssuerUrl, JsonWebKeySetUrl, Scope, TokenUrl,
    url::{Host, Url},
};
use serde::Deserialize;
use settings::Secret;

const MAX_NAME: usize = 32;
const MAX_LABEL: usize = 40;
const MAX_CLIENT_ID: usize = 255;

/// The button of a provider for which no colour is set: dark enough for white text.
const COLOUR: &str = "#3f4a5a";

/// One identity provider. `<NAME>` is its name in addresses, at most 32 of `a-z 0-9 -` but not `local`; an underscore
/// in a variable stands for a hyphen. The names `google` and `facebook` need no more than a client id and a secret.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSettings {
    /// Who PacktChat is to the provider. Required (`PACKTCHAT__PROVIDERS__<NAME>__CLIENT_ID`).
    pub client_id: String,
    /// What proves it. Required unless `authentication` is `none`
    /// (`PACKTCHAT__PROVIDERS__<NAME>__CLIENT_SECRET` or `…_FILE`).
    pub client_secret: Option<Secret>,
    /// The provider's name for people, at most 40 characters. Default: its name in addresses
    /// (`PACKTCHAT__PROVIDERS__<NAME>__LABEL`).
    pub label: Option<String>,
    /// The colour of its button, `#rrggbb`. Default `#3f4a5a` (`PACKTCHAT__PROVIDERS__<NAME>__COLOUR`).
    pub colour: Option<String>,
    /// Whom ID tokens are from, to the letter; where no endpoints are set, they are discovered there. Required
    /// (`PACKTCHAT__PROVIDERS__<NAME>__ISSUER`).
    pub issuer: Option<String>,
    /// Where people sign in. Set all three endpoints or none
    /// (`PACKTCHAT__PROVIDERS__<NAME>__AUTHORIZATION_ENDPOINT`).
    pub authorization_endpoint: Option<String>,
    /// Where a code is exchanged for an ID token (`PACKTCHAT__PROVIDERS__<NAME>__TOKEN_ENDPOINT`).
    pub token_endpoint: Option<String>,
    /// Where the keys are that ID tokens are signed with (`PACKTCHAT__PROVIDERS__<NAME>__JWKS_URI`).
    pub jwks_uri: Option<String>,
    /// What to ask for besides `openid`, separated by spaces. Default `email profile`
    /// (`PACKTCHAT__PROVIDERS__<NAME>__SCOPES`).
    pub scopes: Option<String>,
    /// How the secret is sent. Default: what discovery says, else `client_secret_basic`
    /// (`PACKTCHAT__PROVIDERS__<NAME>__AUTHENTICATION`).
    pub authentication: Option<Authentication>,
}

/// How PacktChat proves to a provider who it is (OpenID Connect Core 1.0, section 9).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Authentication {
    /// By a header.
    ClientSecretBasic,
    /// By a field of the form.
    ClientSecretPost,
    /// Not at all: the provider has given out no secret, and PKCE alone protects the code.
    None,
}

/// Why the service does not start with the settings of a provider.
#[derive(Debug, thiserror::Error)]
#[error("{variable} {problem}")]
pub struct WrongProvider {
    variable: String,
    problem: String,
}

/// A provider as its settings describe it, all of them checked.
pub(super) struct Configuration {
    pub(super) shown: Provider,
    pub(super) client_id: ClientId,
    /// `None` for a client without authentication.
    pub(super) client_secret: Option<ClientSecret>,
    /// `None` for what discovery says.
    pub(super) authentication: Option<Authentication>,
    pub(super) issuer: IssuerUrl,
    /// `None` where they are to be discovered.
    pub(super) endpoints: Option<Endpoints>,
    pub(super) scopes: Vec<Scope>,
}

/// Where a provider answers.
#[derive(Clone)]
pub(super) struct Endpoints {
    pub(super) authorization: AuthUrl,
    pub(super) token: TokenUrl,
    pub(super) keys: JsonWebKeySetUrl,
}

/// What is known of a provider beforehand.
struct Preset {
    label: &'static str,
    colour: &'static str,
    issuer: &'static str,
    endpoints: Option<[&'static str; 3]>,
    scopes: &'static str,
    authentication: Option<Authentication>,
}

fn preset(name: &str) -> Option<Preset> {
    match name {
        "google" => Some(Preset {
            label: "Google",
            colour: "#1a66d2",
            issuer: "https://accounts.google.com",
            endpoints: None,
            scopes: "email profile",
            authentication: None,
        }),
        // Its discovery document names no token endpoint. Addresses without a version are those of the oldest version
        // the app may still use, so that they do not expire.
        "facebook" => Some(Preset {
            label: "Facebook",
            colour: "#1464d8",
            issuer: "https://www.facebook.com",
            endpoints: Some([
                "https://www.facebook.com/dialog/oauth",
                "https://graph.facebook.com/oauth/access_token",
                "https://www.facebook.com/.well-known/oauth/openid/jwks/",
            ]),
            scopes: "email public_profile",
            authentication: Some(Authentication::ClientSecretPost),
        }),
        _ => None,
    }
}

impl Configuration {
    /// `key` is the provider's name as the settings have it.
    pub(super) fn new(key: &str, settings: &ProviderSettings) -> Result<Self, WrongProvider> {
        let block = Block { key };
        let name = block.name()?;
        let preset = preset(&name);
        let preset = preset.as_ref();
        let authentication = settings
            .authentication
            .or(preset.and_then(|preset| preset.authentication));
        let endpoint = |given: &Option<String>, index: usize| {
            let known = preset.and_then(|preset| preset.endpoints);
            given.clone().or(known.map(|all| all[index].to_owned()))
        };
        let issuer = settings
            .issuer
            .clone()
            .or(preset.map(|preset| preset.issuer.to_owned()));
        let issuer = issuer.ok_or_else(|| {
            block.wrong(
                "ISSUER",
                "is missing: set it to what the provider calls its issuer",
            )
        })?;
        Ok(Self {
            client_id: block.client_id(&settings.client_id)?,
            client_secret: block.client_secret(settings.client_secret.as_ref(), authentication)?,
            authentication,
            issuer: block.issuer(issuer)?,
            endpoints: block.endpoints([
                endpoint(&settings.authorization_endpoint, 0),
                endpoint(&settings.token_endpoint, 1),
                endpoint(&settings.jwks_uri, 2),
            ])?,
            scopes: block.scopes(
                settings
                    .scopes
                    .as_deref()
                    .or(preset.map(|preset| preset.scopes))
                    .unwrap_or("email profile"),
            )?,
            shown: Provider {
                label: block.label(
                    settings
                        .label
                        .as_deref()
                        .or(preset.map(|preset| preset.label))
                        .unwrap_or(&name),
                )?,
                colour: block.colour(
                    settings
                        .colour
                        .as_deref()
                        .or(preset.map(|preset| preset.colour))
                        .unwrap_or(COLOUR),
                )?,
                name,
            },
        })
    }
}

/// The variables of one provider.
struct Block<'a> {
    key: &'a str,
}

impl Block<'_> {
    fn wrong(&self, field: &str, problem: impl Into<String>) -> WrongProvider {
        WrongProvider {
            variable: format!("PACKTCHAT__PROVIDERS__{}__{field}", self.key.to_uppercase()),
            problem: problem.into(),
        }
    }

    fn name(&self) -> Result<String, WrongProvider> {
        let name = self.key.replace('_', "-");
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(allowed) {
            let problem = format!(
                "is of a provider whose name will not do: it has 1 to {MAX_NAME} letters, digits and underscores"
            );
            return Err(self.wrong("…", problem));
        }
        if name == "local" {
            let problem = "is of a provider named local, which is what accounts with a password are called: take \
                           another name";
            return Err(self.wrong("…", problem));
        }
        Ok(name)
    }

    fn client_id(&self, text: &str) -> Result<ClientId, WrongProvider> {
        if text.is_empty() || text.len() > MAX_CLIENT_ID || text.chars().any(char::is_control) {
            let problem = format!("is not a client id: it has 1 to {MAX_CLIENT_ID} characters");
            return Err(self.wrong("CLIENT_ID", problem));
        }
        Ok(ClientId::new(text.to_owned()))
    }

    fn client_secret(
        &self,
        secret: Option<&Secret>,
        authentication: Option<Authentication>,
    ) -> Result<Option<ClientSecret>, WrongProvider> {
        let field = "CLIENT_SECRET";
        let secret = secret
            .map(Secret::expose)
            .filter(|secret| !secret.is_empty());
        match (secret, authentication) {
            (None, Some(Authentication::None)) => Ok(None),
            (Some(_), Some(Authentication::None)) => {
                let other = self.wrong("AUTHENTICATION", "").variable;
                Err(self.wrong(
                    field,
                    format!("is set, and {other} is none: remove one of them"),
                ))
            }
            (None, _) => {
                let other = self.wrong("AUTHENTICATION", "").variable;
                Err(self.wrong(
                    field,
                    format!(
                        "is missing: set it, or {field}_FILE, or set {other} to none where the provider gave out no \
                         secret"
                    ),
                ))
            }
            (Some(secret), _) => Ok(Some(ClientSecret::new(secret.to_owned()))),
        }
    }

    fn endpoints(&self, given: [Option<String>; 3]) -> Result<Option<Endpoints>, WrongProvider> {
        let fields = ["AUTHORIZATION_ENDPOINT", "TOKEN_ENDPOINT", "JWKS_URI"];
        if given.iter().all(Option::is_none) {
            return Ok(None);
        }
        let missing = given.iter().position(Option::is_none);
        if let Some(index) = missing {
            let problem = "is missing: set all of AUTHORIZATION_ENDPOINT, TOKEN_ENDPOINT and JWKS_URI, or none of \
                           them for discovery";
            return Err(self.wrong(fields[index], problem));
        }
        let [authorization, token, keys] = given.map(Option::unwrap_or_default);
        Ok(Some(Endpoints {
            authorization: AuthUrl::from_url(self.address(fields[0], &authorization)?),
            token: TokenUrl::from_url(self.address(fields[1], &token)?),
            keys: JsonWebKeySetUrl::from_url(self.address(fields[2], &keys)?),
        }))
    }

    /// To the letter: as an address, `https://a.example` would become `https://a.example/`.
    fn issuer(&self, text: String) -> Result<IssuerUrl, WrongProvider> {
        self.address("ISSUER", &text)?;
        IssuerUrl::new(text)
            .map_err(|error| self.wrong("ISSUER", format!("is not an address: {error}")))
    }

    fn address(&self, field: &str, text: &str) -> Result<Url, WrongProvider> {
        let url = Url::parse(text)
            .map_err(|error| self.wrong(field, format!("is not an address: {error}")))?;
        if !is_private(&url) {
            let problem =
                "is not an address beginning with https:// (http:// is for this machine alone)";
            return Err(self.wrong(field, problem));
        }
        Ok(url)
    }

    fn scopes(&self, text: &str) -> Result<Vec<Scope>, WrongProvider> {
        // RFC 6749, section 3.3.
        let allowed = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\';
        let scopes = text.split_whitespace();
        if !scopes.clone().all(|scope| scope.chars().all(allowed)) {
            return Err(self.wrong("SCOPES", "are not names separated by spaces"));
        }
        Ok(scopes
            .filter(|scope| *scope != "openid")
            .map(|scope| Scope::new(scope.to_owned()))
            .collect())
    }

    fn label(&self, text: &str) -> Result<String, WrongProvider> {
        let text = text.trim();
        let length = text.chars().count();
        if length == 0 || length > MAX_LABEL || text.chars().any(char::is_control) {
            let problem = format!("is not a label: it has 1 to {MAX_LABEL} characters");
            return Err(self.wrong("LABEL", problem));
        }
        Ok(text.to_owned())
    }

    fn colour(&self, text: &str) -> Result<String, WrongProvider> {
        let digits = text.strip_prefix('#').unwrap_or_default();
        if digits.len() != 6 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(self.wrong("COLOUR", "is not a colour such as #1a66d2"));
        }
        Ok(text.to_ascii_lowercase())
    }
}

/// Can nobody on the way read or change what is sent there?
pub(super) fn is_private(url: &Url) -> bool {
    let loopback = match url.host() {
        // RFC 6761, section 6.3.
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && loopback)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, io::Write};

    use super::*;
    use crate::{providers::Providers, settings::Settings};

    /// Reads these variables, of which those of a provider come without their prefix, as the service does.
    fn load(block: &[(&str, &str)]) -> Result<BTreeMap<String, ProviderSettings>, String> {
        let required = [
            (
                "PACKTCHAT__AMQP__URL".to_owned(),
                "amqp://localhost".to_owned(),
            ),
            (
                "PACKTCHAT__DATABASE__URL".to_owned(),
                "sqlite://x".to_owned(),
            ),
        ];
        let block = block
            .iter()
            .map(|(key, value)| (format!("PACKTCHAT__PROVIDERS__{key}"), (*value).to_owned()));
        let settings: Settings = settings::load_from(required.into_iter().chain(block), None)
            .map_err(|error| error.to_string())?;
        Ok(settings.providers)
    }

    fn configured(block: &[(&str, &str)]) -> Result<Vec<Configuration>, String> {
        load(block)?
            .iter()
            .map(|(key, settings)| Configuration::new(key, settings).map_err(|e| e.to_string()))
            .collect()
    }

    fn one(block: &[(&str, &str)]) -> Configuration {
        configured(block).unwrap().pop().unwrap()
    }

    fn refused(block: &[(&str, &str)]) -> String {
        configured(block).err().unwrap()
    }

    const KEYCLOAK: [(&str, &str); 3] = [
        ("KEYCLOAK__CLIENT_ID", "packtchat"),
        ("KEYCLOAK__CLIENT_SECRET", "s3cret"),
        ("KEYCLOAK__ISSUER", "https://id.example.org/realms/us"),
    ];

    #[test]
    fn google_and_facebook_need_an_id_and_a_secret() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "from a file").unwrap();
        let google = one(&[
            ("GOOGLE__CLIENT_ID", "1234.apps.googleusercontent.com"),
            ("GOOGLE__CLIENT_SECRET_FILE", file.path().to_str().unwrap()),
        ]);
        assert_eq!(google.shown.label, "Google");
        assert_eq!(google.issuer.as_str(), "https://accounts.google.com");
        assert!(google.endpoints.is_none(), "discovered");
        assert_eq!(google.client_secret.unwrap().secret(), "from a file");

        let facebook = one(&[
            ("FACEBOOK__CLIENT_ID", "001234567890"),
            ("FACEBOOK__CLIENT_SECRET", "x"),
        ]);
        assert_eq!(facebook.client_id.as_str(), "001234567890");
        assert_eq!(
            facebook.endpoints.unwrap().token.as_str(),
            "https://graph.facebook.com/oauth/access_token"
        );
        assert_eq!(
            facebook.authentication,
            Some(Authentication::ClientSecretPost)
        );
        assert_eq!(facebook.scopes.len(), 2);
    }

    #[test]
    fn a_preset_gives_way_to_what_is_set() {
        let facebook = one(&[
            ("FACEBOOK__CLIENT_ID", "1"),
            ("FACEBOOK__CLIENT_SECRET", "x"),
            ("FACEBOOK__LABEL", " Face book "),
            (
                "FACEBOOK__TOKEN_ENDPOINT",
                "https://graph.facebook.com/v11.0/oauth/access_token",
            ),
        ]);
        assert_eq!(facebook.shown.label, "Face book");
        let endpoints = facebook.endpoints.unwrap();
        assert!(endpoints.token.as_str().contains("v11.0"));
        assert!(!endpoints.authorization.as_str().contains("v11.0"));
    }

    #[test]
    fn any_other_gives_an_issuer() {
        let keycloak = one(&KEYCLOAK);
        let shown = &keycloak.shown;
        assert_eq!(
            (
                shown.name.as_str(),
                shown.label.as_str(),
                shown.colour.as_str()
            ),
            ("keycloak", "keycloak", COLOUR)
        );
        let scopes: Vec<_> = keycloak.scopes.iter().map(|scope| scope.as_str()).collect();
        assert_eq!(scopes, ["email", "profile"]);
        let named = one(&[
            ("OUR_ID2__CLIENT_ID", "packtchat"),
            ("OUR_ID2__AUTHENTICATION", "none"),
            ("OUR_ID2__ISSUER", "http://id.localhost:8080"),
            ("OUR_ID2__SCOPES", "openid email"),
            ("OUR_ID2__COLOUR", "#ABCDEF"),
        ]);
        assert_eq!(named.shown.name, "our-id2");
        assert_eq!(named.shown.colour, "#abcdef");
        assert_eq!(named.scopes.len(), 1);
        assert!(named.client_secret.is_none());
    }

    #[test]
    fn what_is_wrong_is_told_by_the_name_of_the_variable() {
        let keycloak = |field: &'static str, value: &'static str| {
            let mut block = BTreeMap::from(KEYCLOAK);
            block.insert(field, value);
            let block: Vec<_> = block.into_iter().collect();
            refused(&block)
        };
        let id = ("OTHER__CLIENT_ID", "1");
        let secret = ("OTHER__CLIENT_SECRET", "x");
        let issuer = ("OTHER__ISSUER", "https://a.example");
        let refusals = [
            (refused(&[secret, issuer]), "OTHER__CLIENT_ID is missing"),
            (refused(&[id, issuer]), "OTHER__CLIENT_SECRET is missing"),
            (refused(&[id, secret]), "OTHER__ISSUER is missing"),
            (
                refused(&[
                    id,
                    secret,
                    issuer,
                    ("OTHER__JWKS_URI", "https://a.example/keys"),
                ]),
                "OTHER__AUTHORIZATION_ENDPOINT is missing",
            ),
            (keycloak("KEYCLOAK__CLIENT_ID", ""), "KEYCLOAK__CLIENT_ID"),
            (
                keycloak("KEYCLOAK__CLIENT_SECRET", ""),
                "KEYCLOAK__CLIENT_SECRET is missing",
            ),
            (
                keycloak("KEYCLOAK__AUTHENTICATION", "none"),
                "KEYCLOAK__CLIENT_SECRET is set",
            ),
            (
                keycloak("KEYCLOAK__ISSUER", "example.org"),
                "KEYCLOAK__ISSUER is not an address",
            ),
            (
                keycloak("KEYCLOAK__ISSUER", "http://example.org"),
                "KEYCLOAK__ISSUER is not",
            ),
            (
                keycloak("KEYCLOAK__ISSUER", "http://notlocalhost:8090"),
                "KEYCLOAK__ISSUER is not",
            ),
            (
                keycloak("KEYCLOAK__SCOPES", "a\"b"),
                "KEYCLOAK__SCOPES are not",
            ),
            (keycloak("KEYCLOAK__LABEL", "  "), "KEYCLOAK__LABEL is not"),
            (
                keycloak("KEYCLOAK__COLOUR", "red"),
                "KEYCLOAK__COLOUR is not a colour",
            ),
            (
                keycloak("KEYCLOAK__COLOUR", "#12345é"),
                "KEYCLOAK__COLOUR is not a colour",
            ),
            (
                refused(&[("LOCAL__CLIENT_ID", "1")]),
                "LOCAL__… is of a provider named local",
            ),
            (
                refused(&[("A_NAME_OF_MORE_THAN_32_CHARACTERS__CLIENT_ID", "1")]),
                "PROVIDERS__A_NAME_OF_MORE_THAN_32_CHARACTERS__… is of a provider",
            ),
        ];
        for (refusal, expected) in refusals {
            assert!(refusal.contains(expected), "{refusal:?} tells {expected:?}");
        }
        let unknown = keycloak("KEYCLOAK__SECRET", "x");
        assert!(
            unknown.contains("secret") && unknown.contains("providers.keycloak"),
            "{unknown}"
        );
        let unknown = keycloak("KEYCLOAK__AUTHENTICATION", "private_key_jwt");
        assert!(
            unknown.contains("providers.keycloak.authentication"),
            "{unknown}"
        );
    }

    #[test]
    fn one_name_is_one_provider() {
        let both = load(&[
            ("OUR_ID__CLIENT_ID", "1"),
            ("OUR_ID__CLIENT_SECRET", "x"),
            ("OUR_ID__ISSUER", "https://a.example"),
            ("OUR-ID__CLIENT_ID", "1"),
            ("OUR-ID__CLIENT_SECRET", "x"),
            ("OUR-ID__ISSUER", "https://b.example"),
        ]);
        let error = Providers::new(&both.unwrap()).err().unwrap().to_string();
        assert!(error.contains("OUR_ID"), "{error}");
    }

    #[test]
    fn secrets_do_not_print() {
        let settings = load(&KEYCLOAK).unwrap();
        assert!(!format!("{settings:?}").contains("s3cret"));
    }
}

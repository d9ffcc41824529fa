use std::{collections::BTreeMap, fmt};

use serde::Deserialize;
use url::form_urlencoded;

use crate::local_path::LocalPath;

/// Where every page is: the one list used by handlers, redirects and templates.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct RouteMap {
    /// The index page. Default `/` (`PACKTCHAT__ROUTES__INDEX`).
    pub index: RoutePath,
    /// The form to sign in. Default `/account/login` (`PACKTCHAT__ROUTES__LOGIN`).
    pub login: RoutePath,
    /// The form to register. Default `/account/register` (`PACKTCHAT__ROUTES__REGISTER`).
    pub register: RoutePath,
    /// The form to sign out. Default `/account/logout` (`PACKTCHAT__ROUTES__LOGOUT`).
    pub logout: RoutePath,
    /// What addresses of identity providers begin with: `/auth/google`, `/auth/google/callback`. Default `/auth`
    /// (`PACKTCHAT__ROUTES__AUTH`).
    pub auth: RoutePath,
    /// The form to choose a username after the first sign-in with a provider. Default `/account/username`
    /// (`PACKTCHAT__ROUTES__USERNAME`).
    pub username: RoutePath,
    /// The account page, which has the forms sent to the next six. Default `/account`
    /// (`PACKTCHAT__ROUTES__ACCOUNT`).
    pub account: RoutePath,
    /// Changes the name others see. Default `/account/display-name` (`PACKTCHAT__ROUTES__DISPLAY_NAME`).
    pub display_name: RoutePath,
    /// Changes the password. Default `/account/password` (`PACKTCHAT__ROUTES__PASSWORD`).
    pub password: RoutePath,
    /// Links an identity. Default `/account/link` (`PACKTCHAT__ROUTES__LINK`).
    pub link: RoutePath,
    /// Unlinks one. Default `/account/unlink` (`PACKTCHAT__ROUTES__UNLINK`).
    pub unlink: RoutePath,
    /// Ends a session. Default `/account/sessions/end` (`PACKTCHAT__ROUTES__END_SESSION`).
    pub end_session: RoutePath,
    /// Ends all other sessions. Default `/account/sessions/end-others` (`PACKTCHAT__ROUTES__END_OTHER_SESSIONS`).
    pub end_other_sessions: RoutePath,
    /// The chat. Default `/chat` (`PACKTCHAT__ROUTES__CHAT`).
    pub chat: RoutePath,
    /// What the static files' addresses begin with. Default `/static` (`PACKTCHAT__ROUTES__STATIC`).
    pub static_files: RoutePath,
}

impl RouteMap {
    /// The form to sign in, going on to `next` afterwards.
    pub(crate) fn login_then(&self, next: Option<&LocalPath>) -> String {
        then(&self.login, next)
    }

    /// The form to register, going on to `next` afterwards.
    pub(crate) fn register_then(&self, next: Option<&LocalPath>) -> String {
        then(&self.register, next)
    }

    /// The form to sign in, coming back to the account page afterwards.
    pub(crate) fn login_then_account(&self) -> String {
        self.login_then(LocalPath::parse(self.account.as_str()).as_ref())
    }

    /// Where a sign-in with this provider begins, going on to `next` afterwards.
    pub(crate) fn provider_then(&self, provider: &str, next: Option<&LocalPath>) -> String {
        then(format!("{}/{provider}", self.auth), next)
    }

    /// Where this provider sends browsers back to.
    pub(crate) fn provider_callback(&self, provider: &str) -> String {
        format!("{}/{provider}/callback", self.auth)
    }

    /// Every route with the name it has in the settings.
    fn named(&mut self) -> [(&'static str, &mut RoutePath); 15] {
        [
            ("index", &mut self.index),
            ("login", &mut self.login),
            ("register", &mut self.register),
            ("logout", &mut self.logout),
            ("auth", &mut self.auth),
            ("username", &mut self.username),
            ("account", &mut self.account),
            ("display_name", &mut self.display_name),
            ("password", &mut self.password),
            ("link", &mut self.link),
            ("unlink", &mut self.unlink),
            ("end_session", &mut self.end_session),
            ("end_other_sessions", &mut self.end_other_sessions),
            ("chat", &mut self.chat),
            ("static", &mut self.static_files),
        ]
    }
}

fn then(page: impl fmt::Display, next: Option<&LocalPath>) -> String {
    match next {
        Some(next) => {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("next", next.as_str())
                .finish();
            format!("{page}?{query}")
        }
        None => page.to_string(),
    }
}

impl Default for RouteMap {
    fn default() -> Self {
        let path = |path: &str| RoutePath(path.to_owned());
        Self {
            index: path("/"),
            login: path("/account/login"),
            register: path("/account/register"),
            logout: path("/account/logout"),
            auth: path("/auth"),
            username: path("/account/username"),
            account: path("/account"),
            display_name: path("/account/display-name"),
            password: path("/account/password"),
            link: path("/account/link"),
            unlink: path("/account/unlink"),
            end_session: path("/account/sessions/end"),
            end_other_sessions: path("/account/sessions/end-others"),
            chat: path("/chat"),
            static_files: path("/static"),
        }
    }
}

/// An absolute path of plain segments: letters, digits and `_ . ~ -`, no slash at the end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RoutePath(String);

impl RoutePath {
    /// The path itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(name: &'static str, path: String) -> Result<Self, InvalidRoutes> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_.~-".contains(c);
        let well_formed = path == "/"
            || path.strip_prefix('/').is_some_and(|rest| {
                rest.split('/')
                    .all(|segment| !segment.is_empty() && segment.chars().all(plain))
            });
        if well_formed {
            Ok(Self(path))
        } else {
            Err(InvalidRoutes::Path { name, path })
        }
    }
}

impl fmt::Display for RoutePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why routes cannot be as they are configured.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidRoutes {
    /// A path is not plain.
    #[error(
        "routes.{name} is {path:?}; a route begins with /, does not end with one, and is made of letters, digits and _ . ~ -"
    )]
    Path {
        /// Which route.
        name: &'static str,
        /// What it was to be.
        path: String,
    },
    /// Nothing has this name.
    #[error("there is no route of the name {0}")]
    Unknown(String),
    /// Two pages want one place.
    #[error(
        "routes.{first} and routes.{second} are both {path:?}; every route needs a path of its own"
    )]
    Taken {
        /// One of the two.
        first: &'static str,
        /// The other.
        second: &'static str,
        /// What both were to be.
        path: String,
    },
}

impl TryFrom<BTreeMap<String, String>> for RouteMap {
    type Error = InvalidRoutes;

    fn try_from(mut configured: BTreeMap<String, String>) -> Result<Self, InvalidRoutes> {
        let mut routes = Self::default();
        let mut taken: Vec<(&'static str, &RoutePath)> = Vec::new();
        for (second, route) in routes.named() {
            if let Some(path) = configured.remove(second) {
                *route = RoutePath::parse(second, path)?;
            }
            if let Some((first, _)) = taken.iter().find(|(_, other)| **other == *route) {
                return Err(InvalidRoutes::Taken {
                    first,
                    second,
                    path: route.0.clone(),
                });
            }
            taken.push((second, route));
        }
        match configured.into_keys().next() {
            Some(name) => Err(InvalidRoutes::Unknown(name)),
            None => Ok(routes),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn configured(json: serde_json::Value) -> Result<RouteMap, String> {
        serde_json::from_value(json).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_set_has_its_default() {
        let routes = configured(json!({"login": "/sign-in", "static": "/s/1.0"})).unwrap();
        assert_eq!(routes.login.as_str(), "/sign-in");
        assert_eq!(routes.static_files.as_str(), "/s/1.0");
        assert_eq!(routes.register.as_str(), "/account/register");
    }

    #[test]
    fn wrong_paths_are_named() {
        for wrong in [
            "", "login", "/login/", "//login", "/{x}", "/a b", "/a?b", "/ä",
        ] {
            let error = configured(json!({ "login": wrong })).unwrap_err();
            assert!(error.contains("routes.login"), "{wrong:?}: {error}");
        }
        let error = configured(json!({"chat": "/account/login"})).unwrap_err();
        assert!(error.contains("routes.login and routes.chat"), "{error}");
        let error = configured(json!({"lgoin": "/x"})).unwrap_err();
        assert!(error.contains("lgoin"), "{error}");
    }

    #[test]
    fn the_next_page_survives_the_query() {
        let routes = RouteMap::default();
        let next = LocalPath::parse("/chat?a=b&c#room/x").unwrap();
        let address = routes.login_then(Some(&next));
        let query = address.strip_prefix("/account/login?").unwrap();
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        assert_eq!(pairs, [("next".into(), next.as_str().into())]);
        assert_eq!(routes.register_then(None), "/account/register");
        assert_eq!(
            routes.provider_then("google", LocalPath::parse("/chat").as_ref()),
            "/auth/google?next=%2Fchat"
        );
    }
}

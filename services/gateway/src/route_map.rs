use std::fmt;

use serde::Deserialize;
use url::form_urlencoded;

use crate::local_path::LocalPath;

/// Where every page is: the one list used by handlers, redirects and templates.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "ConfiguredRoutes")]
pub struct RouteMap {
    /// The index page. Default `/` (`PACKTCHAT__ROUTES__INDEX`).
    pub index: RoutePath,
    /// The form to sign in. Default `/account/login` (`PACKTCHAT__ROUTES__LOGIN`).
    pub login: RoutePath,
    /// The form to register. Default `/account/register` (`PACKTCHAT__ROUTES__REGISTER`).
    pub register: RoutePath,
    /// The form to sign out. Default `/account/logout` (`PACKTCHAT__ROUTES__LOGOUT`).
    pub logout: RoutePath,
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
}

fn then(form: &RoutePath, next: Option<&LocalPath>) -> String {
    match next {
        Some(next) => {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("next", next.as_str())
                .finish();
            format!("{form}?{query}")
        }
        None => form.to_string(),
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

/// A [`RouteMap`] before it is checked.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ConfiguredRoutes {
    index: String,
    login: String,
    register: String,
    logout: String,
    chat: String,
    #[serde(rename = "static")]
    static_files: String,
}

impl Default for ConfiguredRoutes {
    fn default() -> Self {
        let routes = RouteMap::default();
        Self {
            index: routes.index.0,
            login: routes.login.0,
            register: routes.register.0,
            logout: routes.logout.0,
            chat: routes.chat.0,
            static_files: routes.static_files.0,
        }
    }
}

impl TryFrom<ConfiguredRoutes> for RouteMap {
    type Error = InvalidRoutes;

    fn try_from(configured: ConfiguredRoutes) -> Result<Self, InvalidRoutes> {
        let routes = Self {
            index: RoutePath::parse("index", configured.index)?,
            login: RoutePath::parse("login", configured.login)?,
            register: RoutePath::parse("register", configured.register)?,
            logout: RoutePath::parse("logout", configured.logout)?,
            chat: RoutePath::parse("chat", configured.chat)?,
            static_files: RoutePath::parse("static", configured.static_files)?,
        };
        let all = [
            ("index", &routes.index),
            ("login", &routes.login),
            ("register", &routes.register),
            ("logout", &routes.logout),
            ("chat", &routes.chat),
            ("static", &routes.static_files),
        ];
        for (place, (second, path)) in all.iter().enumerate() {
            if let Some((first, _)) = all[..place].iter().find(|(_, other)| other == path) {
                return Err(InvalidRoutes::Taken {
                    first,
                    second,
                    path: path.0.clone(),
                });
            }
        }
        Ok(routes)
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
        assert!(configured(json!({"lgoin": "/x"})).is_err());
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
    }
}

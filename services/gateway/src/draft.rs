use std::{
    convert::Infallible,
    future::{Ready, ready},
};

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload};
use url::form_urlencoded;

use crate::{
    problem::Problem,
    site_cookie::{cookie, is_secure, site_cookie},
};

/// The name of the cookie where there is no TLS.
const COOKIE: &str = "packtchat.form";

/// The name of the cookie behind TLS.
const SECURE_COOKIE: &str = "__Host-packtchat.form";

/// How long a browser keeps it, in seconds: over a redirect.
const MAX_AGE_SECS: u64 = 60;

/// Longest text kept, in characters; what is longer is wrong in any case.
const MAX_CHARS: usize = 64;

/// A field of a form about an account.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Field {
    /// The name to sign in with.
    Username,
    /// The password.
    Password,
    /// The name others see.
    DisplayName,
    /// The password to be replaced.
    OldPassword,
    /// The password to replace it.
    NewPassword,
}

impl Field {
    const ALL: [Self; 5] = [
        Self::Username,
        Self::Password,
        Self::DisplayName,
        Self::OldPassword,
        Self::NewPassword,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Password => "password",
            Self::DisplayName => "display_name",
            Self::OldPassword => "old",
            Self::NewPassword => "new",
        }
    }
}

/// What a person had typed into a form that is shown again, and which field was wrong.
///
/// It travels over the redirect in a cookie of a minute rather than in the address: people type passwords into the
/// wrong field, and addresses end in histories and logs.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Draft {
    /// The name, as typed.
    pub(crate) username: String,
    /// The field the error is about, if it is about one.
    pub(crate) wrong: Option<Field>,
}

impl Draft {
    /// Sends it with the answer, for the form that comes next.
    pub(crate) fn leave(&self, response: &mut HttpResponse, secure: bool) -> Result<(), Problem> {
        set(response, self.encode(), MAX_AGE_SECS, secure)
    }

    /// Tells the browser to forget it, once it was shown.
    pub(crate) fn forget(&self, response: &mut HttpResponse, secure: bool) -> Result<(), Problem> {
        if *self == Self::default() {
            return Ok(());
        }
        set(response, String::new(), 0, secure)
    }

    fn encode(&self) -> String {
        let username: String = self.username.chars().take(MAX_CHARS).collect();
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs.append_pair("username", &username);
        if let Some(field) = self.wrong {
            pairs.append_pair("wrong", field.name());
        }
        pairs.finish()
    }

    fn decode(text: &str) -> Self {
        let mut draft = Self::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            match (&*name, &*value) {
                ("username", username) => {
                    draft.username = username.chars().take(MAX_CHARS).collect();
                }
                ("wrong", name) => {
                    draft.wrong = Field::ALL.into_iter().find(|field| field.name() == name);
                }
                _ => {}
            }
        }
        draft
    }
}

fn name(secure: bool) -> &'static str {
    if secure { SECURE_COOKIE } else { COOKIE }
}

fn set(
    response: &mut HttpResponse,
    value: String,
    max_age_secs: u64,
    secure: bool,
) -> Result<(), Problem> {
    let cookie = site_cookie(name(secure), value, max_age_secs, secure);
    response.add_cookie(&cookie).map_err(Problem::broke)
}

impl FromRequest for Draft {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let draft = cookie(request, name(is_secure(request))).map(Self::decode);
        ready(Ok(draft.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_whatever_was_typed() {
        for username in [
            "",
            "alice",
            "a&wrong=password; Path=/\r\n",
            "<b>ü</b> \"é\"",
            "%",
        ] {
            for wrong in Field::ALL.map(Some).into_iter().chain([None]) {
                let draft = Draft {
                    username: username.to_owned(),
                    wrong,
                };
                let cookie = draft.encode();
                assert!(
                    cookie.bytes().all(|b| b.is_ascii_graphic() && b != b';'),
                    "{cookie}"
                );
                assert_eq!(Draft::decode(&cookie), draft);
            }
        }
    }

    #[test]
    fn what_others_wrote_is_bounded_and_harmless() {
        let long = Draft::decode(&format!("username={}", "x".repeat(5_000)));
        assert_eq!(long.username.len(), MAX_CHARS);
        assert_eq!(Draft::decode("wrong=everything&x=y&&=%%"), Draft::default());
    }
}

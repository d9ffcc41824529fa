use std::{
    convert::Infallible,
    future::{Ready, ready},
};

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload};
use models::{
    Username,
    device_cookie::{COOKIE, DeviceCookie, DeviceId, MAX_AGE_SECS, SECURE_COOKIE},
    now_ms,
};

use crate::{
    problem::Problem,
    site::Site,
    site_cookie::{cookie, is_secure, site_cookie},
};

/// What the browser's device cookie says of the accounts that know it.
#[derive(Clone, Debug)]
pub(crate) struct KnownBrowser(DeviceCookie);

impl KnownBrowser {
    /// The browser, if this account knows it.
    pub(crate) fn of(&self, site: &Site, account: &Username) -> Option<&DeviceId> {
        self.0.device(site.sessions.keys(), account, now_secs())
    }

    /// Lets this account, to which somebody has just signed in, know the browser that gets the answer.
    pub(crate) fn remember(
        &self,
        site: &Site,
        account: &Username,
        response: &mut HttpResponse,
    ) -> Result<(), Problem> {
        let cookie = self.0.remember(site.sessions.keys(), account, now_secs());
        let secure = site.cookie.secure;
        let cookie = site_cookie(name(secure), cookie.to_string(), MAX_AGE_SECS, secure);
        response.add_cookie(&cookie).map_err(Problem::broke)
    }
}

fn name(secure: bool) -> &'static str {
    if secure { SECURE_COOKIE } else { COOKIE }
}

fn now_secs() -> u64 {
    now_ms() / 1_000
}

impl FromRequest for KnownBrowser {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let cookie = cookie(request, name(is_secure(request))).map(DeviceCookie::parse);
        ready(Ok(Self(cookie.unwrap_or_default())))
    }
}

use std::time::Duration;

use messaging::Sessions;
use models::Limits;
use settings::TrustedProxies;

use crate::{
    accounts::Accounts,
    providers::Providers,
    public_url::PublicUrl,
    route_map::RouteMap,
    security_headers::SecurityHeaders,
    session::CookieSettings,
    static_files::{Assets, StaticFiles},
    throttle::Throttle,
};

/// What all requests share: one for the process, behind `web::Data`.
pub(crate) struct Site {
    pub(crate) routes: RouteMap,
    pub(crate) limits: Limits,
    /// What pages refer to.
    pub(crate) assets: Assets,
    /// What is served under the static route.
    pub(crate) files: StaticFiles,
    pub(crate) sessions: Sessions,
    pub(crate) cookie: CookieSettings,
    pub(crate) accounts: Accounts,
    pub(crate) throttle: Throttle,
    pub(crate) trusted_proxies: TrustedProxies,
    pub(crate) providers: Providers,
    pub(crate) public_url: PublicUrl,
    pub(crate) security_headers: SecurityHeaders,
    /// Longest wait for the body of a request.
    pub(crate) body_timeout: Duration,
}

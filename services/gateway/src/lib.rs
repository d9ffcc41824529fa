#![doc = include_str!("../README.md")]

mod access_log;
mod accounts;
mod catch_panic;
mod client_address;
mod csrf;
mod device;
mod draft;
mod error_pages;
mod flash;
mod known_browser;
mod local_path;
mod moment;
mod pages;
mod problem;
mod providers;
mod public_url;
mod redirect;
mod request_id;
mod route_map;
mod routes;
mod security_headers;
mod session;
pub mod settings;
mod sign_ins;
mod site;
mod site_cookie;
pub mod startup;
mod static_files;
mod throttle;

pub use public_url::{InvalidPublicUrl, PublicUrl};
pub use route_map::{InvalidRoutes, RouteMap, RoutePath};
pub use routes::{ListedRoute, list_routes};

//! The routes, one to a file, and the list of them.

mod account;
mod account_action;
mod account_form;
mod begin_sign_in;
mod chat;
mod display_name;
mod end_other_sessions;
mod end_session;
mod favicon;
mod finish_sign_in;
mod index;
mod link_identity;
mod login;
mod logout;
mod password;
mod provider_sign_in;
mod register;
mod robots;
mod static_file;
mod unlink_identity;
mod username;

use actix_web::{
    FromRequest, Handler, Resource, Responder,
    dev::HttpServiceFactory,
    middleware::from_fn,
    web::{self, ServiceConfig},
};

use crate::{
    catch_panic::catch_panic,
    error_pages,
    route_map::{RouteMap, RoutePath},
    static_files::ASSETS,
};

/// Every route of the gateway.
pub(crate) fn configure(config: &mut ServiceConfig, routes: &RouteMap) {
    let assets = format!("{}/{ASSETS}/{{path:.+}}", routes.static_files);
    config
        .service(read(routes.index.as_str(), index::show))
        .service(form(routes.login.as_str(), login::show, login::submit))
        .service(form(
            routes.register.as_str(),
            register::show,
            register::submit,
        ))
        .service(form(routes.logout.as_str(), logout::show, logout::submit))
        .service(read(
            &routes.provider_then("{provider}", None),
            begin_sign_in::begin,
        ))
        .service(read(
            &routes.provider_callback("{provider}"),
            finish_sign_in::finish,
        ))
        .service(form(
            routes.username.as_str(),
            username::show,
            username::submit,
        ))
        .service(read(routes.account.as_str(), account::show))
        .service(action(&routes.display_name, display_name::submit))
        .service(action(&routes.password, password::submit))
        .service(action(&routes.link, link_identity::submit))
        .service(action(&routes.unlink, unlink_identity::submit))
        .service(action(&routes.end_session, end_session::submit))
        .service(action(
            &routes.end_other_sessions,
            end_other_sessions::submit,
        ))
        .service(read(routes.chat.as_str(), chat::show))
        .service(read(&assets, static_file::send))
        .service(read("/favicon.ico", favicon::redirect))
        .service(read("/robots.txt", robots::show))
        .default_service(web::to(error_pages::not_found));
}

/// A route to be read; other methods answer 405.
fn read<F, Args>(path: &str, show: F) -> impl HttpServiceFactory + 'static
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    readable(path, show).wrap(from_fn(catch_panic))
}

/// A route with a form, to be read and to be sent.
fn form<F, FArgs, G, GArgs>(path: &str, show: F, submit: G) -> impl HttpServiceFactory + 'static
where
    F: Handler<FArgs>,
    FArgs: FromRequest + 'static,
    F::Output: Responder + 'static,
    G: Handler<GArgs>,
    GArgs: FromRequest + 'static,
    G::Output: Responder + 'static,
{
    readable(path, show)
        .route(web::post().to(submit))
        .wrap(from_fn(catch_panic))
}

/// A route that a form of the account page is sent to; whoever reads it gets that page.
fn action<F, Args>(path: &RoutePath, submit: F) -> impl HttpServiceFactory + 'static
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    form(path.as_str(), account_action::to_account, submit)
}

fn readable<F, Args>(path: &str, show: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path)
        .route(web::get().to(show.clone()))
        .route(web::head().to(show))
}

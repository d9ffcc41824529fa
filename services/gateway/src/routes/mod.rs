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

use std::fmt::Display;

use actix_web::{
    App, FromRequest, Handler, Resource, Responder,
    middleware::from_fn,
    web::{self, ServiceConfig},
};

use crate::{
    catch_panic::catch_panic,
    error_pages,
    route_map::{RouteMap, RoutePath},
    static_files::ASSETS,
};

/// A route as it is listed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListedRoute {
    /// Its path; `{…}` stands for what varies.
    pub path: String,
    /// Forms are sent to it: it takes `POST` beside `GET` and `HEAD`.
    pub takes_forms: bool,
}

/// Every route of a gateway with these paths, as it serves them.
#[must_use]
pub fn list_routes(routes: &RouteMap) -> Vec<ListedRoute> {
    let mut listed = Vec::new();
    let _app = App::new().configure(|config| listed = configure(config, routes));
    listed
}

/// Serves every route of the gateway, and lists them.
pub(crate) fn configure(config: &mut ServiceConfig, routes: &RouteMap) -> Vec<ListedRoute> {
    let assets = format!("{}/{ASSETS}/{{path:.+}}", routes.static_files);
    let mut table = Table {
        config,
        listed: Vec::new(),
    };
    table
        .read(&routes.index, index::show)
        .form(&routes.login, login::show, login::submit)
        .form(&routes.register, register::show, register::submit)
        .form(&routes.logout, logout::show, logout::submit)
        .read(
            routes.provider_then("{provider}", None),
            begin_sign_in::begin,
        )
        .read(
            routes.provider_callback("{provider}"),
            finish_sign_in::finish,
        )
        .form(&routes.username, username::show, username::submit)
        .read(&routes.account, account::show)
        .action(&routes.display_name, display_name::submit)
        .action(&routes.password, password::submit)
        .action(&routes.link, link_identity::submit)
        .action(&routes.unlink, unlink_identity::submit)
        .action(&routes.end_session, end_session::submit)
        .action(&routes.end_other_sessions, end_other_sessions::submit)
        .read(&routes.chat, chat::show)
        .read(assets, static_file::send)
        .read("/favicon.ico", favicon::redirect)
        .read("/robots.txt", robots::show);
    let Table { config, listed } = table;
    config.default_service(web::to(error_pages::not_found));
    listed
}

/// The routes served so far.
struct Table<'a> {
    config: &'a mut ServiceConfig,
    listed: Vec<ListedRoute>,
}

impl Table<'_> {
    /// A route to be read; other methods answer 405.
    fn read<F, Args>(&mut self, path: impl Display, show: F) -> &mut Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let path = path.to_string();
        let resource = readable(&path, show);
        self.serve(path, false, resource)
    }

    /// A route with a form, to be read and to be sent.
    fn form<F, FArgs, G, GArgs>(&mut self, path: impl Display, show: F, submit: G) -> &mut Self
    where
        F: Handler<FArgs>,
        FArgs: FromRequest + 'static,
        F::Output: Responder + 'static,
        G: Handler<GArgs>,
        GArgs: FromRequest + 'static,
        G::Output: Responder + 'static,
    {
        let path = path.to_string();
        let resource = readable(&path, show).route(web::post().to(submit));
        self.serve(path, true, resource)
    }

    /// A route that a form of the account page is sent to; whoever reads it gets that page.
    fn action<F, Args>(&mut self, path: &RoutePath, submit: F) -> &mut Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.form(path, account_action::to_account, submit)
    }

    fn serve(&mut self, path: String, takes_forms: bool, resource: Resource) -> &mut Self {
        self.config.service(resource.wrap(from_fn(catch_panic)));
        self.listed.push(ListedRoute { path, takes_forms });
        self
    }
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

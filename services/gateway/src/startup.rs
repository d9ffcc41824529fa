//! Builds the gateway from its settings and runs it.

use std::{net::SocketAddr, time::Duration};

use actix_web::{
    App, HttpServer,
    dev::Server,
    middleware::from_fn,
    web::{self, Data},
};
use anyhow::Context;
use lifecycle::Lifecycle;
use messaging::{Amqp, Redis, Sessions};

use crate::{
    access_log::access_log,
    accounts::Accounts,
    error_pages::error_pages,
    providers::Providers,
    request_id::request_id,
    routes,
    security_headers::{SecurityHeaders, security_headers},
    settings::Settings,
    site::Site,
    static_files,
    throttle::Throttle,
};

/// A gateway that listens, and answers once it runs.
pub struct Application {
    server: Server,
    port: u16,
}

/// Builds the gateway: reads the web client, takes its address, adds its conditions of readiness.
///
/// Waits for neither Redis nor RabbitMQ, which may start later.
///
/// # Errors
/// When the web client cannot be read, the address is taken, or a setting will not do.
pub async fn build(
    settings: Settings,
    amqp: Amqp,
    lifecycle: &Lifecycle,
) -> anyhow::Result<Application> {
    let public_url = settings.http.public_url.clone();
    public_url.fits(settings.session.secure)?;
    let redis = Redis::connect(&settings.redis).context("PACKTCHAT__REDIS__URL will not do")?;
    let sessions = Sessions::new(redis.clone(), &settings.session)
        .context("PACKTCHAT__SESSION__SECRET will not do")?;
    let patience = Duration::from_millis(settings.auth.patience_ms);
    let accounts = Accounts::new(&amqp, patience, settings.limits);
    let (assets, files) = static_files::load(&settings.static_files, &settings.routes)?;
    let site = Data::new(Site {
        limits: settings.limits,
        assets,
        files,
        sessions,
        cookie: (&settings.session).into(),
        providers: Providers::ask(accounts.clone()),
        accounts,
        throttle: Throttle::new(messaging::Throttle::new(redis.clone()), settings.throttle),
        trusted_proxies: settings.http.trusted_proxies.clone(),
        public_url,
        security_headers: SecurityHeaders::new(
            settings.static_files.url.as_ref(),
            settings.session.secure,
        )?,
        body_timeout: Duration::from_millis(settings.http.request_timeout_ms),
        routes: settings.routes.clone(),
    });
    let (server, port) = listen(&settings, site, lifecycle)?;
    ready_when(lifecycle, redis, amqp);
    Ok(Application { server, port })
}

fn listen(
    settings: &Settings,
    site: Data<Site>,
    lifecycle: &Lifecycle,
) -> anyhow::Result<(Server, u16)> {
    let http = &settings.http;
    let form_bytes = http.form_bytes;
    let mut server = HttpServer::new(move || {
        // The last one wrapped is the first to see a request.
        App::new()
            .app_data(site.clone())
            .app_data(web::FormConfig::default().limit(form_bytes))
            .configure(|config| {
                routes::configure(config, &site.routes);
            })
            .wrap(from_fn(error_pages))
            .wrap(from_fn(security_headers))
            .wrap(from_fn(access_log))
            .wrap(from_fn(request_id))
    });
    if let Some(workers) = http.workers {
        server = server.workers(workers);
    }
    // Less than the whole deadline, so that connections nobody reads from do not make the stop a failure.
    let shutdown_secs = (settings.lifecycle.deadline_ms / 1_000).saturating_sub(1);
    let request_timeout = Duration::from_millis(http.request_timeout_ms);
    let server = server
        .keep_alive(Duration::from_secs(http.keep_alive_secs))
        .client_request_timeout(request_timeout)
        .max_connections(http.max_connections)
        .shutdown_timeout(shutdown_secs)
        .shutdown_signal(lifecycle.stop().cancelled_owned())
        .bind(http.listen)
        .with_context(|| {
            format!(
                "cannot listen at {}: let PACKTCHAT__HTTP__LISTEN name a free address of this machine",
                http.listen
            )
        })?;
    let port = server.addrs().first().map_or(0, SocketAddr::port);
    Ok((server.run(), port))
}

fn ready_when(lifecycle: &Lifecycle, redis: Redis, amqp: Amqp) {
    lifecycle.ready_when("redis", move || {
        let redis = redis.clone();
        async move { redis.ping().await }
    });
    lifecycle.ready_when("amqp", move || {
        let amqp = amqp.clone();
        async move { amqp.ping().await }
    });
}

impl Application {
    /// Where it listens for browsers.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Answers requests until the lifecycle says stop, then finishes those in flight.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn run(self) -> anyhow::Result<()> {
        self.server
            .await
            .context("the listener for browsers failed")
    }
}

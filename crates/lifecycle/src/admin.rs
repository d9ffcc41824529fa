use std::{io, net::SocketAddr};

use actix_web::{App, HttpResponse, HttpServer, dev::ServerHandle, web};

use crate::Lifecycle;

/// The listener for operators and load balancers. Stops when dropped.
pub struct AdminServer {
    port: u16,
    handle: ServerHandle,
    task: tokio::task::JoinHandle<io::Result<()>>,
}

impl AdminServer {
    /// Listens at this address; port 0 takes any free one.
    ///
    /// # Errors
    /// When the address is taken or not ours.
    pub fn start(listen: SocketAddr, lifecycle: &Lifecycle) -> io::Result<Self> {
        let lifecycle = web::Data::new(lifecycle.clone());
        let server = HttpServer::new(move || {
            App::new()
                .app_data(lifecycle.clone())
                .route("/livez", web::get().to(livez))
                .route("/readyz", web::get().to(readyz))
        })
        .workers(1)
        .disable_signals()
        .bind(listen)
        .map_err(|e| {
            io::Error::new(
                e.kind(),
                format!("cannot listen at {listen} for /readyz: {e}"),
            )
        })?;
        let port = server.addrs().first().map_or(0, SocketAddr::port);
        let server = server.run();
        let handle = server.handle();
        let task = tokio::spawn(server);
        Ok(Self { port, handle, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops at once.
    pub async fn stop(&self) {
        self.handle.stop(false).await;
    }
}

impl Drop for AdminServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn livez() -> &'static str {
    "ok"
}

async fn readyz(lifecycle: web::Data<Lifecycle>) -> HttpResponse {
    let report = lifecycle.report().await;
    if report.ready {
        HttpResponse::Ok().json(report)
    } else {
        HttpResponse::ServiceUnavailable().json(report)
    }
}

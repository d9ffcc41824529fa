use std::{io, net::SocketAddr, time::Duration};

use actix_web::{App, HttpResponse, HttpServer, dev::ServerHandle, web};
use tokio::{sync::watch, time::sleep};

use crate::{Lifecycle, Report};

/// The pause between two rounds of checks.
const ROUND: Duration = Duration::from_millis(500);

/// The listener for operators and load balancers. Stops when dropped.
pub struct AdminServer {
    port: u16,
    handle: ServerHandle,
    task: tokio::task::JoinHandle<io::Result<()>>,
    checks: tokio::task::JoinHandle<()>,
}

impl AdminServer {
    /// Listens at this address; port 0 takes any free one.
    ///
    /// # Errors
    /// When the address is taken or not ours.
    pub fn start(listen: SocketAddr, lifecycle: &Lifecycle) -> io::Result<Self> {
        let (sender, latest) = watch::channel(None);
        let answers = web::Data::new((lifecycle.clone(), latest));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(answers.clone())
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
        let checks = tokio::spawn(check_always(lifecycle.clone(), sender));
        Ok(Self {
            port,
            handle,
            task,
            checks,
        })
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
        self.checks.abort();
    }
}

async fn livez() -> &'static str {
    "ok"
}

/// What `/readyz` answers from: who is asked may be slow to answer, `/readyz` is not, or the load balancer would take
/// a process that waits for a dead one.
type Answers = web::Data<(Lifecycle, watch::Receiver<Option<Report>>)>;

async fn check_always(lifecycle: Lifecycle, latest: watch::Sender<Option<Report>>) {
    loop {
        latest.send_replace(Some(lifecycle.report().await));
        sleep(ROUND).await;
    }
}

async fn readyz(answers: Answers) -> HttpResponse {
    let (lifecycle, latest) = &**answers;
    let report = latest.borrow().clone().unwrap_or_else(Report::unchecked);
    let report = if lifecycle.is_draining() {
        report.draining()
    } else {
        report
    };
    if report.ready {
        HttpResponse::Ok().json(report)
    } else {
        HttpResponse::ServiceUnavailable().json(report)
    }
}

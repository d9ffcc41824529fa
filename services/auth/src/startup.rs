//! Builds the service from its settings.

use std::sync::Arc;

use lifecycle::Lifecycle;
use messaging::{Amqp, serve_rpc};
use models::{
    account::AuthRequest,
    amqp_names::{AUTH_LOGINS, AUTH_REQUESTS},
};
use tokio_util::sync::CancellationToken;

use crate::{
    accounts::Accounts, passwords::Hasher, providers::Providers, requests::Auth, settings::Settings,
};

/// Most requests of people who are signed in that are taken from their queue at once: they wait for the database or
/// an identity provider more than they work.
const REQUESTS_PREFETCH: u16 = 64;

/// The service, ready to run.
pub struct Application {
    amqp: Amqp,
    logins: Served,
    requests: Served,
    stop: CancellationToken,
}

/// A queue, and who answers what is in it.
struct Served {
    queue: &'static str,
    prefetch: u16,
    auth: Arc<Auth>,
}

/// Opens the accounts and prepares to answer.
///
/// # Errors
/// When the database cannot be opened or a setting is out of bounds.
pub async fn build(
    settings: Settings,
    amqp: Amqp,
    lifecycle: &Lifecycle,
) -> anyhow::Result<Application> {
    let hasher = Hasher::new(&settings.passwords)?;
    let providers = Arc::new(Providers::new(&settings.providers)?);
    let accounts = Accounts::open(&settings.database).await?;
    lifecycle.ready_when("amqp", {
        let amqp = amqp.clone();
        move || {
            let amqp = amqp.clone();
            async move { amqp.ping().await }
        }
    });
    lifecycle.ready_when("database", {
        let accounts = accounts.clone();
        move || {
            let accounts = accounts.clone();
            async move { accounts.ping().await }
        }
    });
    let auth = Auth {
        accounts,
        hasher,
        providers,
        limits: settings.limits,
    };
    let logins = Served {
        queue: AUTH_LOGINS,
        // Each thread has one login at work and one at hand; all others wait in RabbitMQ, where any other auth
        // process can take them.
        prefetch: u16::try_from(settings.passwords.hash_threads.saturating_mul(2))
            .unwrap_or(u16::MAX),
        auth: Arc::new(Auth {
            hasher: auth.hasher.for_strangers(),
            ..auth.clone()
        }),
    };
    let requests = Served {
        queue: AUTH_REQUESTS,
        prefetch: REQUESTS_PREFETCH,
        auth: Arc::new(auth),
    };
    Ok(Application {
        amqp,
        logins,
        requests,
        stop: lifecycle.stop(),
    })
}

impl Application {
    /// Answers requests until told to stop, and then those already taken.
    ///
    /// # Errors
    /// Never by itself; the signature is that of every service.
    pub async fn run(self) -> anyhow::Result<()> {
        tokio::join!(
            self.logins.serve(&self.amqp, self.stop.clone()),
            self.requests.serve(&self.amqp, self.stop.clone()),
        );
        self.requests.auth.accounts.close().await;
        Ok(())
    }
}

impl Served {
    async fn serve(&self, amqp: &Amqp, stop: CancellationToken) {
        let answer = {
            let auth = Arc::clone(&self.auth);
            move |request: AuthRequest| {
                let auth = Arc::clone(&auth);
                async move { auth.answer(request).await }
            }
        };
        serve_rpc(amqp, self.queue, self.prefetch, stop, answer).await;
    }
}

//! Builds the service from its settings.

use std::sync::Arc;

use lifecycle::Lifecycle;
use messaging::{Amqp, serve_rpc};
use models::{account::AuthRequest, amqp_names::AUTH_REQUESTS};
use tokio_util::sync::CancellationToken;

use crate::{accounts::Accounts, passwords::Hasher, requests::Auth, settings::Settings};

/// The service, ready to run.
pub struct Application {
    amqp: Amqp,
    auth: Arc<Auth>,
    prefetch: u16,
    stop: CancellationToken,
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
    Ok(Application {
        amqp,
        auth: Arc::new(Auth {
            accounts,
            hasher,
            limits: settings.limits,
        }),
        // Each thread has one request at work and one at hand; all others wait in RabbitMQ, where any other
        // auth process can take them.
        prefetch: u16::try_from(settings.passwords.hash_threads.saturating_mul(2))
            .unwrap_or(u16::MAX),
        stop: lifecycle.stop(),
    })
}

impl Application {
    /// Answers requests until told to stop, and then those already taken.
    ///
    /// # Errors
    /// Never by itself; the signature is that of every service.
    pub async fn run(self) -> anyhow::Result<()> {
        let auth = Arc::clone(&self.auth);
        serve_rpc(
            &self.amqp,
            AUTH_REQUESTS,
            self.prefetch,
            self.stop,
            move |request: AuthRequest| {
                let auth = Arc::clone(&auth);
                async move { auth.answer(request).await }
            },
        )
        .await;
        self.auth.accounts.close().await;
        Ok(())
    }
}

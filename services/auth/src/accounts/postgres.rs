//! What is particular to PostgreSQL: several writers, on other machines.

use std::{str::FromStr, time::Duration};

use anyhow::{Context, anyhow};
use sqlx::{ConnectOptions, Connection, migrate::Migrator, postgres::PgConnectOptions};
use tokio::time::timeout;

use super::database::Dialect;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations/postgres");

/// Requests are a few statements each, and the server has a hundred connections for all who share it.
const CONNECTIONS: u32 = 8;

/// Longest wait for the server and for other processes that bring the tables up to date.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// Brings the tables up to date.
pub(super) async fn prepare(url: &str, deadline: Duration) -> anyhow::Result<Dialect> {
    let options = PgConnectOptions::from_str(url)
        .context("PACKTCHAT__DATABASE__URL is not a URL of PostgreSQL")?;
    let place = format!(
        "{} on {}:{}",
        options.get_database().unwrap_or_default(),
        options.get_host(),
        options.get_port()
    );
    // What sqlx says of an error holds what its causes say.
    timeout(START_PATIENCE, migrate(&options))
        .await
        .with_context(|| format!("the accounts database {place} does not answer"))?
        .map_err(|error| anyhow!("cannot prepare the accounts database {place}: {error}"))?;
    Ok(Dialect {
        connections: CONNECTIONS,
        begin: "BEGIN",
        // Counts waiting for another transaction, too.
        greeting: format!("SET statement_timeout = {}", deadline.as_millis()),
    })
}

/// Runs what migrations are missing, under an advisory lock: whoever comes second waits, then finds the work done.
async fn migrate(options: &PgConnectOptions) -> Result<(), sqlx::Error> {
    let mut connection = options.connect().await?;
    MIGRATIONS.run(&mut connection).await?;
    connection.close().await
}

//! `auth` as the gateway meets it: over a real RabbitMQ, with a real database.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "also in functions that only tests call"
)]

/// Runs each of these tests on both databases.
macro_rules! on_both_databases {
    ($($test:ident),+ $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(crate::database::Database::Sqlite).await;
                }
            )+
        }
        mod on_postgres {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(crate::database::Database::Postgres).await;
                }
            )+
        }
    };
}

mod account_page;
mod accounts;
mod change_password;
mod database;
mod disabled;
mod flood;
mod identities;
mod load;
mod outages;
mod process;
mod register;
mod secrecy;
mod verify;
mod world;

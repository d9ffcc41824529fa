//! `packtchat bench sessions`

use std::io::{Write, stdout};

use messaging::Redis;
use models::session::{Session, SessionId};
use models::{User, UserId, UserType};
use serde::Deserialize;
use settings::{RedisSettings, SessionSettings};

/// What the services share; further variables of theirs are not looked at.
#[derive(Deserialize)]
struct Settings {
    redis: RedisSettings,
    session: SessionSettings,
}

/// Stores `count` sessions of as many users and prints their cookies.
///
/// # Errors
/// When a setting is missing or Redis does not answer.
pub(crate) async fn run(count: usize) -> anyhow::Result<()> {
    let settings: Settings = settings::load()?;
    let redis = Redis::connect(&settings.redis)?;
    let sessions = messaging::Sessions::new(redis, &settings.session)?;
    let mut output = stdout().lock();
    for number in 0..count {
        let id = SessionId::generate();
        sessions
            .create(&id, &Session::signed_in(user(number)))
            .await?;
        writeln!(
            output,
            "{}={}",
            sessions.cookie_name(),
            sessions.cookie_value(&id)
        )?;
    }
    Ok(())
}

fn user(number: usize) -> User {
    User {
        id: UserId::generate(),
        user: format!("bench-{number}"),
        kind: UserType::local(),
    }
}

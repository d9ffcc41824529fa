use models::{
    redis_keys,
    session::{Session, SessionId, SessionKeys, WeakSecret},
};
use redis::{self, pipe};
use settings::SessionSettings;

use crate::{Redis, Unavailable};

/// The sessions of all nodes, in Redis. Cloning is cheap.
#[derive(Clone)]
pub struct Sessions {
    redis: Redis,
    keys: SessionKeys,
    idle_secs: u64,
    anonymous_secs: u64,
}

impl Sessions {
    /// The sessions signed with the secret of these settings.
    ///
    /// # Errors
    /// When the secret is too short.
    pub fn new(redis: Redis, settings: &SessionSettings) -> Result<Self, WeakSecret> {
        Ok(Self {
            redis,
            keys: SessionKeys::new(settings.secret.expose().as_bytes())?,
            idle_secs: settings.idle_secs,
            anonymous_secs: settings.anonymous_secs,
        })
    }

    /// The same sessions, asked for through another handle.
    #[must_use]
    pub fn through(&self, redis: Redis) -> Self {
        Self {
            redis,
            ..self.clone()
        }
    }

    /// The session of this cookie, which lives on for its whole idle time from now; `None` when the cookie is not
    /// ours or the session has ended.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn load(&self, cookie: &str) -> Result<Option<(SessionId, Session)>, Unavailable> {
        let Some(id) = self.keys.verify(cookie) else {
            return Ok(None);
        };
        let key = redis_keys::session(&id);
        let mut command = redis::cmd("GETEX");
        command.arg(&key).arg("EX").arg(self.idle_secs);
        let text: Option<String> = self.redis.query(&command).await?;
        // A session this version cannot read has ended, like one that expired.
        let Some(session) = text.and_then(|text| serde_json::from_str::<Session>(&text).ok())
        else {
            return Ok(None);
        };
        let lifetime = self.lifetime(&session);
        if lifetime != self.idle_secs {
            self.redis
                .query::<()>(redis::cmd("EXPIRE").arg(&key).arg(lifetime))
                .await?;
        }
        Ok(Some((id, session)))
    }

    /// Writes what a session holds.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn save(&self, id: &SessionId, session: &Session) -> Result<(), Unavailable> {
        let text = serde_json::to_string(session).map_err(Unavailable::redis)?;
        let mut pipeline = pipe();
        pipeline.set_ex(redis_keys::session(id), text, self.lifetime(session));
        self.redis.pipeline(&pipeline).await
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn delete(&self, id: &SessionId) -> Result<(), Unavailable> {
        let key = redis_keys::session(id);
        self.redis.query(redis::cmd("DEL").arg(key)).await
    }

    /// The cookie's value for this id.
    #[must_use]
    pub fn cookie_value(&self, id: &SessionId) -> String {
        self.keys.sign(id)
    }

    fn lifetime(&self, session: &Session) -> u64 {
        if session.user.is_some() {
            self.idle_secs
        } else {
            self.anonymous_secs
        }
    }
}

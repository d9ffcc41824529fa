use std::time::Duration;

use models::{
    Token, User, UserId, now_ms, redis_keys,
    session::{
        COOKIE, SECURE_COOKIE, Session, SessionHandle, SessionId, SessionKeys, SessionNews,
        WeakSecret,
    },
};
use redis::{self, Pipeline, pipe};
use settings::SessionSettings;

use crate::{Redis, Unavailable};

/// Most sessions one user may have; the one used least lately gives way.
const MAX_PER_USER: usize = 100;

/// The sessions of all nodes, in Redis. Cloning is cheap.
///
/// A session that ends or changes is told on [`redis_keys::SESSIONS_CHANNEL`] in the transaction that does it.
#[derive(Clone)]
pub struct Sessions {
    redis: Redis,
    keys: SessionKeys,
    cookie_name: &'static str,
    idle_secs: u64,
    absolute_secs: u64,
    anonymous_secs: u64,
}

/// A session in the list of its user's.
#[derive(Debug)]
pub struct ListedSession {
    /// What the list may call it by.
    pub handle: SessionHandle,
    /// What it holds.
    pub session: Session,
    /// When it was last used, in milliseconds since the Unix epoch.
    pub used: u64,
    id: SessionId,
}

impl Sessions {
    /// The sessions signed with the secret of these settings.
    ///
    /// # Errors
    /// When a secret is too short.
    pub fn new(redis: Redis, settings: &SessionSettings) -> Result<Self, WeakSecret> {
        Ok(Self {
            redis,
            keys: session_keys(settings)?,
            cookie_name: if settings.secure {
                SECURE_COOKIE
            } else {
                COOKIE
            },
            idle_secs: settings.idle_secs,
            absolute_secs: settings.absolute_secs,
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

    /// The name of the session cookie.
    #[must_use]
    pub fn cookie_name(&self) -> &'static str {
        self.cookie_name
    }

    /// What signs their cookies, and others for the same browsers.
    #[must_use]
    pub fn keys(&self) -> &SessionKeys {
        &self.keys
    }

    /// The cookie's value for this id.
    #[must_use]
    pub fn cookie_value(&self, id: &SessionId) -> String {
        self.keys.sign(id)
    }

    /// The id in a cookie's value, if it is ours; whether that session lives is not asked.
    #[must_use]
    pub fn id(&self, cookie: &str) -> Option<SessionId> {
        self.keys.verify(cookie)
    }

    /// The session of this cookie, which lives on for its whole idle time from now; `None` when the cookie is not
    /// ours or the session has ended.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn load(&self, cookie: &str) -> Result<Option<(SessionId, Session)>, Unavailable> {
        let Some(id) = self.id(cookie) else {
            return Ok(None);
        };
        let key = redis_keys::session(&id);
        let text: Option<String> = self.redis.query(redis::cmd("GET").arg(key)).await?;
        let Some(session) = text.and_then(|text| self.read(&text)) else {
            return Ok(None);
        };
        let mut pipeline = pipe();
        self.live_on(&mut pipeline, &id, &session);
        self.redis.pipeline::<()>(&pipeline).await?;
        Ok(Some((id, session)))
    }

    /// Keeps a session that is new. A user who has too many loses the one used least lately.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn create(&self, id: &SessionId, session: &Session) -> Result<(), Unavailable> {
        let mut pipeline = pipe();
        let text = write(session)?;
        let lifetime = self.lifetime(session);
        pipeline
            .set_ex(redis_keys::session(id), text, lifetime)
            .ignore();
        let Some(user) = &session.user else {
            return self.redis.pipeline(&pipeline).await;
        };
        self.mark_used(pipeline.atomic(), user.id, id);
        self.redis.pipeline::<()>(&pipeline).await?;
        let last = isize::try_from(MAX_PER_USER).unwrap_or(isize::MAX);
        let key = redis_keys::user_sessions(user.id);
        let surplus: Vec<String> = self
            .redis
            .query(redis::cmd("ZRANGE").arg(key).arg(0).arg(-last - 1))
            .await?;
        let surplus: Vec<_> = surplus.into_iter().map(SessionId::stored).collect();
        self.end(user.id, &surplus).await
    }

    /// Writes what a session holds, unless it has ended meanwhile: then `false` is the answer, and it stays ended.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn save(&self, id: &SessionId, session: &Session) -> Result<bool, Unavailable> {
        let mut command = redis::cmd("SET");
        command
            .arg(redis_keys::session(id))
            .arg(write(session)?)
            .arg("XX")
            .arg("EX")
            .arg(self.lifetime(session));
        let written: Option<String> = self.redis.query(&command).await?;
        Ok(written.is_some())
    }

    /// Ends the session of this id, which is this one. Nobody is told of the end of a session of nobody.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn delete(&self, id: &SessionId, session: &Session) -> Result<(), Unavailable> {
        match &session.user {
            Some(user) => self.end(user.id, std::slice::from_ref(id)).await,
            None => {
                let key = redis_keys::session(id);
                self.redis.query(redis::cmd("DEL").arg(key)).await
            }
        }
    }

    /// Uses up a token that is good once, and for `lifetime` at most: `true` for the first to ask, on whichever node.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn spend(&self, token: &Token, lifetime: Duration) -> Result<bool, Unavailable> {
        let mut command = redis::cmd("SET");
        command
            .arg(redis_keys::spent(token))
            .arg("")
            .arg("NX")
            .arg("EX")
            .arg(lifetime.as_secs().max(1));
        let first: Option<String> = self.redis.query(&command).await?;
        Ok(first.is_some())
    }

    /// The living sessions of a user, the one used last first.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn of_user(&self, user: UserId) -> Result<Vec<ListedSession>, Unavailable> {
        let key = redis_keys::user_sessions(user);
        let mut range = redis::cmd("ZRANGE");
        range.arg(&key).arg(0).arg(-1).arg("REV").arg("WITHSCORES");
        let ids: Vec<(String, f64)> = self.redis.query(&range).await?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let (ids, used): (Vec<_>, Vec<_>) = ids
            .into_iter()
            .map(|(id, used)| (SessionId::stored(id), used))
            .unzip();
        let sessions = self.get_all(&ids).await?;
        let mut listed = Vec::new();
        let mut gone = Vec::new();
        for ((id, used), session) in ids.into_iter().zip(used).zip(sessions) {
            match session {
                Some(session) => listed.push(ListedSession {
                    handle: id.handle(),
                    session,
                    // A time in milliseconds is far below the 53 bits that a score holds exactly.
                    used: used as u64,
                    id,
                }),
                None => gone.push(id),
            }
        }
        if !gone.is_empty() {
            let mut remove = redis::cmd("ZREM");
            remove.arg(&key);
            for id in &gone {
                remove.arg(id.as_str());
            }
            self.redis.query::<()>(&remove).await?;
        }
        Ok(listed)
    }

    /// Ends the session of a user that has this handle; `false` when there is none.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn end_one(&self, user: UserId, handle: &str) -> Result<bool, Unavailable> {
        let sessions = self.of_user(user).await?;
        let found = sessions
            .into_iter()
            .find(|session| session.handle.as_str() == handle);
        match found {
            Some(session) => self.end(user, &[session.id]).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// Ends all sessions of a user but `keep`, and tells how many there were.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn end_all(
        &self,
        user: UserId,
        keep: Option<&SessionId>,
    ) -> Result<usize, Unavailable> {
        let ids: Vec<_> = self
            .of_user(user)
            .await?
            .into_iter()
            .map(|session| session.id)
            .filter(|id| Some(id) != keep)
            .collect();
        self.end(user, &ids).await?;
        Ok(ids.len())
    }

    /// Puts this user, whose name has changed, into all their sessions.
    ///
    /// # Errors
    /// When Redis does not answer; some sessions may have the new name then.
    pub async fn rename(&self, user: &User) -> Result<(), Unavailable> {
        let mut handles = Vec::new();
        for mut listed in self.of_user(user.id).await? {
            listed.session.user = Some(user.clone());
            if self.save(&listed.id, &listed.session).await? {
                handles.push(listed.handle);
            }
        }
        let mut pipeline = pipe();
        tell(&mut pipeline, &SessionNews::Changed(handles))?;
        self.redis.pipeline(&pipeline).await
    }

    /// Lets sessions that are in use live on, and tells which of them have ended.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn keep(&self, ids: &[SessionId]) -> Result<Vec<SessionId>, Unavailable> {
        let mut ended = Vec::new();
        for ids in ids.chunks(MAX_PER_USER) {
            let mut pipeline = pipe();
            for (id, session) in ids.iter().zip(self.get_all(ids).await?) {
                match session {
                    Some(session) => self.live_on(&mut pipeline, id, &session),
                    None => ended.push(id.clone()),
                }
            }
            if pipeline.cmd_iter().next().is_some() {
                self.redis.pipeline::<()>(&pipeline).await?;
            }
        }
        Ok(ended)
    }

    /// The sessions of these ids, of which there is at least one; `None` for those that have ended.
    async fn get_all(&self, ids: &[SessionId]) -> Result<Vec<Option<Session>>, Unavailable> {
        let mut get = redis::cmd("MGET");
        for id in ids {
            get.arg(redis_keys::session(id));
        }
        let texts: Vec<Option<String>> = self.redis.query(&get).await?;
        let read = |text: Option<String>| text.and_then(|text| self.read(&text));
        Ok(texts.into_iter().map(read).collect())
    }

    async fn end(&self, user: UserId, ids: &[SessionId]) -> Result<(), Unavailable> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut pipeline = pipe();
        pipeline.atomic();
        for id in ids {
            pipeline.del(redis_keys::session(id)).ignore();
            pipeline
                .zrem(redis_keys::user_sessions(user), id.as_str())
                .ignore();
        }
        let handles = ids.iter().map(SessionId::handle).collect();
        tell(&mut pipeline, &SessionNews::Ended(handles))?;
        self.redis.pipeline(&pipeline).await
    }

    /// The session has been used just now.
    fn live_on(&self, pipeline: &mut Pipeline, id: &SessionId, session: &Session) {
        let lifetime = i64::try_from(self.lifetime(session)).unwrap_or(i64::MAX);
        pipeline.expire(redis_keys::session(id), lifetime).ignore();
        if let Some(user) = &session.user {
            self.mark_used(pipeline, user.id, id);
        }
    }

    fn mark_used(&self, pipeline: &mut Pipeline, user: UserId, id: &SessionId) {
        let key = redis_keys::user_sessions(user);
        pipeline.zadd(&key, id.as_str(), now_ms()).ignore();
        let lifetime = i64::try_from(self.absolute_secs).unwrap_or(i64::MAX);
        pipeline.expire(&key, lifetime).ignore();
    }

    /// The session in this text, unless it has lived as long as one may. One this version cannot read has ended, too.
    fn read(&self, text: &str) -> Option<Session> {
        let session: Session = serde_json::from_str(text).ok()?;
        (session.user.is_none() || self.remaining_secs(&session) > 0).then_some(session)
    }

    /// How long the session lives if it is not used from now on, in seconds, at least one.
    fn lifetime(&self, session: &Session) -> u64 {
        if session.user.is_some() {
            self.idle_secs.min(self.remaining_secs(session)).max(1)
        } else {
            self.anonymous_secs
        }
    }

    fn remaining_secs(&self, session: &Session) -> u64 {
        let age_secs = now_ms().saturating_sub(session.created) / 1_000;
        self.absolute_secs.saturating_sub(age_secs)
    }
}

fn session_keys(settings: &SessionSettings) -> Result<SessionKeys, WeakSecret> {
    let keys = SessionKeys::new(settings.secret.expose().as_bytes())?;
    let previous = settings.previous_secrets.as_ref();
    let previous = previous.map_or("", |secrets| secrets.expose());
    previous
        .split_whitespace()
        .try_fold(keys, |keys, secret| keys.and_before(secret.as_bytes()))
}

fn write(session: &Session) -> Result<String, Unavailable> {
    serde_json::to_string(session).map_err(Unavailable::redis)
}

fn tell(pipeline: &mut Pipeline, news: &SessionNews) -> Result<(), Unavailable> {
    let text = serde_json::to_string(news).map_err(Unavailable::redis)?;
    pipeline
        .publish(redis_keys::SESSIONS_CHANNEL, text)
        .ignore();
    Ok(())
}

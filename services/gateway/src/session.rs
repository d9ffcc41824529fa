use std::{future::Future, pin::Pin};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    cookie::Cookie,
    dev::Payload,
    http::header::{HeaderValue, USER_AGENT},
    web::Data,
};
use models::{
    Token, User, now_ms,
    session::{Session, SessionId},
};
use settings::SessionSettings;

use crate::{
    client_address::ClientAddress,
    device,
    problem::Problem,
    site::Site,
    site_cookie::{cookie, site_cookie},
};

/// How long after proving who they are somebody may change how they sign in, in milliseconds.
const FRESH_MS: u64 = 15 * 60 * 1_000;

/// What the session cookie is made with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CookieSettings {
    /// Cookies over HTTPS only.
    pub(crate) secure: bool,
    /// Seconds, of somebody signed in.
    idle: u64,
    /// Seconds, of nobody yet.
    anonymous: u64,
}

impl CookieSettings {
    fn cookie(self, name: &'static str, value: String, session: &Session) -> Cookie<'static> {
        let seconds = if session.user.is_some() {
            self.idle
        } else {
            self.anonymous
        };
        site_cookie(name, value, seconds, self.secure)
    }
}

impl From<&SessionSettings> for CookieSettings {
    fn from(settings: &SessionSettings) -> Self {
        Self {
            secure: settings.secure,
            idle: settings.idle_secs,
            anonymous: settings.anonymous_secs,
        }
    }
}

/// A request and the session it belongs to.
///
/// Extracted from a request, it holds the session of its cookie. A visitor without one gets an id with the first form,
/// and a place in Redis only when something must be remembered: a message for the next page, a sign-in that was begun,
/// who is signed in. [`Visit::answer`] writes what changed and sends the cookie.
pub(crate) struct Visit {
    site: Data<Site>,
    current: Option<(SessionId, Session)>,
    change: Change,
    user_agent: Option<HeaderValue>,
    address: ClientAddress,
}

/// What is to be written of a session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Change {
    /// Nothing: Redis has it.
    None,
    /// It is in Redis, and holds something else now.
    Changed,
    /// All of it: it is not in Redis yet.
    New,
    /// Nothing: its id is new and signs a form, and that is all of it.
    Blank,
    /// Nothing: the browser's cookie is ours, and Redis has no such session. It was never kept, or it has ended; then it
    /// must not live again, so whatever has to be kept is kept under another id.
    Lapsed,
}

impl Visit {
    /// Who is signed in.
    pub(crate) fn user(&self) -> Option<&User> {
        self.session()?.user.as_ref()
    }

    /// The session, where there is one.
    pub(crate) fn session(&self) -> Option<&Session> {
        self.current.as_ref().map(|(_, session)| session)
    }

    /// What a form of this session must send back.
    pub(crate) fn csrf(&mut self) -> Token {
        if self.current.is_none() {
            self.change = Change::Blank;
        }
        let (id, _) = self.current.get_or_insert_with(fresh);
        self.site.sessions.keys().csrf(id)
    }

    /// The session, begun where there is none, to be changed.
    pub(crate) fn change(&mut self) -> &mut Session {
        if self.change == Change::Lapsed {
            self.current = None;
        }
        self.change = match (&self.current, self.change) {
            (None, _) | (_, Change::New | Change::Blank) => Change::New,
            _ => Change::Changed,
        };
        let (_, session) = self.current.get_or_insert_with(fresh);
        session
    }

    /// The id, which may be of a session that is kept nowhere.
    pub(crate) fn id(&self) -> Option<&SessionId> {
        self.current.as_ref().map(|(id, _)| id)
    }

    /// Has this person proved lately who they are?
    pub(crate) fn is_fresh(&self) -> bool {
        self.session().is_some_and(|session| {
            session.user.is_some() && now_ms().saturating_sub(session.created) < FRESH_MS
        })
    }

    /// Begins the session of this person under a new id, so that nobody who knew the old one is signed in with it.
    pub(crate) async fn sign_in(&mut self, user: User) -> Result<(), Problem> {
        let user_agent = self.user_agent.as_ref();
        let device = user_agent.map_or_else(String::new, |text| device::of(text.as_bytes()));
        let session = Session {
            device,
            ..Session::signed_in(user)
        };
        self.replace(session).await
    }

    /// Goes on with what the session holds under a new id.
    pub(crate) async fn renew(&mut self) -> Result<(), Problem> {
        match self.session().cloned() {
            Some(session) => self.replace(session).await,
            None => Ok(()),
        }
    }

    /// Ends the session for good and begins another of nobody.
    pub(crate) async fn sign_out(&mut self) -> Result<(), Problem> {
        self.replace(Session::anonymous()).await
    }

    async fn replace(&mut self, session: Session) -> Result<(), Problem> {
        if let (Some((id, old)), Change::None | Change::Changed) = (&self.current, self.change) {
            self.site.sessions.delete(id, old).await?;
        }
        self.current = Some((SessionId::generate(), session));
        self.change = Change::New;
        Ok(())
    }

    /// Keeps what changed so far.
    async fn keep(&mut self) -> Result<(), Problem> {
        let Some((id, session)) = &self.current else {
            return Ok(());
        };
        let Site {
            sessions, throttle, ..
        } = &**self.site;
        let lives = match self.change {
            Change::Changed => sessions.save(id, session).await?,
            Change::New => {
                if session.user.is_none() {
                    throttle.visitor(self.address.0).await?;
                }
                sessions.create(id, session).await?;
                true
            }
            Change::None | Change::Blank | Change::Lapsed => return Ok(()),
        };
        // One that was ended meanwhile stays ended.
        self.change = if lives { Change::None } else { Change::Lapsed };
        Ok(())
    }

    /// Keeps what changed, and lets the browser keep the cookie for as long as the session now lives.
    pub(crate) async fn answer(
        mut self,
        mut response: HttpResponse,
    ) -> Result<HttpResponse, Problem> {
        self.keep().await?;
        if self.change == Change::Lapsed {
            // The browser may have the cookie of another session by now, which this answer must not take away.
            return Ok(response);
        }
        if let Some((id, session)) = &self.current {
            let sessions = &self.site.sessions;
            let value = sessions.cookie_value(id);
            let cookie = self.site.cookie;
            response
                .add_cookie(&cookie.cookie(sessions.cookie_name(), value, session))
                .map_err(Problem::broke)?;
        }
        Ok(response)
    }
}

fn fresh() -> (SessionId, Session) {
    (SessionId::generate(), Session::anonymous())
}

impl FromRequest for Visit {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let site = Data::<Site>::extract(request);
        let address = ClientAddress::extract(request);
        let request = request.clone();
        Box::pin(async move {
            let site = site.await?;
            let (current, change) = match cookie(&request, site.sessions.cookie_name()) {
                Some(cookie) => match site.sessions.load(cookie).await? {
                    Some(current) => (Some(current), Change::None),
                    None => {
                        let id = site.sessions.id(cookie);
                        (id.map(|id| (id, Session::anonymous())), Change::Lapsed)
                    }
                },
                None => (None, Change::None),
            };
            Ok(Self {
                site,
                current,
                change,
                user_agent: request.headers().get(USER_AGENT).cloned(),
                address: address.await.unwrap_or_else(|never| match never {}),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use models::{UserId, UserType, session::COOKIE};

    use super::*;

    fn settings() -> SessionSettings {
        SessionSettings::new("thirty-two bytes are just enough!")
    }

    fn cookie(settings: &SessionSettings, session: &Session) -> String {
        CookieSettings::from(settings)
            .cookie(COOKIE, "id.signature".to_owned(), session)
            .to_string()
    }

    #[test]
    fn the_cookie_is_for_http_on_this_site_alone() {
        assert_eq!(
            cookie(&settings(), &Session::anonymous()),
            "packtchat.sid=id.signature; HttpOnly; SameSite=Lax; Path=/; Max-Age=3600"
        );
    }

    #[test]
    fn it_lives_longer_for_somebody_and_is_secure_where_told() {
        let user = User {
            id: UserId::generate(),
            user: "alice".to_owned(),
            kind: UserType::local(),
        };
        let mut settings = settings();
        settings.secure = true;
        assert_eq!(
            cookie(&settings, &Session::signed_in(user)),
            "packtchat.sid=id.signature; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=604800"
        );
    }
}

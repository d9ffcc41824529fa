use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::StatusCode, web};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::time::timeout;

use crate::{problem::Problem, session::Visit, site::Site};

/// A form that this session's own page sent: bounded, URL-encoded, and with the session's CSRF token.
///
/// Anything else does not reach the handler: 415 for another encoding, 413 for too much, 408 for too slow, 400 for
/// what cannot be read, 403 for a missing or foreign token.
pub(crate) struct ProtectedForm<T> {
    pub(crate) site: web::Data<Site>,
    pub(crate) visit: Visit,
    pub(crate) fields: T,
}

#[derive(Deserialize)]
struct Posted<T> {
    #[serde(default)]
    csrf: String,
    #[serde(flatten)]
    fields: T,
}

impl<T: DeserializeOwned + 'static> FromRequest for ProtectedForm<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let site = web::Data::<Site>::extract(request);
        let posted = web::Form::<Posted<T>>::from_request(request, payload);
        let visit = Visit::extract(request);
        Box::pin(async move {
            let site = site.await?;
            let posted = timeout(site.body_timeout, posted)
                .await
                .map_err(|_| Problem::of(StatusCode::REQUEST_TIMEOUT))??
                .into_inner();
            let visit = visit.await?;
            match visit.id() {
                Some(id) if site.sessions.keys().accepts_csrf(id, &posted.csrf) => Ok(Self {
                    site,
                    visit,
                    fields: posted.fields,
                }),
                _ => {
                    tracing::info!("a form without the token of its session was refused");
                    Err(Problem::forbidden())
                }
            }
        })
    }
}

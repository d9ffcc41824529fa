use std::{borrow::Cow, fmt};

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header::RETRY_AFTER},
};
use messaging::Unavailable;

/// Why a request has no better answer. What the visitor reads of it is made by
/// [`error_pages`](crate::error_pages::error_pages); the cause is for the log alone.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: Cow<'static, str>,
    cause: Option<anyhow::Error>,
    /// Seconds.
    retry_after: Option<u64>,
}

impl Problem {
    /// This status, and the sentence that tells what is wrong or what to do.
    pub(crate) fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            detail: detail.into(),
            cause: None,
            retry_after: None,
        }
    }

    /// This status, with the sentence that fits it.
    pub(crate) fn of(status: StatusCode) -> Self {
        Self::new(status, detail_of(status))
    }

    /// There is nothing at this address.
    pub(crate) fn not_found() -> Self {
        Self::of(StatusCode::NOT_FOUND)
    }

    /// The CSRF token is missing or another session's.
    pub(crate) fn forbidden() -> Self {
        Self::of(StatusCode::FORBIDDEN)
    }

    /// Something we need is away.
    pub(crate) fn unavailable() -> Self {
        Self::of(StatusCode::SERVICE_UNAVAILABLE)
    }

    /// Something that must not happen did.
    pub(crate) fn broke(cause: impl Into<anyhow::Error>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::of(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }

    /// The same, where it may be otherwise after so many seconds.
    pub(crate) fn retry_after(mut self, secs: u64) -> Self {
        self.retry_after = Some(secs);
        self
    }

    /// What is not in the log yet.
    pub(crate) fn cause(&self) -> Option<&anyhow::Error> {
        self.cause.as_ref()
    }

    /// The sentence for the visitor.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }
}

/// The sentence for a status that nothing more is known about.
pub(crate) fn detail_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::FORBIDDEN => {
            "It was left open for too long, or another page sent it. Reload the form and send it again."
        }
        StatusCode::NOT_FOUND => "You seem lost",
        StatusCode::METHOD_NOT_ALLOWED => "This address cannot be used in this way.",
        StatusCode::REQUEST_TIMEOUT => "The request took too long to arrive. Please send it again.",
        StatusCode::PAYLOAD_TOO_LARGE => "That is more than a form may hold.",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            "A form is sent as application/x-www-form-urlencoded."
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            "Something we need does not answer. Please try again in a moment."
        }
        status if status.is_server_error() => "Something broke",
        _ => "The request could not be understood.",
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status);
        if let Some(secs) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, secs.into());
        }
        response
    }
}

impl From<Unavailable> for Problem {
    fn from(_: Unavailable) -> Self {
        // Logged where the connection is.
        Self::unavailable()
    }
}

impl From<askama::Error> for Problem {
    fn from(error: askama::Error) -> Self {
        Self::broke(anyhow::Error::new(error).context("a template could not be rendered"))
    }
}

impl From<actix_web::Error> for Problem {
    fn from(error: actix_web::Error) -> Self {
        let status = error.as_response_error().status_code();
        if status.is_server_error() {
            Self::broke(anyhow::anyhow!("{error}"))
        } else {
            Self::of(status)
        }
    }
}

//! Requests to providers.

use std::{future::Future, pin::Pin, time::Duration};

use openidconnect::{
    AsyncHttpClient, HttpRequest, HttpResponse,
    http::{self, StatusCode},
};
use reqwest::redirect::Policy;

/// Longest wait for a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);

/// Longest wait for one answer; for all of a request it is [`super::provider::PATIENCE`].
const ANSWER_PATIENCE: Duration = Duration::from_secs(3);

/// Longest answer, in bytes. Discovery documents, keys and tokens have some thousand.
const MAX_ANSWER: usize = 256 * 1024;

/// Asks providers over TLS, whose certificates are checked against those of the operating system. Follows no
/// redirects: what a provider says comes from where it was asked. Cloning is cheap.
#[derive(Clone)]
pub(super) struct HttpClient(reqwest::Client);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    /// It did not come, or broke off.
    #[error("no answer")]
    Request(#[from] reqwest::Error),
    /// It says that the provider cannot answer now.
    #[error("HTTP status {0}")]
    Status(StatusCode),
    /// Nobody wants to read that much.
    #[error("an answer of more than {MAX_ANSWER} bytes")]
    TooLong,
    /// What came is no HTTP.
    #[error("an answer that cannot be read")]
    Unreadable(#[from] http::Error),
}

impl HttpClient {
    pub(super) fn new() -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(CONNECT_PATIENCE)
            .timeout(ANSWER_PATIENCE)
            .user_agent("PacktChat")
            .build()?;
        Ok(Self(client))
    }

    async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        let mut response = self.0.execute(request).await?;
        let status = response.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(HttpError::Status(status));
        }
        let mut answer = http::Response::builder().status(status);
        if let Some(headers) = answer.headers_mut() {
            headers.clone_from(response.headers());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(HttpError::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(answer.body(body)?)
    }
}

impl<'c> AsyncHttpClient<'c> for HttpClient {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.answer(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::unruly::{Unruly, json};

    async fn ask(server: &Unruly) -> Result<HttpResponse, HttpError> {
        let request = http::Request::get(&server.address).body(Vec::new());
        HttpClient::new().unwrap().call(request.unwrap()).await
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let server = Unruly::answering(|_, address| {
            Some(format!(
                "HTTP/1.1 302 Found\r\nLocation: {address}/elsewhere\r\nContent-Length: 0\r\n\r\n"
            ))
        })
        .await;
        assert_eq!(ask(&server).await.unwrap().status(), StatusCode::FOUND);
        assert_eq!(server.requests(), 1);
    }

    #[tokio::test]
    async fn as_much_is_read_as_may_come_and_no_more() {
        for (length, fits) in [(MAX_ANSWER, true), (MAX_ANSWER + 1, false)] {
            let server = Unruly::answering(move |_, _| json(&"x".repeat(length))).await;
            let answer = ask(&server).await;
            match answer {
                Ok(answer) => assert!(fits && answer.body().len() == length),
                Err(error) => assert!(!fits && matches!(error, HttpError::TooLong), "{error}"),
            }
        }
    }

    #[tokio::test]
    async fn a_server_that_cannot_answer_now_is_told_from_one_that_refuses() {
        for (status, refuses) in [("500 X", false), ("429 X", false), ("400 X", true)] {
            let server = Unruly::answering(move |_, _| {
                Some(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"))
            })
            .await;
            assert_eq!(ask(&server).await.is_ok(), refuses, "{status}");
        }
    }
}

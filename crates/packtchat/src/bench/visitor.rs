//! A browser, as far as forms need one: a connection that is kept, cookies, and a form's token.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than a gateway is patient.
const PATIENCE: Duration = Duration::from_secs(15);

/// Somebody with a connection of their own.
pub(crate) struct Visitor {
    stream: BufReader<TcpStream>,
    cookies: BTreeMap<String, String>,
}

/// What was answered, and when.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// From the last byte of the question to the first of the answer.
    pub(crate) took: Duration,
}

impl Visitor {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens there.
    pub(crate) async fn new(address: SocketAddr) -> anyhow::Result<Visitor> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Visitor {
            stream: BufReader::new(stream),
            cookies: BTreeMap::new(),
        })
    }

    /// Opens the form at `path` and tells its token.
    ///
    /// # Errors
    /// When there is no form.
    pub(crate) async fn token(&mut self, path: &str) -> anyhow::Result<String> {
        let answer = self.ask(&format!("GET {path}"), "").await?;
        let (_, rest) = answer
            .body
            .split_once("name=\"csrf\" value=\"")
            .with_context(|| format!("{path} has no form: status {}", answer.status))?;
        Ok(rest.split('"').next().unwrap_or_default().to_owned())
    }

    /// Sends the form of `path`. No name or value needs to be encoded.
    ///
    /// # Errors
    /// When no answer comes.
    pub(crate) async fn send(
        &mut self,
        path: &str,
        token: &str,
        username: &str,
        password: &str,
    ) -> anyhow::Result<Answer> {
        let form = format!("csrf={token}&username={username}&password={password}");
        self.ask(&format!("POST {path}"), &form).await
    }

    async fn ask(&mut self, what: &str, form: &str) -> anyhow::Result<Answer> {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        let request = format!(
            "{what} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nCookie: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            cookies.join("; "),
            form.len()
        );
        self.stream.write_all(request.as_bytes()).await?;
        let asked = Instant::now();
        let answer = timeout(PATIENCE, self.read(asked)).await;
        answer.with_context(|| format!("{what}: no answer within {PATIENCE:?}"))?
    }

    async fn read(&mut self, asked: Instant) -> anyhow::Result<Answer> {
        let status_line = self.line().await?;
        let took = asked.elapsed();
        let status = status_line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let mut length = 0;
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(": ") else {
                break;
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse()?,
                "set-cookie" => self.keep(value),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok(Answer {
            status: status.with_context(|| format!("what is {status_line:?}?"))?,
            body: String::from_utf8_lossy(&body).into_owned(),
            took,
        })
    }

    async fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            bail!("the connection was closed");
        }
        Ok(line.trim_end().to_owned())
    }

    fn keep(&mut self, cookie: &str) {
        let cookie = cookie.split(';').next().unwrap_or_default();
        if let Some((name, value)) = cookie.split_once('=') {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

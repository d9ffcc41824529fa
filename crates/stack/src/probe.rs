//! How one sees from outside that a server is ready to work.

use std::borrow::Cow;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// One look at a server takes no longer than this.
const PATIENCE: Duration = Duration::from_secs(2);

/// A question whose right answer means that the server is ready. All ports are on 127.0.0.1.
#[derive(Clone, Debug)]
pub enum Probe {
    /// Redis answers PING, so its data is loaded.
    Redis {
        /// Where it listens.
        port: u16,
        /// Its password, if it has one.
        password: Option<String>,
    },
    /// RabbitMQ starts the AMQP 0-9-1 handshake.
    Amqp {
        /// Where it listens.
        port: u16,
    },
    /// PostgreSQL lets a user in who needs no password.
    Postgres {
        /// Where it listens.
        port: u16,
        /// The user.
        user: &'static str,
    },
    /// Somebody accepts connections.
    Tcp {
        /// Where it listens.
        port: u16,
    },
    /// GET answers with a status below 400.
    Http {
        /// Where it listens.
        port: u16,
        /// The path asked for.
        path: Cow<'static, str>,
    },
}

impl Probe {
    /// Asks once.
    ///
    /// # Errors
    /// When the answer is late, wrong or missing.
    pub async fn ask(&self) -> anyhow::Result<()> {
        timeout(PATIENCE, self.ask_patiently())
            .await
            .context("no answer in time")?
    }

    async fn ask_patiently(&self) -> anyhow::Result<()> {
        match self {
            Probe::Redis { port, password } => redis(*port, password.as_deref()).await,
            Probe::Amqp { port } => amqp(*port).await,
            Probe::Postgres { port, user } => postgres(*port, user).await,
            Probe::Tcp { port } => connect(*port).await.map(drop),
            Probe::Http { port, path } => http(*port, path).await,
        }
    }
}

async fn connect(port: u16) -> anyhow::Result<TcpStream> {
    Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?)
}

async fn redis(port: u16, password: Option<&str>) -> anyhow::Result<()> {
    let mut stream = BufReader::new(connect(port).await?);
    if let Some(password) = password {
        stream
            .write_all(format!("AUTH {password}\r\n").as_bytes())
            .await?;
        stream.read_line(&mut String::new()).await?;
    }
    stream.write_all(b"PING\r\n").await?;
    let mut answer = String::new();
    stream.read_line(&mut answer).await?;
    ensure!(answer == "+PONG\r\n", "Redis says {}", answer.trim_end());
    Ok(())
}

async fn amqp(port: u16) -> anyhow::Result<()> {
    let mut stream = connect(port).await?;
    stream.write_all(b"AMQP\x00\x00\x09\x01").await?;
    // 1 begins a method frame, here connection.start.
    ensure!(
        stream.read_u8().await? == 1,
        "RabbitMQ speaks no AMQP 0-9-1"
    );
    Ok(())
}

async fn postgres(port: u16, user: &str) -> anyhow::Result<()> {
    // The version of the protocol, 3.0, and whose connection to which database it is.
    let parameters = format!("\0\x03\0\0user\0{user}\0database\0postgres\0\0");
    let length = i32::try_from(parameters.len() + 4)?;
    let mut stream = connect(port).await?;
    stream.write_i32(length).await?;
    stream.write_all(parameters.as_bytes()).await?;
    ensure!(
        stream.read_u8().await? == b'R',
        "PostgreSQL does not let {user} in yet"
    );
    Ok(())
}

async fn http(port: u16, path: &str) -> anyhow::Result<()> {
    let mut stream = BufReader::new(connect(port).await?);
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse::<u16>().ok())
        .context("the answer is not HTTP")?;
    if status >= 400 {
        let body = answer
            .split_once("\r\n\r\n")
            .map_or("", |(_, body)| body.trim());
        bail!("{path} answers {status} {body}");
    }
    Ok(())
}

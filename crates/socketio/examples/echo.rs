//! A server that gives back what it is sent, for trying clients and conformance suites.
//!
//! Namespaces `/` and `/custom`. On connection it emits `auth` with the payload of the CONNECT,
//! answers `message` by `message-back` with the same arguments, and acknowledges
//! `message-with-ack` with its arguments; binary included.

use std::{net::SocketAddr, time::Duration};

use actix_web::{App, HttpServer};
use clap::Parser;
use serde_json::value::RawValue;
use socketio::{
    Config, ConnectError, DisconnectReason, EncodeError, Event, Frame, HandshakeData, Namespace,
    Rooms, Socket, SocketIo,
};

/// Gives back what it is sent over Socket.IO.
#[derive(Clone, Parser)]
struct Settings {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// Where the server answers.
    #[arg(long, default_value = "/socket.io/")]
    path: String,
    /// Milliseconds between pings.
    #[arg(long, default_value_t = 25_000)]
    ping_interval: u64,
    /// Milliseconds a client may take to answer a ping.
    #[arg(long, default_value_t = 20_000)]
    ping_timeout: u64,
    /// Milliseconds a client may take to join a namespace.
    #[arg(long, default_value_t = 45_000)]
    connect_timeout: u64,
    /// Bytes of the largest message taken.
    #[arg(long, default_value_t = 100_000)]
    max_payload: usize,
}

impl From<&Settings> for Config {
    fn from(settings: &Settings) -> Self {
        Self {
            path: settings.path.clone(),
            ping_interval: Duration::from_millis(settings.ping_interval),
            ping_timeout: Duration::from_millis(settings.ping_timeout),
            connect_timeout: Duration::from_millis(settings.connect_timeout),
            max_payload: settings.max_payload,
            ..Self::default()
        }
    }
}

struct Echo;

impl Namespace for Echo {
    async fn connect(
        &self,
        socket: &Socket,
        _request: &HandshakeData,
        auth: Option<Box<RawValue>>,
    ) -> Result<(), ConnectError> {
        let sent = match auth {
            Some(auth) => socket.emit("auth", &auth),
            None => socket.emit("auth", &serde_json::json!({})),
        };
        sent.map_err(|error| ConnectError::new(error.to_string()))
    }

    async fn event(&self, socket: &Socket, event: Event) {
        if let Err(error) = answer(socket, event) {
            tracing::error!(%error, "an event could not be given back");
        }
    }

    async fn disconnect(&self, _socket: &Socket, _reason: DisconnectReason) {}
}

fn answer(socket: &Socket, event: Event) -> Result<(), EncodeError> {
    match (event.name.as_str(), event.ack) {
        ("message", _) => {
            let (args, attachments) = (&event.args, event.attachments);
            let frame = Frame::event_parts(socket.namespace(), "message-back", args, attachments)?;
            socket.send(&frame);
            Ok(())
        }
        ("message-with-ack", Some(ack)) => ack.send_parts(&event.args, event.attachments),
        _ => Ok(()),
    }
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let settings = Settings::parse();
    let config = Config::from(&settings);
    let stall_limit = config.ping_timeout;
    HttpServer::new(move || {
        let io = SocketIo::builder(config.clone())
            .namespace("/", Rooms::new(), Echo)
            .namespace("/custom", Rooms::new(), Echo)
            .build();
        App::new().configure(|app| io.configure(app))
    })
    .on_connect(socketio::on_connect(stall_limit))
    .client_disconnect_timeout(Duration::ZERO)
    .bind(settings.listen)?
    .run()
    .await
}

//! A server that gives back what it is sent, for trying clients and conformance suites.
//!
//! Namespaces `/` and `/custom`. On connection it emits `auth` with the payload of the CONNECT;
//! a payload of `{"refuse": true}` is refused with a message and data. It answers `message` by
//! `message-back` with the same arguments and acknowledges `message-with-ack` with its arguments,
//! binary included. On `ask` it emits `question` with the same arguments, waits for the
//! acknowledgement, and emits `answer` with what that held, or `no-answer` with the reason.

use std::{
    net::{IpAddr, SocketAddr, TcpListener},
    time::Duration,
};

use actix_web::{App, cookie::Cookie, dev::Server};
use clap::{Parser, ValueEnum};
use serde_json::value::RawValue;
use socketio::{
    Config, ConnectError, Cors, DisconnectReason, EncodeError, Event, Frame, HandshakeData, Hub,
    Namespace, Rooms, Socket, SocketIo, Transports,
};

/// Gives back what it is sent over Socket.IO.
#[derive(Clone, Parser)]
struct Settings {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// Worker threads; one for each core if not given.
    #[arg(long)]
    workers: Option<usize>,
    /// Echo bare Engine.IO messages, without Socket.IO.
    #[arg(long)]
    raw: bool,
    /// Where the server answers.
    #[arg(long, default_value = "/socket.io/")]
    path: String,
    /// What may carry a connection.
    #[arg(long, value_delimiter = ',', default_values = ["polling", "websocket"])]
    transports: Vec<Transport>,
    /// Milliseconds between pings.
    #[arg(long, default_value_t = 25_000)]
    ping_interval: u64,
    /// Milliseconds a client may take to answer a ping.
    #[arg(long, default_value_t = 20_000)]
    ping_timeout: u64,
    /// Milliseconds a client may take to join a namespace.
    #[arg(long, default_value_t = 45_000)]
    connect_timeout: u64,
    /// Milliseconds a client may take to change from polling to a WebSocket.
    #[arg(long, default_value_t = 10_000)]
    upgrade_timeout: u64,
    /// Milliseconds a client may take to acknowledge a `question`.
    #[arg(long, default_value_t = 1_000)]
    ack_timeout: u64,
    /// Bytes of the largest message taken.
    #[arg(long, default_value_t = 100_000)]
    max_payload: usize,
    /// Frames that may wait for one client.
    #[arg(long, default_value_t = 4_096)]
    max_buffered_frames: usize,
    /// Bytes that may wait for one client.
    #[arg(long, default_value_t = 1 << 20)]
    max_buffered_bytes: usize,
    /// Events of one socket that may wait for its handler.
    #[arg(long, default_value_t = 32)]
    max_pending_events: usize,
    /// Messages one connection may send in a second; 0 for any number.
    #[arg(long, default_value_t = 500)]
    max_messages_per_second: u32,
    /// Connections in all.
    #[arg(long, default_value_t = 50_000)]
    max_connections: usize,
    /// Connections of one address.
    #[arg(long)]
    max_connections_per_address: Option<usize>,
    /// A proxy whose X-Forwarded-For is believed; may be given more than once.
    #[arg(long)]
    trusted_proxy: Vec<IpAddr>,
    /// The name of a cookie to set on clients.
    #[arg(long)]
    cookie: Option<String>,
    /// An origin whose pages may poll, or `*` for any; may be given more than once.
    #[arg(long)]
    cors_origin: Vec<String>,
    /// Let pages of other origins send cookies.
    #[arg(long)]
    cors_credentials: bool,
    /// The only origin whose pages may connect.
    #[arg(long)]
    only_origin: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Transport {
    Polling,
    Websocket,
}

impl From<&Settings> for Config {
    fn from(settings: &Settings) -> Self {
        let has = |transport| settings.transports.contains(&transport);
        let cookie = settings.cookie.clone().map(|name| {
            let cookie = Cookie::build(name, "").path("/").http_only(true);
            cookie.same_site(actix_web::cookie::SameSite::Lax).finish()
        });
        let any = settings.cors_origin.iter().any(|origin| origin == "*");
        let cors = (!settings.cors_origin.is_empty()).then(|| Cors {
            origins: if any {
                vec![]
            } else {
                settings.cors_origin.clone()
            },
            credentials: settings.cors_credentials,
        });
        Self {
            path: settings.path.clone(),
            transports: Transports {
                polling: has(Transport::Polling),
                websocket: has(Transport::Websocket),
            },
            ping_interval: Duration::from_millis(settings.ping_interval),
            ping_timeout: Duration::from_millis(settings.ping_timeout),
            connect_timeout: Duration::from_millis(settings.connect_timeout),
            upgrade_timeout: Duration::from_millis(settings.upgrade_timeout),
            max_payload: settings.max_payload,
            max_buffered_frames: settings.max_buffered_frames,
            max_buffered_bytes: settings.max_buffered_bytes,
            max_pending_events: settings.max_pending_events,
            max_messages_per_second: settings.max_messages_per_second,
            max_connections: settings.max_connections,
            max_connections_per_address: settings.max_connections_per_address,
            trusted_proxies: settings.trusted_proxy.clone(),
            cookie,
            cors,
        }
    }
}

struct Echo {
    ack_timeout: Duration,
}

impl Namespace for Echo {
    async fn connect(
        &self,
        socket: &Socket,
        _request: &HandshakeData,
        auth: Option<Box<RawValue>>,
    ) -> Result<(), ConnectError> {
        let auth = auth.map_or_else(
            || Ok(serde_json::json!({})),
            |auth| serde_json::from_str(auth.get()),
        );
        let auth = auth.map_err(|error| ConnectError::new(error.to_string()))?;
        if auth["refuse"] == true {
            return Err(ConnectError {
                message: "refused".to_owned(),
                data: Some(serde_json::json!({ "you": "asked for it" })),
            });
        }
        let sent = socket.emit("auth", &auth);
        sent.map_err(|error| ConnectError::new(error.to_string()))
    }

    async fn event(&self, socket: &Socket, event: Event) {
        if let Err(error) = self.answer(socket, event).await {
            tracing::error!(%error, "an event could not be given back");
        }
    }

    async fn disconnect(&self, _socket: &Socket, _reason: DisconnectReason) {}
}

impl Echo {
    async fn answer(&self, socket: &Socket, event: Event) -> Result<(), EncodeError> {
        match (event.name.as_str(), event.ack) {
            ("message", _) => {
                let (args, attachments) = (&event.args, event.attachments);
                let frame =
                    Frame::event_parts(socket.namespace(), "message-back", args, attachments)?;
                socket.send(&frame);
                Ok(())
            }
            ("message-with-ack", Some(ack)) => ack.send_parts(&event.args, event.attachments),
            ("ask", _) => {
                let asked = socket
                    .emit_parts_with_ack(
                        "question",
                        &event.args,
                        event.attachments,
                        self.ack_timeout,
                    )
                    .await;
                match asked {
                    Ok(ack) => {
                        let namespace = socket.namespace();
                        let (args, attachments) = (&ack.args, ack.attachments);
                        let frame = Frame::event_parts(namespace, "answer", args, attachments)?;
                        socket.send(&frame);
                        Ok(())
                    }
                    Err(error) => socket.emit("no-answer", &error.to_string()),
                }
            }
            _ => Ok(()),
        }
    }
}

fn build(hub: &Hub, settings: &Settings) -> SocketIo {
    let ack_timeout = Duration::from_millis(settings.ack_timeout);
    let mut builder = SocketIo::builder(hub);
    if let Some(only) = settings.only_origin.clone() {
        builder = builder.allow(move |request| match request.header("origin") {
            Some(origin) if origin != only => Err("This origin may not connect".to_owned()),
            _ => Ok(()),
        });
    }
    if settings.raw {
        builder = builder.engine(|socket, message| socket.send(&message));
    } else {
        for namespace in ["/", "/custom"] {
            builder = builder.namespace(namespace, Rooms::new(), Echo { ack_timeout });
        }
    }
    builder.build()
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let settings = Settings::parse();
    let hub = Hub::new(Config::from(&settings));
    let listener = TcpListener::bind(settings.listen)?;
    let mut server = Server::build();
    if let Some(workers) = settings.workers {
        server = server.workers(workers);
    }
    let server = socketio::listen(server, listener, move || {
        let io = build(&hub, &settings);
        (io.clone(), App::new().configure(|app| io.configure(app)))
    })?;
    server.run().await
}

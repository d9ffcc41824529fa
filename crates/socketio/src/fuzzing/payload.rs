use std::{
    pin::pin,
    rc::Rc,
    task::Context,
    time::{Duration, Instant},
};

use actix_http::Request;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use engineioxide_core::{Packet, ProtocolVersion};
use futures_util::{future::FutureExt, task::noop_waker};
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

use super::within;
use crate::{
    CloseReason, Config, ConnectError, DisconnectReason, Event, Frame, HandshakeData, Hub,
    Namespace, Rooms, Socket, SocketIo,
    connection::Connection,
    flusher::Flusher,
    handshake::Rejection,
    transport::{
        Visit,
        polling::{Answer, Polling, Step},
    },
};

/// A server with one connection, bodies of 512 bytes and the answers to them.
const MEMORY: u64 = 64 << 10;
const MAX_PAYLOAD: usize = 512;
/// Turns a request may take at most: more than there are packets in a body.
const MAX_TURNS: usize = 2 * MAX_PAYLOAD;
/// Packets handled in one turn.
const TURN: usize = 8;
const SEPARATOR: char = '\u{1e}';

/// The requests of a client that polls: bodies of POSTs with a zero byte between, beside which
/// there is always a GET. For a body that begins with 1, there is a second GET, and for one that
/// begins with 2 the GET is given up. With `e` as the first body, bare Engine.IO is spoken. What
/// the client sends is sent back to it.
pub fn payload(input: &[u8]) {
    within(MEMORY, || run(input));
}

fn run(input: &[u8]) {
    let bare = input.starts_with(b"e\0");
    let mut client = Client::new(bare);
    for body in input.split(|byte| *byte == 0) {
        // A larger body is refused before it is looked at.
        match body {
            [1, ..] => client.poll_twice(),
            [2, ..] => client.give_up(),
            _ if body.len() <= MAX_PAYLOAD => client.post(body),
            _ => {}
        }
        if client.connection.closed().is_some() {
            break;
        }
    }
    client.leave();
}

/// A server that says everything again.
struct Echo;

impl Namespace for Echo {
    async fn connect(
        &self,
        socket: &Socket,
        _request: &HandshakeData,
        auth: Option<Box<RawValue>>,
    ) -> Result<(), ConnectError> {
        socket.join("room");
        match auth {
            Some(auth) if auth.get().contains("refuse") => Err(ConnectError::new("No")),
            _ => Ok(()),
        }
    }

    async fn event(&self, socket: &Socket, event: Event) {
        let Event {
            name,
            args,
            attachments,
            ack,
        } = event;
        let sent = match (name.as_str(), ack) {
            ("out", _) => {
                socket.disconnect(false);
                Ok(())
            }
            ("close", _) => {
                socket.disconnect(true);
                Ok(())
            }
            (_, Some(ack)) => ack.send_parts(&args, attachments),
            (name, None) => Frame::event_parts(socket.namespace(), name, &args, attachments)
                .map(|frame| socket.send(&frame)),
        };
        assert!(sent.is_ok(), "{name} cannot be said again");
    }

    async fn disconnect(&self, socket: &Socket, _reason: DisconnectReason) {
        assert!(!socket.is_connected());
    }
}

struct Client {
    hub: Hub,
    rooms: Rooms,
    flusher: Rc<Flusher>,
    connection: Connection,
    polling: Polling,
    visits: mpsc::Sender<Visit>,
    /// The answer to the GET that waits.
    poll: Option<oneshot::Receiver<Answer>>,
    /// Messages the client got.
    heard: Vec<String>,
    /// Messages it is to get in bare Engine.IO.
    expected: Option<Vec<String>>,
    now: Instant,
}

impl Client {
    fn new(bare: bool) -> Self {
        let hub = Hub::new(Config {
            max_payload: MAX_PAYLOAD,
            ping_interval: Duration::from_secs(5),
            ping_timeout: Duration::from_secs(5),
            max_messages_per_second: 100,
            max_pending_events: 4,
            ..Config::default()
        });
        let rooms = Rooms::new();
        let mut io = SocketIo::builder(&hub);
        if bare {
            io = io.engine(|socket, message| socket.send(&message));
        } else {
            for name in ["/", "/chat"] {
                io = io.namespace(name, rooms.clone(), Echo);
            }
        }
        let io = io.build();
        let request = HandshakeData::new(Request::new().head(), hub.config());
        let Ok(place) = hub.admit(None) else {
            panic!("an empty server is full");
        };
        let now = Instant::now();
        let connection = Connection::open(io.0.clone(), request, place, true, now);
        let (entry, receiver) = hub.register(connection.id());
        let Some(Some(visits)) = hub.polling(connection.id()) else {
            panic!("the session is unknown");
        };
        let (reply, opening) = oneshot::channel();
        Self {
            flusher: io.0.flusher(),
            polling: Polling::new(entry, receiver, reply),
            hub,
            rooms,
            connection,
            visits,
            poll: Some(opening),
            heard: Vec::new(),
            expected: bare.then(Vec::new),
            now,
        }
    }

    /// A second GET ends the session, and the first with it.
    fn poll_twice(&mut self) {
        self.settle();
        if self.connection.closed().is_some() {
            return;
        }
        let (reply, mut answer) = oneshot::channel();
        assert!(self.visits.try_send(Visit::Poll(reply)).is_ok());
        self.settle();
        let rejected = Answer::Rejected(Rejection::BadRequest);
        assert_eq!(answer.try_recv(), Ok(rejected));
        assert!(self.poll.is_none(), "the first is not answered");
        let reason = self.connection.closed();
        assert_eq!(reason, Some(CloseReason::ConcurrentRequests));
    }

    /// A client that does not wait for an answer any more may have missed one: the session ends.
    fn give_up(&mut self) {
        self.settle();
        if self.connection.closed().is_some() {
            return;
        }
        self.poll = None;
        self.step();
        let reason = self.connection.closed();
        assert_eq!(reason, Some(CloseReason::TransportClosed));
    }

    fn post(&mut self, body: &[u8]) {
        if let Some(expected) = &mut self.expected {
            expected.extend(messages(body));
        }
        let (reply, mut answer) = oneshot::channel();
        let post = Visit::Post(Bytes::copy_from_slice(body), reply);
        assert!(self.visits.try_send(post).is_ok(), "no request is heard");
        let mut turns = 0;
        let answer = loop {
            self.settle();
            if let Ok(answer) = answer.try_recv() {
                break answer;
            }
            // It is ahead of its pace.
            self.now = self.connection.deadline(self.now).max(self.now);
            self.connection.tick(self.now);
            turns += 1;
            assert!(turns < MAX_TURNS, "a request is not answered");
        };
        match answer {
            Answer::Accepted => {}
            Answer::Rejected(rejection) => {
                assert_eq!(rejection, Rejection::BadRequest);
                assert!(self.connection.closed().is_some());
            }
            Answer::Payload(payload) => panic!("a POST is answered with {payload}"),
        }
        self.settle();
        let reason = self.connection.closed();
        assert!(
            !matches!(
                reason,
                Some(CloseReason::ConcurrentRequests | CloseReason::TransportClosed)
            ),
            "a POST ends with {reason:?}"
        );
    }

    /// Lets everything happen that can at this time.
    fn settle(&mut self) {
        for _ in 0..MAX_TURNS {
            if self.poll.is_none() && self.connection.closed().is_none() {
                let (reply, answer) = oneshot::channel();
                assert!(self.visits.try_send(Visit::Poll(reply)).is_ok());
                self.poll = Some(answer);
            }
            let step = self.step();
            let answered = self.poll.as_mut().and_then(|poll| poll.try_recv().ok());
            if let Some(answer) = answered {
                self.poll = None;
                self.hear(answer);
                continue;
            }
            match step {
                Step::Some => {}
                Step::None if self.connection.closed().is_none() => return,
                // After a goodbye it waits a moment for a poll that may cross with it.
                Step::None => {
                    let until = self.connection.deadline(self.now);
                    let until = self.polling.deadline(until);
                    assert!(until > self.now, "a session does not end");
                    self.now = until;
                }
                Step::Done => return,
                Step::Upgraded(..) => panic!("an upgrade from nothing"),
            }
        }
        panic!("a turn without end");
    }

    /// A turn of all that there is.
    fn step(&mut self) -> Step {
        let waker = noop_waker();
        let mut cx = Context::from_waker(&waker);
        let _ = self.connection.poll(&mut cx);
        let _ = pin!(self.flusher.clone().run()).poll_unpin(&mut cx);
        let mut turn = TURN;
        let connection = &mut self.connection;
        self.polling.poll(connection, &mut cx, self.now, &mut turn)
    }

    /// What a GET is answered are packets only a server sends.
    fn hear(&mut self, answer: Answer) {
        let Answer::Payload(payload) = answer else {
            panic!("a GET is answered with {answer:?}");
        };
        for packet in payload.split(SEPARATOR) {
            match packet.as_bytes() {
                [b'0', open @ ..] => {
                    assert!(serde_json::from_slice::<serde_json::Value>(open).is_ok());
                }
                [b'4' | b'b', ..] => self.heard.push(packet.to_owned()),
                b"1" | b"6" => assert!(self.connection.closed().is_some()),
                b"2" => {}
                _ => panic!("no packet of a server: {packet:?}"),
            }
        }
    }

    /// The client is gone, if it has not left by itself, and leaves nothing behind.
    fn leave(mut self) {
        match self.connection.closed() {
            None => {
                if let Some(expected) = &self.expected {
                    assert_eq!(*expected, self.heard);
                }
                self.connection.close(CloseReason::TransportClosed);
            }
            Some(reason) => {
                assert!(
                    !matches!(
                        reason,
                        CloseReason::HandlerPanicked
                            | CloseReason::Reconnect
                            | CloseReason::GoingAway
                            | CloseReason::ServiceRestart
                    ),
                    "it is closed with {reason:?}"
                );
                assert_eq!(self.hub.closed(reason), 1);
                if let Some(expected) = &self.expected {
                    assert!(expected.starts_with(&self.heard));
                }
            }
        }
        let waker = noop_waker();
        let ended = self.connection.poll(&mut Context::from_waker(&waker));
        assert!(ended.is_ready());
        let Self {
            hub,
            rooms,
            connection,
            polling,
            ..
        } = self;
        let id = connection.id();
        drop((connection, polling));
        assert_eq!((rooms.sockets(), rooms.members("room")), (0, 0));
        assert_eq!(hub.connections(), 0);
        assert!(hub.polling(id).is_none());
    }
}

/// The messages of a body up to the first packet that ends the session, as they are sent back.
fn messages(body: &[u8]) -> Vec<String> {
    let mut messages = Vec::new();
    for packet in body.split(|byte| *byte == SEPARATOR as u8) {
        let Ok(packet) = std::str::from_utf8(packet) else {
            break;
        };
        match Packet::parse(ProtocolVersion::V4, packet.to_owned()) {
            Ok(Packet::Message(text)) => messages.push(format!("4{text}")),
            Ok(Packet::Binary(bytes)) => messages.push(format!("b{}", STANDARD.encode(bytes))),
            Ok(Packet::Pong | Packet::Noop) => {}
            _ => break,
        }
    }
    messages
}

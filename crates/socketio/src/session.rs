//! The protocol of one connection as a state machine without I/O: messages and the clock go in,
//! what is to be done comes out. It knows which namespaces exist and which of them this client
//! has joined; it knows no sockets, handlers or queues.

use std::{collections::VecDeque, rc::Rc, time::Instant};

use bytes::Bytes;
use engineioxide_core::{
    OpenPacket, Packet as EnginePacket, ProtocolVersion, Sid, Str, TransportType,
};
use serde_json::{Value as Json, value::RawValue};
use socketioxide_core::{
    Value,
    packet::{Packet, PacketData},
    parser::{Parse, ParseConfig, ParseError, ParserState},
};
use socketioxide_parser_common::CommonParser;

use crate::{
    config::Config,
    engine::EngineMessage,
    errors::{CloseReason, ConnectError, Violation},
    event::{Ack, EventPayload},
    frame::Frame,
    heartbeat::{Beat, Heartbeat},
};

/// Attachments one event may have, as in the reference implementation.
const MAX_ATTACHMENTS: usize = 10;

/// What a message asks for. Namespaces are indexes into the list the session was made with.
#[derive(Debug)]
pub(crate) enum Action {
    /// Nothing.
    None,
    /// Send this frame.
    Send(Frame),
    /// Ask the namespace whether it admits the client.
    Connect {
        namespace: usize,
        auth: Option<Box<RawValue>>,
    },
    /// Hand this event to the namespace's handler.
    Event {
        namespace: usize,
        payload: EventPayload,
        attachments: VecDeque<Bytes>,
        ack: Option<i64>,
    },
    /// Hand this answer to whoever waits for it.
    Ack { namespace: usize, id: i64, ack: Ack },
    /// Hand this message to the application, which speaks bare Engine.IO.
    Engine(EngineMessage),
    /// The client left the namespace.
    Leave { namespace: usize },
    /// The client ends the session.
    Close,
}

/// What the clock asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Tick {
    /// Nothing.
    None,
    /// Send this frame.
    Send(Frame),
    /// Close the connection.
    Close(CloseReason),
}

/// How a client stands to one namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Membership {
    /// It never joined, was refused, or left.
    Outside,
    /// The namespace has not answered yet.
    Pending,
    Joined,
    /// It was put out and may not know yet: what it still says there is ignored.
    PutOut,
}

#[derive(Debug)]
pub(crate) struct Session {
    id: Sid,
    namespaces: Rc<[Rc<str>]>,
    memberships: Box<[Membership]>,
    heartbeat: Heartbeat,
    /// When the client must have joined a namespace; `None` once it has joined its first.
    connect_by: Option<Instant>,
    parser: ParserState,
    limits: ParseConfig,
    /// There is no Socket.IO on this connection.
    bare: bool,
}

/// What a session is made for.
#[derive(Debug)]
pub(crate) struct Purpose {
    /// The namespaces there are.
    pub(crate) namespaces: Rc<[Rc<str>]>,
    /// Bare Engine.IO, no Socket.IO.
    pub(crate) bare: bool,
    /// The client may change to a WebSocket.
    pub(crate) upgradable: bool,
}

impl Session {
    /// A new session, and the frame that opens it.
    pub(crate) fn open(config: &Config, purpose: Purpose, now: Instant) -> (Self, Frame) {
        let Purpose {
            namespaces,
            bare,
            upgradable,
        } = purpose;
        let id = Sid::new();
        let upgrades = upgradable.then_some(TransportType::Websocket);
        let frame = Frame::open(OpenPacket {
            sid: id,
            upgrades: upgrades.into_iter().collect(),
            ping_interval: config.ping_interval,
            ping_timeout: config.ping_timeout,
            max_payload: config.max_payload as u64,
        });
        let session = Self {
            id,
            memberships: vec![Membership::Outside; namespaces.len()].into(),
            namespaces,
            heartbeat: Heartbeat::new(config.ping_interval, config.ping_timeout, now),
            connect_by: (!bare).then(|| now + config.connect_timeout),
            parser: ParserState::default(),
            limits: ParseConfig {
                max_incoming_binary_buf_size: config.max_payload,
                max_incoming_binaries: MAX_ATTACHMENTS,
                ..ParseConfig::default()
            },
            bare,
        };
        (session, frame)
    }

    pub(crate) fn id(&self) -> Sid {
        self.id
    }

    /// A text message arrived.
    pub(crate) fn text(&mut self, text: &str, now: Instant) -> Result<Action, Violation> {
        // Copied: a slice would keep the whole read buffer alive for as long as the event waits.
        let packet = EnginePacket::parse(ProtocolVersion::V4, Str::copy_from_slice(text))
            .map_err(|_| Violation::Engine)?;
        match packet {
            EnginePacket::Message(text) if self.bare => {
                Ok(Action::Engine(EngineMessage::Text(text.to_string())))
            }
            EnginePacket::Message(message) => {
                check_ack_id(&message)?;
                let packet = CommonParser.decode_str(&self.limits, &self.parser, message);
                self.decoded(packet)
            }
            EnginePacket::Binary(bytes) => self.binary(bytes),
            EnginePacket::Pong => {
                self.heartbeat.pong(now);
                Ok(Action::None)
            }
            EnginePacket::Close => Ok(Action::Close),
            EnginePacket::Noop => Ok(Action::None),
            _ => Err(Violation::Direction),
        }
    }

    /// A binary message arrived: an attachment of the event before it.
    pub(crate) fn binary(&mut self, bytes: Bytes) -> Result<Action, Violation> {
        if self.bare {
            return Ok(Action::Engine(EngineMessage::Binary(bytes)));
        }
        let packet = CommonParser.decode_bin(&self.limits, &self.parser, bytes);
        self.decoded(packet)
    }

    fn decoded(&mut self, packet: Result<Packet, ParseError>) -> Result<Action, Violation> {
        match packet {
            Ok(packet) => self.packet(packet),
            Err(ParseError::NeedsMoreBinaryData) => Ok(Action::None),
            Err(error) => Err(Violation::Parser(error)),
        }
    }

    fn packet(&mut self, packet: Packet) -> Result<Action, Violation> {
        let Some(namespace) = self.namespaces.iter().position(|name| **name == *packet.ns) else {
            return match packet.inner {
                PacketData::Connect(_) => Ok(Action::Send(Frame::connect_error(
                    &packet.ns,
                    &ConnectError::new("Invalid namespace"),
                ))),
                _ => Err(Violation::State),
            };
        };
        match (packet.inner, self.memberships[namespace]) {
            (PacketData::Connect(auth), Membership::Outside | Membership::PutOut) => {
                let auth = auth.map(|auth| object(&auth)).transpose()?;
                self.memberships[namespace] = Membership::Pending;
                Ok(Action::Connect { namespace, auth })
            }
            (PacketData::Disconnect, Membership::Joined) => {
                self.memberships[namespace] = Membership::Outside;
                Ok(Action::Leave { namespace })
            }
            (
                PacketData::Event(value, ack) | PacketData::BinaryEvent(value, ack),
                Membership::Joined,
            ) => {
                let (json, attachments) = parts(value)?;
                let payload: EventPayload =
                    serde_json::from_str(&json).map_err(|_| Violation::Payload)?;
                check_placeholders(&payload.args, attachments.len())?;
                Ok(Action::Event {
                    namespace,
                    payload,
                    attachments,
                    ack,
                })
            }
            (
                PacketData::EventAck(value, id) | PacketData::BinaryAck(value, id),
                Membership::Joined,
            ) => {
                let (json, attachments) = parts(value)?;
                let args: Vec<_> = serde_json::from_str(&json).map_err(|_| Violation::Payload)?;
                check_placeholders(&args, attachments.len())?;
                let ack = Ack { args, attachments };
                Ok(Action::Ack { namespace, id, ack })
            }
            (_, Membership::PutOut) => Ok(Action::None),
            (_, Membership::Outside | Membership::Pending | Membership::Joined) => {
                Err(Violation::State)
            }
        }
    }

    /// The namespace admitted the client as the socket `id`; the frame tells it so.
    pub(crate) fn admit(&mut self, namespace: usize, id: &str) -> Frame {
        self.memberships[namespace] = Membership::Joined;
        self.connect_by = None;
        Frame::connect(&self.namespaces[namespace], id)
    }

    /// The namespace refused the client; the frame tells it so.
    pub(crate) fn refuse(&mut self, namespace: usize, error: &ConnectError) -> Frame {
        self.memberships[namespace] = Membership::Outside;
        Frame::connect_error(&self.namespaces[namespace], error)
    }

    /// The application put the client out of the namespace.
    pub(crate) fn put_out(&mut self, namespace: usize) {
        self.memberships[namespace] = Membership::PutOut;
    }

    /// When [`tick`](Self::tick) wants to be called next.
    pub(crate) fn deadline(&self) -> Instant {
        let beat = self.heartbeat.deadline();
        self.connect_by.map_or(beat, |by| by.min(beat))
    }

    pub(crate) fn tick(&mut self, now: Instant) -> Tick {
        if self.connect_by.is_some_and(|by| by <= now) {
            return Tick::Close(CloseReason::ConnectTimeout);
        }
        match self.heartbeat.tick(now) {
            Beat::Wait => Tick::None,
            Beat::Ping => Tick::Send(Frame::ping()),
            Beat::Dead => Tick::Close(CloseReason::PingTimeout),
        }
    }

    /// The connection was not read up to now, so a pong may be waiting unread.
    pub(crate) fn excuse(&mut self, now: Instant) {
        self.heartbeat.excuse(now);
    }
}

/// The payload of a CONNECT packet, which must be an object.
fn object(value: &Value) -> Result<Box<RawValue>, Violation> {
    let json = value.as_str().ok_or(Violation::Payload)?;
    let raw: Box<RawValue> = serde_json::from_str(json).map_err(|_| Violation::Payload)?;
    if raw.get().starts_with('{') {
        Ok(raw)
    } else {
        Err(Violation::Payload)
    }
}

/// The parser takes an acknowledgement number it cannot hold for none, and the client would wait.
fn check_ack_id(message: &str) -> Result<(), Violation> {
    let head = message.split(['[', '{', '"']).next().unwrap_or_default();
    let before = head.trim_end_matches(|character: char| character.is_ascii_digit());
    let digits = &head[before.len()..];
    if digits.is_empty() || digits.parse::<i64>().is_ok() {
        Ok(())
    } else {
        Err(Violation::Payload)
    }
}

/// Placeholders must name attachments there are: a client that is passed on another one's error
/// would take it for the server's and leave.
fn check_placeholders(args: &[Box<RawValue>], attachments: usize) -> Result<(), Violation> {
    if attachments == 0 {
        return Ok(());
    }
    for arg in args {
        let json = serde_json::from_str(arg.get()).map_err(|_| Violation::Payload)?;
        if !placeholders_fit(&json, attachments) {
            return Err(Violation::Payload);
        }
    }
    Ok(())
}

fn placeholders_fit(json: &Json, attachments: usize) -> bool {
    match json {
        Json::Array(items) => items.iter().all(|item| placeholders_fit(item, attachments)),
        Json::Object(fields) if fields.get("_placeholder") == Some(&Json::Bool(true)) => fields
            .get("num")
            .and_then(Json::as_u64)
            .is_some_and(|number| number < attachments as u64),
        Json::Object(fields) => fields
            .values()
            .all(|field| placeholders_fit(field, attachments)),
        _ => true,
    }
}

fn parts(value: Value) -> Result<(Str, VecDeque<Bytes>), Violation> {
    match value {
        Value::Str(json, attachments) => Ok((json, attachments.unwrap_or_default())),
        Value::Bytes(_) => Err(Violation::Payload),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::errors::close_reason;

    const CHAT: usize = 1;

    fn config() -> Config {
        Config {
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(45),
            max_payload: 100,
            ..Config::default()
        }
    }

    fn session(now: Instant) -> Session {
        let namespaces = ["/".into(), "/chat".into()];
        Session::open(&config(), purpose(&namespaces), now).0
    }

    fn purpose(namespaces: &[Rc<str>]) -> Purpose {
        Purpose {
            namespaces: namespaces.into(),
            bare: false,
            upgradable: false,
        }
    }

    fn joined() -> Session {
        let mut session = session(Instant::now());
        told(&mut session, "40/chat,").unwrap();
        session.admit(CHAT, "id");
        session
    }

    fn told(session: &mut Session, text: &str) -> Result<Action, Violation> {
        session.text(text, Instant::now())
    }

    #[test]
    fn opens_with_its_settings() {
        for (upgradable, upgrades) in [(false, ""), (true, "\"websocket\"")] {
            let purpose = Purpose {
                upgradable,
                ..purpose(&[])
            };
            let (session, frame) = Session::open(&config(), purpose, Instant::now());
            let open = format!(
                r#"0{{"sid":"{}","upgrades":[{upgrades}],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100}}"#,
                session.id()
            );
            assert!(frame.into_bytes().ends_with(open.as_bytes()));
        }
    }

    #[test]
    fn bare_engine_messages_are_not_looked_into() {
        let start = Instant::now();
        let purpose = Purpose {
            bare: true,
            ..purpose(&[])
        };
        let mut session = Session::open(&config(), purpose, start).0;
        let text = |text: &str| EngineMessage::Text(text.to_owned());
        let Ok(Action::Engine(message)) = session.text("42[", start) else {
            panic!("no message");
        };
        assert_eq!(message, text("2["));
        let Ok(Action::Engine(message)) = session.text("bAgM=", start) else {
            panic!("no bytes");
        };
        assert_eq!(message, EngineMessage::Binary(vec![2, 3].into()));
        assert!(session.text("abc", start).is_err());
        assert_eq!(session.deadline(), start + config().ping_interval);
    }

    #[test]
    fn asks_the_namespace_before_anything_is_let_in() {
        let mut session = session(Instant::now());
        let Ok(Action::Connect { namespace, auth }) = told(&mut session, r#"40/chat,{"a":1}"#)
        else {
            panic!("no CONNECT");
        };
        assert_eq!(namespace, CHAT);
        assert_eq!(auth.unwrap().get(), r#"{"a":1}"#);
        assert!(matches!(
            told(&mut session, r#"42/chat,["early"]"#),
            Err(Violation::State)
        ));
        assert_eq!(
            session.admit(CHAT, "id"),
            Frame::text(r#"0/chat,{"sid":"id"}"#)
        );
        assert!(matches!(
            told(&mut session, r#"42/chat,["late"]"#),
            Ok(Action::Event {
                namespace: CHAT,
                ..
            })
        ));
    }

    #[test]
    fn a_refused_client_may_try_again() {
        let mut session = session(Instant::now());
        told(&mut session, "40").unwrap();
        session.refuse(0, &ConnectError::new("No"));
        assert!(matches!(
            told(&mut session, "40"),
            Ok(Action::Connect { auth: None, .. })
        ));
    }

    #[test]
    fn unknown_namespaces_are_refused_and_cost_nothing() {
        let mut session = joined();
        let Ok(Action::Send(frame)) = told(&mut session, "40/nope,") else {
            panic!("no answer");
        };
        assert_eq!(
            frame,
            Frame::text(r#"4/nope,{"message":"Invalid namespace"}"#)
        );
        assert!(matches!(
            told(&mut session, r#"42/nope,["x"]"#),
            Err(Violation::State)
        ));
    }

    #[test]
    fn events_come_apart_with_their_acknowledgement_id() {
        let mut session = joined();
        let Ok(Action::Event { payload, ack, .. }) =
            told(&mut session, r#"42/chat,17["say",{"a":1},2]"#)
        else {
            panic!("no event");
        };
        assert_eq!(payload.name, "say");
        assert_eq!(payload.args.len(), 2);
        assert_eq!(ack, Some(17));
    }

    #[test]
    fn attachments_complete_their_event() {
        let mut session = joined();
        let head = r#"452-/chat,["b",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
        assert!(matches!(told(&mut session, head), Ok(Action::None)));
        let bytes = Bytes::from_static(&[1]);
        assert!(matches!(session.binary(bytes), Ok(Action::None)));
        // A text message may carry one too, as base64.
        let Ok(Action::Event { attachments, .. }) = told(&mut session, "bAgM=") else {
            panic!("no event");
        };
        assert_eq!(attachments, [vec![1], vec![2, 3]]);
    }

    #[test]
    fn placeholders_name_attachments_there_are() {
        for (event, fits) in [
            (r#"["b",{"_placeholder":true,"num":0}]"#, true),
            (r#"["b",[{"a":{"_placeholder":true,"num":0}}]]"#, true),
            (r#"["b",{"_placeholder":false,"num":7}]"#, true),
            (r#"["b",{"_placeholder":true,"num":1}]"#, false),
            (r#"["b",{"_placeholder":true,"num":-1}]"#, false),
            (r#"["b",{"_placeholder":true}]"#, false),
            (r#"["b",[{"a":{"_placeholder":true,"num":"0"}}]]"#, false),
        ] {
            let mut session = joined();
            told(&mut session, &format!("451-/chat,{event}")).unwrap();
            let taken = session.binary(vec![1].into());
            assert_eq!(taken.is_ok(), fits, "{event}");
        }
    }

    #[test]
    fn attachments_are_bounded_and_belong_to_an_event() {
        let too_large = |violation| close_reason(&violation) == CloseReason::PayloadTooLarge;
        let mut session = joined();
        let error = told(&mut session, r#"4511-/chat,["b"]"#).unwrap_err();
        assert!(too_large(error), "too many");
        told(&mut session, r#"452-/chat,["b"]"#).unwrap();
        session.binary(vec![0; 60].into()).unwrap();
        let error = session.binary(vec![0; 60].into()).unwrap_err();
        assert!(too_large(error), "too heavy");
        assert!(joined().binary(vec![1].into()).is_err(), "stray");
    }

    #[test]
    fn what_is_malformed_is_a_violation() {
        for malformed in [
            "",
            "4",
            "47",
            "4abc",
            "4é",
            "0{}",
            "2",
            "2probe",
            "3probe",
            "5",
            "7",
            "x",
            "é",
            "b!",
            "42/chat,",
            "42/chat,{}",
            "42/chat,[]",
            "42/chat,[1]",
            r#"42/chat,["a""#,
            r#"42/chat,["connect"]"#,
            "43/chat,1{}",
            "43/chat,1",
            r#"43/chat,["x"]"#,
            "44/chat,{}",
            "45-/chat,[]",
            "46-/chat,1[]",
            "4599999999999999999999-/chat,[]",
            "40/chat,",
            "40,[]",
            "40,1",
            "42/chat,99999999999999999999999[1]",
            r#"42/chat,99999999999999999999999["a"]"#,
        ] {
            let violation = told(&mut joined(), malformed).expect_err(malformed);
            assert!(
                matches!(
                    close_reason(&violation),
                    CloseReason::InvalidPacket | CloseReason::UnexpectedPacket
                ),
                "{malformed}"
            );
        }
    }

    #[test]
    fn acknowledgements_come_with_their_arguments_and_attachments() {
        let Ok(Action::Ack { id, ack, .. }) = told(&mut joined(), r#"43/chat,7["x",1]"#) else {
            panic!("no acknowledgement");
        };
        assert_eq!((id, ack.arg::<String>(0).unwrap().as_str()), (7, "x"));
        let mut session = joined();
        let head = r#"461-/chat,8[{"_placeholder":true,"num":0}]"#;
        assert!(matches!(told(&mut session, head), Ok(Action::None)));
        let Ok(Action::Ack { id, ack, .. }) = session.binary(vec![1].into()) else {
            panic!("no acknowledgement");
        };
        assert_eq!((id, ack.attachments), (8, [vec![1].into()].into()));
    }

    #[test]
    fn what_crosses_a_putting_out_is_ignored() {
        let mut session = joined();
        session.put_out(CHAT);
        for crossing in [r#"42/chat,["say"]"#, "41/chat,"] {
            assert!(matches!(told(&mut session, crossing), Ok(Action::None)));
        }
        assert!(matches!(
            told(&mut session, "40/chat,"),
            Ok(Action::Connect {
                namespace: CHAT,
                ..
            })
        ));
    }

    #[test]
    fn a_client_that_left_may_come_back() {
        let mut session = joined();
        assert!(matches!(
            told(&mut session, "41/chat,"),
            Ok(Action::Leave { namespace: CHAT })
        ));
        assert!(matches!(
            told(&mut session, "40/chat,"),
            Ok(Action::Connect { .. })
        ));
    }

    #[test]
    fn the_connect_timeout_ends_with_the_first_admission() {
        let start = Instant::now();
        let config = config();
        let mut idle = session(start);
        let mut pending = session(start);
        let mut admitted = session(start);
        told(&mut pending, "40").unwrap();
        told(&mut admitted, "40").unwrap();
        admitted.admit(0, "id");
        let end = start + config.connect_timeout;
        for session in [&mut idle, &mut pending, &mut admitted] {
            let ping = start + config.ping_interval;
            assert_eq!(session.deadline(), ping);
            assert_eq!(session.tick(ping), Tick::Send(Frame::ping()));
            session.text("3", ping).unwrap();
        }
        assert_eq!(idle.deadline(), end);
        assert_eq!(idle.tick(end), Tick::Close(CloseReason::ConnectTimeout));
        assert_eq!(pending.tick(end), Tick::Close(CloseReason::ConnectTimeout));
        assert_eq!(admitted.tick(end), Tick::None);
    }

    #[test]
    fn a_client_that_does_not_answer_is_given_up() {
        let start = Instant::now();
        let mut session = session(start);
        told(&mut session, "40").unwrap();
        session.admit(0, "id");
        let ping = session.deadline();
        assert_eq!(session.tick(ping), Tick::Send(Frame::ping()));
        // Only a pong is an answer.
        session.text(r#"42["x"]"#, ping).unwrap();
        let end = session.deadline();
        assert_eq!(session.tick(end), Tick::Close(CloseReason::PingTimeout));
    }
}

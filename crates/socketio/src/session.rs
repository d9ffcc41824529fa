//! The protocol of one connection as a state machine without I/O: messages and the clock go in,
//! what is to be done comes out. It knows which namespaces exist and which of them this client
//! has joined; it knows no sockets, handlers or queues.

use std::{rc::Rc, time::Instant};

use bytes::Bytes;
use engineioxide_core::{OpenPacket, Packet as EnginePacket, ProtocolVersion, Sid, Str};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use socketioxide_core::{
    Value,
    packet::{Packet, PacketData},
    parser::{Parse, ParseConfig, ParseError, ParserState},
};
use socketioxide_parser_common::CommonParser;

use crate::{
    config::Config,
    errors::{CloseReason, ConnectError, Violation},
    event::EventPayload,
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
        attachments: std::collections::VecDeque<Bytes>,
        ack: Option<i64>,
    },
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
}

impl Session {
    /// A new session, and the frame that opens it.
    pub(crate) fn open(config: &Config, namespaces: Rc<[Rc<str>]>, now: Instant) -> (Self, Frame) {
        let id = Sid::new();
        let frame = Frame::open(OpenPacket {
            sid: id,
            upgrades: Default::default(),
            ping_interval: config.ping_interval,
            ping_timeout: config.ping_timeout,
            max_payload: config.max_payload as u64,
        });
        let session = Self {
            id,
            memberships: vec![Membership::Outside; namespaces.len()].into(),
            namespaces,
            heartbeat: Heartbeat::new(config.ping_interval, config.ping_timeout, now),
            connect_by: Some(now + config.connect_timeout),
            parser: ParserState::default(),
            limits: ParseConfig {
                max_incoming_binary_buf_size: config.max_payload,
                max_incoming_binaries: MAX_ATTACHMENTS,
                ..ParseConfig::default()
            },
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
            EnginePacket::Message(message) => {
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
                Ok(Action::Event {
                    namespace,
                    payload: serde_json::from_str(&json).map_err(|_| Violation::Payload)?,
                    attachments,
                    ack,
                })
            }
            // The server asks for no acknowledgements, so there is nobody to hand them to.
            (
                PacketData::EventAck(value, _) | PacketData::BinaryAck(value, _),
                Membership::Joined,
            ) => {
                let (json, _) = parts(value)?;
                serde_json::from_str::<Vec<IgnoredAny>>(&json).map_err(|_| Violation::Payload)?;
                Ok(Action::None)
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

fn parts(value: Value) -> Result<(Str, std::collections::VecDeque<Bytes>), Violation> {
    match value {
        Value::Str(json, attachments) => Ok((json, attachments.unwrap_or_default())),
        Value::Bytes(_) => Err(Violation::Payload),
    }
}

use std::collections::VecDeque;

use actix_http::ws::{OpCode, Parser};
use bytes::{Bytes, BytesMut};
use engineioxide_core::{OpenPacket, Packet as EnginePacket, Str};
use serde::Serialize;
use serde_json::value::RawValue;
use socketioxide_core::{
    Value,
    packet::Packet,
    parser::{Parse, ParserError},
};
use socketioxide_parser_common::CommonParser;

use crate::errors::{CloseReason, ConnectError, EncodeError};

/// A message as it leaves the server: the bytes of its WebSocket frames, ready to be written.
///
/// Frames of a server are not masked, so one encoding serves all receivers. Cloning is shallow
/// (one reference count), whichever thread it is done on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame(Bytes);

impl Frame {
    /// An event of `namespace`. A tuple or array becomes the event's arguments (`[(); 0]` none),
    /// anything else, a `Vec` too, its only one. [`Bytes`] anywhere within travel as binary
    /// attachments.
    ///
    /// # Errors
    /// When `data` cannot be serialized.
    pub fn event<T: Serialize + ?Sized>(
        namespace: &str,
        event: &str,
        data: &T,
    ) -> Result<Self, EncodeError> {
        Ok(Self::packet(Packet::event(
            Str::copy_from_slice(namespace),
            encode_args(data, Some(event))?,
        )))
    }

    /// An event from arguments and attachments as an [`Event`](crate::Event) holds them.
    ///
    /// # Errors
    /// When the arguments cannot be serialized.
    pub fn event_parts(
        namespace: &str,
        event: &str,
        args: &[Box<RawValue>],
        attachments: VecDeque<Bytes>,
    ) -> Result<Self, EncodeError> {
        Ok(Self::packet(Packet::event(
            Str::copy_from_slice(namespace),
            join_parts(Some(event), args, attachments)?,
        )))
    }

    /// An event of `namespace` that is to be acknowledged under this number.
    pub(crate) fn event_with_ack<T: Serialize + ?Sized>(
        namespace: &str,
        event: &str,
        data: &T,
        id: i64,
    ) -> Result<Self, EncodeError> {
        let value = encode_args(data, Some(event))?;
        Ok(Self::asking(namespace, value, id))
    }

    /// The same from arguments and attachments.
    pub(crate) fn event_parts_with_ack(
        namespace: &str,
        event: &str,
        args: &[Box<RawValue>],
        attachments: VecDeque<Bytes>,
        id: i64,
    ) -> Result<Self, EncodeError> {
        let value = join_parts(Some(event), args, attachments)?;
        Ok(Self::asking(namespace, value, id))
    }

    fn asking(namespace: &str, value: Value, id: i64) -> Self {
        let mut packet = Packet::event(Str::copy_from_slice(namespace), value);
        packet.inner.set_ack_id(id);
        Self::packet(packet)
    }

    /// A Socket.IO packet given as its text, for instance `2/chat,["hello",1]`.
    #[must_use]
    pub fn text(packet: &str) -> Self {
        Self::engine_text(packet)
    }

    /// The same frame in memory of its own. Threads that each send a copy to many receivers do
    /// not slow each other down by counting references to the same memory.
    #[must_use]
    pub fn unshared(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }

    /// The frame's size in bytes.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.0
    }

    #[cfg(test)]
    pub(crate) fn from_bytes(bytes: Bytes) -> Self {
        Self(bytes)
    }

    pub(crate) fn packet(packet: Packet) -> Self {
        match CommonParser.encode(packet) {
            Value::Str(text, None) => Self::engine(EnginePacket::Message(text)),
            Value::Str(text, Some(attachments)) => {
                let mut bytes = BytesMut::new();
                write_text(&mut bytes, EnginePacket::Message(text));
                for attachment in attachments {
                    Parser::write_message(&mut bytes, attachment, OpCode::Binary, true, false);
                }
                Self(bytes.freeze())
            }
            Value::Bytes(bytes) => Self::message(&bytes, OpCode::Binary),
        }
    }

    /// CONNECT: the namespace admitted the socket with this id.
    pub(crate) fn connect(namespace: &str, id: &str) -> Self {
        Self::text(&format!("0{}{{\"sid\":\"{id}\"}}", prefix(namespace)))
    }

    /// CONNECT_ERROR. Written here because the parser's own knows no `data`.
    pub(crate) fn connect_error(namespace: &str, error: &ConnectError) -> Self {
        let error = serde_json::json!(error);
        Self::text(&format!("4{}{error}", prefix(namespace)))
    }

    /// DISCONNECT: the server put the socket out of the namespace.
    pub(crate) fn disconnect(namespace: &str) -> Self {
        Self::packet(Packet::disconnect(Str::copy_from_slice(namespace)))
    }

    /// The acknowledgement of an event.
    pub(crate) fn ack<T: Serialize + ?Sized>(
        namespace: &str,
        id: i64,
        data: &T,
    ) -> Result<Self, EncodeError> {
        Ok(Self::packet(Packet::ack(
            Str::copy_from_slice(namespace),
            encode_args(data, None)?,
            id,
        )))
    }

    /// The acknowledgement of an event from arguments and attachments.
    pub(crate) fn ack_parts(
        namespace: &str,
        id: i64,
        args: &[Box<RawValue>],
        attachments: VecDeque<Bytes>,
    ) -> Result<Self, EncodeError> {
        Ok(Self::packet(Packet::ack(
            Str::copy_from_slice(namespace),
            join_parts(None, args, attachments)?,
            id,
        )))
    }

    pub(crate) fn open(packet: OpenPacket) -> Self {
        Self::engine(EnginePacket::Open(packet))
    }

    /// An Engine.IO message as it is, below Socket.IO.
    pub(crate) fn engine_text(text: &str) -> Self {
        Self::engine(EnginePacket::Message(Str::copy_from_slice(text)))
    }

    /// A binary Engine.IO message as it is, below Socket.IO.
    pub(crate) fn engine_binary(bytes: &[u8]) -> Self {
        Self::message(bytes, OpCode::Binary)
    }

    pub(crate) fn ping() -> Self {
        Self(Bytes::from_static(b"\x81\x012"))
    }

    /// The answer to the probe of a client that upgrades.
    pub(crate) fn probe() -> Self {
        Self(Bytes::from_static(b"\x81\x063probe"))
    }

    /// The answer to a WebSocket ping.
    pub(crate) fn pong(payload: &[u8]) -> Self {
        Self::message(payload, OpCode::Pong)
    }

    /// The WebSocket close frame.
    pub(crate) fn close(reason: CloseReason) -> Self {
        let mut payload = Vec::with_capacity(2 + reason.as_str().len());
        payload.extend_from_slice(&reason.code().to_be_bytes());
        payload.extend_from_slice(reason.as_str().as_bytes());
        Self::message(&payload, OpCode::Close)
    }

    fn engine(packet: EnginePacket) -> Self {
        let mut bytes = BytesMut::new();
        write_text(&mut bytes, packet);
        Self(bytes.freeze())
    }

    fn message(payload: &[u8], kind: OpCode) -> Self {
        let mut bytes = BytesMut::new();
        Parser::write_message(&mut bytes, payload, kind, true, false);
        Self(bytes.freeze())
    }
}

/// A message within the bytes of frames.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Payload<'a> {
    Text(&'a [u8]),
    Binary(&'a [u8]),
}

/// The messages within the bytes of frames made here; control frames are left out.
pub(crate) fn payloads(mut frames: &[u8]) -> impl Iterator<Item = Payload<'_>> {
    std::iter::from_fn(move || {
        loop {
            let (kind, payload, rest) = first(frames)?;
            frames = rest;
            match kind {
                OpCode::Text => return Some(Payload::Text(payload)),
                OpCode::Binary => return Some(Payload::Binary(payload)),
                _ => {}
            }
        }
    })
}

/// Takes apart the first frame (RFC 6455, section 5.2): whole, final and unmasked.
fn first(frames: &[u8]) -> Option<(OpCode, &[u8], &[u8])> {
    let [kind, length, rest @ ..] = frames else {
        return None;
    };
    let (length, rest) = match length {
        126 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        127 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::try_from(u64::from_be_bytes(*length)).ok()?, rest)
        }
        length => (usize::from(*length), rest),
    };
    let (payload, rest) = rest.split_at_checked(length)?;
    Some((OpCode::from(kind & 0x0F), payload, rest))
}

fn write_text(bytes: &mut BytesMut, packet: EnginePacket) {
    Parser::write_message(bytes, String::from(packet), OpCode::Text, true, false);
}

/// The part of a packet between its type and its payload.
fn prefix(namespace: &str) -> String {
    if namespace == "/" {
        String::new()
    } else {
        format!("{namespace},")
    }
}

fn encode_args<T: Serialize + ?Sized>(data: &T, event: Option<&str>) -> Result<Value, ParserError> {
    CommonParser.encode_value(data, event)
}

/// `[event, ...args]`, with attachments already replaced by placeholders.
fn join_parts(
    event: Option<&str>,
    args: &[Box<RawValue>],
    attachments: VecDeque<Bytes>,
) -> Result<Value, ParserError> {
    let json = match event {
        Some(event) => {
            let mut parts = vec![serde_json::value::to_raw_value(event).map_err(ParserError::new)?];
            parts.extend_from_slice(args);
            serde_json::to_string(&parts)
        }
        None => serde_json::to_string(args),
    }
    .map_err(ParserError::new)?;
    Ok(Value::Str(
        Str::from(json),
        (!attachments.is_empty()).then_some(attachments),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The payload of a single frame shorter than 126 bytes.
    fn payload(frame: &Frame) -> &str {
        assert_eq!(frame.0[0], 0x81);
        assert_eq!(usize::from(frame.0[1]), frame.len() - 2);
        std::str::from_utf8(&frame.0[2..]).unwrap()
    }

    #[test]
    fn events_carry_one_argument_or_a_tuple_of_them() {
        let one = Frame::event("/", "hello", &serde_json::json!({"a": [1]})).unwrap();
        assert_eq!(payload(&one), r#"42["hello",{"a":[1]}]"#);
        let list = Frame::event("/chat", "hello", &vec![1, 2]).unwrap();
        assert_eq!(payload(&list), r#"42/chat,["hello",[1,2]]"#);
        let several = Frame::event("/chat", "hello", &(1, "b")).unwrap();
        assert_eq!(payload(&several), r#"42/chat,["hello",1,"b"]"#);
        let none = Frame::event("/", "hello", &[(); 0]).unwrap();
        assert_eq!(payload(&none), r#"42["hello"]"#);
    }

    #[test]
    fn ready_made_json_is_taken_as_it_is() {
        let raw = RawValue::from_string(r#"{"b" : 1}"#.to_owned()).unwrap();
        let frame = Frame::event("/chat", "hello", &*raw).unwrap();
        assert_eq!(payload(&frame), r#"42/chat,["hello",{"b" : 1}]"#);
        let parts = Frame::event_parts("/chat", "he\"y", &[raw], VecDeque::new()).unwrap();
        assert_eq!(payload(&parts), r#"42/chat,["he\"y",{"b" : 1}]"#);
        assert_eq!(Frame::text(r#"2/chat,["hello",{"b" : 1}]"#), frame);
    }

    #[test]
    fn bytes_travel_as_binary_frames_behind_the_event() {
        let frame = Frame::event("/", "b", &(Bytes::from_static(&[1, 2, 3]),)).unwrap();
        let text = br#"451-["b",{"_placeholder":true,"num":0}]"#;
        let (head, tail) = frame.0.split_at(2 + text.len());
        assert_eq!(&head[2..], text);
        assert_eq!(tail, [0x82, 3, 1, 2, 3]);
    }

    #[test]
    fn lengths_use_the_shortest_form() {
        for (length, header) in [(124, 2), (125, 4), (65_534, 4), (65_535, 10)] {
            // One byte more goes on the wire: the Engine.IO packet type.
            assert_eq!(Frame::text(&"x".repeat(length)).len(), length + 1 + header);
        }
    }

    #[test]
    fn control_packets_are_as_the_protocol_has_them() {
        assert_eq!(payload(&Frame::ping()), "2");
        assert_eq!(payload(&Frame::connect("/", "abc")), r#"40{"sid":"abc"}"#);
        assert_eq!(payload(&Frame::disconnect("/chat")), "41/chat,");
        assert_eq!(
            payload(&Frame::connect_error(
                "/chat",
                &ConnectError::new("No \"x\"")
            )),
            r#"44/chat,{"message":"No \"x\""}"#
        );
        let error = ConnectError {
            message: "No".into(),
            data: Some(serde_json::json!(1)),
        };
        assert_eq!(
            payload(&Frame::connect_error("/", &error)),
            r#"44{"data":1,"message":"No"}"#
        );
        assert_eq!(payload(&Frame::ack("/", 7, "x").unwrap()), r#"437["x"]"#);
        let close = Frame::close(CloseReason::ServiceRestart);
        assert_eq!(&close.0[..4], [0x88, 17, 0x03, 0xF4]);
    }
}

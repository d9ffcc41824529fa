//! Why connections end. [`close_reason`] alone decides which errors of a client close its
//! connection, and with which reason.

use std::fmt;

use actix_http::ws;
use socketioxide_core::parser::ParseError;

/// Why a whole connection was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The client closed the session in an orderly way.
    ClientClosed,
    /// The network connection is gone.
    TransportClosed,
    /// The client did not answer a ping in time.
    PingTimeout,
    /// The client was not admitted to any namespace in time.
    ConnectTimeout,
    /// The client did not read what was sent to it.
    SlowReader,
    /// A message was larger than [`Config::max_payload`](crate::Config::max_payload).
    PayloadTooLarge,
    /// Bytes that are no WebSocket frame a client may send.
    InvalidFrame,
    /// A message that is no well-formed Engine.IO or Socket.IO packet.
    InvalidPacket,
    /// A well-formed packet that this state of the session does not allow.
    UnexpectedPacket,
    /// Requests of one polling client that the protocol does not allow side by side.
    ConcurrentRequests,
    /// A handler panicked.
    HandlerPanicked,
    /// The application closed the connection: [`Socket::disconnect`](crate::Socket::disconnect).
    ServerClosed,
    /// The application wants the client to come back as a new connection.
    Reconnect,
    /// The server stops.
    GoingAway,
    /// The server stops and another one takes over.
    ServiceRestart,
}

impl CloseReason {
    /// All reasons.
    pub const ALL: [Self; 15] = [
        Self::ClientClosed,
        Self::TransportClosed,
        Self::PingTimeout,
        Self::ConnectTimeout,
        Self::SlowReader,
        Self::PayloadTooLarge,
        Self::InvalidFrame,
        Self::InvalidPacket,
        Self::UnexpectedPacket,
        Self::ConcurrentRequests,
        Self::HandlerPanicked,
        Self::ServerClosed,
        Self::Reconnect,
        Self::GoingAway,
        Self::ServiceRestart,
    ];

    /// The reason in words, as it is logged and sent in the WebSocket close frame.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientClosed => "client closed",
            Self::TransportClosed => "transport closed",
            Self::PingTimeout => "ping timeout",
            Self::ConnectTimeout => "connect timeout",
            Self::SlowReader => "slow reader",
            Self::PayloadTooLarge => "payload too large",
            Self::InvalidFrame => "invalid frame",
            Self::InvalidPacket => "invalid packet",
            Self::UnexpectedPacket => "unexpected packet",
            Self::ConcurrentRequests => "concurrent requests",
            Self::HandlerPanicked => "internal error",
            Self::ServerClosed => "server closed",
            Self::Reconnect => "reconnect",
            Self::GoingAway => "going away",
            Self::ServiceRestart => "service restart",
        }
    }

    /// The status code of the WebSocket close frame (RFC 6455, section 7.4).
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::ClientClosed | Self::TransportClosed | Self::ServerClosed => 1000,
            Self::GoingAway => 1001,
            Self::InvalidFrame | Self::InvalidPacket | Self::UnexpectedPacket => 1002,
            Self::PingTimeout
            | Self::ConnectTimeout
            | Self::SlowReader
            | Self::ConcurrentRequests => 1008,
            Self::PayloadTooLarge => 1009,
            Self::HandlerPanicked => 1011,
            Self::Reconnect | Self::ServiceRestart => 1012,
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why one socket left its namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisconnectReason {
    /// The client left the namespace.
    ClientLeft,
    /// The application put the socket out of the namespace.
    ServerLeft,
    /// The connection was closed.
    Closed(CloseReason),
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientLeft => f.write_str("client left"),
            Self::ServerLeft => f.write_str("server left"),
            Self::Closed(reason) => reason.fmt(f),
        }
    }
}

/// What a client did wrong.
#[derive(Debug)]
pub(crate) enum Violation {
    Frame(ws::ProtocolError),
    Utf8,
    /// No Engine.IO packet.
    Engine,
    /// An Engine.IO packet only a server may send, or only another transport.
    Direction,
    Parser(ParseError),
    /// A payload the packet's type does not allow.
    Payload,
    /// A packet for a namespace the client has not joined, or a second CONNECT for one it has.
    State,
}

/// Which errors close a connection, and with which reason: all violations do, since after one
/// the two sides no longer agree on what is being said.
pub(crate) fn close_reason(violation: &Violation) -> CloseReason {
    match violation {
        Violation::Frame(ws::ProtocolError::Overflow)
        | Violation::Parser(
            ParseError::TooManyAttachments { .. } | ParseError::AttachmentsTooHeavy { .. },
        ) => CloseReason::PayloadTooLarge,
        // The payload ended or failed under the decoder: nothing more will come.
        Violation::Frame(ws::ProtocolError::Io(error))
            if error.kind() != std::io::ErrorKind::InvalidData =>
        {
            CloseReason::TransportClosed
        }
        Violation::Frame(_) | Violation::Utf8 => CloseReason::InvalidFrame,
        Violation::Engine | Violation::Parser(_) | Violation::Payload => CloseReason::InvalidPacket,
        Violation::Direction | Violation::State => CloseReason::UnexpectedPacket,
    }
}

/// Why an event was not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum AckError {
    /// The event could not be sent.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The client did not answer in time.
    #[error("the client did not acknowledge the event in time")]
    Timeout,
    /// The socket is disconnected.
    #[error("the socket was disconnected before it acknowledged the event")]
    Disconnected,
}

/// A value that could not be turned into a Socket.IO packet.
#[derive(Debug, thiserror::Error)]
#[error("cannot encode the event: {0}")]
pub struct EncodeError(#[from] pub(crate) socketioxide_core::parser::ParserError);

/// Why a client is not admitted to a namespace; it reads this in its `connect_error` event.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ConnectError {
    /// The `message` of the client's error.
    pub message: String,
    /// The `data` of the client's error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
}

impl ConnectError {
    /// A refusal with a message and no data.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            data: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_reasons_are_listed_at_their_places() {
        for (index, reason) in CloseReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
        }
    }
}

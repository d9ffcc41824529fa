use std::{
    collections::VecDeque,
    rc::Rc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{blame, within};
use crate::{
    config::Config,
    engine::EngineMessage,
    errors::{CloseReason, ConnectError},
    frame::{Frame, Payload, payloads},
    session::{Action, Purpose, Session, Tick},
};

/// Two sessions and a message of 512 bytes, of which small arguments make many times as much.
const MEMORY: u64 = 64 << 10;
const NAMESPACES: [&str; 2] = ["/", "/chat"];
const MAX_PAYLOAD: usize = 512;
const MAX_ATTACHMENTS: usize = 10;
/// An answer may be as long as the message and this.
const MAX_ANSWER_EXTRA: usize = 64;

/// The messages of a client, and what the namespaces and the clock do meanwhile. `input` is
/// lines; the first letter of a line says what happens:
///
/// - `t`, `b`: the rest of the line arrives as a text or binary message.
/// - `a`, `r`, `o`: the namespace whose number follows admits the client, refuses it or puts it
///   out.
/// - `w`: as many seconds pass as the byte that follows says.
///
/// With `e` as the first line, bare Engine.IO is spoken.
pub fn packet(input: &[u8]) {
    within(MEMORY, || run(input));
}

fn run(input: &[u8]) {
    let bare = input.starts_with(b"e\n");
    let mut client = Client::new(bare);
    for line in input.split(|byte| *byte == b'\n') {
        let Some((kind, rest)) = line.split_first() else {
            continue;
        };
        let first = rest.first().copied().unwrap_or_default();
        let namespace = usize::from(first) % NAMESPACES.len();
        let goes_on = match kind {
            // The transports refuse what is larger, and text that is none.
            b't' | b'b' if rest.len() > MAX_PAYLOAD => true,
            b't' => std::str::from_utf8(rest).map_or(true, |text| client.text(text)),
            b'b' => client.binary(Bytes::copy_from_slice(rest)),
            b'a' => client.admit(namespace),
            b'r' => client.refuse(namespace),
            b'o' => client.put_out(namespace),
            b'w' => client.wait(Duration::from_secs(first.into())),
            _ => true,
        };
        if !goes_on {
            return;
        }
    }
}

/// What the protocol says a client is to a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Outside,
    Pending,
    Joined,
    PutOut,
}

/// A session, and what is to be expected of it.
struct Client {
    session: Session,
    bare: bool,
    states: [State; NAMESPACES.len()],
    joined_once: bool,
    now: Instant,
}

impl Client {
    fn new(bare: bool) -> Self {
        let config = Config {
            max_payload: MAX_PAYLOAD,
            ..Config::default()
        };
        let purpose = Purpose {
            namespaces: if bare {
                Rc::new([])
            } else {
                NAMESPACES.map(Rc::from).into()
            },
            bare,
            upgradable: true,
        };
        let now = Instant::now();
        Self {
            session: Session::open(&config, purpose, now).0,
            bare,
            states: [State::Outside; NAMESPACES.len()],
            joined_once: false,
            now,
        }
    }

    /// A client that is in all namespaces.
    fn joined() -> Self {
        let mut client = Self::new(false);
        for (namespace, name) in NAMESPACES.into_iter().enumerate() {
            client.text(&format!("40{name},"));
            client.admit(namespace);
        }
        client
    }

    /// False when the session has ended, as in the other methods.
    fn text(&mut self, text: &str) -> bool {
        match self.session.text(text, self.now) {
            Ok(Action::Engine(EngineMessage::Text(message))) => {
                assert!(self.bare);
                assert_eq!(text.strip_prefix('4'), Some(message.as_str()));
                true
            }
            Ok(Action::Send(answer)) => {
                assert!(answer.len() <= text.len() + MAX_ANSWER_EXTRA);
                assert!(text.starts_with("40"), "{text} is answered");
                true
            }
            Ok(Action::Close) => {
                assert!(text.starts_with('1'));
                false
            }
            Ok(action) => self.acted(action),
            Err(violation) => {
                blame(&violation);
                false
            }
        }
    }

    fn binary(&mut self, bytes: Bytes) -> bool {
        match self.session.binary(bytes.clone()) {
            Ok(Action::Engine(message)) => {
                assert!(self.bare);
                assert_eq!(message, EngineMessage::Binary(bytes));
                true
            }
            Ok(action) => self.acted(action),
            Err(violation) => {
                blame(&violation);
                false
            }
        }
    }

    fn acted(&mut self, action: Action) -> bool {
        match action {
            Action::None => {}
            Action::Engine(message) => {
                assert!(self.bare, "{message:?} is for a namespace");
            }
            Action::Connect { namespace, auth } => {
                let state = &mut self.states[namespace];
                assert!(matches!(state, State::Outside | State::PutOut), "{state:?}");
                *state = State::Pending;
                if let Some(auth) = auth {
                    assert!(auth.get().starts_with('{') && auth.get().ends_with('}'));
                }
            }
            Action::Leave { namespace } => {
                assert_eq!(self.states[namespace], State::Joined);
                self.states[namespace] = State::Outside;
            }
            Action::Event { namespace, .. } | Action::Ack { namespace, .. } => {
                assert_eq!(self.states[namespace], State::Joined);
                again(&action);
            }
            Action::Send(_) | Action::Close => panic!("bytes are answered with {action:?}"),
        }
        true
    }

    fn admit(&mut self, namespace: usize) -> bool {
        if self.states[namespace] == State::Pending {
            self.session.admit(namespace, "id");
            self.states[namespace] = State::Joined;
            self.joined_once = true;
        }
        true
    }

    fn refuse(&mut self, namespace: usize) -> bool {
        if self.states[namespace] == State::Pending {
            self.session.refuse(namespace, &ConnectError::new("No"));
            self.states[namespace] = State::Outside;
        }
        true
    }

    fn put_out(&mut self, namespace: usize) -> bool {
        if self.states[namespace] == State::Joined {
            self.session.put_out(namespace);
            self.states[namespace] = State::PutOut;
        }
        true
    }

    fn wait(&mut self, time: Duration) -> bool {
        let until = self.now + time;
        while self.session.deadline() <= until {
            self.now = self.session.deadline().max(self.now);
            match self.session.tick(self.now) {
                Tick::None => {}
                Tick::Send(frame) => assert_eq!(frame, Frame::ping()),
                Tick::Close(CloseReason::PingTimeout) => return false,
                Tick::Close(reason) => {
                    assert_eq!(reason, CloseReason::ConnectTimeout);
                    assert!(!self.bare && !self.joined_once);
                    return false;
                }
            }
            assert!(self.session.deadline() > self.now, "time stands still");
        }
        self.now = until;
        true
    }
}

/// What was accepted, sent as the server would send it, is taken for the same by a session.
fn again(action: &Action) {
    let frame = match action {
        Action::Event {
            namespace,
            payload,
            attachments,
            ..
        } => Frame::event_parts(
            NAMESPACES[*namespace],
            &payload.name,
            &payload.args,
            attachments.clone(),
        ),
        Action::Ack { namespace, id, ack } => Frame::ack_parts(
            NAMESPACES[*namespace],
            *id,
            &ack.args,
            ack.attachments.clone(),
        ),
        _ => return,
    };
    let Ok(frame) = frame else {
        panic!("cannot encode {action:?}");
    };
    let mut session = Client::joined().session;
    let mut last = Ok(Action::None);
    for message in payloads(&frame.into_bytes()) {
        assert!(matches!(last, Ok(Action::None)), "{action:?} ends early");
        last = match message {
            Payload::Text(text) => session.text(&String::from_utf8_lossy(text), Instant::now()),
            Payload::Binary(bytes) => session.binary(Bytes::copy_from_slice(bytes)),
        };
    }
    let same = match (action, &last) {
        (
            Action::Event {
                namespace,
                payload,
                attachments,
                ack,
            },
            Ok(Action::Event {
                namespace: namespace2,
                payload: payload2,
                attachments: attachments2,
                ..
            }),
        ) => {
            bounded(attachments);
            assert!(ack.is_none_or(|id| id >= 0));
            namespace == namespace2
                && payload.name == payload2.name
                && texts(&payload.args).eq(texts(&payload2.args))
                && attachments == attachments2
        }
        (
            Action::Ack { namespace, id, ack },
            Ok(Action::Ack {
                namespace: namespace2,
                id: id2,
                ack: ack2,
            }),
        ) => {
            bounded(&ack.attachments);
            (namespace, id) == (namespace2, id2)
                && texts(&ack.args).eq(texts(&ack2.args))
                && ack.attachments == ack2.attachments
        }
        _ => false,
    };
    assert!(same, "{action:?} becomes {last:?}");
}

fn texts(args: &[Box<RawValue>]) -> impl Iterator<Item = &str> {
    args.iter().map(|arg| arg.get())
}

fn bounded(attachments: &VecDeque<Bytes>) {
    assert!(attachments.len() <= MAX_ATTACHMENTS);
    let bytes: usize = attachments.iter().map(Bytes::len).sum();
    assert!(bytes <= MAX_PAYLOAD);
}

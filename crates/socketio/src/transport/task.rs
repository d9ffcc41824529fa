//! The task of one connection: gives it what its transport brings, the time, and turns.

use std::{
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use actix_web::rt;
use tokio::time::{Sleep, sleep_until};

use super::{
    decoder::Message,
    polling::{Polling, Step},
    websocket::WebSocket,
};
use crate::{
    connection::Connection,
    errors::{CloseReason, Violation},
    frame::Frame,
    hub::Entry,
    server::Shared,
};

/// Messages of one client that are handled before others get a turn.
const TURN: usize = 64;

/// How long a client may take to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

pub(crate) struct Task {
    connection: Connection,
    carrier: Carrier,
    timer: Pin<Box<Sleep>>,
    /// Of a connection that began with polling and was upgraded.
    entry: Option<Entry>,
}

pub(crate) enum Carrier {
    Polling(Box<Polling>),
    WebSocket(WebSocket, State),
    /// Nothing is read or written any more.
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Open,
    /// A close frame is on its way and is to be written, and answered if it is not an answer,
    /// until then.
    Closing {
        until: Instant,
        answered: bool,
    },
}

impl Task {
    pub(crate) fn spawn(shared: &Rc<Shared>, connection: Connection, carrier: Carrier) {
        shared.flush();
        let timer = Box::pin(sleep_until(connection.deadline(now()).into()));
        rt::spawn(Self {
            connection,
            carrier,
            timer,
            entry: None,
        });
    }
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut now = now();
        let mut turn = TURN;
        loop {
            let handlers = this.connection.poll(cx);
            if matches!(this.carrier, Carrier::Gone) {
                return handlers;
            }
            if turn == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if !this.carry(cx, now, &mut turn) && !this.tick(cx, &mut now) {
                return Poll::Pending;
            }
        }
    }
}

impl Task {
    /// Takes what the transport brings. False when nothing changed.
    fn carry(&mut self, cx: &mut Context<'_>, now: Instant, turn: &mut usize) -> bool {
        match &mut self.carrier {
            Carrier::Gone => false,
            Carrier::Polling(polling) => match polling.poll(&mut self.connection, cx, now, turn) {
                Step::None => false,
                Step::Some => true,
                Step::Upgraded(socket, entry) => {
                    self.entry = Some(entry);
                    self.carrier = Carrier::WebSocket(socket, State::Open);
                    true
                }
                Step::Done => {
                    self.end();
                    true
                }
            },
            Carrier::WebSocket(_, State::Open) => {
                if let Some(reason) = self.connection.closed() {
                    self.begin_close(reason, now);
                    return true;
                }
                let _ = self.connection.outbox().poll_blocked(cx);
                self.read(cx, now, turn)
            }
            Carrier::WebSocket(_, State::Closing { answered, .. }) => {
                let answered = *answered;
                let _ = self.connection.outbox().poll_blocked(cx);
                if answered && self.connection.outbox().is_empty() {
                    self.end();
                    return true;
                }
                !answered && self.read(cx, now, turn)
            }
        }
    }

    /// Reads what there is and is wanted, until its turn is over. False when nothing changed.
    fn read(&mut self, cx: &mut Context<'_>, now: Instant, turn: &mut usize) -> bool {
        let mut progressed = false;
        while let Carrier::WebSocket(socket, state) = &mut self.carrier {
            let open = *state == State::Open;
            let wanted =
                !open || (self.connection.closed().is_none() && self.connection.wants_input(now));
            if !wanted || *turn == 0 {
                break;
            }
            let Poll::Ready(message) = socket.poll_message(cx) else {
                break;
            };
            *turn -= 1;
            progressed = true;
            match message {
                Some(Ok(message)) => self.receive(message, open, now),
                Some(Err(violation)) if open => self.connection.violated(&violation),
                None if open => {
                    self.connection.close(CloseReason::TransportClosed);
                    self.end();
                }
                Some(Err(_)) | None => self.end(),
            }
        }
        progressed
    }

    fn receive(&mut self, message: Message, open: bool, now: Instant) {
        match message {
            Message::Text(bytes) if open => match std::str::from_utf8(&bytes) {
                Ok(text) => self.connection.text(text, now),
                Err(_) => self.connection.violated(&Violation::Utf8),
            },
            Message::Binary(bytes) if open => self.connection.binary(bytes, now),
            Message::Ping(payload) => self.connection.outbox().push(Frame::pong(&payload)),
            Message::Close if open => {
                let reason = CloseReason::ClientClosed;
                self.connection.close(reason);
                self.say_close(reason, now, true);
            }
            Message::Close => self.end(),
            // The session has ended: what the client said meanwhile is not heard.
            Message::Text(_) | Message::Binary(_) => {}
        }
    }

    /// The session has ended: says so and waits for the answer where one can be expected.
    fn begin_close(&mut self, reason: CloseReason, now: Instant) {
        match reason {
            CloseReason::TransportClosed | CloseReason::SlowReader | CloseReason::PingTimeout => {
                self.end();
            }
            _ => self.say_close(reason, now, false),
        }
    }

    fn say_close(&mut self, reason: CloseReason, now: Instant, answered: bool) {
        self.connection.outbox().close(Frame::close(reason));
        if let Carrier::WebSocket(_, state) = &mut self.carrier {
            let until = now + CLOSE_TIMEOUT;
            *state = State::Closing { until, answered };
        }
    }

    fn end(&mut self) {
        self.carrier = Carrier::Gone;
        self.entry = None;
        self.connection.outbox().end();
    }

    /// Acts on a deadline that has passed, which it is then. False when none has.
    fn tick(&mut self, cx: &mut Context<'_>, now: &mut Instant) -> bool {
        let deadline = match &self.carrier {
            Carrier::Gone => return false,
            Carrier::Polling(polling) => polling.deadline(self.connection.deadline(*now)),
            Carrier::WebSocket(_, State::Open) => self.connection.deadline(*now),
            Carrier::WebSocket(_, State::Closing { until, .. }) => *until,
        };
        if self.timer.deadline().into_std() != deadline {
            self.timer.as_mut().reset(deadline.into());
        }
        if self.timer.as_mut().poll(cx).is_pending() {
            return false;
        }
        *now = deadline.max(*now);
        match &mut self.carrier {
            Carrier::Polling(polling) => {
                polling.tick(*now);
                self.connection.tick(*now);
            }
            Carrier::WebSocket(_, State::Open) => self.connection.tick(*now),
            Carrier::WebSocket(..) | Carrier::Gone => self.end(),
        }
        true
    }
}

/// The time as tests can stop it.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

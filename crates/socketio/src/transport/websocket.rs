//! Carries a [`Connection`] over a WebSocket. Outgoing frames are ready-made and leave as the
//! body of the 101 response; incoming ones arrive as the payload of its request.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use actix_http::ws;
use actix_web::{
    HttpRequest, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::Payload,
    rt, web,
};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::time::{Sleep, sleep_until};

use super::decoder::{Decoder, Message};
use crate::{
    connection::Connection,
    errors::{CloseReason, Violation},
    frame::Frame,
    handshake::{HandshakeData, Rejection},
    outbox::Outbox,
    server::Shared,
};

/// Messages of one client that are handled before others get a turn: other connections, and the
/// writer that carries away the answers.
const TURN: usize = 64;

/// How long a client may take to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Answers a verified handshake request and starts the connection's task.
pub(crate) fn accept(
    shared: Rc<Shared>,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let Ok(mut response) = ws::handshake(request.head()) else {
        return Rejection::BadRequest.response();
    };
    let outbox = Rc::new(Outbox::new(shared.config()));
    let body = BoxBody::new(Body(outbox.clone()));
    let response = match response.message_body(body) {
        Ok(response) => response.into(),
        Err(error) => return HttpResponse::from_error(error),
    };
    let now = now();
    let decoder = Decoder::new(shared.config().max_payload);
    let request = HandshakeData::new(request);
    let connection = Connection::open(shared, request, outbox.clone(), now);
    let timer = Box::pin(sleep_until(connection.deadline().into()));
    rt::spawn(WebSocket {
        connection,
        outbox,
        payload: payload.into_inner(),
        decoder,
        timer,
        state: State::Open,
    });
    response
}

/// The writing half: hands out the frames of the outbox. Each goes into actix's write buffer,
/// which leaves in one write when no more are pending; joining them here would copy them twice.
struct Body(Rc<Outbox>);

impl MessageBody for Body {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.0.poll_frame(cx).map(|frame| frame.map(Ok))
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        // actix gave up the connection, or wrote all there was.
        self.0.ask_to_close(CloseReason::TransportClosed);
    }
}

/// The reading half and the connection itself: its task.
struct WebSocket {
    connection: Connection,
    outbox: Rc<Outbox>,
    payload: Payload,
    decoder: Decoder,
    timer: Pin<Box<Sleep>>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// A close frame was sent and is to be answered until then.
    Closing(Instant),
    /// Nothing more is read.
    Closed,
}

impl Future for WebSocket {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let now = now();
        let mut turn = TURN;
        loop {
            let handlers = this.connection.poll(cx);
            if let (State::Open, Some(reason)) = (this.state, this.connection.closed()) {
                this.begin_close(reason, now);
            }
            if this.state == State::Closed {
                return handlers;
            }
            if turn == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if !this.read(cx, now, &mut turn) && !this.tick(cx, now) {
                return Poll::Pending;
            }
        }
    }
}

impl WebSocket {
    /// Reads what there is and is wanted, until its turn is over. False when nothing changed.
    fn read(&mut self, cx: &mut Context<'_>, now: Instant, turn: &mut usize) -> bool {
        let mut progressed = false;
        loop {
            let wanted = match self.state {
                State::Open => {
                    self.connection.closed().is_none() && self.connection.wants_input(now)
                }
                State::Closing(_) => true,
                State::Closed => false,
            };
            if !wanted || *turn == 0 {
                return progressed;
            }
            *turn -= 1;
            match self.decoder.next() {
                Ok(Some(message)) => self.receive(message, now),
                Ok(None) => match self.payload.poll_next_unpin(cx) {
                    Poll::Pending => return progressed,
                    Poll::Ready(Some(Ok(chunk))) => self.decoder.feed(chunk),
                    Poll::Ready(None | Some(Err(_))) => self.lost(),
                },
                Err(violation) => self.violated(&violation),
            }
            progressed = true;
        }
    }

    fn receive(&mut self, message: Message, now: Instant) {
        let open = self.state == State::Open;
        match message {
            Message::Text(bytes) if open => match std::str::from_utf8(&bytes) {
                Ok(text) => self.connection.text(text, now),
                Err(_) => self.violated(&Violation::Utf8),
            },
            Message::Binary(bytes) if open => self.connection.binary(bytes),
            Message::Ping(payload) => self.outbox.push(Frame::pong(&payload)),
            Message::Close if open => {
                self.connection.close(CloseReason::ClientClosed);
                self.outbox.close(Frame::close(CloseReason::ClientClosed));
                self.end();
            }
            Message::Close => self.end(),
            // The session has ended: what the client said meanwhile is not heard.
            Message::Text(_) | Message::Binary(_) => {}
        }
    }

    fn violated(&mut self, violation: &Violation) {
        self.connection.violated(violation);
        if self.state != State::Open {
            self.end();
        }
    }

    /// The payload ended: nothing more will come.
    fn lost(&mut self) {
        self.connection.close(CloseReason::TransportClosed);
        self.end();
    }

    /// The session has ended: says so and waits for the answer where one can be expected.
    fn begin_close(&mut self, reason: CloseReason, now: Instant) {
        self.outbox.close(Frame::close(reason));
        match reason {
            CloseReason::TransportClosed | CloseReason::SlowReader | CloseReason::PingTimeout => {
                self.end();
            }
            _ => self.state = State::Closing(now + CLOSE_TIMEOUT),
        }
    }

    fn end(&mut self) {
        self.state = State::Closed;
        self.outbox.end();
    }

    /// Acts on a deadline that has passed. False when none has.
    fn tick(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let deadline = match self.state {
            State::Open => self.connection.deadline(),
            State::Closing(until) => until,
            State::Closed => return false,
        };
        if self.timer.deadline().into_std() != deadline {
            self.timer.as_mut().reset(deadline.into());
        }
        if self.timer.as_mut().poll(cx).is_pending() {
            return false;
        }
        match self.state {
            State::Open => self.connection.tick(now.max(deadline)),
            State::Closing(_) | State::Closed => self.end(),
        }
        true
    }
}

/// The time as tests can stop it.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

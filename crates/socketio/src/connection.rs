//! One connection, whatever carries it: the session's decisions carried out on sockets, handlers
//! and the outbox. The transport feeds it messages and the time and polls it; it lives in that
//! transport's task, on one thread, and is never shared.

use std::{
    rc::Rc,
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;

use crate::{
    errors::{CloseReason, DisconnectReason, Violation, close_reason},
    event::{AckSender, Event},
    handshake::HandshakeData,
    member::{Member, Outcome},
    outbox::Outbox,
    server::Shared,
    session::{Action, Session, Tick},
    socket::Socket,
};

pub(crate) struct Connection {
    shared: Rc<Shared>,
    session: Session,
    outbox: Rc<Outbox>,
    request: Rc<HandshakeData>,
    /// In the order of their CONNECTs. Of several sockets of one namespace, all but the last
    /// have ended and run their last handlers.
    members: Vec<Member>,
    closed: Option<CloseReason>,
    reading: bool,
}

impl Connection {
    pub(crate) fn open(
        shared: Rc<Shared>,
        request: HandshakeData,
        outbox: Rc<Outbox>,
        now: Instant,
    ) -> Self {
        let (session, open) = Session::open(shared.config(), shared.names(), now);
        outbox.push(open);
        shared.add(session.id(), &outbox);
        tracing::debug!("a connection was opened");
        Self {
            shared,
            session,
            outbox,
            request: Rc::new(request),
            members: Vec::new(),
            closed: None,
            reading: true,
        }
    }

    /// A text message arrived.
    pub(crate) fn text(&mut self, text: &str, now: Instant) {
        let action = self.session.text(text, now);
        self.act(action);
    }

    /// A binary message arrived.
    pub(crate) fn binary(&mut self, bytes: Bytes) {
        let action = self.session.binary(bytes);
        self.act(action);
    }

    fn act(&mut self, action: Result<Action, Violation>) {
        match action {
            Ok(Action::None) => {}
            Ok(Action::Send(frame)) => self.outbox.push(frame),
            Ok(Action::Connect { namespace, auth }) => {
                let endpoint = self.shared.endpoint(namespace);
                let socket = Socket::new(
                    endpoint.name.clone(),
                    self.outbox.clone(),
                    endpoint.rooms.clone(),
                );
                self.members.push(Member::connect(
                    namespace,
                    endpoint.handler.clone(),
                    socket,
                    self.request.clone(),
                    auth,
                ));
            }
            Ok(Action::Event {
                namespace,
                payload,
                attachments,
                ack,
            }) => {
                if let Some(member) = self.current(namespace) {
                    let ack = ack.map(|id| AckSender::new(member.socket().clone(), id));
                    member.receive(Event {
                        name: payload.name,
                        args: payload.args,
                        attachments,
                        ack,
                    });
                }
            }
            Ok(Action::Leave { namespace }) => {
                if let Some(member) = self.current(namespace) {
                    member.end(DisconnectReason::ClientLeft);
                }
            }
            Ok(Action::Close) => self.close(CloseReason::ClientClosed),
            Err(violation) => self.violated(&violation),
        }
    }

    fn current(&mut self, namespace: usize) -> Option<&mut Member> {
        self.members
            .iter_mut()
            .rfind(|member| member.namespace() == namespace)
    }

    /// The client broke a rule.
    pub(crate) fn violated(&mut self, violation: &Violation) {
        self.close(close_reason(violation));
    }

    /// Ends the session; the first reason counts. The transport sees it in
    /// [`closed`](Self::closed).
    pub(crate) fn close(&mut self, reason: CloseReason) {
        if self.closed.is_some() {
            return;
        }
        tracing::debug!(reason = reason.as_str(), "a connection was closed");
        for member in &mut self.members {
            if reason == CloseReason::ServerClosed {
                member.socket().tell_put_out();
            }
            member.end(DisconnectReason::Closed(reason));
        }
        self.closed = Some(reason);
    }

    /// Why the session ended, once it has.
    pub(crate) fn closed(&self) -> Option<CloseReason> {
        self.closed
    }

    /// Whether the transport may hand over another message. While it may not, handlers are
    /// behind, and the client cannot be blamed for pongs that are not read.
    pub(crate) fn wants_input(&mut self, now: Instant) -> bool {
        let config = self.shared.config();
        let keeping_up = self
            .members
            .iter()
            .all(|member| member.has_room(config.max_pending_events, config.max_payload));
        // Sockets that left but whose handlers still run are bounded too.
        let wants = keeping_up && self.members.len() <= 2 * self.shared.names().len();
        if wants && !self.reading {
            self.session.excuse(now);
        }
        self.reading = wants;
        wants
    }

    /// When [`tick`](Self::tick) wants to be called next.
    pub(crate) fn deadline(&self) -> Instant {
        self.session.deadline()
    }

    pub(crate) fn tick(&mut self, now: Instant) {
        if self.closed.is_some() {
            return;
        }
        if !self.reading {
            self.session.excuse(now);
        }
        match self.session.tick(now) {
            Tick::None => {}
            Tick::Send(frame) => self.outbox.push(frame),
            Tick::Close(reason) => self.close(reason),
        }
    }

    /// Runs the handlers. Ready when the session has ended and all its handlers have too.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let mut index = 0;
            while index < self.members.len() {
                if self.drive(index, cx) {
                    self.members.remove(index);
                } else {
                    index += 1;
                }
            }
            match self.outbox.poll_asked_to_close(cx) {
                // The handlers that this ends have to run on.
                Some(reason) if self.closed.is_none() => self.close(reason),
                _ => break,
            }
        }
        if self.closed.is_some() && self.members.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Takes one socket's work as far as it goes. True when the socket is done with.
    fn drive(&mut self, index: usize, cx: &mut Context<'_>) -> bool {
        loop {
            let member = &mut self.members[index];
            if member.is_put_out() {
                self.session.put_out(member.namespace());
                member.end(DisconnectReason::ServerLeft);
            }
            let Poll::Ready(outcome) = member.poll(cx) else {
                return false;
            };
            match outcome {
                Outcome::Admitted if member.has_ended() => {}
                Outcome::Admitted => {
                    let connect = self.session.admit(member.namespace(), member.socket().id());
                    member.socket().admitted(connect);
                }
                Outcome::Refused(error) => {
                    if !member.has_ended() {
                        self.outbox
                            .push(self.session.refuse(member.namespace(), &error));
                    }
                    member.socket().disconnected();
                    return true;
                }
                Outcome::Handled => {}
                Outcome::Done => return true,
                Outcome::Panicked => {
                    tracing::error!(
                        namespace = member.socket().namespace(),
                        "a handler panicked; its connection is closed"
                    );
                    self.close(CloseReason::HandlerPanicked);
                }
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Only when the runtime stops or a bug panics are there members left; they would keep
        // the room table alive, and it them.
        for member in &self.members {
            member.socket().disconnected();
        }
        self.outbox.end();
        self.shared.remove(self.session.id());
    }
}

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use actix_web::{
    rt,
    web::{self, ServiceConfig},
};
use engineioxide_core::Sid;

use crate::{
    engine::{EngineMessage, EngineSocket},
    errors::CloseReason,
    flusher::Flusher,
    handshake::{HandshakeData, Rejection},
    hub::Hub,
    namespace::{Handler, Namespace},
    outbox::Outbox,
    rooms::Rooms,
    session::Purpose,
    transport::http,
};

/// The Socket.IO server of one worker thread. Cloning is shallow.
#[derive(Clone)]
pub struct SocketIo(pub(crate) Rc<Shared>);

/// Collects what a [`SocketIo`] serves.
pub struct SocketIoBuilder {
    hub: Hub,
    endpoints: Vec<Endpoint>,
    engine: Option<Box<EngineHandler>>,
    allow: Option<Box<Allow>>,
}

type EngineHandler = dyn Fn(&EngineSocket, EngineMessage);
type Allow = dyn Fn(&HandshakeData) -> Result<(), String>;

/// What the connections of one worker thread share.
pub(crate) struct Shared {
    hub: Hub,
    endpoints: Vec<Endpoint>,
    names: Rc<[Rc<str>]>,
    engine: Option<Box<EngineHandler>>,
    allow: Option<Box<Allow>>,
    connections: RefCell<HashMap<Sid, Rc<Outbox>>>,
    flusher: Rc<Flusher>,
    flushing: Cell<bool>,
    drained: Cell<bool>,
}

/// A namespace.
pub(crate) struct Endpoint {
    pub(crate) name: Rc<str>,
    pub(crate) rooms: Rooms,
    pub(crate) handler: Rc<dyn Handler>,
}

impl SocketIoBuilder {
    /// Adds a namespace: its name (which begins with a slash), the table of its sockets on this
    /// thread, and what is done with them.
    #[must_use]
    pub fn namespace(mut self, name: &str, rooms: Rooms, handler: impl Namespace) -> Self {
        self.endpoints.push(Endpoint {
            name: name.into(),
            rooms,
            handler: Rc::new(handler),
        });
        self
    }

    /// Speaks bare Engine.IO instead of Socket.IO: hands each message to `handler`. There are no
    /// namespaces then.
    #[must_use]
    pub fn engine(mut self, handler: impl Fn(&EngineSocket, EngineMessage) + 'static) -> Self {
        self.engine = Some(Box::new(handler));
        self
    }

    /// Asks this of each request that would open a connection, for instance whether its `Origin`
    /// may; an `Err` refuses it with this message and status 403. Browsers let any page open a
    /// WebSocket to any server, with the user's cookies.
    #[must_use]
    pub fn allow(mut self, allow: impl Fn(&HandshakeData) -> Result<(), String> + 'static) -> Self {
        self.allow = Some(Box::new(allow));
        self
    }

    /// The server.
    #[must_use]
    pub fn build(self) -> SocketIo {
        SocketIo(Rc::new(Shared {
            names: self.endpoints.iter().map(|end| end.name.clone()).collect(),
            hub: self.hub,
            endpoints: self.endpoints,
            engine: self.engine,
            allow: self.allow,
            connections: RefCell::default(),
            flusher: Rc::default(),
            flushing: Cell::new(false),
            drained: Cell::new(false),
        }))
    }
}

impl SocketIo {
    /// A server without namespaces yet, for one of the worker threads of `hub`.
    #[must_use]
    pub fn builder(hub: &Hub) -> SocketIoBuilder {
        SocketIoBuilder {
            hub: hub.clone(),
            endpoints: Vec::new(),
            engine: None,
            allow: None,
        }
    }

    /// Adds the routes of HTTP long-polling to an application; for
    /// [`App::configure`](actix_web::App::configure). WebSockets reach the server by
    /// [`listen`](crate::listen).
    pub fn configure(&self, app: &mut ServiceConfig) {
        let config = self.0.hub.config();
        let bare = config.path.trim_end_matches('/').to_owned();
        let io = self.clone();
        app.service(
            web::resource([config.path.clone(), bare])
                .wrap(http::cors(config.cors.as_ref()))
                .to(move |request, payload| http::serve(io.clone(), request, payload)),
        );
    }

    /// Closes all connections of this thread for this reason, without a word to the namespaces,
    /// so that stock clients come back by themselves, and answers new ones with 503 from now
    /// on. Returns at once; [`connections`](Self::connections) is 0 when all handlers have ended.
    pub fn close_all(&self, reason: CloseReason) {
        self.0.drained.set(true);
        for outbox in self.0.connections.borrow().values() {
            outbox.ask_to_close(reason);
        }
    }

    /// How many connections of this thread are open or still running handlers.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.connections.borrow().len()
    }
}

impl Shared {
    pub(crate) fn hub(&self) -> &Hub {
        &self.hub
    }

    pub(crate) fn flusher(&self) -> Rc<Flusher> {
        self.flusher.clone()
    }

    /// Starts this thread's writer, unless it runs.
    pub(crate) fn flush(&self) {
        if !self.flushing.replace(true) {
            rt::spawn(self.flusher().run());
        }
    }

    pub(crate) fn purpose(&self, upgradable: bool) -> Purpose {
        Purpose {
            namespaces: self.names.clone(),
            bare: self.engine.is_some(),
            upgradable,
        }
    }

    pub(crate) fn namespaces(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn endpoint(&self, namespace: usize) -> &Endpoint {
        &self.endpoints[namespace]
    }

    pub(crate) fn engine(&self) -> Option<&EngineHandler> {
        self.engine.as_deref()
    }

    /// Whether a request may open a connection.
    pub(crate) fn allow(&self, request: &HandshakeData) -> Result<(), Rejection> {
        if self.drained.get() {
            return Err(Rejection::Full);
        }
        let allowed = self.allow.as_ref().map_or(Ok(()), |allow| allow(request));
        allowed.map_err(Rejection::Forbidden)
    }

    pub(crate) fn add(&self, id: Sid, outbox: &Rc<Outbox>) {
        self.connections.borrow_mut().insert(id, outbox.clone());
    }

    pub(crate) fn remove(&self, id: Sid) {
        self.connections.borrow_mut().remove(&id);
    }
}

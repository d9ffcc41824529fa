use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, ServiceConfig},
};
use engineioxide_core::Sid;

use crate::{
    config::Config,
    errors::CloseReason,
    handshake::verify,
    namespace::{Handler, Namespace},
    outbox::Outbox,
    rooms::Rooms,
    transport::websocket,
};

/// How many connections are open, over all worker threads it was given to. Cloning is shallow.
#[derive(Clone, Debug, Default)]
pub struct ConnectionCount(Arc<AtomicUsize>);

impl ConnectionCount {
    /// The number of connections whose handlers have not all ended.
    #[must_use]
    pub fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// The Socket.IO server of one worker thread, made in the factory of
/// [`HttpServer`](actix_web::HttpServer). Cloning is shallow.
#[derive(Clone)]
pub struct SocketIo(pub(crate) Rc<Shared>);

/// Collects what a [`SocketIo`] serves.
pub struct SocketIoBuilder {
    config: Config,
    endpoints: Vec<Endpoint>,
    count: ConnectionCount,
}

/// What the connections of one worker thread share.
pub(crate) struct Shared {
    config: Config,
    endpoints: Vec<Endpoint>,
    names: Rc<[Rc<str>]>,
    connections: RefCell<HashMap<Sid, Rc<Outbox>>>,
    count: ConnectionCount,
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

    /// Counts connections here too; give the same to all worker threads.
    #[must_use]
    pub fn count(mut self, count: ConnectionCount) -> Self {
        self.count = count;
        self
    }

    /// The server.
    #[must_use]
    pub fn build(self) -> SocketIo {
        SocketIo(Rc::new(Shared {
            names: self.endpoints.iter().map(|end| end.name.clone()).collect(),
            config: self.config,
            endpoints: self.endpoints,
            connections: RefCell::default(),
            count: self.count,
            drained: Cell::new(false),
        }))
    }
}

impl SocketIo {
    /// A server without namespaces yet.
    #[must_use]
    pub fn builder(config: Config) -> SocketIoBuilder {
        SocketIoBuilder {
            config,
            endpoints: Vec::new(),
            count: ConnectionCount::default(),
        }
    }

    /// Adds the server's route to an application; for [`App::configure`](actix_web::App::configure).
    pub fn configure(&self, app: &mut ServiceConfig) {
        let path = self.0.config.path.clone();
        let bare = path.trim_end_matches('/').to_owned();
        let io = self.clone();
        app.service(web::resource([path, bare]).to(
            move |request: HttpRequest, payload: web::Payload| {
                let response = io.accept(&request, payload);
                async move { response }
            },
        ));
    }

    fn accept(&self, request: &HttpRequest, payload: web::Payload) -> HttpResponse {
        if self.0.drained.get() {
            return HttpResponse::ServiceUnavailable().finish();
        }
        match verify(request) {
            Ok(()) => websocket::accept(self.0.clone(), request, payload),
            Err(rejection) => rejection.response(),
        }
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
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn names(&self) -> Rc<[Rc<str>]> {
        self.names.clone()
    }

    pub(crate) fn endpoint(&self, namespace: usize) -> &Endpoint {
        &self.endpoints[namespace]
    }

    pub(crate) fn add(&self, id: Sid, outbox: &Rc<Outbox>) {
        self.connections.borrow_mut().insert(id, outbox.clone());
        self.count.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn remove(&self, id: Sid) {
        self.connections.borrow_mut().remove(&id);
        self.count.0.fetch_sub(1, Ordering::Relaxed);
    }
}

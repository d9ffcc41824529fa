use std::{cell::RefCell, collections::HashMap, rc::Rc};

use models::session::{SessionHandle, SessionId};

/// Which sockets of one worker thread belong to which session. Cloning shares the table.
#[derive(Clone, Default)]
pub(crate) struct SessionSockets(Rc<RefCell<Table>>);

type Table = HashMap<SessionHandle, Entry>;

struct Entry {
    session: SessionId,
    /// Their ids; those that are not admitted yet, too.
    sockets: Vec<String>,
}

impl SessionSockets {
    /// The socket belongs to this session for as long as the registration lives.
    pub(crate) fn register(&self, session: &SessionId, socket: &str) -> Registration {
        let handle = session.handle();
        let mut table = self.0.borrow_mut();
        let entry = table.entry(handle.clone()).or_insert_with(|| Entry {
            session: session.clone(),
            sockets: Vec::new(),
        });
        entry.sockets.push(socket.into());
        Registration {
            table: self.clone(),
            handle,
            socket: socket.into(),
        }
    }

    /// Forgets these sessions, and tells which sockets they had.
    pub(crate) fn take(&self, handles: &[SessionHandle]) -> Vec<String> {
        let mut table = self.0.borrow_mut();
        handles
            .iter()
            .filter_map(|handle| table.remove(handle))
            .flat_map(|entry| entry.sockets)
            .collect()
    }

    /// The sessions that have sockets here.
    pub(crate) fn sessions(&self) -> Vec<SessionId> {
        let table = self.0.borrow();
        table.values().map(|entry| entry.session.clone()).collect()
    }
}

/// A socket's place in the table, given back when dropped.
pub(crate) struct Registration {
    table: SessionSockets,
    handle: SessionHandle,
    socket: String,
}

impl Registration {
    /// Whether nothing has been told of the session since: [`SessionSockets::take`] has not come across it.
    pub(crate) fn is_current(&self) -> bool {
        let table = self.table.0.borrow();
        table
            .get(&self.handle)
            .is_some_and(|entry| entry.sockets.contains(&self.socket))
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut table = self.table.0.borrow_mut();
        if let Some(entry) = table.get_mut(&self.handle) {
            entry.sockets.retain(|socket| *socket != self.socket);
            if entry.sockets.is_empty() {
                table.remove(&self.handle);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_known_while_it_has_sockets() {
        let table = SessionSockets::default();
        let session = SessionId::generate();
        let first = table.register(&session, "a");
        let second = table.register(&session, "b");
        assert_eq!(table.sessions(), std::slice::from_ref(&session));
        drop(first);
        assert!(second.is_current());
        assert_eq!(table.take(&[session.handle()]), ["b"]);
        drop(second);
        assert!(table.sessions().is_empty());
    }

    #[test]
    fn what_was_registered_before_the_news_is_not_current_after_it() {
        let table = SessionSockets::default();
        let [ended, other] = [(); 2].map(|()| SessionId::generate());
        let before = table.register(&ended, "a");
        let beside = table.register(&other, "b");
        assert_eq!(table.take(&[ended.handle()]), ["a"]);
        let after = table.register(&ended, "c");
        assert!(!before.is_current());
        assert!(beside.is_current() && after.is_current());
        drop(before);
        assert!(after.is_current());
        assert!(table.take(&[SessionId::generate().handle()]).is_empty());
    }
}

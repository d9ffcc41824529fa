use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use models::UserId;

/// How many connections each user has with this node. Cloning shares the count.
#[derive(Clone)]
pub(crate) struct UserConnections {
    limit: usize,
    open: Arc<Mutex<HashMap<UserId, usize>>>,
}

/// A user has as many connections as one may have.
#[derive(Debug)]
pub(crate) struct TooMany;

impl UserConnections {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            open: Arc::default(),
        }
    }

    /// Takes a place for one more, given back when dropped.
    pub(crate) fn admit(&self, user: UserId) -> Result<UserPlace, TooMany> {
        let mut counts = self.open();
        let open = counts.entry(user).or_default();
        if *open >= self.limit {
            return Err(TooMany);
        }
        *open += 1;
        let connections = self.clone();
        Ok(UserPlace { connections, user })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection among those of its user.
pub(crate) struct UserPlace {
    connections: UserConnections,
    user: UserId,
}

impl Drop for UserPlace {
    fn drop(&mut self) {
        let mut counts = self.connections.open();
        if let Some(open) = counts.get_mut(&self.user) {
            *open -= 1;
            if *open == 0 {
                counts.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_no_more_connections_than_one_may() {
        let connections = UserConnections::new(2);
        let [user, other] = [(); 2].map(|()| UserId::generate());
        let first = connections.admit(user).unwrap();
        let _second = connections.admit(user).unwrap();
        assert!(connections.admit(user).is_err());
        let _other = connections.admit(other).unwrap();
        drop(first);
        let again = connections.admit(user).unwrap();
        drop((again, _second, _other));
        assert!(connections.open().is_empty());
    }
}

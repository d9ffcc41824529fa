use std::sync::Arc;

use messaging::{Chats, Presence, RateLimit, Redis, Rooms, Sessions, Subscriber};
use models::Limits;

use crate::{
    attendance::Attendance, subscriptions::Subscriptions, user_connections::UserConnections,
};

/// A node as one of its threads sees it: what all of them share, through a connection to Redis of its own.
pub(crate) struct Node {
    /// The number of the worker thread, 0 where it does not matter.
    pub(crate) worker: usize,
    pub(crate) sessions: Sessions,
    pub(crate) rooms: Rooms,
    pub(crate) chats: Chats,
    pub(crate) presence: Presence,
    pub(crate) message_rate: RateLimit,
    pub(crate) request_rate: RateLimit,
    pub(crate) limits: Limits,
    pub(crate) user_connections: UserConnections,
    pub(crate) attendance: Arc<Attendance>,
    pub(crate) subscriptions: Arc<Subscriptions>,
    redis: Redis,
}

impl Node {
    pub(crate) fn new(
        redis: Redis,
        sessions: Sessions,
        subscriber: Subscriber,
        limits: Limits,
        user_connections: UserConnections,
    ) -> Self {
        let presence = Presence::new(redis.clone());
        let chats = Chats::new(redis.clone());
        Self {
            worker: 0,
            sessions,
            rooms: Rooms::new(redis.clone()),
            message_rate: RateLimit::of_messages(redis.clone(), &limits),
            request_rate: RateLimit::of_requests(redis.clone(), &limits),
            limits,
            user_connections,
            attendance: Arc::new(Attendance::new(presence.clone())),
            subscriptions: Arc::new(Subscriptions::new(subscriber, chats.clone())),
            presence,
            chats,
            redis,
        }
    }

    /// This node for the worker thread that calls this, which has this number.
    pub(crate) fn on_worker(&self, worker: usize) -> Self {
        let redis = self.redis.on_this_thread();
        Self {
            worker,
            sessions: self.sessions.through(redis.clone()),
            rooms: Rooms::new(redis.clone()),
            chats: Chats::new(redis.clone()),
            presence: Presence::new(redis.clone()),
            message_rate: RateLimit::of_messages(redis.clone(), &self.limits),
            request_rate: RateLimit::of_requests(redis.clone(), &self.limits),
            limits: self.limits,
            attendance: self.attendance.clone(),
            subscriptions: self.subscriptions.clone(),
            user_connections: self.user_connections.clone(),
            redis,
        }
    }
}

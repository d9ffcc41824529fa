use messaging::{Chats, Presence, RateLimit, Redis, Rooms, Sessions, Subscriber};
use models::Limits;

use crate::{
    attendance::Attendance, subscriptions::Subscriptions, user_connections::UserConnections,
};

/// What every worker thread of this process shares.
pub(crate) struct Node {
    pub(crate) sessions: Sessions,
    pub(crate) rooms: Rooms,
    pub(crate) chats: Chats,
    pub(crate) presence: Presence,
    pub(crate) rate_limit: RateLimit,
    pub(crate) limits: Limits,
    pub(crate) attendance: Attendance,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) user_connections: UserConnections,
}

impl Node {
    pub(crate) fn new(
        redis: &Redis,
        sessions: Sessions,
        subscriber: Subscriber,
        limits: Limits,
        user_connections: UserConnections,
    ) -> Self {
        let presence = Presence::new(redis.clone());
        let chats = Chats::new(redis.clone());
        Self {
            sessions,
            rooms: Rooms::new(redis.clone()),
            rate_limit: RateLimit::of_messages(redis.clone(), &limits),
            limits,
            attendance: Attendance::new(presence.clone()),
            subscriptions: Subscriptions::new(subscriber, chats.clone()),
            user_connections,
            presence,
            chats,
        }
    }
}

//! The names of exchanges and queues.

/// Durable topic exchange every service logs to.
pub const LOG_EXCHANGE: &str = "packtchat.log";
/// Durable queue with every log record.
pub const LOG_QUEUE_ALL: &str = "debug.log";
/// Binding of [`LOG_QUEUE_ALL`].
pub const LOG_BINDING_ALL: &str = "*.log";
/// Durable queue with the errors alone.
pub const LOG_QUEUE_ERRORS: &str = "error.log";
/// Binding of [`LOG_QUEUE_ERRORS`].
pub const LOG_BINDING_ERRORS: &str = "error.log";
/// Durable fanout exchange for records no sink could read.
pub const LOG_DEAD_EXCHANGE: &str = "packtchat.log.dead";
/// Durable queue behind [`LOG_DEAD_EXCHANGE`].
pub const LOG_DEAD_QUEUE: &str = "dead.log";
/// Durable queue of the [`crate::account::AuthRequest`]s of people who are signed in, and of those that cost little.
pub const AUTH_REQUESTS: &str = "auth.requests";
/// Durable queue of the [`crate::account::AuthRequest`]s that cost a password hash before anybody is known.
pub const AUTH_LOGINS: &str = "auth.logins";
/// RabbitMQ's direct reply-to pseudo-queue.
pub const DIRECT_REPLY_TO: &str = "amq.rabbitmq.reply-to";

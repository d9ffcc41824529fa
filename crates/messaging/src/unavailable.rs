use std::fmt;

/// Redis or RabbitMQ did not answer in time, or not as it should. What was asked may have been done all the same.
///
/// Already logged where it happened, once per outage: the caller tells its own caller, and does not log again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unavailable {
    /// Who did not answer.
    pub server: &'static str,
    /// What the client library said.
    pub reason: String,
}

impl Unavailable {
    pub(crate) fn redis(reason: impl fmt::Display) -> Self {
        Self {
            server: "Redis",
            reason: reason.to_string(),
        }
    }

    pub(crate) fn rabbitmq(reason: impl fmt::Display) -> Self {
        Self {
            server: "RabbitMQ",
            reason: reason.to_string(),
        }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not available: {}", self.server, self.reason)
    }
}

impl std::error::Error for Unavailable {}

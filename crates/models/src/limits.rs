use serde::Deserialize;

/// The bounds on what people may send. Counted in Unicode scalar values unless said otherwise.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Longest message. Default 4,000 (`PACKTCHAT__LIMITS__MESSAGE_CHARS`).
    pub message_chars: usize,
    /// Longest room name. Default 64 (`PACKTCHAT__LIMITS__ROOM_CHARS`).
    pub room_chars: usize,
    /// Shortest username. Default 3 (`PACKTCHAT__LIMITS__USERNAME_MIN`).
    pub username_min: usize,
    /// Longest username. Default 32 (`PACKTCHAT__LIMITS__USERNAME_MAX`).
    pub username_max: usize,
    /// Longest display name. Default 32 (`PACKTCHAT__LIMITS__DISPLAY_NAME_MAX`).
    pub display_name_max: usize,
    /// Shortest password. Default 8 (`PACKTCHAT__LIMITS__PASSWORD_MIN`).
    pub password_min: usize,
    /// Longest password. Default 128 (`PACKTCHAT__LIMITS__PASSWORD_MAX`).
    pub password_max: usize,
    /// Messages one user may send per second, sustained. Default 10
    /// (`PACKTCHAT__LIMITS__MESSAGES_PER_SECOND`); 0 lifts the limit.
    pub messages_per_second: u32,
    /// Messages one user may send at once before the sustained rate applies. Default 30
    /// (`PACKTCHAT__LIMITS__MESSAGE_BURST`).
    pub message_burst: u32,
    /// Other things one user may ask the chat for per second, sustained: entering a room, who is there, what was said.
    /// Default 20 (`PACKTCHAT__LIMITS__REQUESTS_PER_SECOND`); 0 lifts the limit.
    pub requests_per_second: u32,
    /// Such things one user may ask for at once, as all tabs do after an outage, before the sustained rate applies.
    /// Default 200 (`PACKTCHAT__LIMITS__REQUEST_BURST`).
    pub request_burst: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_chars: 4_000,
            room_chars: 64,
            username_min: 3,
            username_max: 32,
            display_name_max: 32,
            password_min: 8,
            password_max: 128,
            messages_per_second: 10,
            message_burst: 30,
            requests_per_second: 20,
            request_burst: 200,
        }
    }
}

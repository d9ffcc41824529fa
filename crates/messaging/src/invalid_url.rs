/// A URL that names no server. Its text does not show the URL, which may hold a password.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{variable} is not of the form {form}")]
pub struct InvalidUrl {
    variable: &'static str,
    form: &'static str,
}

impl InvalidUrl {
    pub(crate) fn redis() -> Self {
        Self {
            variable: "PACKTCHAT__REDIS__URL",
            form: "redis://[:password@]host:port[/database]",
        }
    }

    pub(crate) fn amqp() -> Self {
        Self {
            variable: "PACKTCHAT__AMQP__URL",
            form: "amqp://user:password@host:port/vhost, or several of them between commas",
        }
    }
}

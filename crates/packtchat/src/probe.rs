//! `packtchat probe`

use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::Parser;
use stack::probe::Probe as Question;

/// Asks a service of this machine whether it is well: ends with 0 where the status is below 400, with 1 where not
///
/// For the health checks of containers, whose image has no other HTTP client. Waits two seconds at most.
#[derive(Parser)]
pub(crate) struct Probe {
    /// Such as `http://127.0.0.1:9000/readyz`
    #[arg(value_name = "URL", value_parser = question)]
    question: Question,
}

pub(crate) async fn run(arguments: Probe) -> anyhow::Result<ExitCode> {
    arguments.question.ask().await?;
    Ok(ExitCode::SUCCESS)
}

fn question(text: &str) -> anyhow::Result<Question> {
    let (place, path) = text
        .strip_prefix("http://")
        .context("it does not begin with http://")?
        .split_once('/')
        .context("a path is missing, such as /readyz")?;
    let (host, port) = place.split_once(':').unwrap_or((place, "80"));
    ensure!(
        ["127.0.0.1", "localhost"].contains(&host),
        "the host is not 127.0.0.1"
    );
    ensure!(
        path.chars().all(|c| c.is_ascii_graphic()),
        "the path has characters that cannot be in one"
    );
    Ok(Question::Http {
        port: port.parse().context("the port is not a number")?,
        path: format!("/{path}").into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_of_this_machine_are_asked() {
        let asked = question("http://127.0.0.1:9000/readyz").unwrap();
        let Question::Http { port, path } = asked else {
            panic!("{asked:?}")
        };
        assert_eq!((port, &*path), (9000, "/readyz"));
        assert!(question("http://localhost/").is_ok());
        for refused in [
            "https://127.0.0.1:9000/readyz",
            "http://127.0.0.1:9000",
            "http://example.org/readyz",
            "http://127.0.0.1:http/readyz",
            "http://127.0.0.1/a b",
            "http://127.0.0.1/\r\nHost: forged",
        ] {
            assert!(question(refused).is_err(), "{refused}");
        }
    }
}

//! The arguments of `packtchat bench`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use models::events::NAMESPACE;

use super::procfs::Process;

/// Measures a Socket.IO server that speaks PacktChat's protocol
///
/// Opens many connections, posts at fixed times whatever the server does, checks every delivery (lost, doubled, out
/// of order, not in one order on all screens), and reports latencies from the time a post was due, processor time of
/// the server processes per delivery, and their memory per connection.
///
/// Give the servers one user for each posting connection (`bench sessions`, `--cookies`), and for rates above ten
/// posts a second and user lift the limit on them (PACKTCHAT__LIMITS__MESSAGES_PER_SECOND=0).
#[derive(Parser)]
pub(crate) struct Bench {
    #[command(subcommand)]
    pub(crate) mode: Mode,
}

#[derive(Subcommand)]
pub(crate) enum Mode {
    Load(Load),
    Saturate(Saturate),
    Idle(Idle),
    Sessions(Sessions),
    Logins(Logins),
}

/// Posts at a fixed rate and measures the deliveries
///
/// Ends with status 0 when every delivery was right.
#[derive(Parser)]
pub(crate) struct Load {
    #[command(flatten)]
    pub(crate) target: Target,
    /// A known workload: w1 is 1,000 connections in 10 rooms (10,000 deliveries a second), w2 is 500 in one room
    /// (20,000 a second). Other options still count
    #[arg(long, value_enum)]
    preset: Option<LoadPreset>,
    #[command(flatten)]
    pub(crate) audience: Audience,
    /// Posts a second, all senders together [w2: 40]
    #[arg(long, value_name = "N", default_value_t = 100.0, value_parser = positive,
          default_value_ifs = [("preset", "w2", "40")])]
    pub(crate) rate: f64,
    /// Seconds measured
    #[arg(long, value_name = "SECONDS", default_value_t = 20.0, value_parser = positive)]
    pub(crate) seconds: f64,
    /// Connections, of all, that enter their room and then never read; the report tells how many the server closed
    ///
    /// Before a server notices, the kernel takes in some 4 MB for each: make --bytes, --rate and --seconds large enough.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) stalled: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum LoadPreset {
    W1,
    W2,
}

/// Steps the rate up to the highest that holds
///
/// A rate holds when nothing is lost or refused, no connection is closed, and p99 stays within the limit. It fails
/// when it fails twice in a row. Each limit has a result of its own.
#[derive(Parser)]
pub(crate) struct Saturate {
    #[command(flatten)]
    pub(crate) target: Target,
    /// A known workload: s1 has the rooms of w1, s2 the room of w2. Other options still count
    #[arg(long, value_enum)]
    preset: Option<SaturatePreset>,
    #[command(flatten)]
    pub(crate) audience: Audience,
    /// The first rate, in posts a second, all senders together [s2: 40]
    #[arg(long, value_name = "N", default_value_t = 150.0, value_parser = positive,
          default_value_ifs = [("preset", "s2", "40")])]
    pub(crate) rate_from: f64,
    /// The factor between rates
    #[arg(long, value_name = "FACTOR", default_value_t = 1.3, value_parser = growth)]
    pub(crate) growth: f64,
    /// Steps that halve the distance between the highest rate that held and the lowest that failed
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) refine: u32,
    /// Go no higher than this
    #[arg(long, value_name = "N", default_value_t = 100_000.0, value_parser = positive)]
    pub(crate) max_rate: f64,
    /// Limits on p99
    #[arg(long, value_name = "MS", default_values_t = [50.0, 250.0], value_delimiter = ',', value_parser = positive)]
    pub(crate) p99_ms: Vec<f64>,
    /// Seconds measured at each rate
    #[arg(long, value_name = "SECONDS", default_value_t = 8.0, value_parser = positive)]
    pub(crate) seconds: f64,
}

#[derive(Clone, Copy, ValueEnum)]
enum SaturatePreset {
    S1,
    S2,
}

/// Connects and waits: memory per connection, processor time per heartbeat
#[derive(Parser)]
pub(crate) struct Idle {
    #[command(flatten)]
    pub(crate) target: Target,
    /// A known workload: w3 is 5,000 connections, watched for 45 s. Other options still count
    #[arg(long, value_enum)]
    preset: Option<IdlePreset>,
    /// Connections [w3: 5000]
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = count,
          default_value_ifs = [("preset", "w3", "5000")])]
    pub(crate) connections: usize,
    /// Seconds after the last connection before memory is read [w3: 15]
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0, value_parser = not_negative,
          default_value_ifs = [("preset", "w3", "15")])]
    pub(crate) settle: f64,
    /// Seconds watched; more than the server's time between heartbeats [w3: 45]
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0, value_parser = not_negative,
          default_value_ifs = [("preset", "w3", "45")])]
    pub(crate) seconds: f64,
    /// Open and close them so many times, and compare memory after each; only the first time is watched
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum IdlePreset {
    W3,
}

/// Stores sessions as the gateway does at sign-in, and prints their cookies, one a line
///
/// Each is of a user of its own. Redis and the secret are those of the services: PACKTCHAT__REDIS__URL and
/// PACKTCHAT__SESSION__SECRET, or the files that PACKTCHAT__REDIS__URL_FILE and PACKTCHAT__SESSION__SECRET_FILE name.
#[derive(Parser)]
pub(crate) struct Sessions {
    /// How many
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) count: usize,
}

/// Compares how long a wrong password takes to be refused, of an account that exists and of one that does not
///
/// Makes an account, and then tries one password at a time, in random order. Run the gateways without limits on wrong
/// passwords: PACKTCHAT__THROTTLE__ACCOUNT_FAILURES=0, PACKTCHAT__THROTTLE__ADDRESS_FAILURES=0.
#[derive(Parser)]
pub(crate) struct Logins {
    /// The site, as http://HOST:PORT
    #[arg(long, value_name = "URL")]
    pub(crate) url: String,
    /// Tries of each kind, beside a few that are not measured
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = count)]
    pub(crate) tries: usize,
    /// Write the report as JSON too; to standard output where FILE is `-`, the table then to standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// Where to connect, and what to report.
#[derive(Args)]
pub(crate) struct Target {
    /// A server, as http://HOST:PORT; with several, connections take turns
    #[arg(long = "url", value_name = "URL", required = true)]
    pub(crate) urls: Vec<String>,
    /// The path of Socket.IO
    #[arg(long, value_name = "PATH", default_value = "/socket.io/")]
    pub(crate) path: String,
    /// The namespace of the chat
    #[arg(long, value_name = "NAME", default_value = NAMESPACE)]
    pub(crate) namespace: String,
    /// A file of Cookie headers, one a line; connections take turns
    #[arg(long, value_name = "FILE")]
    pub(crate) cookies: Option<PathBuf>,
    /// What CONNECT carries
    #[arg(long, value_enum, default_value_t = Auth::None)]
    pub(crate) auth: Auth,
    /// Handshakes under way at one time
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = count)]
    pub(crate) parallel: usize,
    /// A process to account for; may be repeated, and processes of one name are added up
    #[arg(long = "pid", value_name = "NAME=PID")]
    pub(crate) processes: Vec<Process>,
    /// Write the report as JSON too; to standard output where FILE is `-`, the table then to standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// The payload of CONNECT.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Auth {
    /// Nothing: the cookie says who it is
    None,
    /// {"user": "user-N"}, for servers without sessions
    User,
}

/// Who listens and who posts.
#[derive(Args)]
pub(crate) struct Audience {
    /// Connections [w2, s2: 500]
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = count,
          default_value_ifs = [("preset", "w2", "500"), ("preset", "s2", "500")])]
    pub(crate) connections: usize,
    /// Rooms they are spread over [w2, s2: 1]
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = count,
          default_value_ifs = [("preset", "w2", "1"), ("preset", "s2", "1")])]
    pub(crate) rooms: usize,
    /// Connections that post, spread over the rooms [w2, s2: 20]
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = count,
          default_value_ifs = [("preset", "w2", "20"), ("preset", "s2", "20")])]
    pub(crate) senders: usize,
    /// Rooms are named PREFIX0, PREFIX1, …
    #[arg(long, value_name = "PREFIX", default_value = "bench-")]
    pub(crate) room_prefix: String,
    /// Length of a post's text
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) bytes: usize,
    /// Post without asking for acknowledgements
    #[arg(long)]
    pub(crate) no_ack: bool,
    /// Seconds after the last connection before the first post
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0, value_parser = not_negative)]
    pub(crate) settle: f64,
    /// Seconds posted before measuring [s1, s2: 2]
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0, value_parser = not_negative,
          default_value_ifs = [("preset", "s1", "2"), ("preset", "s2", "2")])]
    pub(crate) warmup: f64,
    /// Longest wait for what is late, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = not_negative)]
    pub(crate) drain: f64,
}

fn number(text: &str, accept: impl Fn(f64) -> bool, otherwise: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && accept(*number))
        .ok_or_else(|| otherwise.to_owned())
}

fn positive(text: &str) -> Result<f64, String> {
    number(text, |number| number > 0.0, "write a number above 0")
}

fn not_negative(text: &str) -> Result<f64, String> {
    number(text, |number| number >= 0.0, "write a number, 0 or above")
}

fn growth(text: &str) -> Result<f64, String> {
    number(text, |number| number > 1.0, "write a number above 1")
}

fn count(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|count| *count > 0)
        .ok_or_else(|| "write a whole number, 1 or above".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(words: &str) -> Mode {
        Bench::try_parse_from(words.split(' ')).unwrap().mode
    }

    #[test]
    fn the_definition_holds() {
        Bench::command().debug_assert();
    }

    #[test]
    fn a_preset_sets_what_is_not_said() {
        let Mode::Load(load) = parse("bench load --url x --preset w2 --senders 7") else {
            panic!("no load");
        };
        let Audience {
            connections,
            rooms,
            senders,
            ..
        } = load.audience;
        assert_eq!((connections, rooms, senders, load.rate), (500, 1, 7, 40.0));
        let Mode::Saturate(saturate) = parse("bench saturate --url x --preset s1") else {
            panic!("no saturate");
        };
        assert_eq!(
            (saturate.audience.connections, saturate.rate_from),
            (1000, 150.0)
        );
        assert_eq!(saturate.p99_ms, [50.0, 250.0]);
        let Mode::Idle(idle) = parse("bench idle --url x --preset w3 --settle 1") else {
            panic!("no idle");
        };
        assert_eq!(
            (idle.connections, idle.settle, idle.seconds),
            (5000, 1.0, 45.0)
        );
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        for words in [
            "--rate 0",
            "--rate inf",
            "--connections 0",
            "--settle -1",
            "--seconds nan",
            "--preset w3",
        ] {
            let words = format!("bench load --url x {words}");
            assert!(Bench::try_parse_from(words.split(' ')).is_err(), "{words}");
        }
    }
}

//! `packtchat bench logins`

use std::fmt::Write;

use anyhow::{Context, ensure};
use models::Token;
use serde::Serialize;

use super::args::Logins;
use super::progress_line::ProgressLine;
use super::rank_test::{RankTest, rank_test};
use super::report::Table;
use super::target::resolve;
use super::visitor::Visitor;

const LOGIN: &str = "/account/login";
const REGISTER: &str = "/account/register";

/// Tries that are not measured, of each kind: connections are made and caches filled.
const WARM_UP: usize = 5;

/// How long a wrong password takes to be refused.
#[derive(Debug, Serialize)]
pub(crate) struct LoginsReport {
    /// Of an account that exists.
    known: Spread,
    /// Of one that does not.
    unknown: Spread,
    /// The known ones are the first sample.
    comparison: RankTest,
}

/// Milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
struct Spread {
    tries: usize,
    least: f64,
    quartile_1: f64,
    median: f64,
    quartile_3: f64,
    most: f64,
}

/// Measures wrong passwords for a known name and for unknown ones, one at a time and in random order.
///
/// # Errors
/// When an answer is anything but the refusal, or does not come.
pub(crate) async fn run(args: &Logins, progress: &ProgressLine) -> anyhow::Result<LoginsReport> {
    let address = resolve(&args.url)?;
    let name = fresh_name();
    let mut owner = Visitor::new(address).await?;
    let token = owner.token(REGISTER).await?;
    let answer = owner.send(REGISTER, &token, &name, &fresh_name()).await?;
    ensure!(
        answer.status == 303,
        "{REGISTER}: status {}: {}",
        answer.status,
        answer.body
    );

    let mut visitor = Visitor::new(address).await?;
    let token = visitor.token(LOGIN).await?;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    while known.len().min(unknown.len()) < args.tries + WARM_UP {
        progress.show(|| {
            format!(
                "{} + {} of {} tries each",
                known.len(),
                unknown.len(),
                args.tries
            )
        });
        let password = fresh_name();
        // A coin decides, so that nothing that comes and goes on the machine keeps step with it.
        let (name, times) = if password.starts_with(|c: char| (c as u32).is_multiple_of(2)) {
            (name.clone(), &mut known)
        } else {
            (fresh_name(), &mut unknown)
        };
        let answer = visitor.send(LOGIN, &token, &name, &password).await?;
        ensure!(
            answer.status == 401,
            "{LOGIN}: status {}: {} (set PACKTCHAT__THROTTLE__ACCOUNT_FAILURES and …__ADDRESS_FAILURES to 0)",
            answer.status,
            answer.body
        );
        times.push(answer.took.as_secs_f64() * 1_000.0);
    }
    let measured = |times: &[f64]| {
        times
            .get(WARM_UP..WARM_UP + args.tries)
            .map(<[f64]>::to_vec)
    };
    let known = measured(&known).context("too few tries")?;
    let unknown = measured(&unknown).context("too few tries")?;
    Ok(LoginsReport {
        known: Spread::of(&known),
        unknown: Spread::of(&unknown),
        comparison: rank_test(&known, &unknown),
    })
}

/// 22 characters that a name may have, and a password.
fn fresh_name() -> String {
    Token::generate().expose().to_lowercase()
}

impl Spread {
    fn of(times: &[f64]) -> Spread {
        let mut times = times.to_vec();
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
        Spread {
            tries: times.len(),
            least: at(0.0),
            quartile_1: at(0.25),
            median: at(0.5),
            quartile_3: at(0.75),
            most: at(1.0),
        }
    }
}

impl Table for LoginsReport {
    fn table(&self) -> String {
        let mut table =
            "wrong password, ms   tries     least  quartile    median  quartile      most\n"
                .to_owned();
        for (name, spread) in [
            ("a known name", self.known),
            ("unknown names", self.unknown),
        ] {
            let Spread {
                tries,
                least,
                quartile_1,
                median,
                quartile_3,
                most,
            } = spread;
            // Writing into a string cannot fail.
            let _ = writeln!(
                table,
                "{name:<20} {tries:>5} {least:>9.2} {quartile_1:>9.2} {median:>9.2} {quartile_3:>9.2} {most:>9.2}"
            );
        }
        let RankTest {
            first_is_larger,
            z,
            p,
        } = self.comparison;
        let _ = write!(
            table,
            "the known name takes longer in {:.1} % of pairs; Mann-Whitney z = {z:.2}, p = {p:.3}",
            first_is_larger * 100.0
        );
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_its_quartiles() {
        let times: Vec<_> = (0..=100).rev().map(f64::from).collect();
        let spread = Spread::of(&times);
        assert_eq!(
            [
                spread.least,
                spread.quartile_1,
                spread.median,
                spread.quartile_3,
                spread.most
            ],
            [0.0, 25.0, 50.0, 75.0, 100.0]
        );
    }
}

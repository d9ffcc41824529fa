//! The search for the highest rate that holds.
//!
//! Up by a factor until the widest limit fails; then, for each limit, halvings of the distance
//! between the highest rate that held and the lowest that failed. A rate that fails is tried once
//! more first, since one fault may be the machine's.

/// What is asked of a search.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    /// The first rate.
    pub(crate) from: f64,
    /// The factor between rates on the way up.
    pub(crate) growth: f64,
    /// Halvings for each limit.
    pub(crate) refine: u32,
    /// No rate is higher.
    pub(crate) max: f64,
}

/// What came of a rate.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// Why it fails under any limit, if it does.
    pub(crate) overload: Option<String>,
    pub(crate) p99_ms: f64,
    pub(crate) deliveries_per_second: f64,
}

/// A search under way.
pub(crate) struct Search {
    steps: Steps,
    /// From the tightest to the widest.
    limits: Vec<Limit>,
    rate: Option<f64>,
    /// What came of the current rate at the first try, where it failed.
    first_try: Option<Outcome>,
}

/// The result for one limit on p99.
#[derive(Debug)]
pub(crate) struct Limit {
    pub(crate) p99_ms: f64,
    /// The highest rate that held, and its deliveries a second.
    pub(crate) held: Option<(f64, f64)>,
    /// The lowest rate that failed, and why.
    pub(crate) failed: Option<(f64, String)>,
    halvings: u32,
}

impl Limit {
    fn fault(&self, outcome: &Outcome) -> Option<String> {
        let slow =
            || (outcome.p99_ms > self.p99_ms).then(|| format!("p99 of {:.0} ms", outcome.p99_ms));
        outcome.overload.clone().or_else(slow)
    }

    fn is_news(&self, rate: f64, outcome: &Outcome) -> bool {
        let known = self
            .failed
            .as_ref()
            .is_some_and(|(failed, _)| *failed <= rate);
        !known && self.fault(outcome).is_some()
    }

    fn record(&mut self, rate: f64, outcomes: &[Outcome]) {
        match outcomes
            .iter()
            .find(|outcome| self.fault(outcome).is_none())
        {
            Some(good) => {
                if self.held.is_none_or(|(held, _)| held < rate) {
                    self.held = Some((rate, good.deliveries_per_second));
                }
            }
            None => {
                if self
                    .failed
                    .as_ref()
                    .is_none_or(|(failed, _)| rate < *failed)
                {
                    let why = outcomes.iter().find_map(|outcome| self.fault(outcome));
                    self.failed = why.map(|why| (rate, why));
                }
            }
        }
    }

    /// The rate to try next for this limit.
    fn halve(&mut self) -> Option<f64> {
        let (failed, _) = self.failed.as_ref()?;
        self.halvings = self.halvings.checked_sub(1)?;
        // Below the first rate there is none that held.
        let held = self.held.map_or(0.0, |(held, _)| held);
        Some((held + failed) / 2.0)
    }
}

impl Search {
    pub(crate) fn new(steps: Steps, p99_ms: &[f64]) -> Search {
        let mut limits: Vec<Limit> = p99_ms
            .iter()
            .map(|p99_ms| Limit {
                p99_ms: *p99_ms,
                held: None,
                failed: None,
                halvings: steps.refine,
            })
            .collect();
        limits.sort_by(|a, b| a.p99_ms.total_cmp(&b.p99_ms));
        Search {
            rate: (steps.from <= steps.max).then_some(steps.from),
            steps,
            limits,
            first_try: None,
        }
    }

    /// The rate to try; `None` when the search is over.
    pub(crate) fn rate(&self) -> Option<f64> {
        self.rate
    }

    /// Takes note of what came of it, and chooses the next rate.
    pub(crate) fn record(&mut self, outcome: Outcome) {
        let Some(rate) = self.rate else { return };
        let news = self
            .limits
            .iter()
            .any(|limit| limit.is_news(rate, &outcome));
        let outcomes = match self.first_try.take() {
            None if news => {
                self.first_try = Some(outcome);
                return;
            }
            None => vec![outcome],
            Some(first) => vec![first, outcome],
        };
        for limit in &mut self.limits {
            limit.record(rate, &outcomes);
        }
        self.rate = self.next(rate);
    }

    fn next(&mut self, rate: f64) -> Option<f64> {
        if self.limits.last()?.failed.is_none() {
            let higher = rate * self.steps.growth;
            if higher <= self.steps.max {
                return Some(higher);
            }
        }
        self.limits.iter_mut().rev().find_map(Limit::halve)
    }

    /// The results, from the tightest limit to the widest.
    pub(crate) fn into_limits(self) -> Vec<Limit> {
        self.limits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: Steps = Steps {
        from: 100.0,
        growth: 2.0,
        refine: 3,
        max: 10_000.0,
    };

    /// A server that loses something above `capacity`, and whose p99 is a tenth of the rate.
    fn outcome(rate: f64, capacity: f64) -> Outcome {
        Outcome {
            overload: (rate > capacity).then(|| "1 deliveries lost".into()),
            p99_ms: rate / 10.0,
            deliveries_per_second: rate * 7.0,
        }
    }

    fn search(steps: Steps, capacity: f64) -> (Vec<f64>, Vec<Limit>) {
        let mut search = Search::new(steps, &[250.0, 50.0]);
        let mut tried = vec![];
        while let Some(rate) = search.rate() {
            tried.push(rate);
            search.record(outcome(rate, capacity));
        }
        (tried, search.into_limits())
    }

    #[test]
    fn each_limit_is_closed_in_on_and_what_fails_is_tried_twice() {
        let (tried, limits) = search(STEPS, 1_000_000.0);
        // Up; 800 fails the 50 ms, 3200 the 250 ms.
        assert_eq!(
            tried[..8],
            [100.0, 200.0, 400.0, 800.0, 800.0, 1600.0, 3200.0, 3200.0]
        );
        // Three halvings between 1600 and 3200, then three between 400 and 800.
        let refined = [
            2400.0, 2800.0, 2800.0, 2600.0, 2600.0, 600.0, 600.0, 500.0, 550.0, 550.0,
        ];
        assert_eq!(tried[8..], refined);
        assert_eq!(
            (limits[0].p99_ms, limits[0].held),
            (50.0, Some((500.0, 3500.0)))
        );
        assert_eq!(limits[1].held, Some((2400.0, 16_800.0)));
        assert_eq!(limits[1].failed, Some((2600.0, "p99 of 260 ms".into())));
    }

    #[test]
    fn a_loss_fails_every_limit() {
        let (_, limits) = search(STEPS, 150.0);
        for limit in &limits {
            let (held, _) = limit.held.unwrap();
            assert!((100.0..=150.0).contains(&held), "{held}");
            let (_, why) = limit.failed.as_ref().unwrap();
            assert_eq!(why, "1 deliveries lost");
        }
    }

    #[test]
    fn one_fault_may_be_the_machine_s() {
        let mut search = Search::new(STEPS, &[250.0]);
        search.record(outcome(100.0, 0.0));
        assert_eq!(search.rate(), Some(100.0), "once more");
        search.record(outcome(100.0, 1000.0));
        assert_eq!(search.rate(), Some(200.0));
    }

    #[test]
    fn it_goes_no_higher_than_it_may_and_below_the_first_rate_where_that_fails() {
        let steps = Steps {
            max: 300.0,
            ..STEPS
        };
        let (tried, limits) = search(steps, 1_000_000.0);
        assert_eq!(tried, [100.0, 200.0]);
        assert_eq!(limits[1].failed, None);
        let (tried, limits) = search(STEPS, 30.0);
        assert_eq!(tried[..4], [100.0, 100.0, 50.0, 50.0]);
        let (held, _) = limits[1].held.unwrap();
        assert!((25.0..=30.0).contains(&held), "{held}");
    }
}

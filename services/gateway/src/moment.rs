use std::fmt;

use time::OffsetDateTime;

/// A point in time, in milliseconds since the Unix epoch, as pages show it: "23 November 2026, 15:42 UTC".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Moment(pub(crate) u64);

impl Moment {
    /// As the attribute `datetime` of HTML takes it: `2026-11-23T15:42:07Z`.
    pub(crate) fn datetime(self) -> String {
        let at = self.at();
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            at.year(),
            u8::from(at.month()),
            at.day(),
            at.hour(),
            at.minute(),
            at.second()
        )
    }

    fn at(self) -> OffsetDateTime {
        let seconds = i64::try_from(self.0 / 1_000).unwrap_or(i64::MAX);
        OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at();
        let (day, month, year) = (at.day(), at.month(), at.year());
        write!(
            f,
            "{day} {month} {year}, {:02}:{:02} UTC",
            at.hour(),
            at.minute()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_told_to_people_and_to_scripts() {
        let moment = Moment(1_795_448_527_999);
        assert_eq!(moment.to_string(), "23 November 2026, 15:42 UTC");
        assert_eq!(moment.datetime(), "2026-11-23T15:42:07Z");
    }

    #[test]
    fn a_time_that_cannot_be_is_shown_all_the_same() {
        assert_eq!(Moment(u64::MAX).datetime(), "1970-01-01T00:00:00Z");
    }
}

//! How often people may be wrong before they have to wait.
//!
//! Where attempts are counted:
//!
//! - A sign-in from a browser the account does not know counts for the account, whether or not it exists, and for the
//!   address it comes from.
//! - One from a browser the account knows ([`KnownBrowser`](crate::known_browser::KnownBrowser)) counts for that
//!   browser alone, so its owner gets in while others guess at the account or from the same address.
//! - A registration counts for the address, also one that finds the name taken; and for the account of that name, since
//!   the one who has just made it may send it again, and is known by the password.
//! - The old password, asked for a new one, counts for the account, apart from sign-ins.
//! - A sign-in with a provider counts for the address, going there and coming back.
//! - Another display name counts for the account: all rooms learn of it.
//! - A visitor for whom something has to be remembered counts for the address.
//!
//! Where Redis does not answer nobody is let through: without it there would be no session to sign in to either.

use std::{fmt, net::IpAddr, time::Duration};

use messaging::Bucket;
use models::{User, UserId, Username, device_cookie::DeviceId, redis_keys};

use crate::{accounts::Refusal, settings::ThrottleSettings};

/// The throttles of sign-in and registration, counted over all nodes. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Throttle {
    throttle: messaging::Throttle,
    settings: ThrottleSettings,
}

/// How long somebody has to wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Wait(Duration);

impl Throttle {
    pub(crate) fn new(throttle: messaging::Throttle, settings: ThrottleSettings) -> Self {
        Self { throttle, settings }
    }

    /// Does this check of a password somebody signs in with, unless too many were wrong.
    pub(crate) async fn sign_in(
        &self,
        account: &Username,
        device: Option<&DeviceId>,
        address: IpAddr,
        check: impl Future<Output = Result<User, Refusal>>,
    ) -> Result<User, Refusal> {
        let settings = &self.settings;
        let buckets = match device {
            Some(device) => vec![self.bucket(
                redis_keys::throttled_device(device),
                settings.device_failures,
                settings.account_forget_secs,
            )],
            None => vec![
                self.bucket(
                    redis_keys::throttled_account(account),
                    settings.account_failures,
                    settings.account_forget_secs,
                ),
                self.bucket(
                    redis_keys::throttled_address(address),
                    settings.address_failures,
                    settings.address_forget_secs,
                ),
            ],
        };
        self.unless_too_many(buckets, Refusal::TooManyPasswords, check, |outcome| {
            matches!(outcome, Err(Refusal::WrongCredentials))
        })
        .await
    }

    /// Does this check of the old password of an account, by somebody who is signed in to it, unless too many were
    /// wrong.
    pub(crate) async fn old_password(
        &self,
        id: UserId,
        check: impl Future<Output = Result<User, Refusal>>,
    ) -> Result<User, Refusal> {
        let buckets = [self.bucket(
            redis_keys::throttled_password(id),
            self.settings.account_failures,
            self.settings.account_forget_secs,
        )];
        self.unless_too_many(buckets, Refusal::TooManyPasswords, check, |outcome| {
            matches!(outcome, Err(Refusal::WrongPassword))
        })
        .await
    }

    /// Makes an account, unless too many were made from this address, or with this password too many were wrong.
    pub(crate) async fn registration(
        &self,
        address: IpAddr,
        account: Option<&Username>,
        make: impl Future<Output = Result<User, Refusal>>,
    ) -> Result<User, Refusal> {
        let settings = &self.settings;
        let of_account = account.and_then(|account| {
            self.bucket(
                redis_keys::throttled_account(account),
                settings.account_failures,
                settings.account_forget_secs,
            )
        });
        let of_address = self.bucket(
            redis_keys::throttled_registrations(address),
            settings.registrations,
            settings.registration_forget_secs,
        );
        let taken =
            |outcome: &Result<User, Refusal>| matches!(outcome, Err(Refusal::UsernameTaken));
        let make = self.unless_too_many([of_account], Refusal::TooManyPasswords, make, taken);
        // Names that are taken count here too: otherwise anybody could ask for all of them.
        self.unless_too_many(
            [of_address],
            Refusal::TooManyRegistrations,
            make,
            |outcome| matches!(outcome, Ok(_) | Err(Refusal::UsernameTaken)),
        )
        .await
    }

    /// Does a step of a sign-in with a provider, unless there were too many from this address.
    pub(crate) async fn provider<T>(
        &self,
        address: IpAddr,
        step: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Refusal> {
        let buckets = [self.bucket(
            redis_keys::throttled_providers(address),
            self.settings.provider_sign_ins,
            self.settings.provider_forget_secs,
        )];
        self.unless_too_many(buckets, Refusal::TooManySignIns, step, |_| true)
            .await
    }

    /// Gives an account another name, unless it had too many lately.
    pub(crate) async fn rename(
        &self,
        id: UserId,
        rename: impl Future<Output = Result<User, Refusal>>,
    ) -> Result<User, Refusal> {
        let buckets = [self.bucket(
            redis_keys::throttled_names(id),
            self.settings.names,
            self.settings.name_forget_secs,
        )];
        // Names that are taken count too, as with registrations.
        self.unless_too_many(buckets, Refusal::TooManyNames, rename, |outcome| {
            matches!(outcome, Ok(_) | Err(Refusal::NameTaken))
        })
        .await
    }

    /// Counts a visitor for whom something has to be remembered.
    pub(crate) async fn visitor(&self, address: IpAddr) -> Result<(), Refusal> {
        let buckets = [self.bucket(
            redis_keys::throttled_visitors(address),
            self.settings.visitors,
            self.settings.visitor_forget_secs,
        )];
        let nothing = async { Ok(()) };
        self.unless_too_many(buckets, Refusal::TooManyVisitors, nothing, |_| true)
            .await
    }

    async fn unless_too_many<T>(
        &self,
        buckets: impl IntoIterator<Item = Option<Bucket>>,
        refusal: fn(Wait) -> Refusal,
        work: impl Future<Output = Result<T, Refusal>>,
        counts: fn(&Result<T, Refusal>) -> bool,
    ) -> Result<T, Refusal> {
        let buckets = buckets.into_iter().flatten().collect();
        let attempt = match self.throttle.begin(buckets).await {
            Ok(Ok(attempt)) => attempt,
            Ok(Err(wait)) => {
                let refusal = refusal(Wait(wait));
                tracing::info!(%refusal, "throttled");
                return Err(refusal);
            }
            // Logged where the connection is.
            Err(_) => return Err(Refusal::TryAgain),
        };
        let outcome = work.await;
        if !counts(&outcome) {
            // Where Redis has gone meanwhile, it counts until it is forgotten.
            let _ = self.throttle.give_back(attempt).await;
        }
        outcome
    }

    /// `None` where nobody is to be throttled.
    fn bucket(&self, key: String, free: u32, forget_secs: u64) -> Option<Bucket> {
        // Twice nothing would be nothing for ever.
        let first_wait = Duration::from_secs(self.settings.first_wait_secs.max(1));
        (free > 0).then(|| Bucket {
            key,
            free,
            first_wait,
            forget: Duration::from_secs(forget_secs.max(1)),
        })
    }
}

impl Wait {
    /// In whole seconds, at least one.
    pub(crate) fn secs(self) -> u64 {
        self.0
            .as_millis()
            .div_ceil(1_000)
            .try_into()
            .unwrap_or(u64::MAX)
    }
}

/// For people: "1 second", "40 seconds", "2 minutes".
impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = self.secs();
        let (count, unit) = match secs {
            ..120 => (secs, "second"),
            _ => (secs.div_ceil(60), "minute"),
        };
        let plural = if count == 1 { "" } else { "s" };
        write!(f, "{count} {unit}{plural}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_words_that_are_never_too_short() {
        for (millis, words) in [
            (1, "1 second"),
            (1_000, "1 second"),
            (1_001, "2 seconds"),
            (119_000, "119 seconds"),
            (119_001, "2 minutes"),
            (120_001, "3 minutes"),
        ] {
            assert_eq!(Wait(Duration::from_millis(millis)).to_string(), words);
        }
    }
}

//! The cookie by which an account knows a browser again that somebody has signed in with: a "device cookie", as in
//! OWASP's [Slow Down Online Guessing Attacks with Device
//! Cookies](https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies).
//!
//! It signs nobody in. It only keeps the right person from waiting while others guess at their account.

use std::fmt;

use crate::{
    Token, Username,
    session::{Purpose, SessionKeys},
};

/// The name of the cookie where there is no TLS.
pub const COOKIE: &str = "packtchat.device";

/// The name of the cookie behind TLS, see [`crate::session::SECURE_COOKIE`].
pub const SECURE_COOKIE: &str = "__Host-packtchat.device";

/// How long a browser is known after the last sign-in with it, in seconds: 180 days.
pub const MAX_AGE_SECS: u64 = 180 * 24 * 3_600;

/// Accounts that know one browser at most; the one signed in to least lately gives way.
pub const MAX_ACCOUNTS: usize = 5;

/// A browser, as one account knows it: 22 characters of base64url.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeviceId(String);

impl DeviceId {
    /// The 22 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a browser's cookie says: an entry for each account that knows the browser, the one signed in to last first.
/// Which accounts these are is not to be read in it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DeviceCookie {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Entry {
    device: DeviceId,
    /// When somebody last signed in, in seconds since the Unix epoch.
    seen: u64,
    /// Over the account's name, the device and the time.
    signature: String,
}

impl DeviceCookie {
    /// Reads a cookie's value. What is not well-formed is left out; nothing is believed yet.
    #[must_use]
    pub fn parse(value: &str) -> Self {
        let entries = value.split('~').filter_map(Entry::parse);
        Self {
            entries: entries.take(MAX_ACCOUNTS).collect(),
        }
    }

    /// The browser, if this account knows it; `now` is in seconds since the Unix epoch.
    #[must_use]
    pub fn device(&self, keys: &SessionKeys, account: &Username, now: u64) -> Option<&DeviceId> {
        self.entries
            .iter()
            .find(|entry| entry.is_of(keys, account) && entry.is_fresh(now))
            .map(|entry| &entry.device)
    }

    /// The cookie after somebody has signed in to this account.
    #[must_use]
    pub fn remember(&self, keys: &SessionKeys, account: &Username, now: u64) -> Self {
        let known = self.device(keys, account, now).cloned();
        let device = known.unwrap_or_else(|| DeviceId(Token::generate().expose().to_owned()));
        let others = self
            .entries
            .iter()
            .filter(|entry| !entry.is_of(keys, account))
            .cloned();
        let signature = keys.signature(Purpose::Device, &signed(account, &device, now));
        let entry = Entry {
            device,
            seen: now,
            signature,
        };
        Self {
            entries: std::iter::once(entry)
                .chain(others)
                .take(MAX_ACCOUNTS)
                .collect(),
        }
    }
}

/// The cookie's value.
impl fmt::Display for DeviceCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, entry) in self.entries.iter().enumerate() {
            let separator = if place == 0 { "" } else { "~" };
            let Entry {
                device,
                seen,
                signature,
            } = entry;
            write!(f, "{separator}{}.{seen}.{signature}", device.0)?;
        }
        Ok(())
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let device = parts.next().filter(|device| is_device(device))?;
        let seen = parts.next()?.parse().ok()?;
        let signature = parts.next().filter(|signature| signature.len() == 43)?;
        Some(Self {
            device: DeviceId(device.to_owned()),
            seen,
            signature: signature.to_owned(),
        })
    }

    fn is_of(&self, keys: &SessionKeys, account: &Username) -> bool {
        let text = signed(account, &self.device, self.seen);
        keys.is_signature(Purpose::Device, &text, &self.signature)
    }

    fn is_fresh(&self, now: u64) -> bool {
        now.saturating_sub(self.seen) <= MAX_AGE_SECS
    }
}

fn is_device(text: &str) -> bool {
    let base64url = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    text.len() == 22 && text.chars().all(base64url)
}

/// What a signature is over. No part can hold the colon.
fn signed(account: &Username, device: &DeviceId, seen: u64) -> String {
    format!("{account}:{}:{seen}", device.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, session::MIN_SECRET_BYTES};

    const NOW: u64 = 1_800_000_000;

    fn keys(byte: u8) -> SessionKeys {
        SessionKeys::new(&[byte; MIN_SECRET_BYTES]).unwrap()
    }

    fn name(text: &str) -> Username {
        Username::parse(text, &Limits::default()).unwrap()
    }

    fn sent(cookie: &DeviceCookie) -> DeviceCookie {
        DeviceCookie::parse(&cookie.to_string())
    }

    #[test]
    fn an_account_knows_its_browser_again_and_nobody_elses() {
        let cookie = DeviceCookie::default().remember(&keys(1), &name("alice"), NOW);
        let came = sent(&cookie);
        assert_eq!(came, cookie);
        assert!(came.device(&keys(1), &name("alice"), NOW).is_some());
        assert_eq!(came.device(&keys(1), &name("bob"), NOW), None);
        assert_eq!(came.device(&keys(2), &name("alice"), NOW), None);
        assert!(!cookie.to_string().contains("alice"));
    }

    #[test]
    fn nothing_in_it_can_be_changed() {
        let value = DeviceCookie::default()
            .remember(&keys(1), &name("alice"), NOW)
            .to_string();
        let later = (NOW + 1).to_string();
        let (first, rest) = value.split_at(1);
        let other = if first == "A" { "B" } else { "A" };
        for forged in [
            value.replace(&NOW.to_string(), &later),
            format!("{other}{rest}"),
            value[..value.len() - 1].to_owned(),
            String::new(),
            "~~.~..~...".to_owned(),
        ] {
            let cookie = DeviceCookie::parse(&forged);
            assert_eq!(
                cookie.device(&keys(1), &name("alice"), NOW),
                None,
                "{forged}"
            );
        }
        // What is signed for a session is not signed for a device.
        let id = crate::session::SessionId::generate();
        let session = keys(1).sign(&id);
        let signature = session.split_once('.').unwrap().1;
        let forged = DeviceCookie::parse(&format!("{}.{NOW}.{signature}", id.as_str()));
        assert_eq!(forged.device(&keys(1), &name("alice"), NOW), None);
    }

    #[test]
    fn a_browser_is_forgotten_after_180_days_without_a_sign_in() {
        let (keys, alice) = (keys(1), name("alice"));
        let cookie = DeviceCookie::default().remember(&keys, &alice, NOW);
        let last = NOW + MAX_AGE_SECS;
        let device = cookie.device(&keys, &alice, last).cloned();
        assert!(device.is_some());
        assert_eq!(cookie.device(&keys, &alice, last + 1), None);
        let renewed = cookie.remember(&keys, &alice, last);
        assert_eq!(renewed.device(&keys, &alice, last + 1).cloned(), device);
    }

    #[test]
    fn several_accounts_know_one_browser_and_the_oldest_gives_way() {
        let keys = keys(1);
        let names: Vec<_> = (0..=MAX_ACCOUNTS)
            .map(|number| name(&format!("user-{number}")))
            .collect();
        let cookie = names.iter().fold(DeviceCookie::default(), |cookie, name| {
            sent(&cookie.remember(&keys, name, NOW)).remember(&keys, name, NOW)
        });
        assert_eq!(cookie.device(&keys, &names[0], NOW), None);
        for name in &names[1..] {
            assert!(cookie.device(&keys, name, NOW).is_some(), "{name}");
        }
        assert!(cookie.to_string().len() < 512);
        let stuffed = format!("{cookie}~{cookie}");
        assert_eq!(DeviceCookie::parse(&stuffed), cookie);
    }

    #[test]
    fn it_is_known_under_the_secret_before_and_signed_anew_under_the_present_one() {
        let alice = name("alice");
        let cookie = DeviceCookie::default().remember(&keys(1), &alice, NOW);
        let both = keys(2).and_before(&[1; MIN_SECRET_BYTES]).unwrap();
        assert!(cookie.device(&both, &alice, NOW).is_some());
        let renewed = cookie.remember(&both, &alice, NOW);
        assert!(renewed.device(&keys(2), &alice, NOW).is_some());
    }
}

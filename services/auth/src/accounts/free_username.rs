use models::{Limits, Username};
use unicode_normalization::UnicodeNormalization;

use super::{Accounts, DatabaseError, looks};

/// What somebody is called of whose wish no letter can be kept.
const ANYBODY: &str = "user";

/// Digits of the numbers behind a taken name, try after try: first `alice2` to `alice9`, then one at random.
const RANDOM_DIGITS: [u32; 6] = [2, 3, 4, 5, 7, 9];

impl Accounts {
    /// A username that is free at the moment and resembles the wish: a name or an e-mail address.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn free_username(
        &self,
        wish: &str,
        limits: &Limits,
    ) -> Result<Username, DatabaseError> {
        let base = base(wish, limits);
        let numbers = (2..10).chain(RANDOM_DIGITS.map(random_number));
        let mut candidate = base.clone();
        for number in numbers {
            if let Ok(username) = Username::parse(&candidate, limits)
                && self.is_free(&username).await?
            {
                return Ok(username);
            }
            candidate = numbered(&base, number, limits);
        }
        // Nobody has it: nine random digits.
        Username::parse(&candidate, limits)
            .map_err(|error| DatabaseError(sqlx::Error::InvalidArgument(error.to_string())))
    }

    async fn is_free(&self, username: &Username) -> Result<bool, DatabaseError> {
        let mut connection = self.pool.acquire().await?;
        let look = looks::of_username(username.as_str());
        if looks::holder(&mut connection, &look).await?.is_some() {
            return Ok(false);
        }
        // Of names that looked the same before looks were kept, one has no look.
        let taken: Option<String> =
            sqlx::query_scalar("SELECT id FROM accounts WHERE username = $1")
                .bind(username.as_str())
                .fetch_optional(&mut *connection)
                .await?;
        Ok(taken.is_none())
    }
}

/// The wish in what characters a username may have, neither too long nor too short.
fn base(wish: &str, limits: &Limits) -> String {
    let name = wish.split_once('@').map_or(wish, |(name, _)| name);
    let mut base = String::new();
    // Decomposed: é is an e with an accent, which is left out.
    for c in name.nfkd().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' | '_' | '-' => base.push(c),
            'ß' => base.push_str("ss"),
            'æ' => base.push_str("ae"),
            'œ' => base.push_str("oe"),
            'ø' => base.push('o'),
            'đ' | 'ð' => base.push('d'),
            'ł' => base.push('l'),
            'þ' => base.push_str("th"),
            'ı' => base.push('i'),
            ' ' | '.' if !base.is_empty() && !base.ends_with('.') => base.push('.'),
            _ => {}
        }
    }
    let base = base.trim_matches('.');
    let base = if base.is_empty() { ANYBODY } else { base };
    let padded = format!("{base:0<min$}", min = limits.username_min);
    padded.chars().take(limits.username_max).collect()
}

/// The base with a number behind it, shortened where it would be too long.
fn numbered(base: &str, number: u32, limits: &Limits) -> String {
    let number = number.to_string();
    let room = limits.username_max.saturating_sub(number.len());
    let mut name: String = base.chars().take(room).collect();
    name.push_str(&number);
    name
}

/// A random number of so many digits, at most nine.
fn random_number(digits: u32) -> u32 {
    let low = 10_u32.pow(digits - 1);
    // Without randomness names are tried in order.
    let random = getrandom::u32().unwrap_or_default();
    low + random % (9 * low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_folded_to_what_a_username_may_have() {
        let limits = Limits::default();
        for (wish, expected) in [
            ("Alice", "alice"),
            ("Élodie  Müller-Strauß", "elodie.muller-strauss"),
            ("alice.cooper@example.com", "alice.cooper"),
            ("Łukasz Ørsted", "lukasz.orsted"),
            ("Ａｌｉｃｅ", "alice"),
            ("李小龍", "user"),
            ("", "user"),
            ("@", "user"),
            ("...", "user"),
            ("Al", "al0"),
            ("eve\u{0}<script>", "evescript"),
        ] {
            assert_eq!(base(wish, &limits), expected, "{wish:?}");
            assert!(Username::parse(expected, &limits).is_ok());
        }
        assert_eq!(base(&"x".repeat(99), &limits).len(), 32);
    }

    #[test]
    fn a_number_keeps_the_name_in_bounds() {
        let limits = Limits::default();
        assert_eq!(numbered("alice", 2, &limits), "alice2");
        let long = numbered(&"x".repeat(32), 123, &limits);
        assert_eq!(long.len(), 32);
        assert!(long.ends_with("x123"));
    }

    #[test]
    fn random_numbers_have_their_digits() {
        for digits in RANDOM_DIGITS {
            assert_eq!(random_number(digits).to_string().len(), digits as usize);
        }
    }
}

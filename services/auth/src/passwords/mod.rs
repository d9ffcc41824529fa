//! Hashing and checking passwords, a bounded number at a time.
//!
//! A check costs the same whether the account exists or not, and whether its work factor is the present one or an
//! older one, so that the time of a refusal tells nothing. (A work factor above the present one, after an operator
//! lowered it, does show until the account's owner chooses another password.)

mod pbkdf2_phc;

use std::sync::Arc;

use anyhow::{Context, ensure};
use models::Password;
use tokio::{sync::Semaphore, task::spawn_blocking};

use self::pbkdf2_phc::Pbkdf2Phc;
use crate::settings::PasswordSettings;

/// Hashes and checks passwords on threads of their own, at most
/// [`hash_threads`](PasswordSettings::hash_threads) at once; the others wait their turn. Who may wait is bounded
/// by how many requests the service takes from its queues. Cloning shares the bound.
#[derive(Clone)]
pub struct Hasher {
    algorithm: Pbkdf2Phc,
    /// First come, first served.
    turns: Arc<Semaphore>,
    /// What strangers need before they may wait for a turn.
    strangers: Arc<Semaphore>,
    for_strangers: bool,
}

/// What a check found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Another password, or no account.
    Wrong,
    /// The password of the account.
    Right,
    /// The password of the account, which was hashed with a lower work factor than the present one.
    RightButWeak,
}

impl Hasher {
    /// A hasher with this work factor and this many threads.
    ///
    /// # Errors
    /// When one of them is too low.
    pub fn new(settings: &PasswordSettings) -> anyhow::Result<Self> {
        ensure!(
            settings.hash_threads > 0,
            "PACKTCHAT__PASSWORDS__HASH_THREADS must be at least 1"
        );
        Ok(Self {
            algorithm: Pbkdf2Phc::new(settings.rounds)?,
            turns: Arc::new(Semaphore::new(settings.hash_threads)),
            strangers: Arc::new(Semaphore::new(settings.hash_threads)),
            for_strangers: false,
        })
    }

    /// The same threads, for whoever is not signed in yet. However many of them wait, only as many as there are
    /// threads are at work or next in line, so that somebody who is signed in waits for one of them at most.
    #[must_use]
    pub fn for_strangers(&self) -> Self {
        Self {
            for_strangers: true,
            ..self.clone()
        }
    }

    /// The PHC string of a password, with a fresh salt.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub async fn hash(&self, password: &Password) -> anyhow::Result<String> {
        let password = password.clone();
        self.work(move |algorithm| algorithm.hash(password.expose()))
            .await
    }

    /// Is this the password that was hashed to `phc`? With no `phc` the answer is always
    /// [`Verdict::Wrong`], after the same work.
    ///
    /// # Errors
    /// When `phc` is not a PHC string of PBKDF2.
    pub async fn verify(&self, password: &Password, phc: Option<&str>) -> anyhow::Result<Verdict> {
        let (password, phc) = (password.clone(), phc.map(str::to_owned));
        self.work(move |algorithm| match phc {
            Some(phc) => algorithm.verify(password.expose(), &phc),
            None => algorithm.pretend(password.expose()),
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce(Pbkdf2Phc) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let stranger = if self.for_strangers {
            Some(Arc::clone(&self.strangers).acquire_owned().await?)
        } else {
            None
        };
        let turn = Arc::clone(&self.turns).acquire_owned().await?;
        let algorithm = self.algorithm;
        spawn_blocking(move || {
            // Held by the thread, so that a caller who gives up does not make room for one thread too many.
            let _turn = (turn, stranger);
            job(algorithm)
        })
        .await
        .context("hashing a password failed")?
    }
}

#[cfg(test)]
mod tests {
    use models::Limits;

    use super::*;

    fn hasher(rounds: u32) -> Hasher {
        Hasher::new(&PasswordSettings {
            rounds,
            hash_threads: 1,
        })
        .unwrap()
    }

    fn password(text: &str) -> Password {
        Password::attempt(text, &Limits::default()).unwrap()
    }

    #[tokio::test]
    async fn tells_right_from_wrong() {
        let hasher = hasher(1_000);
        let phc = hasher.hash(&password("correct horse")).await.unwrap();
        let verify = |text| {
            let (hasher, phc) = (hasher.clone(), phc.clone());
            async move { hasher.verify(&password(text), Some(&phc)).await.unwrap() }
        };
        assert_eq!(verify("correct horse").await, Verdict::Right);
        for wrong in ["", "correct hors", "correct horse ", "Correct horse"] {
            assert_eq!(verify(wrong).await, Verdict::Wrong, "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn nobody_has_no_password_at_all() {
        assert_eq!(
            hasher(1_000).verify(&password(""), None).await.unwrap(),
            Verdict::Wrong
        );
    }

    #[tokio::test]
    async fn a_lower_work_factor_is_told() {
        let weak = hasher(1_000)
            .hash(&password("correct horse"))
            .await
            .unwrap();
        let verify = |text| {
            let weak = weak.clone();
            async move {
                hasher(3_000)
                    .verify(&password(text), Some(&weak))
                    .await
                    .unwrap()
            }
        };
        assert_eq!(verify("correct horse").await, Verdict::RightButWeak);
        assert_eq!(verify("another horse").await, Verdict::Wrong);
        let strong = hasher(3_000)
            .hash(&password("correct horse"))
            .await
            .unwrap();
        assert_eq!(
            hasher(1_000)
                .verify(&password("correct horse"), Some(&strong))
                .await
                .unwrap(),
            Verdict::Right
        );
    }

    #[tokio::test]
    async fn strangers_let_those_who_are_signed_in_have_the_next_turn() {
        let hasher = hasher(20_000);
        let strangers = hasher.for_strangers();
        let mut flood = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let strangers = strangers.clone();
            flood.spawn(async move { strangers.verify(&password("x"), None).await.unwrap() });
        }
        flood.join_next().await.unwrap().unwrap();
        for _ in 0..2 {
            hasher.verify(&password("x"), None).await.unwrap();
        }
        let mut done = 0;
        while flood.try_join_next().is_some() {
            done += 1;
        }
        assert!(done < 10, "{done} strangers were served meanwhile");
    }

    #[tokio::test]
    async fn what_is_not_a_hash_is_an_error() {
        for bad in [
            "",
            "phc",
            "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        ] {
            assert!(
                hasher(1_000)
                    .verify(&password("x"), Some(bad))
                    .await
                    .is_err(),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn settings_that_would_not_protect_are_refused() {
        for (rounds, hash_threads, variable) in [
            (999, 1, "PACKTCHAT__PASSWORDS__ROUNDS"),
            (1_000, 0, "PACKTCHAT__PASSWORDS__HASH_THREADS"),
        ] {
            let refused = Hasher::new(&PasswordSettings {
                rounds,
                hash_threads,
            });
            assert!(refused.err().unwrap().to_string().contains(variable));
        }
    }
}

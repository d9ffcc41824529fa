use std::hint::black_box;

use anyhow::{Context, bail};
use pbkdf2::{
    Algorithm, Params, Pbkdf2,
    password_hash::{Error, PasswordHasher, PasswordVerifier},
    pbkdf2_hmac_with_params,
    phc::PasswordHash,
};

use super::Verdict;

/// PBKDF2-HMAC-SHA256 with a work factor, its hashes written as PHC strings with a salt of 16 random bytes.
#[derive(Clone, Copy)]
pub(super) struct Pbkdf2Phc {
    params: Params,
}

impl Pbkdf2Phc {
    pub(super) fn new(rounds: u32) -> anyhow::Result<Self> {
        let params = Params::new(rounds).ok().with_context(|| {
            format!(
                "PACKTCHAT__PASSWORDS__ROUNDS must be at least {}",
                Params::MIN_ROUNDS
            )
        })?;
        Ok(Self { params })
    }

    pub(super) fn hash(self, password: &[u8]) -> anyhow::Result<String> {
        let pbkdf2 = Pbkdf2::new(Algorithm::Pbkdf2Sha256, self.params);
        let hash = pbkdf2
            .hash_password(password)
            .context("a password could not be hashed")?;
        Ok(hash.to_string())
    }

    pub(super) fn verify(self, password: &[u8], phc: &str) -> anyhow::Result<Verdict> {
        let hash = PasswordHash::new(phc).context("a stored password is not a PHC string")?;
        let stored = Params::try_from(&hash).context("a stored password has unknown parameters")?;
        let weak = stored.rounds() < self.params.rounds();
        // Compares in constant time.
        match Pbkdf2::default().verify_password(password, &hash) {
            Ok(()) if weak => Ok(Verdict::RightButWeak),
            Ok(()) => Ok(Verdict::Right),
            Err(Error::PasswordInvalid) => {
                spend(
                    password,
                    self.params.rounds().saturating_sub(stored.rounds()),
                );
                Ok(Verdict::Wrong)
            }
            Err(error) => bail!("a stored password cannot be checked: {error}"),
        }
    }

    /// Does the work of [`Pbkdf2Phc::verify`] for an account that does not exist: the very same, with a hash that is
    /// no password's.
    pub(super) fn pretend(self, password: &[u8]) -> anyhow::Result<Verdict> {
        let rounds = self.params.rounds();
        let (salt, hash) = ("A".repeat(22), "A".repeat(43));
        let phc = format!("$pbkdf2-sha256$i={rounds},l=32${salt}${hash}");
        self.verify(password, &phc)
    }
}

/// Does this many rounds of work for nothing, or a thousand where it is fewer, which nobody can tell apart.
fn spend(password: &[u8], rounds: u32) {
    if rounds == 0 {
        return;
    }
    // The very function that verifying runs. A generic one would be compiled here, with other options than there.
    let algorithm = Algorithm::Pbkdf2Sha256;
    if let Ok(params) = Params::new(rounds.max(Params::MIN_ROUNDS)) {
        let mut output = [0; Params::RECOMMENDED_OUTPUT_LENGTH];
        pbkdf2_hmac_with_params(password, &[0; 16], algorithm, params, &mut output);
        black_box(output);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_work_factor_and_a_salt_of_16_bytes_are_in_the_string() {
        let algorithm = Pbkdf2Phc::new(600_000).unwrap();
        let phc = algorithm.hash(b"correct horse").unwrap();
        assert!(phc.starts_with("$pbkdf2-sha256$i=600000,l=32$"), "{phc}");
        let hash = PasswordHash::new(&phc).unwrap();
        assert_eq!(hash.salt.unwrap().as_ref().len(), 16);
        assert_ne!(phc, algorithm.hash(b"correct horse").unwrap());
    }

    /// The time this thread has spent on a processor, in nanoseconds; what else the machine does hardly shows.
    fn processor_time() -> u64 {
        let statistics = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        statistics.split(' ').next().unwrap().parse().unwrap()
    }

    /// The quickest of several refusals.
    fn refusal(present: Pbkdf2Phc, phc: Option<&str>) -> f64 {
        let tries = (0..7).map(|_| {
            let began = processor_time();
            match phc {
                Some(phc) => {
                    let verdict = present.verify(b"wrong horse", phc).unwrap();
                    assert_eq!(verdict, Verdict::Wrong);
                }
                None => {
                    let verdict = present.pretend(b"wrong horse").unwrap();
                    assert_eq!(verdict, Verdict::Wrong);
                }
            }
            processor_time() - began
        });
        tries.min().unwrap() as f64
    }

    #[test]
    fn a_refusal_is_the_same_work_whoever_it_is_for() {
        let present = Pbkdf2Phc::new(100_000).unwrap();
        let strong = present.hash(b"correct horse").unwrap();
        let older = Pbkdf2Phc::new(30_000).unwrap();
        let weak = older.hash(b"correct horse").unwrap();
        let nobody = refusal(present, None);
        for phc in [strong, weak] {
            let ratio = refusal(present, Some(&phc)) / nobody;
            assert!((0.67..1.5).contains(&ratio), "{ratio}: {phc}");
        }
    }

    /// A hash made elsewhere, by Python's `hashlib.pbkdf2_hmac("sha256", b"password", bytes(range(16)), 1000)`.
    #[test]
    fn hashes_are_the_standards() {
        let phc = "$pbkdf2-sha256$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw$JeuGrMduQwGPGLmo+Qwv7UYtHHmeg9SK49fGkEamC2c";
        let verdict = Pbkdf2Phc::new(1_000).unwrap().verify(b"password", phc);
        assert_eq!(verdict.unwrap(), Verdict::Right);
    }
}

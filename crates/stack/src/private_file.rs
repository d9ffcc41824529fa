//! Files only their owner may read.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;

/// Writes `content` to `path`, mode 0600, at once as a whole: a reader sees the old content or
/// the new one.
///
/// # Errors
/// When the file cannot be written; names it.
pub fn write(path: &Path, content: &str) -> anyhow::Result<()> {
    let beside = path.with_added_extension("new");
    // A leftover of an interrupted write could have another mode.
    let _ = std::fs::remove_file(&beside);
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| file.write_all(content.as_bytes()))
        .and_then(|()| std::fs::rename(&beside, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// 256 random bits in hexadecimal, for passwords and keys.
///
/// # Errors
/// When the system has no random numbers.
pub fn random_secret() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).context("no random numbers for a secret")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The secret kept in `path`; made there at the first call.
///
/// # Errors
/// When the file can be neither read nor written.
pub fn kept_secret(path: &Path) -> anyhow::Result<String> {
    match std::fs::read_to_string(path) {
        Ok(secret) => Ok(secret.trim_end().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let secret = random_secret()?;
            write(path, &secret)?;
            Ok(secret)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_kept_secret_stays_and_is_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("session");
        let secret = kept_secret(&path).unwrap();
        assert_eq!(secret.len(), 64);
        assert_eq!(kept_secret(&path).unwrap(), secret);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn two_secrets_differ() {
        assert_ne!(random_secret().unwrap(), random_secret().unwrap());
    }
}

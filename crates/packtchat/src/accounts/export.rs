//! `packtchat accounts export`

use std::io::{Write, stdout};
use std::path::Path;

use stack::private_file;

use super::{file, place::Place};

/// # Errors
/// When the database fails or the file cannot be written.
pub(super) async fn run(place: &Place, path: &Path) -> anyhow::Result<()> {
    let records = place.open().await?.all().await?;
    let text = file::write(&records)?;
    if path == Path::new("-") {
        let mut output = stdout().lock();
        output.write_all(text.as_bytes())?;
        output.flush()?;
    } else {
        private_file::write(path, &text)?;
    }
    eprintln!(
        "{} are in {}. Keep it as safe as the passwords it has the hashes of.",
        count(records.len()),
        if path == Path::new("-") {
            "the output".into()
        } else {
            path.display().to_string()
        }
    );
    Ok(())
}

/// So many accounts, in words.
pub(super) fn count(accounts: usize) -> String {
    match accounts {
        1 => "1 account".to_owned(),
        count => format!("{count} accounts"),
    }
}

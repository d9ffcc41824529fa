//! `packtchat accounts import`

use std::io::{Read, stdin};
use std::path::Path;

use anyhow::{Context, bail};
use auth::accounts::Import;

use super::{export::count, file, place::Place};

/// # Errors
/// When the file cannot be read or is not whole, something in it clashes with the database, or that fails.
pub(super) async fn run(place: &Place, path: &Path) -> anyhow::Result<()> {
    let mut text = String::new();
    if path == Path::new("-") {
        stdin()
            .read_to_string(&mut text)
            .context("cannot read the input")?;
    } else {
        text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
    }
    let records = file::read(&text)?;
    let accounts = place.open_or_make().await?;
    match accounts.import(&records).await? {
        Import::Done { new } => {
            eprintln!(
                "{} taken in; {} there already, and the same.",
                count(new),
                records.len() - new
            );
            Ok(())
        }
        Import::Refused(why) => bail!("nothing was taken in:\n  {}", why.join("\n  ")),
    }
}

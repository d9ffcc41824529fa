//! `packtchat accounts list`

use std::io::{ErrorKind, Write, stdout};

use auth::accounts::Record;

use super::place::Place;
use super::show::date;

/// # Errors
/// When the database fails.
pub(super) async fn run(place: &Place) -> anyhow::Result<()> {
    let records = place.open().await?.all().await?;
    let mut rows =
        vec![["USERNAME", "SHOWN AS", "SIGNS IN WITH", "MADE", "STATE"].map(str::to_owned)];
    rows.extend(records.iter().map(row));
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or_default()
    };
    let widths = [width(0), width(1), width(2), width(3)];
    let mut text = String::new();
    for [name, shown, ways, made, state] in &rows {
        let line = format!(
            "{name:a$}  {shown:b$}  {ways:c$}  {made:d$}  {state}",
            a = widths[0],
            b = widths[1],
            c = widths[2],
            d = widths[3]
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    match stdout().lock().write_all(text.as_bytes()) {
        // Whoever reads, such as `head`, has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

fn row(record: &Record) -> [String; 5] {
    let account = &record.account;
    let mut ways: Vec<&str> = record
        .identities
        .iter()
        .map(|identity| identity.provider.as_str())
        .collect();
    if account.password.is_some() {
        ways.insert(0, "password");
    }
    [
        account.username.clone(),
        account.display_name.clone().unwrap_or_default(),
        ways.join(", "),
        date(account.created),
        account
            .disabled
            .map(|_| "disabled".to_owned())
            .unwrap_or_default(),
    ]
}

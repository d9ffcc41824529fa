//! The file that accounts move in: a header, then an account on each line, all of them JSON.

use anyhow::{Context, bail, ensure};
use auth::accounts::{Account, Record, StoredPassword};
use models::account::Identity;
use models::{User, UserId, UserType};
use serde::{Deserialize, Serialize};

/// Changes when older versions could no longer read what newer ones write.
const VERSION: u32 = 1;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Header {
    /// The version of the format.
    packtchat_accounts: u32,
    /// How many lines follow, so that a file that lost its end is found out.
    count: usize,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: UserId,
    username: String,
    display_name: Option<String>,
    #[serde(rename = "type")]
    kind: UserType,
    /// Times are milliseconds since the Unix epoch.
    created: u64,
    disabled: Option<u64>,
    password: Option<PasswordOfLine>,
    identities: Vec<Identity>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct PasswordOfLine {
    phc: String,
    changed: u64,
}

/// The file's text.
///
/// # Errors
/// Never with accounts as they are.
pub(super) fn write(records: &[Record]) -> anyhow::Result<String> {
    let header = Header {
        packtchat_accounts: VERSION,
        count: records.len(),
    };
    let mut text = serde_json::to_string(&header)?;
    text.push('\n');
    for record in records {
        text.push_str(&serde_json::to_string(&Line::from(record))?);
        text.push('\n');
    }
    Ok(text)
}

/// The accounts in a file.
///
/// # Errors
/// When it is none of ours or not whole.
pub(super) fn read(text: &str) -> anyhow::Result<Vec<Record>> {
    let mut lines = text.lines();
    let header = lines.next().unwrap_or_default();
    let header: Header = serde_json::from_str(header)
        .ok()
        .context("this is no file of `packtchat accounts export`")?;
    if header.packtchat_accounts != VERSION {
        bail!(
            "the file has version {} of the format, and this packtchat knows version {VERSION}",
            header.packtchat_accounts
        );
    }
    let records = lines
        .enumerate()
        .map(|(index, line)| {
            let line: Line = serde_json::from_str(line)
                .with_context(|| format!("line {} of the file is damaged", index + 2))?;
            Ok(Record::from(line))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    ensure!(
        records.len() == header.count,
        "the file is not whole: it should have {} accounts and has {}",
        header.count,
        records.len()
    );
    Ok(records)
}

impl From<&Record> for Line {
    fn from(record: &Record) -> Self {
        let account = &record.account;
        Line {
            id: account.user.id,
            username: account.username.clone(),
            display_name: account.display_name.clone(),
            kind: account.user.kind.clone(),
            created: account.created,
            disabled: account.disabled,
            password: account.password.as_ref().map(|password| PasswordOfLine {
                phc: password.phc.clone(),
                changed: password.changed,
            }),
            identities: record.identities.clone(),
        }
    }
}

impl From<Line> for Record {
    fn from(line: Line) -> Self {
        Record {
            account: Account {
                user: User {
                    id: line.id,
                    user: line
                        .display_name
                        .clone()
                        .unwrap_or_else(|| line.username.clone()),
                    kind: line.kind,
                },
                username: line.username,
                display_name: line.display_name,
                created: line.created,
                disabled: line.disabled,
                password: line.password.map(|password| StoredPassword {
                    phc: password.phc,
                    changed: password.changed,
                }),
            },
            identities: line.identities,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = concat!(
        r#"{"packtchat_accounts":1,"count":2}"#,
        "\n",
        r#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057","username":"alice","display_name":"Queen","type":"local","#,
        r#""created":1,"disabled":2,"password":{"phc":"$x","changed":3},"identities":[{"provider":"google","#,
        r#""subject":"1","label":"alice@example.com"}]}"#,
        "\n",
        r#"{"id":"01890a5d-ac96-774b-bcce-b302099a8058","username":"bob","display_name":null,"type":"google","#,
        r#""created":4,"disabled":null,"password":null,"identities":[]}"#,
        "\n",
    );

    #[test]
    fn what_is_read_is_what_was_written() {
        let records = read(FILE).unwrap();
        assert_eq!(records[0].account.user.user, "Queen");
        assert_eq!(records[1].account.user.user, "bob");
        assert_eq!(write(&records).unwrap(), FILE);
    }

    #[test]
    fn a_file_that_is_not_whole_or_not_ours_is_refused() {
        let cut = FILE.rsplitn(3, '\n').nth(2).unwrap();
        for (file, expected) in [
            ("", "no file of"),
            ("{\"name\":\"x\"}", "no file of"),
            (cut, "it should have 2 accounts and has 1"),
            (&FILE[..FILE.len() - 9], "line 3 of the file is damaged"),
            (&FILE.replace("accounts\":1", "accounts\":2"), "version 2"),
            (
                &FILE.replace("\"alice\"", "7"),
                "line 2 of the file is damaged",
            ),
        ] {
            let error = read(file).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}

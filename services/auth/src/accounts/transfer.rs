use std::collections::HashSet;

use models::{DisplayName, Limits, UserId, Username, account::Identity};
use pbkdf2::phc::PasswordHash;
use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{
    Account, Accounts, DatabaseError,
    create::insert_password,
    find::{account, identity, stored_time},
    identities, looks,
};

/// All that is kept of an account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// The account.
    pub account: Account,
    /// The identities linked to it, in the order of their providers' names.
    pub identities: Vec<Identity>,
}

/// What became of records that were to be taken in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Import {
    /// All of them are there now.
    Done {
        /// How many were not there before.
        new: usize,
    },
    /// Nothing has changed: these are the reasons, one sentence each.
    Refused(Vec<String>),
}

/// A row for each identity of each account, and one for an account without any; in one statement, so that they are
/// of one moment.
macro_rules! select_records {
    ($($condition:literal)?) => {
        concat!(
            "SELECT accounts.*, phc, changed, provider, subject, label \
             FROM accounts LEFT JOIN passwords ON passwords.account_id = accounts.id \
             LEFT JOIN identities ON identities.account_id = accounts.id ",
            $($condition,)?
            " ORDER BY created, id, provider"
        )
    };
}

impl Accounts {
    /// All accounts as they are at one moment, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn all(&self) -> Result<Vec<Record>, DatabaseError> {
        let rows = sqlx::query(select_records!()).fetch_all(&self.pool).await?;
        Ok(records(&rows)?)
    }

    /// Takes all of these accounts in, or none of them. One that is there already, and is the same, is left alone.
    ///
    /// # Errors
    /// When the database fails; then nothing has changed.
    pub async fn import(&self, records: &[Record]) -> Result<Import, DatabaseError> {
        let ids: HashSet<UserId> = records.iter().map(Record::id).collect();
        let mut refused = Vec::new();
        let mut new = 0;
        let mut tx = self.begin().await?;
        for record in records {
            match find(&mut tx, record.id()).await? {
                Some(there) if there == *record => {}
                Some(_) => refused.push(format!(
                    "{}: the database has this account already, and it differs",
                    record.account.username
                )),
                None => {
                    new += 1;
                    if let Err(why) = insert(&mut tx, record, &ids).await? {
                        refused.push(format!("{}: {why}", record.account.username));
                    }
                }
            }
        }
        if !refused.is_empty() {
            return Ok(Import::Refused(refused));
        }
        tx.commit().await?;
        Ok(Import::Done { new })
    }
}

impl Record {
    fn id(&self) -> UserId {
        self.account.user.id
    }
}

async fn find(tx: &mut AnyConnection, id: UserId) -> Result<Option<Record>, sqlx::Error> {
    let rows = sqlx::query(select_records!("WHERE id = $1"))
        .bind(id.to_string())
        .fetch_all(tx)
        .await?;
    Ok(records(&rows)?.pop())
}

fn records(rows: &[AnyRow]) -> Result<Vec<Record>, sqlx::Error> {
    let mut records: Vec<Record> = Vec::new();
    for row in rows {
        let account = account(row)?;
        if records.last().map(Record::id) != Some(account.user.id) {
            records.push(Record {
                account,
                identities: Vec::new(),
            });
        }
        let provider: Option<String> = row.try_get("provider")?;
        if let Some(record) = records.last_mut()
            && provider.is_some()
        {
            record.identities.push(identity(row)?);
        }
    }
    Ok(records)
}

/// Puts a record in; the sentence tells why it cannot be.
async fn insert(
    tx: &mut AnyConnection,
    record: &Record,
    file: &HashSet<UserId>,
) -> Result<Result<(), String>, sqlx::Error> {
    let Account {
        user,
        username,
        display_name,
        created,
        disabled,
        password,
    } = &record.account;
    let looks = match looks(&record.account) {
        Ok(looks) => looks,
        Err(why) => return Ok(Err(why)),
    };
    let inserted = sqlx::query(
        "INSERT INTO accounts (id, username, display_name, kind, created, disabled) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(user.id.to_string())
    .bind(username)
    .bind(display_name)
    .bind(user.kind.as_str())
    .bind(stored_time(*created))
    .bind(disabled.map(stored_time))
    .execute(&mut *tx)
    .await?;
    if inserted.rows_affected() == 0 {
        return Ok(Err("the name belongs to another account".to_owned()));
    }
    for look in looks {
        // Names that looked the same before looks were kept still may.
        if !looks::take(tx, user.id, &look).await?
            && looks::holder(tx, &look)
                .await?
                .is_none_or(|id| !file.contains(&id))
        {
            return Ok(Err("a name of another account looks the same".to_owned()));
        }
    }
    if let Some(password) = password {
        insert_password(tx, user.id, &password.phc, password.changed).await?;
    }
    for identity in &record.identities {
        if !identities::insert(tx, user.id, identity).await? {
            return Ok(Err(format!(
                "its identity of {} belongs to another account",
                identity.provider
            )));
        }
    }
    Ok(Ok(()))
}

/// The looks of an account, if what it holds is what an account can hold.
fn looks(account: &Account) -> Result<Vec<String>, String> {
    let username = Username::of_any_length(&account.username).map_err(|e| e.to_string())?;
    if username.as_str() != account.username {
        return Err("a username is written in small letters".to_owned());
    }
    let mut looks = vec![looks::of_username(username.as_str())];
    if let Some(name) = &account.display_name {
        let any_length = Limits {
            display_name_max: usize::MAX,
            ..Limits::default()
        };
        let name = DisplayName::parse(name, &any_length).map_err(|e| e.to_string())?;
        looks.extend(looks::of_display_name(&name));
    }
    if let Some(password) = &account.password {
        PasswordHash::new(&password.phc)
            .map_err(|_| "its password is not a PHC string".to_owned())?;
    }
    Ok(looks)
}

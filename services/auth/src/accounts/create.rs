use models::{User, UserId, UserType, Username, now_ms};
use sqlx::AnyConnection;

use super::{Accounts, DatabaseError, FirstWayIn, find::stored_time, identities, looks};

/// What became of a new account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Creation {
    /// It was made.
    Created(User),
    /// The name belongs to another account, or looks like one of its names.
    UsernameTaken,
    /// The identity belongs to another account.
    IdentityTaken,
}

impl Accounts {
    /// Makes an account with this name and this way to sign in.
    ///
    /// # Errors
    /// When the database fails; then there is no account.
    pub async fn create(
        &self,
        username: &Username,
        way_in: FirstWayIn<'_>,
    ) -> Result<Creation, DatabaseError> {
        let user = User {
            id: UserId::generate(),
            user: username.as_str().to_owned(),
            kind: match way_in {
                FirstWayIn::Password(_) => UserType::local(),
                FirstWayIn::Identity(identity) => UserType::provider(&identity.provider),
            },
        };
        let mut tx = self.begin().await?;
        let inserted = sqlx::query(
            "INSERT INTO accounts (id, username, kind, created) VALUES ($1, $2, $3, $4) \
             ON CONFLICT DO NOTHING",
        )
        .bind(user.id.to_string())
        .bind(username.as_str())
        .bind(user.kind.as_str())
        .bind(stored_time(now_ms()))
        .execute(&mut *tx)
        .await?;
        if inserted.rows_affected() == 0
            || !looks::take(&mut tx, user.id, &looks::of_username(username.as_str())).await?
        {
            return Ok(Creation::UsernameTaken);
        }
        match way_in {
            FirstWayIn::Password(phc) => {
                insert_password(&mut tx, user.id, phc, now_ms()).await?;
            }
            FirstWayIn::Identity(identity) => {
                if !identities::insert(&mut tx, user.id, identity).await? {
                    return Ok(Creation::IdentityTaken);
                }
            }
        }
        tx.commit().await?;
        Ok(Creation::Created(user))
    }
}

/// Gives an account its password; `false` when it has one.
pub(super) async fn insert_password(
    connection: &mut AnyConnection,
    id: UserId,
    phc: &str,
    changed: u64,
) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query(
        "INSERT INTO passwords (account_id, phc, changed) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(id.to_string())
    .bind(phc)
    .bind(stored_time(changed))
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

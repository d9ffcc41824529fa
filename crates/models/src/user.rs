use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The identity of an account, for as long as the account exists; the name may change, this does not.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(transparent)]
pub struct UserId(#[schemars(with = "String")] Uuid);

impl UserId {
    /// A fresh id; version 7, so that ids sort by creation and database pages fill in order.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for UserId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Where an account comes from: `local` for one with a password, else the name of its identity provider.
#[derive(Clone, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(transparent)]
pub struct UserType(String);

impl UserType {
    /// An account with a password kept by PacktChat itself.
    #[must_use]
    pub fn local() -> Self {
        Self("local".to_owned())
    }

    /// An account that signs in through the provider of this name, as the settings call it.
    #[must_use]
    pub fn provider(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// `local`, `google`, `facebook`, …
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A person, as every other person in a room sees them.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct User {
    /// Stable identity.
    pub id: UserId,
    /// The name shown.
    pub user: String,
    /// Where the account comes from: `local`, `google`, `facebook`, …
    #[serde(rename = "type")]
    pub kind: UserType,
}

use models::{
    User, UserId,
    account::{AccountDetails, AuthReply, AuthRequest},
};

use super::{Accounts, Refusal};
use crate::draft::Field;

impl Accounts {
    /// What is kept of an account, for its owner.
    pub(crate) async fn details(&self, id: UserId) -> Result<AccountDetails, Refusal> {
        match self.ask(AuthRequest::GetAccount { id }).await? {
            AuthReply::Account { account } => Ok(account),
            // Nobody tried to sign in: the account is not there any more.
            AuthReply::WrongCredentials => Err(Refusal::NoAccount),
            other => Err(Refusal::from(other)),
        }
    }

    /// Shows another name to others; an empty one stands for the username.
    pub(crate) async fn set_display_name(&self, id: UserId, name: String) -> Result<User, Refusal> {
        let request = AuthRequest::SetDisplayName { id, name };
        match self.ask_for_owner(request).await {
            Err(Refusal::UsernameTaken) => Err(Refusal::NameTaken),
            Err(Refusal::Invalid { message, .. }) => Err(Refusal::Invalid {
                field: Some(Field::DisplayName),
                message,
            }),
            outcome => outcome,
        }
    }
}

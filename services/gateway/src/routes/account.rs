use actix_web::{HttpResponse, web::Data};
use messaging::ListedSession;
use models::{
    User,
    account::{AccountDetails, Identity},
    session::{FlashKind, SessionId},
};

use crate::{
    accounts::Refusal,
    draft::Draft,
    moment::Moment,
    pages::{self, AccountPage, Bounds, IdentityRow, Page, SessionRow},
    problem::Problem,
    redirect::see_other,
    session::Visit,
    site::Site,
};

/// `GET /account`. Without `auth` it shows the sessions alone, so that they can be ended all the same.
pub(crate) async fn show(
    site: Data<Site>,
    mut visit: Visit,
    draft: Draft,
) -> Result<HttpResponse, Problem> {
    let Some(user) = visit.user().cloned() else {
        let login = site.routes.login_then_account();
        return visit.answer(see_other(login)).await;
    };
    let account = match site.accounts.details(user.id).await {
        Ok(account) => Some(account),
        Err(refusal @ (Refusal::NoAccount | Refusal::Disabled)) => {
            visit.sign_out().await?;
            visit.flash(FlashKind::Error, refusal.to_string());
            return visit.answer(see_other(&site.routes.login)).await;
        }
        Err(_) => None,
    };
    let user = heal(&mut visit, user, account.as_ref());
    let sessions = sessions(&site, &visit, &user).await?;
    let known = site.providers.known();
    let account = account.as_ref();
    let identities = identities(&site, account);
    let linked = |name: &str| identities.iter().any(|identity| identity.provider == name);
    let flash = visit.take_flash();
    let csrf = visit.csrf().expose().to_owned();
    let page = Page::new(&site, Some(&user), flash);
    let mut response = pages::html(&AccountPage {
        page: &page,
        csrf: &csrf,
        account,
        linkable: known
            .iter()
            .filter(|provider| account.is_some() && !linked(&provider.name))
            .collect(),
        identities,
        fresh: visit.is_fresh(),
        sessions,
        wrong: draft.wrong,
        bounds: Bounds(site.limits),
        login: site.routes.login_then_account(),
    })?;
    draft.forget(&mut response, site.cookie.secure)?;
    visit.answer(response).await
}

/// Who it is by what `auth` says: a session that was written just while the name changed may have the old one.
fn heal(visit: &mut Visit, user: User, account: Option<&AccountDetails>) -> User {
    match account {
        Some(account) if account.user != user => {
            visit.change().user = Some(account.user.clone());
            account.user.clone()
        }
        _ => user,
    }
}

fn identities<'a>(site: &Site, account: Option<&'a AccountDetails>) -> Vec<IdentityRow<'a>> {
    let identities = account.map_or(&[][..], |account| &account.identities);
    let row = |identity: &'a Identity| IdentityRow {
        provider: &identity.provider,
        label: site.providers.label(&identity.provider),
        person: &identity.label,
    };
    identities.iter().map(row).collect()
}

async fn sessions(site: &Site, visit: &Visit, user: &User) -> Result<Vec<SessionRow>, Problem> {
    let current = visit.id().map(SessionId::handle);
    let sessions = site.sessions.of_user(user.id).await?;
    let row = |listed: ListedSession| SessionRow {
        current: Some(&listed.handle) == current.as_ref(),
        handle: listed.handle,
        device: listed.session.device,
        used: Moment(listed.used),
        signed_in: Moment(listed.session.created),
    };
    Ok(sessions.into_iter().map(row).collect())
}

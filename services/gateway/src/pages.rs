//! The pages, each with the template it is made from.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use askama::Template;
use models::{
    Limits, User,
    account::AccountDetails,
    session::{Flash, FlashKind, SessionHandle},
};

use crate::{
    draft::Field, local_path::LocalPath, moment::Moment, problem::Problem,
    providers::ProviderButton, request_id::RequestId, route_map::RouteMap, site::Site,
    static_files::Assets,
};

/// What the layout needs, whatever the page.
pub(crate) struct Page<'a> {
    site: &'a Site,
    viewer: Viewer<'a>,
    flash: Vec<Flash>,
}

/// Who looks at a page.
#[derive(Clone, Copy)]
pub(crate) enum Viewer<'a> {
    /// It was not looked up.
    Unknown,
    /// Nobody who is signed in.
    Nobody,
    /// This person.
    SignedIn(&'a User),
}

impl<'a> Page<'a> {
    pub(crate) fn new(site: &'a Site, user: Option<&'a User>, flash: Vec<Flash>) -> Self {
        Self {
            site,
            viewer: user.map_or(Viewer::Nobody, Viewer::SignedIn),
            flash,
        }
    }

    /// A page that is the same for everybody.
    pub(crate) fn of_anybody(site: &'a Site) -> Self {
        Self {
            site,
            viewer: Viewer::Unknown,
            flash: Vec::new(),
        }
    }

    fn routes(&self) -> &RouteMap {
        &self.site.routes
    }

    fn assets(&self) -> &Assets {
        &self.site.assets
    }

    fn commit(&self) -> &'static str {
        env!("PACKTCHAT_COMMIT")
    }
}

/// What the forms to sign in and to register have in common.
pub(crate) struct AccountForm<'a> {
    pub(crate) csrf: &'a str,
    pub(crate) next: Option<&'a LocalPath>,
    pub(crate) username: FormField<'a>,
    pub(crate) password: FormField<'a>,
    pub(crate) bounds: Bounds,
    /// Whom one may come from instead.
    pub(crate) providers: &'a [ProviderButton],
}

/// A field of a form as it comes back to the person.
#[derive(Clone, Copy)]
pub(crate) struct FormField<'a> {
    /// What was typed before, if it is shown again.
    pub(crate) value: &'a str,
    /// Whether the page's flash message is about it.
    pub(crate) wrong: bool,
}

/// The bounds a browser checks before it sends a form.
#[derive(Clone, Copy)]
pub(crate) struct Bounds(pub(crate) Limits);

impl std::ops::Deref for Bounds {
    type Target = Limits;

    fn deref(&self) -> &Limits {
        &self.0
    }
}

impl Bounds {
    /// A browser counts UTF-16 units, up to two for a character, and cuts what is longer without a word; the exact
    /// bound is for the server to tell.
    fn password_units(&self) -> usize {
        self.0.password_max * 2
    }

    /// As [`Bounds::password_units`].
    fn display_name_units(&self) -> usize {
        self.0.display_name_max * 2
    }
}

/// The index page.
#[derive(Template)]
#[template(path = "index.html")]
pub(crate) struct IndexPage<'a> {
    pub(crate) page: &'a Page<'a>,
}

/// The form to sign in.
#[derive(Template)]
#[template(path = "login.html")]
pub(crate) struct LoginPage<'a> {
    pub(crate) page: &'a Page<'a>,
    pub(crate) form: AccountForm<'a>,
    /// The way to the form to register, with the same next page.
    pub(crate) register: String,
}

/// The form to register.
#[derive(Template)]
#[template(path = "register.html")]
pub(crate) struct RegisterPage<'a> {
    pub(crate) page: &'a Page<'a>,
    pub(crate) form: AccountForm<'a>,
    /// The way to the form to sign in, with the same next page.
    pub(crate) login: String,
}

/// The form to choose a username.
#[derive(Template)]
#[template(path = "username.html")]
pub(crate) struct UsernamePage<'a> {
    pub(crate) page: &'a Page<'a>,
    pub(crate) csrf: &'a str,
    /// The provider's name for people.
    pub(crate) provider: &'a str,
    /// What the provider calls whoever chooses.
    pub(crate) identity: &'a str,
    pub(crate) username: FormField<'a>,
    pub(crate) bounds: Bounds,
}

/// The account of whoever is signed in.
#[derive(Template)]
#[template(path = "account.html")]
pub(crate) struct AccountPage<'a> {
    pub(crate) page: &'a Page<'a>,
    pub(crate) csrf: &'a str,
    /// What `auth` keeps of it, where it answers.
    pub(crate) account: Option<&'a AccountDetails>,
    pub(crate) identities: Vec<IdentityRow<'a>>,
    /// The configured providers that no identity is of.
    pub(crate) linkable: Vec<&'a ProviderButton>,
    /// Whether the person has proved lately who they are, and may change how they sign in.
    pub(crate) fresh: bool,
    pub(crate) sessions: Vec<SessionRow>,
    /// The field that the page's flash message is about.
    pub(crate) wrong: Option<Field>,
    pub(crate) bounds: Bounds,
    /// The way to sign in again and come back.
    pub(crate) login: String,
}

impl AccountPage<'_> {
    fn is_wrong(&self, field: Field) -> bool {
        self.wrong == Some(field)
    }

    /// Would nobody be able to sign in without the one identity there is?
    fn is_last_way_in(&self) -> bool {
        self.identities.len() == 1 && !self.account.is_some_and(|account| account.has_password)
    }
}

/// A linked identity.
pub(crate) struct IdentityRow<'a> {
    /// The provider's name in addresses.
    pub(crate) provider: &'a str,
    /// The provider's name for people.
    pub(crate) label: String,
    /// What the provider calls the person.
    pub(crate) person: &'a str,
}

/// One of somebody's sessions.
pub(crate) struct SessionRow {
    pub(crate) handle: SessionHandle,
    /// Empty where it is not known.
    pub(crate) device: String,
    pub(crate) used: Moment,
    pub(crate) signed_in: Moment,
    /// Whether the page is looked at in it.
    pub(crate) current: bool,
}

impl SessionRow {
    fn device_name(&self) -> &str {
        match self.device.as_str() {
            "" => "Unknown device",
            device => device,
        }
    }
}

/// Takes the browser on to a provider.
#[derive(Template)]
#[template(path = "onwards.html")]
pub(crate) struct OnwardsPage<'a> {
    pub(crate) page: &'a Page<'a>,
    /// The provider's name for people.
    pub(crate) provider: &'a str,
    pub(crate) url: &'a str,
}

/// The form to sign out.
#[derive(Template)]
#[template(path = "logout.html")]
pub(crate) struct LogoutPage<'a> {
    pub(crate) page: &'a Page<'a>,
    pub(crate) csrf: &'a str,
}

/// The chat.
#[derive(Template)]
#[template(path = "chat.html")]
pub(crate) struct ChatPage<'a> {
    pub(crate) page: &'a Page<'a>,
    /// Who is signed in, as the JSON the socket's `GetMe` would answer.
    pub(crate) user: &'a str,
    /// Longest message.
    pub(crate) message_chars: usize,
}

#[derive(Template)]
#[template(path = "not_found.html")]
struct NotFoundPage<'a> {
    page: &'a Page<'a>,
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    page: &'a Page<'a>,
    request_id: &'a RequestId,
}

#[derive(Template)]
#[template(path = "forbidden.html")]
struct ForbiddenPage<'a> {
    page: &'a Page<'a>,
    detail: &'a str,
    path: &'a str,
}

#[derive(Template)]
#[template(path = "unavailable.html")]
struct UnavailablePage<'a> {
    page: &'a Page<'a>,
    detail: &'a str,
    path: &'a str,
}

#[derive(Template)]
#[template(path = "refused.html")]
struct RefusedPage<'a> {
    page: &'a Page<'a>,
    title: &'a str,
    detail: &'a str,
}

/// The answer that is this page. No cache keeps it: pages tell who is signed in.
pub(crate) fn html(page: &impl Template) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(page.render()?))
}

/// The page for an error of this status; `path` leads back to where it happened.
pub(crate) fn error(
    page: &Page<'_>,
    status: StatusCode,
    detail: &str,
    path: &str,
    request_id: &RequestId,
) -> Result<String, askama::Error> {
    match status {
        StatusCode::NOT_FOUND => NotFoundPage { page }.render(),
        StatusCode::FORBIDDEN => ForbiddenPage { page, detail, path }.render(),
        StatusCode::SERVICE_UNAVAILABLE => UnavailablePage { page, detail, path }.render(),
        status if status.is_server_error() => ErrorPage { page, request_id }.render(),
        status => {
            let title = status.canonical_reason().unwrap_or("Refused");
            RefusedPage {
                page,
                title,
                detail,
            }
            .render()
        }
    }
}

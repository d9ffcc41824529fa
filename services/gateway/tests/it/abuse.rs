//! People who guess passwords and make accounts by the dozen, on two gateways.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use gateway::settings::{Settings, ThrottleSettings};
use reqwest::{Method, StatusCode, header::CONTENT_TYPE};
use settings::TrustedProxies;
use stack::eventually;
use url::form_urlencoded;

use crate::{
    browser::{Answer, Browser, FORM},
    world::{SOON, Service, World},
};

const LOGIN: &str = "/account/login";
const REGISTER: &str = "/account/register";
const PASSWORD: &str = "correct horse battery";
const DEVICE: &str = "packtchat.device";

/// Two gateways and an `auth`.
struct Site {
    world: World,
    gateways: [Service; 2],
    _auth: Service,
}

impl Site {
    async fn new(change: impl Fn(&mut Settings)) -> Self {
        let world = World::new().await;
        let auth = world.auth().await;
        let gateway = async || {
            let mut settings = world.settings();
            change(&mut settings);
            let gateway = World::start(settings).await;
            gateway.is_ready().await;
            gateway
        };
        let gateways = [gateway().await, gateway().await];
        Self {
            world,
            gateways,
            _auth: auth,
        }
    }

    async fn throttled(throttle: ThrottleSettings) -> Self {
        Self::new(|settings| settings.throttle = throttle).await
    }

    fn port(&self, number: usize) -> u16 {
        self.gateways[number % 2].port
    }

    fn browser(&self) -> Browser {
        self.gateways[0].browser()
    }

    /// A browser that has made this account, and signed out.
    async fn owner(&self, name: &str) -> Browser {
        let mut browser = self.browser();
        assert!(browser.register(name, PASSWORD).await.leads_to("/chat"));
        let answer = browser.submit("/account/logout", &[]).await;
        assert!(answer.leads_to("/"));
        browser
    }

    async fn guesser(&self) -> Guesser {
        let mut browser = self.browser();
        let csrf = browser.get(LOGIN).await.csrf();
        Guesser {
            browser: browser.of_json(),
            csrf,
        }
    }

    /// So many guesses from as many callers at once as they come, each told by its number the account and the
    /// address; what they were answered, and how long it took.
    async fn guess_many(
        &self,
        count: usize,
        guess: impl Fn(usize) -> (String, String),
    ) -> (Vec<Answer>, Duration) {
        let guesser = self.guesser().await;
        let began = Instant::now();
        let answers = stream::iter(0..count)
            .map(|number| {
                let (name, address) = guess(number);
                let guesser = &guesser;
                async move {
                    let guesser = guesser.at(self.port(number));
                    let password = format!("wrong horse {number}");
                    guesser.send(LOGIN, &name, &password, &address).await
                }
            })
            .buffer_unordered(100)
            .collect()
            .await;
        (answers, began.elapsed())
    }
}

/// Sends forms of one session, and says where they come from.
#[derive(Clone)]
struct Guesser {
    browser: Browser,
    csrf: String,
}

impl Guesser {
    fn at(&self, port: u16) -> Self {
        Self {
            browser: self.browser.clone().at(port),
            csrf: self.csrf.clone(),
        }
    }

    async fn send(mut self, path: &str, name: &str, password: &str, forwarded: &str) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("csrf", &self.csrf)
            .append_pair("username", name)
            .append_pair("password", password)
            .finish();
        let request = self
            .browser
            .request(Method::POST, path)
            .header(CONTENT_TYPE, FORM)
            .header("X-Forwarded-For", forwarded)
            .body(body);
        self.browser.send(request).await
    }

    async fn guess(&self, name: &str, forwarded: &str) -> Answer {
        let wrong = "wrong horse battery";
        self.clone().send(LOGIN, name, wrong, forwarded).await
    }
}

fn address(number: usize) -> String {
    format!("10.0.{}.{}", number / 250, number % 250 + 1)
}

/// How many were checked; the others were all told to wait, and for how long.
fn checked(answers: &[Answer]) -> usize {
    let (checked, refused): (Vec<_>, Vec<_>) = answers
        .iter()
        .partition(|answer| answer.status == StatusCode::UNAUTHORIZED);
    for answer in refused {
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        let seconds: u64 = answer.header("retry-after").parse().unwrap();
        assert!(seconds >= 1);
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(
            detail.starts_with("Too many wrong passwords. Try again in "),
            "{detail}"
        );
    }
    checked.len()
}

/// The first wait ends after a second, so that in each second at most one more is checked.
fn at_most(free: usize, took: Duration) -> usize {
    free + 1 + usize::try_from(took.as_secs()).unwrap()
}

async fn gets_in_at_last(site: &Site, name: &str) {
    eventually(SOON, "the right password is taken", async || {
        let answer = site.browser().sign_in(name, PASSWORD).await;
        answer.leads_to("/chat")
    })
    .await;
}

#[tokio::test]
async fn a_thousand_wrong_passwords_for_one_account_from_many_addresses() {
    let site = Site::throttled(ThrottleSettings {
        account_failures: 5,
        account_forget_secs: 6,
        ..ThrottleSettings::default()
    })
    .await;
    let mut owner = site.owner("alice").await;
    let guess = |number| ("alice".to_owned(), address(number));
    let (answers, took) = site.guess_many(1_000, guess).await;
    let checked = checked(&answers);
    assert!(
        (5..=at_most(5, took)).contains(&checked),
        "{checked} in {took:?}"
    );

    // Whom the account knows by the browser does not wait, on either node.
    assert!(owner.sign_in("alice", PASSWORD).await.leads_to("/chat"));
    let mut owner_elsewhere = owner.clone().at(site.port(1));
    owner_elsewhere.submit("/account/logout", &[]).await;
    let answer = owner_elsewhere.sign_in("alice", PASSWORD).await;
    assert!(answer.leads_to("/chat"));

    // The longest wait begins anew.
    let guesser = site.guesser().await;
    eventually(SOON, "one more is checked", async || {
        guesser.guess("alice", "192.0.2.1").await.status == StatusCode::UNAUTHORIZED
    })
    .await;
    // In a new browser the right person reads how long to wait, and then gets in.
    let mut newcomer = site.browser();
    let answer = newcomer.sign_in("alice", PASSWORD).await;
    assert!(answer.leads_to(LOGIN), "{}", answer.text());
    let form = newcomer.follow(&answer).await;
    let told = &form.flashes()[0];
    assert!(
        told.starts_with("Too many wrong passwords. Try again in "),
        "{told}"
    );
    assert!(
        told.ends_with(" seconds.") || told.ends_with(" second."),
        "{told}"
    );
    gets_in_at_last(&site, "alice").await;
}

#[tokio::test]
async fn a_thousand_wrong_passwords_for_many_accounts_from_one_address() {
    let site = Site::throttled(ThrottleSettings {
        address_failures: 20,
        address_forget_secs: 4,
        ..ThrottleSettings::default()
    })
    .await;
    // All browsers here are at 127.0.0.1.
    let mut owner = site.owner("alice").await;
    let _other = site.owner("bob").await;
    let guess = |number: usize| (format!("user-{number}"), "127.0.0.1".to_owned());
    let (answers, took) = site.guess_many(1_000, guess).await;
    let checked = checked(&answers);
    assert!(
        (20..=at_most(20, took)).contains(&checked),
        "{checked} in {took:?}"
    );

    assert!(owner.sign_in("alice", PASSWORD).await.leads_to("/chat"));
    let elsewhere = site.guesser().await;
    let answer = elsewhere.send(LOGIN, "bob", PASSWORD, "192.0.2.1").await;
    assert!(answer.leads_to("/chat"), "{}", answer.text());
    gets_in_at_last(&site, "bob").await;
}

#[tokio::test]
async fn unknown_names_are_refused_like_known_ones() {
    let site = Site::throttled(ThrottleSettings {
        // Told in minutes, of which a slow machine loses none.
        first_wait_secs: 300,
        account_failures: 3,
        ..ThrottleSettings::default()
    })
    .await;
    let _owner = site.owner("alice").await;
    let guesser = site.guesser().await;
    let mut told = Vec::new();
    for name in ["alice", "nobody"] {
        let mut answers = Vec::new();
        for _ in 0..5 {
            let answer = guesser.guess(name, "192.0.2.1").await;
            let mut json = answer.json();
            json.as_object_mut().unwrap().remove("request_id");
            let mut headers: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
            headers.sort();
            answers.push((answer.status, json.to_string(), headers));
        }
        told.push(answers);
    }
    assert_eq!(told[0][3].0, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(told[0], told[1]);
}

#[tokio::test]
async fn a_name_is_one_account_however_it_is_written() {
    let site = Site::throttled(ThrottleSettings {
        first_wait_secs: 60,
        account_failures: 3,
        ..ThrottleSettings::default()
    })
    .await;
    let guesser = site.guesser().await;
    for name in ["alice", "ALICE", " Alice "] {
        let answer = guesser.guess(name, "192.0.2.1").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let answer = guesser.guess("aLice", "192.0.2.1").await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_known_browser_has_wrong_passwords_of_its_own() {
    let site = Site::throttled(ThrottleSettings {
        first_wait_secs: 60,
        device_failures: 3,
        ..ThrottleSettings::default()
    })
    .await;
    let mut owner = site.owner("alice").await.of_json();
    for _ in 0..3 {
        let answer = owner.sign_in("alice", "wrong horse").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let answer = owner.sign_in("alice", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    // Nobody else waits for that.
    let answer = site.browser().sign_in("alice", PASSWORD).await;
    assert!(answer.leads_to("/chat"));
}

#[tokio::test]
async fn only_a_cookie_we_made_for_this_account_makes_a_browser_known() {
    let site = Site::throttled(ThrottleSettings {
        first_wait_secs: 60,
        account_failures: 1,
        account_forget_secs: 3_600,
        ..ThrottleSettings::default()
    })
    .await;
    let owner = site.owner("alice").await;
    let other = site.owner("bob").await;
    let guesser = site.guesser().await;
    for name in ["alice", "bob"] {
        let answer = guesser.guess(name, "192.0.2.1").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let with_cookie = async |name: &str, cookie: String| {
        let mut browser = site.browser().of_json();
        browser.cookies.insert(DEVICE.to_owned(), cookie);
        browser.sign_in(name, PASSWORD).await
    };
    let cookie = owner.cookies[DEVICE].clone();
    for (name, cookie) in [
        ("bob", cookie.clone()),
        ("alice", other.cookies[DEVICE].clone()),
        ("alice", cookie.replace('.', ".1")),
        ("alice", String::new()),
    ] {
        let answer = with_cookie(name, cookie).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{name}");
    }
    // Both accounts know a browser that both were signed in to with.
    let mut shared = site.browser();
    shared.cookies.insert(DEVICE.to_owned(), cookie);
    shared.cookies = {
        let mut browser = site.browser();
        browser.cookies = shared.cookies.clone();
        assert!(browser.sign_in("alice", PASSWORD).await.leads_to("/chat"));
        browser.submit("/account/logout", &[]).await;
        assert!(browser.register("carol", PASSWORD).await.leads_to("/chat"));
        browser.cookies
    };
    let cookie = shared.cookies[DEVICE].clone();
    for name in ["alice", "carol"] {
        let answer = with_cookie(name, cookie.clone()).await;
        assert!(answer.leads_to("/chat"), "{name}");
    }
}

#[tokio::test]
async fn nobody_chooses_the_address_they_come_from() {
    let few = ThrottleSettings {
        first_wait_secs: 60,
        address_failures: 1,
        address_forget_secs: 3_600,
        ..ThrottleSettings::default()
    };
    // Here 127.0.0.1 is a load balancer, which appends where a request comes from.
    let site = Site::throttled(few).await;
    let guesser = site.guesser().await;
    let guess = async |number: usize, forwarded: &str| {
        let name = format!("user-{number}");
        guesser.guess(&name, forwarded).await.status
    };
    assert_eq!(guess(1, "192.0.2.1").await, StatusCode::UNAUTHORIZED);
    for (number, forwarded) in ["192.0.2.1", "203.0.113.5, 192.0.2.1", "127.0.0.1,192.0.2.1"]
        .iter()
        .enumerate()
    {
        let status = guess(number, forwarded).await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "{forwarded}");
    }
    assert_eq!(
        guess(2, "192.0.2.1, 192.0.2.2").await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(guess(3, "2001:db8::1").await, StatusCode::UNAUTHORIZED);
    assert_eq!(
        guess(4, "2001:db8::2:3:4").await,
        StatusCode::TOO_MANY_REQUESTS
    );

    // Here it is anybody.
    let site = Site::new(|settings| {
        settings.throttle = few;
        settings.http.trusted_proxies = TrustedProxies::new(vec![]);
    })
    .await;
    let guesser = site.guesser().await;
    let answer = guesser.guess("alice", "192.0.2.1").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let answer = guesser.guess("bob", "192.0.2.2").await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn registrations_from_one_address_are_few() {
    let site = Site::throttled(ThrottleSettings {
        first_wait_secs: 60,
        registrations: 3,
        ..ThrottleSettings::default()
    })
    .await;
    for name in ["alice", "bob"] {
        assert!(
            site.browser()
                .register(name, PASSWORD)
                .await
                .leads_to("/chat")
        );
    }
    // What is wrong with the form costs nothing; asking for a name that is taken does.
    for _ in 0..5 {
        let answer = site.browser().register("carol", "short").await;
        assert!(answer.leads_to(REGISTER));
    }
    let mut asking = site.browser().of_json();
    let answer = asking.register("alice", "another horse battery").await;
    assert_eq!(answer.status, StatusCode::CONFLICT);

    let mut browser = site.browser();
    let answer = browser.register("carol", PASSWORD).await;
    let form = browser.follow(&answer).await;
    let told = &form.flashes()[0];
    assert!(
        told.starts_with("Too many new accounts from your network. Try again in "),
        "{told}"
    );
    let answer = site.browser().of_json().register("carol", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!answer.header("retry-after").is_empty());

    let elsewhere = site.guesser().await;
    let answer = elsewhere
        .send(REGISTER, "carol", PASSWORD, "192.0.2.1")
        .await;
    assert!(answer.leads_to("/chat"), "{}", answer.text());
}

#[tokio::test]
async fn the_old_password_cannot_be_guessed_with_a_session_that_was_stolen() {
    let site = Site::throttled(ThrottleSettings {
        first_wait_secs: 60,
        account_failures: 3,
        ..ThrottleSettings::default()
    })
    .await;
    let mut thief = site.browser();
    thief.register("alice", PASSWORD).await;
    let csrf = thief.get("/account").await.csrf();
    let mut thief = thief.of_json();
    let mut change = async |old: &str| {
        let fields = [
            ("csrf", &*csrf),
            ("old", old),
            ("new", "a new horse battery"),
        ];
        thief.post("/account/password", &fields).await
    };
    for _ in 0..3 {
        let answer = change("wrong horse").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text());
    }
    let answer = change(PASSWORD).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    // It keeps nobody from signing in.
    assert!(
        site.browser()
            .sign_in("alice", PASSWORD)
            .await
            .leads_to("/chat")
    );
}

#[tokio::test]
async fn right_passwords_are_never_too_many() {
    let site = Site::throttled(ThrottleSettings {
        first_wait_secs: 60,
        account_failures: 2,
        address_failures: 2,
        ..ThrottleSettings::default()
    })
    .await;
    let _owner = site.owner("alice").await;
    for _ in 0..10 {
        let answer = site.browser().sign_in("alice", PASSWORD).await;
        assert!(answer.leads_to("/chat"));
    }
    let keys = site
        .world
        .redis_line("EXISTS {throttle}:address:127.0.0.1")
        .await;
    assert_eq!(keys, ":0", "nothing is left to be forgotten");
}

#[tokio::test]
async fn a_limit_of_none_is_no_limit() {
    let site = Site::throttled(ThrottleSettings {
        account_failures: 0,
        address_failures: 0,
        ..ThrottleSettings::default()
    })
    .await;
    let guess = |_| ("alice".to_owned(), "192.0.2.1".to_owned());
    let (answers, _) = site.guess_many(100, guess).await;
    assert_eq!(checked(&answers), 100);
}

#[tokio::test]
async fn a_first_wait_of_nothing_is_one_all_the_same() {
    let site = Site::throttled(ThrottleSettings {
        first_wait_secs: 0,
        account_failures: 1,
        ..ThrottleSettings::default()
    })
    .await;
    let guess = |number| ("alice".to_owned(), address(number));
    let (answers, _) = site.guess_many(100, guess).await;
    // One, and one more after each wait that has passed meanwhile.
    assert!(checked(&answers) < 50);
}

#[tokio::test]
async fn registering_is_no_way_around_the_limits_of_an_account() {
    let site = Site::throttled(ThrottleSettings {
        first_wait_secs: 60,
        account_failures: 3,
        account_forget_secs: 3_600,
        registrations: 0,
        ..ThrottleSettings::default()
    })
    .await;
    site.owner("alice").await;
    let guesser = site.guesser().await;
    let mut taken = 0;
    for number in 0..8 {
        let guesser = guesser.at(site.port(number));
        let password = format!("wrong horse {number}");
        let address = format!("192.0.2.{number}");
        let answer = guesser.send(REGISTER, "alice", &password, &address).await;
        if answer.status == StatusCode::CONFLICT {
            taken += 1;
        } else {
            assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        }
    }
    assert!((3..=4).contains(&taken), "{taken}");
    let guess = guesser.guess("alice", "192.0.2.100").await;
    assert_eq!(guess.status, StatusCode::TOO_MANY_REQUESTS, "one bucket");
}

#[tokio::test]
async fn nobody_changes_their_name_all_the_time() {
    let site = Site::throttled(ThrottleSettings {
        first_wait_secs: 60,
        names: 2,
        ..ThrottleSettings::default()
    })
    .await;
    let mut alice = site.browser();
    assert!(alice.register("alice", PASSWORD).await.leads_to("/chat"));
    let mut told = Vec::new();
    for number in 0..4 {
        let name = format!("Alice the {number}th");
        let answer = alice
            .act("/account/display-name", &[("display_name", &name)])
            .await;
        told.extend(alice.follow(&answer).await.flashes());
    }
    let refused = told
        .iter()
        .filter(|flash| flash.starts_with("You have changed your name too often."));
    assert!((1..=2).contains(&refused.count()), "{told:?}");
}

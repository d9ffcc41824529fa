//! `packtchat accounts` on real databases of both kinds.
#![allow(clippy::unwrap_used, reason = "also in functions that only tests call")]

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use auth::accounts::{Account, Accounts, Creation, FirstWayIn};
use auth::passwords::{Hasher, Verdict};
use auth::settings::{DatabaseSettings, PasswordSettings};
use messaging::Sessions;
use models::account::Identity;
use models::session::{Session, SessionId};
use models::{DisplayName, Limits, Password, Username};
use settings::{RedisSettings, SessionSettings};
use stack::{Durability, Redis, postgres_database};
use tempfile::TempDir;

const SECRET: &str = "a session secret of 32 bytes or more";
const DAY_SECS: u64 = 24 * 3_600;

/// A database with Alice, who has everything, and Bob, who has no password.
struct World {
    dir: TempDir,
    url: String,
    accounts: Accounts,
}

impl World {
    async fn sqlite() -> World {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", dir.path().join("from.db").display());
        World::filled(dir, url).await
    }

    async fn both() -> [World; 2] {
        let dir = tempfile::tempdir().unwrap();
        let postgres = World::filled(dir, postgres_database().await.unwrap()).await;
        [World::sqlite().await, postgres]
    }

    async fn filled(dir: TempDir, url: String) -> World {
        let accounts = open(&url).await;
        let phc = hasher().hash(&password("correct horse")).await.unwrap();
        let alice = create(&accounts, "alice", FirstWayIn::Password(&phc)).await;
        let limits = Limits::default();
        let shown = DisplayName::parse("Queen of Hearts", &limits).unwrap();
        accounts
            .set_display_name(alice.user.id, Some(&shown))
            .await
            .unwrap();
        let google = |subject: &str| Identity {
            provider: "google".to_owned(),
            subject: subject.to_owned(),
            label: format!("{subject}@example.com\u{1b}[2J"),
        };
        accounts
            .link(alice.user.id, &google("alice"))
            .await
            .unwrap();
        create(&accounts, "bob", FirstWayIn::Identity(&google("bob"))).await;
        World { dir, url, accounts }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    async fn account(&self, username: &str) -> Account {
        account(&self.accounts, username).await.unwrap()
    }

    fn run(&self, args: &[&str]) -> Output {
        packtchat(&self.url, args).output().unwrap()
    }
}

async fn open(url: &str) -> Accounts {
    Accounts::open(&DatabaseSettings::new(url)).await.unwrap()
}

async fn create(accounts: &Accounts, username: &str, way_in: FirstWayIn<'_>) -> Account {
    let name = Username::of_any_length(username).unwrap();
    let made = accounts.create(&name, way_in).await.unwrap();
    assert!(matches!(made, Creation::Created(_)), "{made:?}");
    account(accounts, username).await.unwrap()
}

async fn account(accounts: &Accounts, username: &str) -> Option<Account> {
    let name = Username::of_any_length(username).unwrap();
    accounts.by_username(&name).await.unwrap()
}

fn hasher() -> Hasher {
    let rounds = 1_000;
    Hasher::new(&PasswordSettings {
        rounds,
        ..PasswordSettings::default()
    })
    .unwrap()
}

fn password(text: &str) -> Password {
    Password::choose(text, &Limits::default()).unwrap()
}

async fn opens(account: &Account, text: &str) -> bool {
    let phc = &account.password.as_ref().unwrap().phc;
    let verdict = hasher().verify(&password(text), Some(phc)).await.unwrap();
    verdict != Verdict::Wrong
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_packtchat"));
    command
        .arg("accounts")
        .args(args)
        .env("PACKTCHAT__PASSWORDS__ROUNDS", "1000")
        .current_dir("/");
    command
}

fn packtchat(url: &str, args: &[&str]) -> Command {
    let mut command = command(args);
    command.env("PACKTCHAT__DATABASE__URL", url);
    command
}

fn said(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

/// What a command that succeeds says.
fn answer(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    said(&output.stdout)
}

/// What a command that fails says.
fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    said(&output.stderr)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test]
async fn accounts_move_from_sqlite_to_postgresql_and_back() {
    let world = World::sqlite().await;
    let file = world.path("accounts.jsonl");
    answer(&world.run(&["export", text(&file)]));
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let url = postgres_database().await.unwrap();
    for expected in [
        "2 accounts taken in; 0 there",
        "0 accounts taken in; 2 there",
    ] {
        let import = packtchat(&url, &["import", text(&file)]).output().unwrap();
        answer(&import);
        assert!(said(&import.stderr).contains(expected), "{import:?}");
    }
    let postgres = open(&url).await;
    assert_eq!(
        postgres.all().await.unwrap(),
        world.accounts.all().await.unwrap()
    );
    let alice = account(&postgres, "alice").await.unwrap();
    assert!(opens(&alice, "correct horse").await);
    assert!(!opens(&alice, "wrong horse").await);

    let exported = answer(&packtchat(&url, &["export", "-"]).output().unwrap());
    assert_eq!(exported, std::fs::read_to_string(&file).unwrap());
    let back = format!("sqlite://{}", world.path("back.db").display());
    let mut import = packtchat(&back, &["import", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = import.stdin.take().unwrap();
    input.write_all(exported.as_bytes()).unwrap();
    drop(input);
    assert!(import.wait().unwrap().success());
    assert_eq!(
        open(&back).await.all().await.unwrap(),
        world.accounts.all().await.unwrap()
    );
}

#[tokio::test]
async fn an_import_takes_all_or_nothing() {
    let [from, to] = World::both().await;
    let file = from.path("accounts.jsonl");
    answer(&from.run(&["export", text(&file)]));
    let before = to.accounts.all().await.unwrap();
    let words = refusal(&to.run(&["import", text(&file)]));
    for clash in ["alice: the name belongs", "bob: the name belongs"] {
        assert!(words.contains(clash), "{words}");
    }
    assert_eq!(to.accounts.all().await.unwrap(), before);

    let whole = std::fs::read_to_string(&file).unwrap();
    let cut: Vec<_> = whole.lines().take(2).collect();
    std::fs::write(&file, cut.join("\n")).unwrap();
    let url = postgres_database().await.unwrap();
    let import = packtchat(&url, &["import", text(&file)]).output().unwrap();
    let words = refusal(&import);
    assert!(
        words.contains("should have 2 accounts and has 1"),
        "{words}"
    );
    assert!(open(&url).await.all().await.unwrap().is_empty());
}

#[tokio::test]
async fn accounts_are_listed_and_shown() {
    for world in World::both().await {
        let list = answer(&world.run(&["list"]));
        let lines: Vec<_> = list.lines().collect();
        assert_eq!(lines.len(), 3, "{list}");
        for word in ["alice", "Queen of Hearts", "password, google"] {
            assert!(lines[1].contains(word), "{list}");
        }
        let show = answer(&world.run(&["show", "Alice"]));
        for word in ["Queen of Hearts", "google: alice@example.com\\u{1b}[2J"] {
            assert!(show.contains(word), "{show}");
        }
        assert!(!show.contains("pbkdf2"), "{show}");
        assert!(answer(&world.run(&["show", "bob"])).contains("Password   none"));
        let words = refusal(&world.run(&["show", "eve"]));
        assert!(
            words.contains("no account with the username \"eve\""),
            "{words}"
        );
    }
}

#[tokio::test]
async fn disabling_and_resetting_end_the_sessions() {
    for world in World::both().await {
        let redis = Redis::start(world.dir.path(), Durability::None)
            .await
            .unwrap();
        let handle = messaging::Redis::connect(&RedisSettings::new(&redis.url())).unwrap();
        let long = SessionSettings {
            absolute_secs: 90 * DAY_SECS,
            ..SessionSettings::new(SECRET)
        };
        let sessions = Sessions::new(handle, &long).unwrap();
        let alice = world.account("alice").await;
        let sign_in = async || {
            let mut session = Session::signed_in(alice.user.clone());
            // As old as some settings let sessions become.
            session.created -= 80 * DAY_SECS * 1_000;
            let id = SessionId::generate();
            sessions.create(&id, &session).await.unwrap();
            id
        };
        let is_over = async |id: &SessionId| sessions.keep(std::slice::from_ref(id)).await.unwrap();
        for args in [["disable", "alice"], ["reset", "alice"]] {
            let id = sign_in().await;
            assert!(is_over(&id).await.is_empty());
            let output = world.run(&[args[0], args[1], "--redis", &redis.url()]);
            answer(&output);
            let words = said(&output.stderr);
            assert!(
                words.contains("The one session of alice was ended"),
                "{words}"
            );
            assert_eq!(is_over(&id).await, [id]);
        }
        redis.stop().await;
        let words = refusal(&world.run(&["disable", "alice", "--redis", &redis.url()]));
        assert!(
            words.contains("the sessions of alice were not ended"),
            "{words}"
        );
        let output = world.run(&["disable", "alice"]);
        answer(&output);
        let words = said(&output.stderr);
        assert!(
            words.contains("The sessions of alice were NOT ended"),
            "{words}"
        );
    }
}

#[tokio::test]
async fn an_account_is_disabled_enabled_and_reset() {
    for world in World::both().await {
        let words = answer(&world.run(&["disable", "alice"]));
        assert!(words.contains("alice is disabled"), "{words}");
        assert!(world.account("alice").await.disabled.is_some());
        assert!(answer(&world.run(&["list"])).contains("disabled"));
        let words = answer(&world.run(&["enable", "alice"]));
        assert!(words.contains("alice is enabled"), "{words}");
        assert_eq!(world.account("alice").await.disabled, None);

        for username in ["alice", "bob"] {
            let output = answer(&world.run(&["reset", username]));
            let fresh = output.trim_end();
            assert_eq!(fresh.len(), 22, "{output}");
            assert!(opens(&world.account(username).await, fresh).await);
        }
        assert!(!opens(&world.account("alice").await, "correct horse").await);

        let words = said(&world.run(&["reset", "alice"]).stderr);
        assert!(words.contains("google: alice@example.com"), "{words}");
        assert!(words.contains("still opens the account"), "{words}");
        assert!(answer(&world.run(&["show", "alice"])).contains("google"));
        let words = said(&world.run(&["reset", "alice", "--unlink"]).stderr);
        assert!(words.contains("Unlinked google"), "{words}");
        assert!(!answer(&world.run(&["show", "alice"])).contains("google"));
    }
}

#[tokio::test]
async fn the_database_is_found() {
    let world = World::sqlite().await;
    let file = world.path("url");
    std::fs::write(&file, &world.url).unwrap();
    let by_file = command(&["list"])
        .env("PACKTCHAT__DATABASE__URL_FILE", &file)
        .output()
        .unwrap();
    assert!(answer(&by_file).contains("alice"));
    let by_option = packtchat(
        "sqlite:///nowhere/a.db",
        &["list", "--database", &world.url],
    )
    .output()
    .unwrap();
    assert!(answer(&by_option).contains("alice"));

    // As `packtchat up` keeps them.
    let dir = tempfile::tempdir().unwrap();
    let words = refusal(
        &command(&["list", "--dir", text(dir.path())])
            .output()
            .unwrap(),
    );
    assert!(words.contains("there is no accounts database"), "{words}");
    let kept = dir.path().join("accounts");
    std::fs::create_dir(&kept).unwrap();
    let url = format!("sqlite://{}", kept.join("accounts.db").display());
    let file = world.path("accounts.jsonl");
    answer(&world.run(&["export", text(&file)]));
    answer(&packtchat(&url, &["import", text(&file)]).output().unwrap());
    let by_dir = command(&["list", "--dir", text(dir.path())])
        .output()
        .unwrap();
    assert!(answer(&by_dir).contains("alice"));

    let words = refusal(&command(&["list"]).output().unwrap());
    assert!(words.contains("where are the accounts?"), "{words}");
}

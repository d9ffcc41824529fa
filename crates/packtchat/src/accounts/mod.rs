//! `packtchat accounts`

mod disable;
mod export;
mod file;
mod find;
mod import;
mod list;
mod place;
mod reset;
mod sessions;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use place::Place;

/// Looks after the accounts: lists, disables, resets and moves them
///
/// Works on the accounts database itself, whether or not the chat runs: the one of --database, else of
/// PACKTCHAT__DATABASE__URL (or of the file PACKTCHAT__DATABASE__URL_FILE names), else of the chat that `packtchat up`
/// keeps in --dir.
#[derive(Parser)]
pub(crate) struct Accounts {
    #[command(flatten)]
    place: Where,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Where {
    /// The accounts database: sqlite://FILE or postgres://USER:PASSWORD@HOST/DATABASE
    ///
    /// Others on this machine can read it while the command runs; PACKTCHAT__DATABASE__URL they cannot.
    #[arg(long, value_name = "URL", global = true)]
    database: Option<String>,
    /// The Redis with the sessions [default: that of PACKTCHAT__REDIS__URL, else of the running chat in --dir]
    #[arg(long, value_name = "URL", global = true)]
    redis: Option<String>,
    /// The directory `packtchat up` was given [default: .packtchat in the source tree]
    #[arg(long, value_name = "DIRECTORY", global = true)]
    dir: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Shows all accounts, the oldest first
    List,
    /// Shows all that is kept of an account, but for its password
    Show {
        /// The username
        name: String,
    },
    /// Lets nobody sign in to an account, and ends its sessions
    Disable {
        /// The username
        name: String,
    },
    /// Lets its owner sign in to a disabled account again
    Enable {
        /// The username
        name: String,
    },
    /// Gives an account a new random password, prints it, and ends the account's sessions
    ///
    /// Standard output has the password and nothing else. It is shown this once: hand it to the owner, who changes it.
    Reset {
        /// The username
        name: String,
        /// Unlinks all identities too: for an account that somebody else got into, who may have linked their own
        #[arg(long)]
        unlink: bool,
    },
    /// Writes all accounts to a file, with their hashed passwords and linked identities
    ///
    /// The file is for its owner alone (mode 0600): with it and much time, passwords can be guessed. Of accounts that
    /// change meanwhile it has what they were at one moment.
    Export {
        /// The file, replaced where it exists; - for standard output
        file: PathBuf,
    },
    /// Takes accounts in from a file that `export` wrote: all of them, or none
    ///
    /// The database may be empty or have accounts. Those that are there already and are the same are left alone, so
    /// that a second run changes nothing. What clashes, by name or by identity, is told, and then nothing is changed.
    Import {
        /// The file; - for standard input
        file: PathBuf,
    },
}

pub(crate) async fn run(arguments: Accounts) -> anyhow::Result<ExitCode> {
    let place = Place::find(arguments.place)?;
    match arguments.command {
        Command::List => list::run(&place).await,
        Command::Show { name } => show::run(&place, &name).await,
        Command::Disable { name } => disable::disable(&place, &name).await,
        Command::Enable { name } => disable::enable(&place, &name).await,
        Command::Reset { name, unlink } => reset::run(&place, &name, unlink).await,
        Command::Export { file } => export::run(&place, &file).await,
        Command::Import { file } => import::run(&place, &file).await,
    }
    .map(|()| ExitCode::SUCCESS)
}

//! The source tree that the command works in.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// PacktChat's source tree.
pub(crate) struct SourceTree {
    root: PathBuf,
}

impl SourceTree {
    /// The tree around the current directory.
    pub(crate) fn find() -> anyhow::Result<SourceTree> {
        let here = std::env::current_dir().context("the current directory is gone")?;
        here.ancestors()
            .find(|dir| dir.join("services/gateway/Cargo.toml").is_file())
            .map(|root| SourceTree {
                root: root.to_owned(),
            })
            .context("this is not PacktChat's source tree: change into it and try again")
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where data are kept unless the person says otherwise.
    pub(crate) fn data(&self) -> PathBuf {
        self.root.join(".packtchat")
    }

    /// The source of the web client.
    pub(crate) fn web(&self) -> PathBuf {
        self.root.join("services/gateway/web")
    }

    /// The built web client.
    pub(crate) fn web_dist(&self) -> PathBuf {
        self.web().join("dist")
    }
}

//! Which commit a checkout is at.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The commit of the checkout whose top is `root`; `None` without git, and where `root` lies
/// within somebody else's checkout.
pub(crate) fn of(root: &Path) -> Option<String> {
    let top = git(root, &["rev-parse", "--show-toplevel"])?;
    if Path::new(&top).canonicalize().ok()? != root.canonicalize().ok()? {
        return None;
    }
    git(root, &["rev-parse", "--short=12", "HEAD"])
}

/// The files that git changes when the checkout goes to another commit.
pub(crate) fn watched(root: &Path) -> Vec<PathBuf> {
    let branch = git(root, &["symbolic-ref", "--quiet", "HEAD"]);
    ["HEAD", "logs/HEAD"]
        .into_iter()
        .map(str::to_owned)
        .chain(branch)
        .filter_map(|name| git(root, &["rev-parse", "--git-path", &name]))
        .map(|path| root.join(path))
        // Cargo takes a file that is not there for one that always changes.
        .filter(|path| path.is_file())
        .collect()
}

fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .current_dir(root)
        .args(arguments)
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

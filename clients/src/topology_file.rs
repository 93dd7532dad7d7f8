//! Where the topology is: named, else in the working directory; operators' commands, which are typed
//! anywhere in a checkout, look in the folders above as well. Terraform runs in one root, and a plan
//! must not depend on what lies above it.
//!
//! Invariant: a file that another user put into a folder above is never taken for ours: it would say where tokens go.

use std::fmt::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The environment variable that names the file.
pub const TOPOLOGY_VARIABLE: &str = "GIGADB_TOPOLOGY";
/// The file that is looked for where nothing names one.
pub const TOPOLOGY_DEFAULT: &str = "topology.yaml";

/// A topology file that was named or found, or the place where it was missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopologyFile {
    path: PathBuf,
    resolved: PathBuf,
    named: bool,
    upwards: bool,
    passed_over: Option<PathBuf>,
}

impl TopologyFile {
    /// Takes the file that an option or the environment names, with `~` as the home folder, else
    /// `topology.yaml` in the working directory.
    pub fn here(option: Option<&Path>, env: &dyn Fn(&str) -> Option<String>) -> Self {
        Self::find(&working(), option, false, env)
    }

    /// The same, and looks for `topology.yaml` in the folders above the working directory too.
    pub fn here_or_above(option: Option<&Path>, env: &dyn Fn(&str) -> Option<String>) -> Self {
        Self::find(&working(), option, true, env)
    }

    fn find(
        working: &Path,
        option: Option<&Path>,
        upwards: bool,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let variable = || {
            env(TOPOLOGY_VARIABLE)
                .filter(|text| !text.trim().is_empty())
                .map(PathBuf::from)
        };
        let file = |path: PathBuf, named| Self {
            resolved: working.join(&path).components().collect(),
            path,
            named,
            upwards: upwards && !named,
            passed_over: None,
        };
        if let Some(named) = option.map(Path::to_owned).or_else(variable) {
            return file(at_home(&named, env), true);
        }
        let mut missed = file(PathBuf::from(TOPOLOGY_DEFAULT), false);
        let folders = if upwards { usize::MAX } else { 1 };
        for folder in working.ancestors().take(folders) {
            let found = folder.join(TOPOLOGY_DEFAULT);
            if !found.is_file() {
                continue;
            }
            if folder == working {
                break;
            }
            if is_ours(&found) {
                return file(found, false);
            }
            missed.passed_over.get_or_insert(found);
        }
        missed
    }

    /// The path to read, as it was written where it was written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path from the root, which does not depend on where the program runs.
    pub fn resolved(&self) -> &Path {
        &self.resolved
    }

    /// Whether an option or the environment names it.
    pub fn is_named(&self) -> bool {
        self.named
    }

    /// The file as an error names it: as it was written, where that leads to, and what was passed over.
    pub fn place(&self) -> String {
        let mut place = format!("`{}`", self.path.display());
        if self.upwards {
            let folder = self.resolved.parent().unwrap_or(&self.resolved);
            let _ = write!(
                place,
                " (looked for in `{}` and the folders above it)",
                folder.display()
            );
        } else if self.path != self.resolved {
            let _ = write!(place, " (looked for at `{}`)", self.resolved.display());
        }
        if let Some(other) = &self.passed_over {
            let _ = write!(
                place,
                "; `{}` belongs to another user and was passed over",
                other.display()
            );
        }
        place
    }
}

fn working() -> PathBuf {
    std::path::absolute(".").unwrap_or_default()
}

/// The path with a leading `~` replaced, as shells do; another user's home is left as it is written.
fn at_home(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    let home = env("HOME").filter(|home| !home.is_empty());
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) if rest.as_os_str().is_empty() => PathBuf::from(home),
        (Ok(rest), Some(home)) => Path::new(&home).join(rest),
        _ => path.to_owned(),
    }
}

/// Whether the file is this user's or the administrator's.
fn is_ours(file: &Path) -> bool {
    const ADMINISTRATOR: u32 = 0;
    let me = rustix::process::geteuid().as_raw();
    file.metadata()
        .is_ok_and(|data| data.uid() == me || data.uid() == ADMINISTRATOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(working: &Path, option: Option<&str>, env: &[(&str, &str)]) -> TopologyFile {
        find(working, option, true, env)
    }

    fn find(
        working: &Path,
        option: Option<&str>,
        upwards: bool,
        env: &[(&str, &str)],
    ) -> TopologyFile {
        let variable = |name: &str| {
            let found = env.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        TopologyFile::find(working, option.map(Path::new), upwards, &variable)
    }

    #[test]
    fn it_is_named_or_looked_for_upwards() {
        let top = tempfile::tempdir().unwrap();
        let below = top.path().join("terraform/live");
        std::fs::create_dir_all(&below).unwrap();
        let missing = found(&below, None, &[]);
        assert_eq!(missing.path(), Path::new("topology.yaml"));
        assert_eq!(missing.resolved(), below.join("topology.yaml"));
        assert!(!missing.is_named());

        std::fs::write(top.path().join("topology.yaml"), "").unwrap();
        let upwards = found(&below, None, &[("GIGADB_TOPOLOGY", " ")]);
        assert_eq!(upwards.path(), top.path().join("topology.yaml"));
        let here = find(&below, None, false, &[]);
        assert_eq!(here.path(), Path::new("topology.yaml"));
        assert_eq!(here.resolved(), below.join("topology.yaml"));
        std::fs::write(below.join("topology.yaml"), "").unwrap();
        assert_eq!(found(&below, None, &[]).path(), Path::new("topology.yaml"));

        let variable = [("GIGADB_TOPOLOGY", "a.yaml")];
        assert_eq!(found(&below, None, &variable).path(), Path::new("a.yaml"));
        let option = found(&below, Some("../b.yaml"), &variable);
        assert_eq!(option.path(), Path::new("../b.yaml"));
        assert!(option.is_named());
    }

    #[test]
    fn a_tilde_is_the_home_folder() {
        let env = [("HOME", "/home/me"), ("GIGADB_TOPOLOGY", "~/roles/t.yaml")];
        let working = Path::new("/somewhere");
        let variable = found(working, None, &env);
        assert_eq!(variable.path(), Path::new("/home/me/roles/t.yaml"));
        let option = found(working, Some("~/t.yaml"), &env);
        assert_eq!(option.path(), Path::new("/home/me/t.yaml"));
        for left in ["~other/t.yaml", "a/~/t.yaml"] {
            assert_eq!(found(working, Some(left), &env).path(), Path::new(left));
        }
        let homeless = found(working, Some("~/t.yaml"), &[]);
        assert_eq!(homeless.path(), Path::new("~/t.yaml"));
    }

    #[test]
    fn an_error_names_where_it_was_looked_for() {
        let working = Path::new("/nowhere/at/all");
        assert_eq!(
            found(working, Some("./t.yaml"), &[]).place(),
            "`./t.yaml` (looked for at `/nowhere/at/all/t.yaml`)"
        );
        assert_eq!(found(working, Some("/t.yaml"), &[]).place(), "`/t.yaml`");
        assert_eq!(
            found(working, None, &[]).place(),
            "`topology.yaml` (looked for in `/nowhere/at/all` and the folders above it)"
        );
        assert_eq!(
            find(working, None, false, &[]).place(),
            "`topology.yaml` (looked for at `/nowhere/at/all/topology.yaml`)"
        );
    }
}

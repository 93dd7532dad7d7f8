//! Words that several commands understand or refuse.

use gigadb_engine::{name::Role, nearest::nearest};

use crate::failure::Failure;

/// A role as an option or an environment variable spells it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoleWord(pub(super) Role);

impl std::str::FromStr for RoleWord {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Role::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .map(Self)
            .ok_or_else(|| match meant(text) {
                Some(role) => format!("`{text}` is no role; did you mean `{role}`?"),
                None => format!("`{text}` is none of `production`, `hot_standby`"),
            })
    }
}

/// The role that another spelling stands for.
fn meant(text: &str) -> Option<&'static str> {
    let plain = text.trim().to_lowercase().replace(['-', ' '], "_");
    let shorter = plain.trim_start_matches("hot_");
    match shorter {
        "" => None,
        "standby" | "hotstandby" | "hot" | "secondary" | "backup" | "passive" => {
            Some(Role::HotStandby.as_str())
        }
        "production" | "prod" | "primary" | "live" | "active" => Some(Role::Production.as_str()),
        _ => nearest(&plain, Role::ALL.map(Role::as_str)),
    }
}

/// The failure that names the command which was probably meant.
pub(super) fn no_such_command(word: &str, program: &clap::Command) -> Failure {
    let meant = nearest(word, program.get_subcommands().map(clap::Command::get_name))
        .map(|name| format!("Did you mean `{name}`? "))
        .unwrap_or_default();
    Failure::usage(
        format!("There is no command `{word}`."),
        "the command line",
        format!(
            "{meant}Run `{} --help` to see the commands.",
            program.get_bin_name().unwrap_or(program.get_name())
        ),
    )
}

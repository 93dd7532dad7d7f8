//! The key of a dump, as a person gives it.

use gigadb_engine::{
    foreign::Foreign,
    release::{Dump, Kind, Record},
};

use super::carry::younger_than;
use crate::{failure::Failure, ui::Ui};

/// The one dump that a key names, which must be younger than the pause and hold something: it is
/// restored. Where the list is not known, the person's word counts: there must be a way on when the
/// command fails.
pub(crate) fn dump(
    listed: Result<Vec<Dump>, String>,
    key: &str,
    record: &Record,
    ui: &Ui,
) -> Result<Option<Dump>, Failure> {
    let dumps = match listed {
        Ok(dumps) => dumps,
        Err(why) => {
            ui.warning(&format!(
                "Whether there is a dump with the key `{key}` is not known: {why}. It is taken on \
                 your word."
            ));
            return Ok(None);
        }
    };
    let refused = |what, next| Failure::refused(what, record.object(&Kind::Backup.into()), next);
    let of_key: Vec<&Dump> = dumps.iter().filter(|one| one.name.contains(key)).collect();
    let dump = match of_key.as_slice() {
        [dump] => *dump,
        [] => {
            return Err(refused(
                format!("No dump with the key `{key}` is listed."),
                "Give the key in the name of a dump that the command `backups` of the topology lists.",
            ));
        }
        several => {
            let names: Vec<String> = several.iter().map(|one| shown(&one.name)).collect();
            return Err(refused(
                format!("`{key}` is in the names of {}.", names.join(", ")),
                "Give a key that is in the name of one dump alone: that one is restored.",
            ));
        }
    };
    let name = shown(&dump.name);
    let older = younger_than(record).is_some_and(|pause| dump.time < pause);
    if older || dump.size == 0 {
        let what = if older {
            format!("The dump {name} is older than the pause of the synchronization.")
        } else {
            format!("The dump {name} is empty.")
        };
        let next = "Make a new backup, and give its key: what production took in since is not in this one.";
        return Err(refused(what, next));
    }
    let largest = dumps.iter().map(|one| one.size).max().unwrap_or_default();
    if dump.size < largest / 2 {
        ui.warning(&format!(
            "The dump {name} has {} bytes, and the largest that is listed has {largest}. It is \
             taken on your word.",
            dump.size
        ));
    }
    Ok(Some(dump.clone()))
}

fn shown(name: &str) -> String {
    format!("`{}`", Foreign(name))
}

//! `gigadb-roles man`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::{Args, Command};
use clap_mangen::Man;

use super::words::no_such_command;
use crate::{exit::Exit, failure::Failure, ui::Ui};

/// Print a man page, or write all of them.
///
/// There is one page for the program and one for each command.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gigadb-roles man | man -l -
  gigadb-roles man status | man -l -
  gigadb-roles man --out ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// The command whose page is meant (default: the program's own).
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    command: Option<String>,

    /// Write the pages of the program and all its commands into this folder.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Prints one page, or writes all.
pub(super) fn run(args: &ManArgs, command: &Command, ui: &Ui) -> Result<Exit, Failure> {
    let program = command.get_name().to_owned();
    let pages = pages(command.clone());
    if let Some(folder) = &args.out {
        write(&pages, folder).map_err(|error| {
            Failure::refused(
                format!("The man pages could not be written: {error}."),
                format!("`{}`", folder.display()),
                "Name a folder that you may write to.",
            )
        })?;
        ui.answer(&format!(
            "Wrote {} man pages to `{}`.",
            pages.len(),
            folder.display()
        ))?;
        return Ok(Exit::Success);
    }
    let wanted = match &args.command {
        Some(command) => format!("{program}-{command}"),
        None => program.clone(),
    };
    let Some(page) = pages.iter().find(|page| page.name == wanted) else {
        return Err(no_such_command(
            args.command.as_deref().unwrap_or_default(),
            command,
        ));
    };
    ui.answer(&page.text)?;
    Ok(Exit::Success)
}

/// A man page of section 1.
struct Page {
    /// `gigadb-roles`, `gigadb-roles-status`.
    name: String,
    text: String,
}

/// The pages of the program and of all its commands.
fn pages(mut program: Command) -> Vec<Page> {
    // Gives each command its whole name: `gigadb-roles-status`.
    program.build();
    let commands: Vec<Command> = program.get_subcommands().cloned().collect();
    std::iter::once(program).chain(commands).map(page).collect()
}

fn page(command: Command) -> Page {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let name = name.to_owned();
    let man = Man::new(command)
        .manual("GigaDB roles")
        .source(concat!("gigadb-roles ", env!("CARGO_PKG_VERSION")));
    let mut text = Vec::new();
    // Writing to memory cannot fail.
    let _ = man.render(&mut text);
    Page {
        name,
        text: String::from_utf8_lossy(&text).into_owned(),
    }
}

fn write(pages: &[Page], folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for page in pages {
        fs::write(folder.join(format!("{}.1", page.name)), &page.text)?;
    }
    Ok(())
}

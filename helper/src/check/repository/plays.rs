//! Step 8 of the guide: tasks that place or run a program, and cron jobs, in every play and task
//! file.

use gigadb_engine::{foreign::Foreign, name::Role};

use super::{
    Check, File, GUARDED, JOBS, PROGRAMS, STATES,
    arguments::Module,
    guards::{Guards, Known, Scope, is_guard},
    shell::{self, Does},
    yaml::{self, Node},
};

/// Modules that run a command.
const RUNS: [&str; 6] = ["at", "command", "expect", "raw", "script", "shell"];
/// Modules whose `dest` is nothing that they replace on the host.
const EDITS: [&str; 6] = [
    "blockinfile",
    "fetch",
    "file",
    "ini_file",
    "lineinfile",
    "replace",
];
/// Where the collection places the programs.
const PLACE: &str = "/usr/local/bin/";
/// Sections of a play, in the order in which they run.
const SECTIONS: [&str; 5] = ["pre_tasks", "roles", "tasks", "post_tasks", "handlers"];
/// Roles that need each other are followed so far.
const DEEPEST: usize = 8;

struct Book<'f> {
    file: &'f File,
    documents: Vec<Node>,
}

/// What a task does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finding {
    Puts,
    /// In a place that the file does not say.
    PutsSomewhere,
    Runs(Guards),
}

#[derive(Default)]
struct Walk {
    checks: Vec<Check>,
    /// Books that are gone on with, and what guards them.
    leads: Vec<(usize, Guards)>,
}

/// Every check of the tasks in `files`.
pub(super) fn checks(files: &[File]) -> Vec<Check> {
    let mut books = Vec::new();
    let mut checks = Vec::new();
    for file in files.iter().filter(|file| file.is_yaml()) {
        match yaml::read(&file.text) {
            Ok(documents) => books.push(Book { file, documents }),
            // What is no YAML may be a template; nothing is missed where it names nothing of this.
            Err((line, reason)) if may_matter(&file.text) => {
                for area in [PROGRAMS, JOBS] {
                    checks.push(Check::not_checked(
                        (area, &file.at(line)),
                        format!("It could not be read as YAML: {reason}"),
                        "Look at its tasks yourself, or correct the line.",
                    ));
                }
            }
            Err(_) => {}
        }
    }
    // What leads to each book, from plays on; a book that nothing leads to is guarded by nothing.
    let mut guards: Vec<Option<Guards>> = vec![None; books.len()];
    let mut open: Vec<(usize, Option<Guards>)> = (0..books.len()).map(|at| (at, None)).collect();
    while let Some((at, from)) = open.pop() {
        for (target, led) in walk(&books, at, from).leads {
            let both = guards[target].map_or(led, |before| before.either(led));
            if guards[target] != Some(both) {
                guards[target] = Some(both);
                open.push((target, Some(both)));
            }
        }
    }
    for (at, led) in guards.into_iter().enumerate() {
        let mut found = walk(&books, at, Some(led.unwrap_or(Guards::NONE))).checks;
        found.sort_by_key(|check| check.area != PROGRAMS);
        for check in found {
            if !checks.contains(&check) {
                checks.push(check);
            }
        }
    }
    checks
}

fn may_matter(text: &str) -> bool {
    let leads = ["roles:", "include_", "import_"];
    GUARDED.iter().chain(&leads).any(|word| text.contains(word))
}

/// The plays of a book and, where something leads to it, its tasks outside of plays.
fn walk(books: &[Book<'_>], at: usize, led: Option<Guards>) -> Walk {
    let mut walk = Walk::default();
    let mut guards = led;
    for item in books[at].documents.iter().flat_map(Node::items) {
        let own = Walker {
            books,
            at,
            walk: &mut walk,
        };
        if item.get("hosts").is_some() {
            own.play(item);
        } else if let Some(guards) = &mut guards {
            let mut own = own;
            own.task(item, guards, &Scope::default());
        }
    }
    walk
}

struct Walker<'w, 'b> {
    books: &'b [Book<'b>],
    at: usize,
    walk: &'w mut Walk,
}

impl<'b> Walker<'_, 'b> {
    fn play(mut self, play: &'b Node) {
        let scope = Scope::default().with(play.get("vars"));
        let mut guards = Guards::NONE;
        for section in SECTIONS {
            let Some(list) = play.get(section) else {
                continue;
            };
            for item in list.items() {
                if section == "roles" {
                    self.role(item, &mut guards, &scope, 0);
                } else {
                    self.task(item, &mut guards, &scope);
                }
            }
        }
    }

    /// A role in a list of roles or of what a role needs.
    fn role(&mut self, role: &'b Node, guards: &mut Guards, scope: &Scope<'b>, depth: usize) {
        let named = role.get("role").or_else(|| role.get("name"));
        let Some(name) = role.text().or_else(|| named.and_then(Node::text)) else {
            return;
        };
        let scope = scope.with(Some(role)).with(role.get("vars"));
        let name = scope.filled(name);
        self.enter(&name, "main", role, guards, &scope, depth);
    }

    /// Goes on with a role, or notes its guard.
    fn enter(
        &mut self,
        name: &str,
        from: &str,
        at: &Node,
        guards: &mut Guards,
        scope: &Scope<'b>,
        depth: usize,
    ) {
        if is_guard(name) {
            let role = scope.variable("role_guard_role");
            guards.add(role.as_deref(), at.get("when").is_none());
            return;
        }
        let books = self.books;
        let name = shell::base(name);
        let file = |book: &Book<'_>, inside: &str| {
            let path = format!("/{}", book.file.path);
            let path = path
                .strip_suffix(".yml")
                .or_else(|| path.strip_suffix(".yaml"));
            path.is_some_and(|path| path.ends_with(&format!("/roles/{name}/{inside}")))
        };
        for book in books.iter().filter(|book| file(book, "meta/main")) {
            let needs = book
                .documents
                .iter()
                .find_map(|root| root.get("dependencies"));
            for role in needs.map_or(&[][..], Node::items) {
                if depth < DEEPEST {
                    self.role(role, guards, scope, depth + 1);
                }
            }
        }
        let from = from.trim_end_matches(".yaml").trim_end_matches(".yml");
        for (at, book) in books.iter().enumerate() {
            if file(book, &format!("tasks/{from}")) || file(book, "handlers/main") {
                self.walk.leads.push((at, *guards));
            }
        }
    }

    fn task(&mut self, task: &'b Node, guards: &mut Guards, scope: &Scope<'b>) {
        let scope = scope.with(task.get("vars"));
        if let Some(block) = task.get("block") {
            let mut within = *guards;
            for (section, list) in [
                ("block", Some(block)),
                ("rescue", task.get("rescue")),
                ("always", task.get("always")),
            ] {
                // What is rescued, or done always, is done where a guard in the block failed too.
                let mut own = if section == "block" { within } else { *guards };
                for item in list.map_or(&[][..], Node::items) {
                    self.task(item, &mut own, &scope);
                }
                if section == "block" {
                    within = own;
                }
            }
            if task.get("rescue").is_none() && task.get("when").is_none() {
                *guards = within;
            }
            return;
        }
        let lists = task
            .entries()
            .filter(|(key, ..)| *key == "loop" || key.starts_with("with_"));
        let items: Vec<&Node> = lists.flat_map(|(.., list)| list.items()).collect();
        // `with_items` takes a list of lists as one.
        let items: Vec<&Node> = items
            .iter()
            .flat_map(|item| match item.items() {
                [] => vec![*item],
                inner => inner.iter().collect(),
            })
            .collect();
        let each = if items.is_empty() {
            vec![None]
        } else {
            items.into_iter().map(Some).collect()
        };
        for item in each {
            let mut scope = scope.clone();
            scope.item = item;
            if let Some(module) = Module::of(task, &scope) {
                self.module(&module, task, guards, &scope);
            }
        }
    }

    fn module(&mut self, module: &Module, task: &'b Node, guards: &mut Guards, scope: &Scope<'b>) {
        match &*module.name {
            "cron" => self.job(module, task),
            "include_role" | "import_role" => {
                if let Some(name) = module.get("name") {
                    let from = module.get("tasks_from").unwrap_or("main");
                    self.enter(name, from, task, guards, scope, 0);
                }
            }
            "guard" => guards.add(
                module.get("role"),
                task.get("when").is_none() && task.get("ignore_errors").is_none(),
            ),
            "include_tasks" | "import_tasks" | "include" => {
                if let Some(file) = module.get("file").or(module.free.as_deref()) {
                    self.include(file, *guards);
                }
            }
            name => {
                if RUNS.contains(&name) {
                    let given = ["cmd", "argv", "command"]
                        .iter()
                        .find_map(|key| module.get(key));
                    if let Some(text) = given.or(module.free.as_deref()) {
                        for (does, program) in uses(text, 0) {
                            let finding = match does {
                                Does::Runs => Finding::Runs(*guards),
                                _ => Finding::Puts,
                            };
                            self.finding(finding, program, module.line);
                        }
                    }
                } else if let Some((finding, program)) = puts(module) {
                    self.finding(finding, program, module.line);
                }
            }
        }
    }

    /// Goes on with a file of tasks: beside this one, else wherever one of its name is, as
    /// playbooks are copied before they are run.
    fn include(&mut self, file: &str, guards: Guards) {
        let tail = file.rsplit("}}").next().unwrap_or_default();
        let tail = tail.split_whitespace().next().unwrap_or_default();
        let tail: Vec<&str> = tail
            .split('/')
            .filter(|part| !matches!(*part, "" | "." | ".."))
            .collect();
        let tail = format!("/{}", tail.join("/"));
        let own = &self.books[self.at].file.path;
        let folder = own.rsplit_once('/').map_or("", |(folder, _)| folder);
        let beside = format!("{folder}{tail}");
        let paths = || {
            self.books
                .iter()
                .map(|book| book.file.path.as_str())
                .enumerate()
        };
        let is_beside = |(_, path): &(usize, &str)| *path == beside.trim_start_matches('/');
        let is_anywhere = |(_, path): &(usize, &str)| format!("/{path}").ends_with(&tail);
        let mut found: Vec<usize> = paths().filter(is_beside).map(|(at, _)| at).collect();
        if found.is_empty() && tail != "/" {
            found = paths().filter(is_anywhere).map(|(at, _)| at).collect();
        }
        self.walk
            .leads
            .extend(found.into_iter().map(|at| (at, guards)));
    }

    /// The line of the task with a module in `line` that names `word`, for a text over several.
    fn place(&self, line: usize, word: &str) -> String {
        let file = self.books[self.at].file;
        let from = || file.lines().skip_while(|(number, _)| *number < line);
        let column = |text: &str, marks: &[char]| text.len() - text.trim_start_matches(marks).len();
        let own = from()
            .next()
            .map_or(0, |(_, text)| column(text, &[' ', '-']));
        let ends = |(number, text): &(usize, &str)| {
            *number > line && !text.trim().is_empty() && column(text, &[' ']) < own
        };
        let first = |word: &str| {
            let mut lines = from().take_while(|one| !ends(one));
            lines.find(|(_, text)| text.contains(word))
        };
        // Its place goes before its name: a source may be called so too.
        let found = first(&format!("{PLACE}{word}")).or_else(|| first(word));
        file.at(found.map_or(line, |(number, _)| number))
    }

    fn finding(&mut self, finding: Finding, program: &'static str, line: usize) {
        let place = self.place(line, program);
        let about = (PROGRAMS, &*place);
        let (role, other) = match program {
            "s3backup" => (Role::Production, "the hot standby"),
            _ => (Role::HotStandby, "production"),
        };
        self.walk.checks.push(match finding {
            Finding::Puts => Check::failed(
                about,
                format!(
                    "This task puts a `{program}` without a guard in the place of `data_sync`'s"
                ),
                "Remove the task once `data_sync` is in use: the role places the program.",
            ),
            Finding::PutsSomewhere => Check::not_checked(
                about,
                format!("Where this task puts a `{program}` is not written in this file"),
                format!(
                    "See that it is not `{PLACE}{program}`, where `data_sync` places the program."
                ),
            ),
            Finding::Runs(guards) => {
                let known = match role {
                    Role::Production => guards.production,
                    Role::HotStandby => guards.hot_standby,
                };
                match known {
                    Known::Yes => return,
                    Known::Maybe => Check::not_checked(
                        about,
                        format!(
                            "This task runs `{program}`, and for which role its play is guarded, \
                             or when, is not written in this file"
                        ),
                        format!("See that `role_guard_role` is `{}` always.", role.as_str()),
                    ),
                    Known::No => Check::warning(
                        about,
                        format!("This task runs `{program}` wherever the play runs, {other} too"),
                        format!(
                            "Have the role `gigascience.gigadb.role_guard` with \
                             `role_guard_role: {}` in its play.",
                            role.as_str()
                        ),
                    ),
                }
            }
        });
    }

    /// A cron job: a guard decides only where it is set, so that its state has to follow the role.
    fn job(&mut self, module: &Module, task: &Node) {
        let title = task.get("name").and_then(Node::text);
        let text = format!("{}\n{}", title.unwrap_or_default(), module.text());
        if !GUARDED.iter().any(|name| text.contains(name))
            || module.is("disabled")
            || module.is("env")
        {
            return;
        }
        let state = module.get("state").unwrap_or("present");
        let follows = STATES
            .iter()
            .chain(&["gigadb_role"])
            .any(|word| state.contains(word));
        if follows || state == "absent" {
            return;
        }
        let place = self.books[self.at].file.at(module.line);
        let about = (JOBS, &*place);
        let name = module.get("name").or(title);
        let name = name.map_or("A cron job".to_owned(), |name| {
            format!("\"{}\"", Foreign(name))
        });
        let advice = format!(
            "Remove the task once `data_sync` is in use, or write `state: \"{{{{ {} }}}}\"`.",
            if text.contains("sync_dropbox") {
                STATES[2]
            } else if text.contains("databaseReset") {
                STATES[0]
            } else {
                STATES[1]
            }
        );
        self.walk.checks.push(if state.contains("{{") {
            let found =
                format!("Whether the state of {name} follows the role is not written in this file");
            Check::not_checked(about, found, advice)
        } else {
            Check::warning(
                about,
                format!("{name} is set on both sides, whichever role they have"),
                advice,
            )
        });
    }
}

/// The program that a word names, and whether by its place.
fn program(word: &str) -> Option<(&'static str, &str)> {
    let name = shell::base(word);
    let folder = &word[..word.len() - name.len()];
    let known = GUARDED.into_iter().find(|known| *known == name)?;
    Some((known, folder))
}

/// What the commands of a text do with the programs.
fn uses(text: &str, depth: usize) -> Vec<(Does, &'static str)> {
    let mut found = Vec::new();
    for command in shell::commands(text) {
        for name in GUARDED {
            let there = |word: &str| {
                program(word).is_some_and(|(known, folder)| {
                    known == name && (folder == PLACE || folder.ends_with("}}/"))
                })
            };
            // By its name alone it is found where it is what is run.
            let own = command.own();
            let first = own.iter().find(|word| !word.starts_with('-'));
            let bare = own.first().is_some_and(|word| word == name)
                || first.is_some_and(|word| word == name);
            match command.does(there) {
                Some(does @ (Does::Places | Does::Runs)) => found.push((does, name)),
                None if bare => found.push((Does::Runs, name)),
                _ => {}
            }
        }
        let looks = command.does(|word| word.contains(char::is_whitespace)) == Some(Does::Looks);
        if depth < 3 && !looks {
            let inner = command
                .own()
                .iter()
                .filter(|word| word.contains(char::is_whitespace));
            for word in inner.filter(|word| !word.contains("{{") || word.contains('/')) {
                if word.trim() != text.trim() {
                    found.extend(uses(word, depth + 1));
                }
            }
        }
    }
    found
}

/// What a module puts in the place of a program.
fn puts(module: &Module) -> Option<(Finding, &'static str)> {
    let dest = if module.name == "file" {
        // The module changes what is there, but for a link.
        matches!(module.get("state"), Some("link" | "hard")).then_some(())?;
        ["path", "dest", "name"]
            .iter()
            .find_map(|key| module.get(key))?
    } else if EDITS.contains(&&*module.name) {
        return None;
    } else {
        module.get("dest")?
    };
    if let Some((name, folder)) = program(dest) {
        return match folder {
            PLACE => Some((Finding::Puts, name)),
            folder if folder.contains("{{") => Some((Finding::PutsSomewhere, name)),
            _ => None,
        };
    }
    let source = ["src", "url"].iter().find_map(|key| module.get(key))?;
    let (name, _) = program(source)?;
    (format!("{}/", dest.trim_end_matches('/')) == PLACE).then_some((Finding::Puts, name))
}

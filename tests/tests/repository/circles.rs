//! Circles of files: files of one crate that lead back to themselves by what they import. Read
//! from the files' own `use` lines and paths, so that no tool has to be installed.
//!
//! The limits are how it stands; a number may only fall.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Each crate with the number of files in its largest circle, at most. A crate's root is left
/// out: it names every module.
const LIMITS: [(&str, usize); 5] = [
    ("engine", 0),
    ("clients", 4),
    ("provider", 2),
    ("helper", 3),
    ("tfplug", 0),
];

/// The module path of each source file: `rules/mod.rs` and `rules.rs` are `rules`.
fn modules(src: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![src.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(src).unwrap().to_str().unwrap();
            let Some(stem) = name.strip_suffix(".rs") else {
                continue;
            };
            let module = stem.strip_suffix("/mod").unwrap_or(stem);
            let is_test = module.split('/').any(|part| part == "tests");
            if is_test || ["lib", "main", "mod"].contains(&module) {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            found.insert(module.replace('/', "::"), without_tests(&text));
        }
    }
    found
}

/// A file without the items that only tests have.
fn without_tests(text: &str) -> String {
    let mut pieces = text.split("#[cfg(test)]");
    let mut code = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        // The item ends with a semicolon, or with the brace that closes its first one.
        let mut depth = 0_usize;
        let end = piece.char_indices().find_map(|(at, c)| {
            match c {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            (depth == 0 && matches!(c, ';' | '}')).then_some(at + 1)
        });
        code.push_str(piece.get(end.unwrap_or(piece.len())..).unwrap_or_default());
    }
    code
}

/// Every path that a file names, from the crate's root: `use` trees are opened.
fn paths(module: &str, code: &str) -> BTreeSet<String> {
    let code: String = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.chars().chain(['\n']))
        .collect();
    let mut found = BTreeSet::new();
    for (start, prefix) in [
        ("crate::", ""),
        ("super::", parent(module)),
        ("self::", module),
    ] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            open(&code[at + start.len()..], prefix, &mut found);
        }
    }
    found
}

fn parent(module: &str) -> &str {
    module.rsplit_once("::").map_or("", |(parent, _)| parent)
}

/// Opens one path or tree that begins at `text`.
fn open(text: &str, prefix: &str, found: &mut BTreeSet<String>) {
    let joined = |name: &str| {
        if prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{prefix}::{name}")
        }
    };
    let text = text.trim_start();
    if let Some(tree) = text.strip_prefix('{') {
        let mut depth = 0;
        let mut begin = 0;
        for (at, c) in tree.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => {
                    open(&tree[begin..at], prefix, found);
                    return;
                }
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    open(&tree[begin..at], prefix, found);
                    begin = at + 1;
                }
                _ => {}
            }
        }
        return;
    }
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return;
    }
    let name = if name == "self" {
        prefix.to_owned()
    } else {
        joined(name)
    };
    match rest.strip_prefix("::") {
        Some(rest) => open(rest, &name, found),
        None => {
            found.insert(name);
        }
    }
}

/// For each file, the files that it takes something from.
fn arrows(modules: &BTreeMap<String, String>) -> BTreeMap<&str, BTreeSet<&str>> {
    modules
        .iter()
        .map(|(module, code)| {
            let used = paths(module, code).into_iter().filter_map(|path| {
                let mut path = path.as_str();
                loop {
                    if let Some((known, _)) = modules.get_key_value(path) {
                        return (known != module).then_some(known.as_str());
                    }
                    path = path.rsplit_once("::")?.0;
                }
            });
            // A module declares its children; that alone is no use of them.
            (module.as_str(), used.collect())
        })
        .collect()
}

/// The files of the largest circle: those that can be reached from each other.
fn largest_circle<'a>(arrows: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let reach = |from: &'a str| {
        let mut seen = BTreeSet::new();
        let mut next = vec![from];
        while let Some(at) = next.pop() {
            for to in arrows.get(at).into_iter().flatten() {
                if seen.insert(*to) {
                    next.push(to);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        arrows.keys().map(|from| (*from, reach(from))).collect();
    let circles = reached.iter().map(|(from, to)| {
        let back = to.iter().filter(|other| reached[*other].contains(from));
        back.copied().collect::<BTreeSet<&str>>()
    });
    circles.max_by_key(BTreeSet::len).unwrap_or_default()
}

#[test]
fn circles_of_files_only_shrink() {
    let mut grown = Vec::new();
    for (krate, limit) in LIMITS {
        let modules = modules(&super::root().join(krate).join("src"));
        let arrows = arrows(&modules);
        let circle = largest_circle(&arrows);
        println!("{krate}: {}", circle.len());
        if circle.len() > limit {
            let inside = |from: &str| {
                let to = arrows[from].iter().filter(|to| circle.contains(*to));
                format!("{from} -> {}", to.copied().collect::<Vec<_>>().join(", "))
            };
            let told: Vec<String> = circle.iter().map(|from| inside(from)).collect();
            grown.push(format!(
                "{krate} has a circle of {} files, {limit} are allowed:\n{}",
                circle.len(),
                told.join("\n")
            ));
        }
    }
    assert!(grown.is_empty(), "{}", grown.join("\n"));
}

#[test]
fn a_circle_is_found_through_trees_of_imports() {
    let files = [
        ("a", "use crate::{b::{c, D}, e};\nfn f() {}"),
        ("b", "use super::e;\n// crate::a"),
        ("e", "fn g() { crate::a::f() }"),
    ];
    let modules = files.map(|(name, code)| (name.to_owned(), code.to_owned()));
    let modules = BTreeMap::from(modules);
    let circle = largest_circle(&arrows(&modules));
    assert_eq!(circle, BTreeSet::from(["a", "b", "e"]));
}

//! The pages of `docs/guides/`, block by block.

use std::{fs, path::Path};

/// A block of a page between two fences.
#[derive(Debug, Clone)]
pub struct Block {
    /// What the fence says it is: `sh`, `diff`, `hcl`.
    pub language: String,
    /// Its lines, without the indentation of the fence.
    pub text: String,
}

/// The text of a guide, or of the README at the root.
pub fn page(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let file = if name == "README.md" {
        root.join(name)
    } else {
        root.join("docs/guides").join(name)
    };
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The blocks of a page, in its order.
pub fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open: Option<(usize, Block)> = None;
    for line in page.lines() {
        let indent = line.len() - line.trim_start().len();
        match (&mut open, line.trim().strip_prefix("```")) {
            (None, Some(language)) => {
                let block = Block {
                    language: language.to_owned(),
                    text: String::new(),
                };
                open = Some((indent, block));
            }
            (Some(_), Some("")) => blocks.extend(open.take().map(|(_, block)| block)),
            (Some((indent, block)), _) => {
                block.text.push_str(line.get(*indent..).unwrap_or_default());
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// The text after a diff, whose place must be clear in it: lines without a sign say where it is.
pub fn patched(text: &str, diff: &str) -> String {
    let without = |sign: char| {
        let kept = diff.lines().filter(|line| !line.starts_with(sign));
        kept.flat_map(|line| [line.get(1..).unwrap_or_default(), "\n"])
            .collect::<String>()
    };
    let (old, new) = (without('+'), without('-'));
    assert_eq!(
        text.matches(&old).count(),
        1,
        "it is not clear where this is:\n{old}\nin\n{text}"
    );
    text.replacen(&old, &new, 1)
}

/// A page without the sections whose titles begin with one of these.
pub fn without(page: &str, sections: &[&str]) -> String {
    let mut parts = page.split("\n## ");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for left_out in sections {
        assert!(page.contains(&format!("\n## {left_out}")), "{left_out}");
    }
    for part in parts.filter(|part| !sections.iter().any(|one| part.starts_with(one))) {
        kept.push_str("\n## ");
        kept.push_str(part);
    }
    kept
}

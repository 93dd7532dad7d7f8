//! A table that fits the terminal: where it is too wide, the last columns go first, and that is
//! said. Names are never folded, because they are copied.

use comfy_table::{Table, presets::NOTHING};

/// The table with as many of its columns as fit `width`, at least `needed` of them, and how many
/// those are; `None` where it does not fit.
pub(crate) fn fitted<const N: usize>(
    header: [&str; N],
    rows: &[[String; N]],
    needed: usize,
    width: Option<u16>,
) -> Option<(String, usize)> {
    let widest = |text: &str| text.lines().map(|line| line.chars().count()).max();
    let fits = |text: &str| {
        width.is_none_or(|width| widest(text).unwrap_or_default() <= usize::from(width))
    };
    (needed..=N)
        .rev()
        .map(|columns| (table(&header[..columns], rows, columns), columns))
        .find(|(text, _)| fits(text))
}

/// Which columns are not shown, as a line; empty where all are.
pub(crate) fn left_out(header: &[&str]) -> String {
    if header.is_empty() {
        return String::new();
    }
    let words = header.join(", ").to_lowercase().replace("aws", "AWS");
    format!("Left out: {words}")
}

fn table<const N: usize>(header: &[&str], rows: &[[String; N]], columns: usize) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header);
    for row in rows {
        table.add_row(&row[..columns]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

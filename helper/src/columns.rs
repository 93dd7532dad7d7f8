//! A table that fits the terminal: where it is too wide, the last columns go first, and that is
//! said. Names are never folded, because they are copied.

use std::ops::RangeInclusive;

use comfy_table::{Table, presets::NOTHING};

/// A table, as far as it fits.
pub(crate) struct Fitted {
    pub(crate) text: String,
    /// How many columns it shows.
    pub(crate) columns: usize,
    /// Whether it fits.
    pub(crate) fits: bool,
}

/// The table with as many columns of `range` as fit `width`.
pub(crate) fn fitted<const N: usize>(
    header: [&str; N],
    rows: &[[String; N]],
    range: RangeInclusive<usize>,
    width: Option<u16>,
) -> Fitted {
    let narrowest = *range.start();
    for columns in range.rev() {
        let text = table(&header[..columns], rows, columns);
        let widest = text.lines().map(|line| line.chars().count()).max();
        let fits = width.is_none_or(|width| widest.unwrap_or_default() <= usize::from(width));
        if fits || columns == narrowest {
            return Fitted {
                text,
                columns,
                fits,
            };
        }
    }
    Fitted {
        text: String::new(),
        columns: narrowest,
        fits: false,
    }
}

/// Which columns are not shown, as a line.
pub(crate) fn left_out(header: &[&str]) -> Option<String> {
    let words = header.join(", ").to_lowercase().replace("aws", "AWS");
    (!header.is_empty()).then(|| format!("Left out: {words}"))
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

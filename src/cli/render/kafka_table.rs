//! A table as Kafka's tools print it: cells as wide as the widest of their column, each followed by a tab.
//!
//! # References
//! `ToolsUtils.prettyPrintTable`.

/// Appends a table with its headings.
pub(crate) fn pretty<const N: usize>(head: [&str; N], rows: &[[String; N]], text: &mut String) {
    let head = head.map(str::to_owned);
    let all = || std::iter::once(&head).chain(rows);
    let chars = |cell: &String| cell.encode_utf16().count();
    let width = |column: usize| all().filter_map(|row| row.get(column)).map(chars).max();
    let widths: Vec<usize> = (0..N).filter_map(width).collect();
    for row in all() {
        for (cell, width) in row.iter().zip(&widths) {
            text.push_str(cell);
            let missing = width.saturating_sub(chars(cell));
            text.extend(std::iter::repeat_n(' ', missing));
            text.push('\t');
        }
        text.push('\n');
    }
}

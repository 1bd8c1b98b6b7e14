//! Offsets in the form that `--reset-offsets --from-file` reads.

use std::fmt::Write as _;

use anyhow::Result;
use kseg::report::group_view::GroupView;

use crate::cli::Context;

/// Writes the offsets: without the group if there is only one (`parseConsumerGroupsFromFile`).
pub(in crate::cli::groups) fn csv(views: &[GroupView<'_>], context: &mut Context) -> Result<()> {
    let is_one = views.len() == 1;
    let mut text = String::new();
    for view in views {
        for row in &view.offsets {
            let Some(commit) = row.committed else {
                continue;
            };
            if !is_one {
                text.push_str(&quoted(view.name));
                text.push(',');
            }
            let topic = quoted(row.topic);
            let _ = writeln!(text, "{topic},{},{}", row.partition, commit.offset.get());
        }
    }
    context.print(&text)
}

/// A field of a CSV file.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

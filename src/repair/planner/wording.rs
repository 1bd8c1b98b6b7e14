//! Words that reasons share.

/// A range of offsets, both included: `offset 41`, `offsets 41-46`.
pub(super) fn offsets(first: i64, last: i64) -> String {
    if first == last {
        format!("offset {first}")
    } else {
        format!("offsets {first}-{last}")
    }
}

/// The same with a verb: `offset 41 is`, `offsets 41-46 are`.
pub(super) fn offsets_are(first: i64, last: i64) -> String {
    let verb = if first == last { "is" } else { "are" };
    format!("{} {verb}", offsets(first, last))
}

/// A number of things: `1 record`, `2 records`, `2 batches`.
pub(super) fn counted(number: u64, one: &str) -> String {
    match (number, one.ends_with("ch")) {
        (1, _) => format!("1 {one}"),
        (_, true) => format!("{number} {one}es"),
        (_, false) => format!("{number} {one}s"),
    }
}

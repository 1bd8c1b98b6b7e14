//! The manuals of the checks as a page of the guide: the text that `kseg explain` prints. `BLESS=1` writes it.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use kseg::verify::CATALOG;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/guide/checks.md");

const HEAD: &str = "\
# Checks

What `kseg verify` looks for. `kseg explain CODE` prints the manual of one. This page is made from `src/verify/catalog/`.

Severity: an error loses data or makes it wrong; a broker repairs or works around a warning; a note is worth knowing. Depth is
what a check costs: shape (headers and names), sum (checksums), cross (files against each other), deep (batches
decompressed, records decoded). Fix: lossless (a step that
is proven or likely, and loses no records), lossy (loses bytes or knowledge), manual (for a person to do), none (no file is changed).
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    page += "\n| code | name | severity | depth | fix | finds |\n|---|---|---|---|---|---|\n";
    for check in CATALOG {
        let (code, name, title) = (check.code, check.name, check.title());
        let (severity, depth, fix) = (check.severity, check.depth.name(), check.fix.name());
        writeln!(
            page,
            "| {code} | {name} | {severity} | {depth} | {fix} | {title} |"
        )
        .unwrap();
    }
    for check in CATALOG {
        writeln!(
            page,
            "\n## {} {}\n\n{}.\n",
            check.code,
            check.name,
            check.title()
        )
        .unwrap();
        let otherwise: Vec<String> = check.otherwise().collect();
        if !otherwise.is_empty() {
            writeln!(page, "Otherwise: {}.\n", otherwise.join("; ")).unwrap();
        }
        let manual: Vec<&str> = check.manual().collect();
        page += &manual.join("\n\n");
        page.push('\n');
    }
    page
}

#[test]
#[expect(clippy::disallowed_methods, reason = "BLESS=1 writes the guide")]
fn the_guide_has_the_manuals_as_they_are() {
    if std::env::var_os("BLESS").is_some() {
        fs::write(PAGE, page()).unwrap();
    }
    let stored = fs::read_to_string(Path::new(PAGE)).unwrap_or_default();
    assert!(
        stored == page(),
        "src/guide/checks.md is not current: BLESS=1 writes it"
    );
}

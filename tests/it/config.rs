//! `kseg.toml`, found above the current directory or named, and what is typed wins.

use crate::process::kseg;
use crate::temp::Temp;

const BROKEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/broken");

#[test]
fn settings_come_from_a_file_above_and_what_is_typed_wins() {
    let temp = Temp::new();
    temp.file("ci/deep/here.txt", b"");
    let known = temp.path().join("ci/known.json");
    let flipped = format!("{BROKEN}/B101");
    let write = [
        "verify",
        "--write-baseline",
        known.to_str().unwrap(),
        &flipped,
    ];
    assert_eq!(kseg(temp.path(), &write).status, Some(0));
    let below = temp.path().join("ci/deep");
    let exits = |args: &[&str]| {
        let ran = kseg(&below, &[&["verify"], args, &[flipped.as_str()]].concat());
        (ran.status, ran.err)
    };
    assert_eq!(exits(&[]).0, Some(1));
    temp.file(
        "ci/kseg.toml",
        b"[verify]\nbaseline = \"known.json\"\nfail-on = \"note\"\n",
    );
    assert_eq!(exits(&[]).0, Some(0), "the path counts from the file");
    temp.file(
        "ci/kseg.toml",
        b"[checks]\nB = \"allow\"\n[verify]\nfail-on = \"note\"\n",
    );
    assert_eq!(
        exits(&["--fail-on", "error"]).0,
        Some(0),
        "no family but B has errors"
    );
    temp.file(
        "ci/kseg.toml",
        b"[verify]\nfail-on = \"none\"\n[predict]\nkafka = \"3.9\"\n",
    );
    assert_eq!(exits(&[]).0, Some(0));
    assert_eq!(exits(&["--fail-on", "error"]).0, Some(1));
    temp.file("other.toml", b"[verify]\nfail-on = 7\n");
    let (status, err) = exits(&["--config-file", "../../other.toml"]);
    assert_eq!(status, Some(2));
    assert!(err.contains("--fail-on"), "{err}");
    let (status, err) = exits(&["--config-file", "nothing.toml"]);
    assert_eq!(status, Some(2));
    assert!(err.contains("nothing.toml"), "{err}");
    temp.file("ci/kseg.toml", b"[repair]\naccept-lossy = true\n");
    let (status, err) = exits(&[]);
    assert_eq!(status, Some(2));
    assert!(err.contains("unknown section [repair]"), "{err}");
}

#[test]
fn an_option_that_is_given_twice_counts_as_it_was_given_last() {
    let temp = Temp::new();
    let args = ["verify", "--fail-on", "error", "--fail-on", "none"];
    let flipped = format!("{BROKEN}/B101");
    let ran = kseg(temp.path(), &[&args[..], &[&flipped]].concat());
    assert_eq!(ran.status, Some(0), "{}", ran.err);
}

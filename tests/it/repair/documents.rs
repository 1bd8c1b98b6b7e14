//! Plans that are refused for what they lead to, or for how they are written.

use std::os::unix::fs::symlink;

use kseg::repair::RealDisk;
use kseg::repair::disk::Disk;

use super::files::{INDEX, LOG, log_dir, patch, planned};
use crate::process::kseg;
use crate::temp::Temp;

#[test]
fn symbolic_links_are_refused_when_the_plan_is_made() {
    for name in [LOG, INDEX, "orders-0", "recovery-point-offset-checkpoint"] {
        let temp = Temp::new();
        let data = log_dir(&temp);
        temp.file(
            "data/recovery-point-offset-checkpoint",
            b"0\n1\norders 0 8\n",
        );
        let elsewhere = temp.path().join("elsewhere");
        RealDisk.rename(&data.join(name), &elsewhere).unwrap();
        symlink(&elsewhere, data.join(name)).unwrap();
        let ran = kseg(temp.path(), &["repair", "plan", "data"]);
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{name}");
        assert!(ran.err.contains("a symbolic link"), "{}", ran.err);
        assert!(ran.err.contains(name), "{}", ran.err);
    }
}

#[test]
fn a_plan_in_which_a_field_is_there_twice_or_text_changes_its_direction_is_refused() {
    let temp = Temp::new();
    let data = log_dir(&temp);
    let text = serde_json::to_string_pretty(&planned(&data, vec![patch()])).unwrap();
    for (from, to, says) in [
        (
            "\"why\": \"for a test\"",
            "\"why\": \"x\", \"why\": \"for a test\"",
            "duplicate field",
        ),
        (
            "\"safety\": \"",
            "\"safety\": \"lossy\", \"safety\": \"",
            "duplicate field",
        ),
        (
            "\"schema\": ",
            "\"schema\": \"kseg.plan/1\", \"schema\": ",
            "duplicate field",
        ),
        ("\"patch\": {", "\"patch\": {}, \"patch\": {", "line"),
        ("for a test", "for \u{202e}a test", "direction"),
        ("for a test", "for \\u2066a test", "direction"),
        ("for a test", "for \\u001b[2Ja test", "control characters"),
        ("orders-0/0000", "orders-0/\u{200f}0000", "invalid path"),
        ("\"tool\": \"", "\"tool\": \"\u{61c}", "direction"),
    ] {
        assert!(text.contains(from), "{from}");
        temp.file("plan.json", text.replace(from, to).as_bytes());
        for args in [&["show"][..], &["apply", "--in-place", "--accept-lossy"]] {
            let ran = kseg(temp.path(), &[&["repair"], args, &["plan.json"]].concat());
            assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{to}");
            assert!(ran.err.contains(says), "{to}: {}", ran.err);
        }
    }
}

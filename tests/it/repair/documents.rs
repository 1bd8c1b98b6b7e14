//! Plans that are refused for what they lead to, or for how they are written.

use super::files::{log_dir, patch, planned};
use crate::process::kseg;
use crate::temp::Temp;

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

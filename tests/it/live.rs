//! Beside a broker that rolls, compacts and deletes all the time, nothing fails and nothing is reported.

use std::path::Path;
use std::process::Command;

/// `KSEG_KAFKA=PATH cargo test --test it -- --include-ignored live`, PATH being a command as `tests/live-broker.sh` wants it.
#[test]
#[ignore = "needs KSEG_KAFKA, a JDK and five minutes"]
fn no_round_of_forty_fails_beside_a_busy_broker() {
    let kafka = std::env::var_os("KSEG_KAFKA").expect("KSEG_KAFKA");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live-broker.sh");
    let mut command = Command::new(script);
    let command = command.arg(env!("CARGO_BIN_EXE_kseg")).arg(kafka);
    assert!(command.status().expect("a shell").success());
}

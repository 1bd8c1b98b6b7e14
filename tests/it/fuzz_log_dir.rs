//! What must hold for the files of any log dir: a start is predicted, a plan that is made can be
//! carried out, and another can be made of the result.
//! The fuzzer runs this (see `tests/fuzz/`), and so do tests.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use kseg::format::Limits;
use kseg::predict::{Conditions, predict};
use kseg::repair::planner::{Diagnosis, PlanOptions, Rebuild, plan};
use kseg::repair::{
    Applied, Consent, Derive, Error, Grade, Plan, PlanPath, RealDisk, Recipe, Sharing, Step,
    Target, apply, approve,
};
use kseg::scan::Jobs;
use kseg::store::Place;
use kseg::verify::{Options, Severity};

/// The files that a log dir is made of here. The number of one and the size of its content are
/// before the content; input that begins with a zero is the first one alone.
const FILES: [&str; 13] = [
    "orders-0/00000000000000000000.log",
    "orders-0/00000000000000000005.log",
    "orders-0/00000000000000000000.index",
    "orders-0/00000000000000000000.timeindex",
    "orders-0/00000000000000000000.txnindex",
    "orders-0/00000000000000000005.txnindex",
    "orders-0/00000000000000000005.snapshot",
    "orders-0/leader-epoch-checkpoint",
    "orders-0/partition.metadata",
    "recovery-point-offset-checkpoint",
    "log-start-offset-checkpoint",
    "meta.properties",
    ".kafka_cleanshutdown",
];

/// The files of an input.
fn files(bytes: &[u8]) -> Vec<(&'static str, &[u8])> {
    let mut files = Vec::new();
    let mut rest = bytes;
    while let [number, high, low, content @ ..] = rest {
        if *number == 0 {
            files.push((FILES[0], rest));
            break;
        }
        let size = usize::from(u16::from_be_bytes([*high, *low])).min(content.len());
        let (content, after) = content.split_at(size);
        files.push((FILES[usize::from(number - 1) % FILES.len()], content));
        rest = after;
    }
    files
}

/// A file of an input.
pub(crate) fn packed(number: u8, content: &[u8]) -> Vec<u8> {
    let size = u16::try_from(content.len()).expect("a small file");
    [&[number + 1], &size.to_be_bytes()[..], content].concat()
}

/// Any log dir is judged, and repaired or refused.
#[expect(clippy::disallowed_methods, reason = "files of our own")]
pub(crate) fn log_dir(bytes: &[u8]) {
    let id = format!(
        "kseg-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    );
    let scratch = std::env::temp_dir().join(id);
    let _old = fs::remove_dir_all(&scratch);
    let (dir, fixed) = (scratch.join("data"), scratch.join("fixed"));
    fs::create_dir_all(dir.join("orders-0")).unwrap();
    for (name, content) in files(bytes) {
        fs::write(dir.join(name), content).unwrap();
    }
    let place = Place::at(&dir).expect("a log dir");
    let _judged = predict(&[place], |_| true, &Conditions::default());
    match repair(&dir, &fixed) {
        Ok(true) => made(&fixed).map(drop).expect("a plan of what was repaired"),
        Ok(false) | Err(Error::Refused(_)) => {}
        Err(error) => panic!("{error}"),
    }
    // That nothing is left to do is held for logs that brokers wrote, by `cycles`.
    fs::remove_dir_all(&scratch).unwrap();
}

/// Rebuilds derived files, and trusts no file of the source.
struct Rebuilt;

impl Derive for Rebuilt {
    fn derive(
        &self,
        file: &PlanPath,
        recipe: &Recipe,
        locate: &dyn Fn(&str) -> PathBuf,
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        Rebuild.derive(file, recipe, locate, out)
    }
}

fn seen(dir: &Path) -> (Place, Diagnosis) {
    let place = Place::at(dir).expect("a log dir");
    let seen = Diagnosis::of(&place, &[], &Options::default());
    (place, seen)
}

pub(crate) fn made(dir: &Path) -> Result<Plan, Error> {
    let (place, seen) = seen(dir);
    let options = PlanOptions {
        jobs: Jobs::ONE,
        limits: Limits::default(),
        keep_suspect: false,
    };
    plan(&place, &seen, options, &RealDisk)
}

/// Makes a plan and carries it out; whether it had steps.
pub(crate) fn repair(dir: &Path, fixed: &Path) -> Result<bool, Error> {
    let plan = made(dir)?;
    let target = Target::Into {
        dir: fixed.to_owned(),
        sharing: Sharing::Blocks,
    };
    let approved = approve(&plan, &target, &Consent::Lossy, &RealDisk)?;
    Ok(!matches!(
        apply(approved, &RealDisk, &Rebuilt)?,
        Applied::Nothing
    ))
}

/// Returns what a second plan still has to do, and the errors that no manual step is about.
pub(crate) fn left(result: &Path, plan: &Plan) -> Vec<String> {
    let (manual, steps): (Vec<&Step>, Vec<&Step>) = plan
        .steps()
        .iter()
        .partition(|step| step.safety.grade() == Grade::Manual);
    let steps = steps
        .into_iter()
        .map(|step| format!("again: {:?} {}", step.codes, step.why));
    let (_, seen) = seen(result);
    let findings = seen.findings().iter().filter(|finding| {
        let code = finding.check.code();
        finding.severity >= Severity::Error
            && !manual
                .iter()
                .any(|step| step.codes.iter().any(|of| of == code))
    });
    let findings = findings.map(|finding| {
        let name = finding.path.file_name().unwrap().to_string_lossy();
        format!("{} {name} {:?}", finding.check.code(), finding.evidence)
    });
    steps.chain(findings).collect()
}

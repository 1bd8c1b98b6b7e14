//! `kseg repair plan`: what would be changed.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Result;
use kseg::repair::RealDisk;
use kseg::repair::planner::{Options, plan};
use kseg::scan::{Jobs, Merge, parallel};
use kseg::store::{Partition, Place};
use kseg::verify::segment::OnBytes;
use kseg::verify::{Depth, Outcome as Found, Suite};

use crate::cli::Context;
use crate::cli::args::Reading;
use crate::cli::exit::Outcome;

/// Makes a plan
#[derive(Debug, clap::Args)]
pub(super) struct Plan {
    /// A log dir, or a partition
    #[arg(value_name = "PATH")]
    path: PathBuf,

    #[command(flatten)]
    reading: Reading,
}

impl Plan {
    pub(super) fn run(self, context: &mut Context) -> Result<Outcome> {
        let place = Place::at(&self.path)?;
        let found = self.verify(&place)?;
        let (findings, _) = found.findings.into_sorted();
        let options = Options {
            jobs: self.reading.jobs(),
        };
        let plan = plan(&place, &findings, options, &RealDisk)?;
        serde_json::to_writer_pretty(&mut context.out, &plan)?;
        context.out.write_all(b"\n")?;
        Ok(Outcome::Clean)
    }

    fn verify(&self, place: &Place) -> Result<Found> {
        let open = |path: &Path| self.reading.open(path);
        let suite = Suite {
            depth: Depth::Deep,
            jobs: Jobs::new(std::num::NonZero::<usize>::MIN),
            limits: self.reading.limits(),
            now_ms: None,
            open: &open,
            on_bytes: OnBytes(None),
        };
        let mut all = Found::default();
        let partitions = match place {
            Place::LogDir(dir) => {
                all.merge(suite.root(dir));
                dir.partitions()
                    .map(|item| Partition::open(item.path()))
                    .collect::<Result<Vec<_>, _>>()?
            }
            Place::Partition(partition) => vec![partition.clone()],
            Place::File(_) => Vec::new(),
        };
        let work = |partition: Partition| suite.partition(&partition);
        parallel::in_order(self.reading.jobs(), partitions, work, &mut |found| {
            all.merge(found);
            ControlFlow::Continue(())
        });
        Ok(all)
    }
}

//! `NAME.lost+found`: the bytes that a repair removes from logs, raw and as records, for people to
//! examine.

use std::fs::read;
use std::io::{self, Read as _, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use kseg::decode::Decoder;
use kseg::format::{Batch, FileKind, FileName, Frame, Scratch};
use kseg::repair::plan::FilePart;
use kseg::repair::planner::{SetAside, set_aside};
use kseg::repair::{Action, Grade, Plan, State, Step};
use kseg::store::{Error, LogFile, Stream, Window};
use kseg::wire::Position;
use serde::{Deserialize, Serialize};

use crate::cli::output::{OutputFile, make_private_dir, remove_dir};
use crate::cli::render::records::{LocatedRecord, RecordFormat};
use crate::cli::schema;

/// The file with the contents.
const MANIFEST: &str = "manifest.json";

/// Bytes in which records are searched at once.
const WINDOW_BYTES: u64 = 16 << 20;

/// The manifest of the removed ranges.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    schema: String,
    /// The digest of the plan.
    plan: String,
    root: String,
    entries: Vec<Entries>,
}

/// Bytes that are removed from a log.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entries {
    /// The folder of the partition.
    partition: String,
    file: String,
    /// The step of the plan.
    step: u32,
    grade: Grade,
    bytes: Range<u64>,
    /// The first and the last offset that become empty, if known.
    offsets: Option<(i64, i64)>,
    /// The number of readable records in the bytes.
    records: u64,
    why: String,
    /// The bytes as they were, below this folder, with zeros for those that cannot be read.
    raw: String,
    /// The ranges that cannot be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<Range<u64>>,
    /// The records, if any can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    ndjson: Option<String>,
}

/// The files that were written.
pub(super) struct LostFound {
    dir: PathBuf,
    entries: usize,
    records: u64,
}

impl LostFound {
    /// Writes the bytes that the steps of a plan remove from logs into a folder next to `target`.
    /// `None` if they remove nothing.
    ///
    /// # Errors
    /// Something cannot be read or written.
    pub(super) fn write(plan: &Plan, target: &Path) -> Result<Option<Self>> {
        let mut taken = taken(plan);
        if taken.is_empty() {
            return Ok(None);
        }
        let digest = plan.digest().to_string();
        let dir = place(target, &digest)?;
        if let Some(manifest) = manifest(&dir) {
            // The same plan was interrupted: its source may have changed already.
            return Ok(Some(Self::of(dir, &manifest.entries)));
        }
        make_private_dir(&dir)?;
        let root = Path::new(plan.root());
        for hole in taken.chunk_by_mut(Entries::is_before) {
            write(hole, root, &dir)?;
        }
        let manifest = Manifest {
            schema: schema::LOST_FOUND.id.to_owned(),
            plan: digest,
            root: plan.root().to_owned(),
            entries: taken,
        };
        let mut bytes = serde_json::to_vec_pretty(&manifest)?;
        bytes.push(b'\n');
        let mut file = OutputFile::create(&dir.join(MANIFEST))?;
        file.write_all(&bytes)
            .map_err(|error| file.failed(&error))?;
        file.finish()?;
        Ok(Some(Self::of(dir, &manifest.entries)))
    }

    fn of(dir: PathBuf, entries: &[Entries]) -> Self {
        Self {
            dir,
            entries: entries.len(),
            records: entries.iter().map(|entry| entry.records).sum(),
        }
    }

    /// Removes the folder: nothing was removed from the logs.
    pub(super) fn take_back(&self) {
        remove_dir(&self.dir);
    }

    /// Describes the location for people.
    pub(super) fn said(&self) -> String {
        let (entries, records) = (self.entries, self.records);
        let ranges = if entries == 1 { "range" } else { "ranges" };
        let word = if records == 1 { "record" } else { "records" };
        format!(
            "{}: {entries} {ranges} removed from logs, with {records} readable {word}\n",
            self.dir.display()
        )
    }
}

/// Returns a path next to the target, with a name that no other plan uses.
fn place(target: &Path, digest: &str) -> Result<PathBuf> {
    let name = target.file_name().context("the target has no name")?;
    let name = name.to_string_lossy();
    let mut dir = target.with_file_name(format!("{name}.lost+found"));
    let mut number = 1_u64;
    // The folder of a killed run is complete only with its manifest.
    while dir.join(MANIFEST).exists() && manifest(&dir).is_none_or(|there| there.plan != digest) {
        number += 1;
        dir = target.with_file_name(format!("{name}.lost+found-{number}"));
    }
    Ok(dir)
}

fn manifest(dir: &Path) -> Option<Manifest> {
    serde_json::from_slice(&read(dir.join(MANIFEST)).ok()?).ok()
}

/// Returns the ranges that the steps remove from logs.
fn taken(plan: &Plan) -> Vec<Entries> {
    let mut taken: Vec<Entries> = Vec::new();
    for step in plan.steps() {
        let file = step.action.file();
        let name = FileName::parse(file.name());
        let is_log = name.is_some_and(|name| name.kind == FileKind::Log);
        if !is_log || !matches!(step.safety.grade(), Grade::Suspect | Grade::Lossy) {
            continue;
        }
        for bytes in ranges(step) {
            let known = step.loss.offsets;
            taken.push(Entries {
                partition: file.dir().to_owned(),
                file: file.name().to_owned(),
                step: step.id,
                grade: step.safety.grade(),
                offsets: known.map(|(first, last)| (first.get(), last.get())),
                bytes,
                records: 0,
                why: step.why.clone(),
                raw: String::new(),
                unreadable: Vec::new(),
                ndjson: None,
            });
        }
    }
    taken.sort_by(|a, b| a.place().cmp(&b.place()));
    // One of several steps about a gap has its offsets.
    for hole in taken.chunk_by_mut(Entries::is_before) {
        let known = hole.iter().filter_map(|entry| entry.offsets);
        let whole = known.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        for entry in hole {
            entry.offsets = whole;
        }
    }
    taken
}

/// The bytes of its file that a step removes or rewrites.
fn ranges(step: &Step) -> Vec<Range<u64>> {
    let file = step.action.file();
    let was = step.fingerprints.iter().find(|was| was.file == *file);
    let Some(State::File { len_bytes, .. }) = was.map(|was| was.is) else {
        return Vec::new();
    };
    let one = |range| Vec::from([range]);
    let of_loss = || step.loss.bytes.clone();
    let ranges = match &step.action {
        Action::Truncate { to, .. } => one(*to..len_bytes),
        Action::Excise { ranges, .. } => ranges.clone(),
        Action::Placeholder { range, .. } | Action::Patch { range, .. } => {
            one(of_loss().unwrap_or_else(|| range.clone()))
        }
        Action::Quarantine { .. } => one(0..len_bytes),
        Action::Arrange { pieces, .. } => {
            let kept = pieces.iter().filter_map(|piece| match piece {
                FilePart::Range { file: from, range } if from == file => Some(range.clone()),
                _ => None,
            });
            rest(kept.collect(), len_bytes)
        }
        _ => Vec::new(),
    };
    ranges
        .into_iter()
        .filter(|range| range.start < range.end && range.end <= len_bytes)
        .collect()
}

/// Returns the ranges of this many bytes without those that are `kept`.
fn rest(mut kept: Vec<Range<u64>>, len_bytes: u64) -> Vec<Range<u64>> {
    kept.sort_unstable_by_key(|range| range.start);
    let (mut rest, mut at) = (Vec::new(), 0);
    for range in kept {
        if at < range.start {
            rest.push(at..range.start);
        }
        at = at.max(range.end);
    }
    rest.push(at..len_bytes);
    rest
}

/// Writes adjacent bytes, and the records in them. They are read together, since the start of a
/// batch is the end of the one before. Unreadable bytes are skipped.
fn write(hole: &mut [Entries], root: &Path, dir: &Path) -> Result<()> {
    let (Some(first), Some(last)) = (hole.first(), hole.last()) else {
        return Ok(());
    };
    let (whole, offsets) = (first.bytes.start..last.bytes.end, first.offsets);
    let from = root.join(&first.partition).join(&first.file);
    let log = LogFile::Windowed(Stream::open(&from)?);
    let offsets = offsets.map_or(0..i64::MAX, |(first, last)| first..last.saturating_add(1));
    let mut files = hole
        .iter_mut()
        .map(|entry| entry.create(dir))
        .collect::<Result<Vec<EntryFiles<'_>>>>()?;
    let (mut at, mut buffer) = (whole.start, Vec::new());
    while at < whole.end {
        let window = at..whole.end.min(at.saturating_add(WINDOW_BYTES));
        let Window {
            bytes, unreadable, ..
        } = log.readable(window, &mut buffer);
        // Only the batch after the hole bounds the offsets of what is before it.
        let until = unreadable.as_ref().map_or(offsets.end, |_| i64::MAX);
        let found = set_aside(bytes, at, offsets.start..until);
        for file in &mut files {
            file.take(bytes, at, &found)?;
        }
        at += bytes.len() as u64;
        match unreadable {
            Some(bad) => {
                let bad = at..bad.range.end.min(whole.end);
                at = bad.end;
                files.iter_mut().try_for_each(|file| file.lack(&bad))?;
            }
            None if bytes.is_empty() => return Err(Error::Shorter(from).into()),
            None => {}
        }
    }
    files.into_iter().try_for_each(EntryFiles::finish)
}

/// The files of an entry while they are written.
struct EntryFiles<'a> {
    entry: &'a mut Entries,
    folder: PathBuf,
    /// The name of the files without suffixes.
    name: String,
    raw: OutputFile,
    lines: Vec<u8>,
}

impl EntryFiles<'_> {
    /// Takes the part of the entry in `bytes`, which are at `position`, with the batches that were
    /// found in them.
    fn take(&mut self, bytes: &[u8], position: u64, found: &[SetAside]) -> Result<()> {
        let Range { start, end } = self.entry.bytes;
        let place = |at: u64| usize::try_from(at.saturating_sub(position)).unwrap_or(usize::MAX);
        let here = bytes.get(place(start)..place(end).min(bytes.len()));
        if let Some(here) = here {
            let raw = &mut self.raw;
            raw.write_all(here).map_err(|error| raw.failed(&error))?;
        }
        let own = found
            .iter()
            .filter(|one| (start..end).contains(&one.position));
        self.entry.records += self.entry.render(own, &mut self.lines);
        Ok(())
    }

    /// Writes zeros for the part of the entry in a range that cannot be read.
    fn lack(&mut self, bad: &Range<u64>) -> Result<()> {
        let Range { start, end } = self.entry.bytes;
        let bad = bad.start.max(start)..bad.end.min(end);
        if bad.is_empty() {
            return Ok(());
        }
        let raw = &mut self.raw;
        io::copy(&mut io::repeat(0).take(bad.end - bad.start), raw)
            .map_err(|error| raw.failed(&error))?;
        self.entry.unreadable.push(bad);
        Ok(())
    }

    fn finish(self) -> Result<()> {
        self.raw.finish()?;
        if self.entry.records > 0 {
            let name = format!("{}.ndjson", self.name);
            let mut out = OutputFile::create(&self.folder.join(&name))?;
            out.write_all(&self.lines)
                .map_err(|error| out.failed(&error))?;
            out.finish()?;
            self.entry.ndjson = Some(self.entry.below(&name));
        }
        Ok(())
    }
}

impl Entries {
    /// Returns the sort key.
    fn place(&self) -> (&str, &str, u64) {
        (&self.partition, &self.file, self.bytes.start)
    }

    /// Returns true if the bytes of `next` follow.
    fn is_before(&self, next: &Self) -> bool {
        let (dir, file, start) = next.place();
        (&*self.partition, &*self.file, self.bytes.end) == (dir, file, start)
    }

    /// A path below the folder.
    fn below(&self, name: &str) -> String {
        match self.partition.as_str() {
            "" => name.to_owned(),
            partition => format!("{partition}/{name}"),
        }
    }

    /// Creates the files.
    fn create(&mut self, dir: &Path) -> Result<EntryFiles<'_>> {
        let folder = dir.join(&self.partition);
        make_private_dir(&folder)?;
        let stem = self.file.trim_end_matches(".log");
        let Range { start, end } = self.bytes;
        let name = format!("{stem}-{start}-{end}");
        let raw = format!("{name}.bin");
        let file = OutputFile::create(&folder.join(&raw))?;
        self.raw = self.below(&raw);
        Ok(EntryFiles {
            entry: self,
            folder,
            name,
            raw: file,
            lines: Vec::new(),
        })
    }

    /// Renders records; returns their number.
    fn render<'a>(&self, found: impl Iterator<Item = &'a SetAside>, lines: &mut Vec<u8>) -> u64 {
        let (topic, partition) = match self.partition.rsplit_once('-') {
            Some((topic, number)) => (Some(topic), number.parse().ok()),
            None => (None, None),
        };
        let format = RecordFormat::ndjson();
        let mut renderer = format.renderer(topic.and_then(Decoder::for_topic));
        let mut scratch = Scratch::default();
        let mut records = 0;
        for one in found {
            let frame = Frame::parse(&one.bytes, Position::new(self.bytes.start));
            let Some(batch) = frame.ok().and_then(|frame| Batch::parse(frame).ok()) else {
                continue;
            };
            let Ok(all) = batch.records(&mut scratch) else {
                continue;
            };
            for record in all.flatten() {
                records += 1;
                let entry = LocatedRecord {
                    topic,
                    partition,
                    file: None,
                    batch: &batch,
                    record: &record,
                    is_sound: Some(one.is_sound),
                };
                renderer.record(entry, lines);
            }
        }
        records
    }
}

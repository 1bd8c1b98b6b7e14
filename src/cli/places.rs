//! The log dirs, partitions and files that a path of a command line leads to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use kseg::format::name::file_name;
use kseg::format::{FileName, Properties};
use kseg::store::{Error, Item, ItemType, LogDir, Place, Standing, read_known};
use wildmatch::WildMatch;

use super::spool;

/// The depth of folders below a path in which log dirs are searched: `/backup/broker-1/disk1/kafka`
/// for `/backup`.
const FOLDERS_DEEP: usize = 3;

/// The maximum number of folders that are searched for log dirs; a path with more, such as `/`, is
/// a mistake.
const FOLDERS: usize = 10_000;

/// The places at several paths: a directory that is given twice would count as two log dirs of
/// one broker, with every partition in both.
#[derive(Debug, Default)]
pub(crate) struct DistinctPlaces {
    /// The directories so far, without links.
    dirs: BTreeSet<PathBuf>,
}

impl DistinctPlaces {
    /// Returns the places at the next path.
    ///
    /// # Errors
    /// The path leads to no place, or to a directory to which it or an earlier one led already.
    pub(crate) fn at(&mut self, path: &Path) -> Result<Vec<Place>> {
        let places = places(path)?;
        let dirs = places
            .iter()
            .filter(|place| !matches!(place, Place::File(_)));
        for dir in dirs.map(Place::path) {
            let real = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
            if !self.dirs.insert(real) {
                bail!("{}: given twice", dir.display());
            }
        }
        Ok(places)
    }
}

/// Returns the places at the paths, in their order.
///
/// # Errors
/// One of them does not exist, or is a directory without logs.
fn all_places(paths: &[PathBuf]) -> Result<Vec<Place>> {
    let mut all = Vec::new();
    for path in paths {
        all.append(&mut places(path)?);
    }
    Ok(all)
}

/// Resolves a path: a folder of log dirs to these, `server.properties` to its `log.dirs`, a pattern
/// that no shell has expanded to its matches, `-` to a segment on standard input, a compressed
/// segment to the decompressed one.
///
/// # Errors
/// The path does not exist, or is a directory without logs.
pub(crate) fn places(path: &Path) -> Result<Vec<Place>> {
    if let Some(item) = spool::spooled(path)? {
        return Ok(vec![Place::File(item)]);
    }
    match Place::at(path) {
        Ok(place) => inside(place),
        Err(error) if error.is_not_found() => {
            let matched = glob(path);
            if matched.is_empty() {
                return Err(error.into());
            }
            all_places(&matched)
        }
        Err(error) => Err(error.into()),
    }
}

/// Returns the place itself, or the log dirs below it.
fn inside(place: Place) -> Result<Vec<Place>> {
    match place {
        Place::File(item) if item.kind() == ItemType::Special => {
            Err(Error::Special(item.path().to_owned()).into())
        }
        Place::File(item) if item.kind() == ItemType::BrokenLink => {
            bail!("{}: a broken symbolic link", item.path().display())
        }
        Place::File(item) if is_settings(item.path()) => {
            let text = read_known(item.path())?;
            let settings = Properties::parse(&text);
            let dirs = settings
                .get("log.dirs")
                .or_else(|| settings.get("log.dir"))
                .ok_or_else(|| anyhow!("{}: no log.dirs in this file", item.path().display()))?;
            let dirs = dirs.value.split(',').map(str::trim);
            dirs.filter(|dir| !dir.is_empty())
                .map(|dir| Ok(Place::at(dir)?))
                .collect()
        }
        Place::LogDir(dir) if !is_log_dir(&dir) => {
            let (mut found, mut budget) = (Vec::new(), FOLDERS);
            log_dirs_below(&dir, FOLDERS_DEEP, &mut budget, &mut found);
            if found.is_empty() {
                let known = |item: &&Item| item.is_file() && item.file_name().is_some();
                let files = dir.items().iter().filter(known).cloned();
                found.extend(files.map(Place::File));
            }
            if found.is_empty() {
                return Err(no_log(dir.path()));
            }
            Ok(found)
        }
        place => Ok(vec![place]),
    }
}

/// Appends the log dirs below a folder that is not a log dir itself.
fn log_dirs_below(dir: &LogDir, levels: usize, budget: &mut usize, found: &mut Vec<Place>) {
    for item in dir
        .items()
        .iter()
        .filter(|item| item.is_dir() && !item.is_link())
    {
        if *budget == 0 {
            return;
        }
        *budget -= 1;
        let Ok(below) = LogDir::open(item.path()) else {
            continue;
        };
        if is_log_dir(&below) {
            found.push(Place::LogDir(below));
        } else if levels > 1 {
            log_dirs_below(&below, levels - 1, budget, found);
        }
    }
}

/// Returns the paths that match a pattern, in the order of names: `*` and `?` within a name.
fn glob(pattern: &Path) -> Vec<PathBuf> {
    let mut matched = vec![PathBuf::new()];
    for part in pattern.components() {
        let part = part.as_os_str();
        let text = part.to_string_lossy();
        if !text.contains(['*', '?']) {
            for path in &mut matched {
                path.push(part);
            }
            continue;
        }
        let wanted = WildMatch::new(&text);
        let names = matched.iter().flat_map(|dir| {
            let here = if dir.as_os_str().is_empty() {
                Path::new(".")
            } else {
                dir
            };
            let items = Item::list(here).unwrap_or_default();
            let is_wanted = |item: &Item| {
                let name = item.name().to_string_lossy();
                wanted.matches(&name) && (text.starts_with('.') || !name.starts_with('.'))
            };
            let items = items.into_iter().filter(is_wanted);
            let paths: Vec<PathBuf> = items.map(|item| dir.join(item.name())).collect();
            paths
        });
        matched = names.collect();
    }
    matched.retain(|path| Item::at(path).is_ok());
    matched
}

/// Returns true if it contains a file of log dirs, or a partition that is empty or has a file of
/// Kafka: `/etc/dbus-1` has the name of a partition, and so has a log dir `/var/lib/kafka/data-0`.
fn is_log_dir(dir: &LogDir) -> bool {
    let is_at_home = |item: &Item| item.is_file() && LogDir::standing(item) == Standing::Current;
    let is_partition = |item: &Item| match Place::at(item.path()) {
        Ok(Place::Partition(partition)) => {
            let items = partition.items();
            items.is_empty() || items.iter().any(|item| item.file_name().is_some())
        }
        Ok(_) => false,
        Err(_) => true,
    };
    dir.items().iter().any(is_at_home) || dir.partitions().any(is_partition)
}

/// Returns true if a file has the name of a broker's settings.
pub(crate) fn is_settings(path: &Path) -> bool {
    let name = file_name(path);
    name.ends_with(".properties") && FileName::parse(name).is_none()
}

/// Returns the error for a path without logs.
pub(crate) fn no_log(path: &Path) -> anyhow::Error {
    if path == Path::new("-") || path.is_file() {
        let path = path.display();
        return anyhow!("{path}: a file; expected a log dir or the folder of a partition");
    }
    anyhow!(
        "{}: neither a log dir nor a partition: expected folders named like orders-3, or files \
         named like 00000000000000000000.log",
        path.display()
    )
}

//! Ways in which disks and people damage a log dir.

use std::path::{Path, PathBuf};

use memchr::memmem;

use super::{Files, World};
use crate::forge::random::Rng;

/// Damages a log dir in one way; returns in which.
pub(super) fn damage(world: &World, files: &mut Files, rng: &mut Rng) -> String {
    let logs: Vec<PathBuf> = world
        .logs()
        .into_iter()
        .filter(|log| files.get(log).is_some_and(|bytes| !bytes.is_empty()))
        .collect();
    if logs.is_empty() {
        return "nothing".into();
    }
    let log = &logs[below_n(rng, logs.len())];
    let name = log.file_name().unwrap().to_string_lossy().into_owned();
    let name = name.trim_start_matches('0').to_owned();
    let at = below_n(rng, files[log].len());
    let kind = rng.below(20);
    match kind {
        0..=9 => {
            let foreign = &world.files[&logs[below_n(rng, logs.len())]];
            overwrite(kind, files.get_mut(log).unwrap(), at, foreign, rng);
        }
        10 => {
            let last = files.get_mut(logs.last().unwrap()).unwrap();
            let cut = 1 + below_n(rng, last.len().min(200));
            last.truncate(last.len() - cut);
        }
        11..=14 => shift(kind, files.get_mut(log).unwrap(), at, world, rng),
        15 => drop(files.remove(log)),
        16 => {
            let epochs = Path::new(&world.partition).join("leader-epoch-checkpoint");
            if rng.coin() {
                files.remove(&epochs);
            } else if let Some(bytes) = files.get_mut(&epochs) {
                bytes.truncate(bytes.len().saturating_sub(3));
                bytes.extend(b"\xff\n");
            }
        }
        _ => return derived(files, rng),
    }
    format!("kind {kind} at {at} of {name}")
}

/// Replaces bytes of a log by as many others.
fn overwrite(kind: u16, bytes: &mut [u8], at: usize, foreign: &[u8], rng: &mut Rng) {
    let (at, new) = match kind {
        0..=2 => (at, vec![bytes[at] ^ (1 << rng.below(8))]),
        3 => {
            for _ in 0..3 {
                let at = below_n(rng, bytes.len());
                bytes[at] ^= 1 << rng.below(8);
            }
            return;
        }
        4 => (at, vec![0; 1 + below_n(rng, 300)]),
        5 => (at - at % 512, vec![0; 512]),
        6 => (at - at % 4096, noise(rng, 64)),
        7 => {
            let len = 1 + below_n(rng, 700);
            (at, noise(rng, len))
        }
        8 => {
            let text = "Lorem ipsum dolor sit amet \n".repeat(20);
            (at, text.as_bytes()[..5 + below_n(rng, 395)].to_vec())
        }
        _ => {
            let len = 40 + below_n(rng, 360);
            let from = below_n(rng, foreign.len().saturating_sub(len).max(1));
            (at, foreign[from..foreign.len().min(from + len)].to_vec())
        }
    };
    let end = bytes.len().min(at + new.len());
    bytes[at..end].copy_from_slice(&new[..end - at]);
}

/// Puts a whole batch over others or between them, or moves what is after `at`.
fn shift(kind: u16, bytes: &mut Vec<u8>, at: usize, world: &World, rng: &mut Rng) {
    let len = 1 + below_n(rng, 300);
    let batches = world.batches();
    let (batch, _) = batches[below_n(rng, batches.len())];
    match kind {
        11 => {
            let end = bytes.len().min(at + batch.len());
            bytes[at..end].copy_from_slice(&batch[..end - at]);
        }
        12 => drop(bytes.drain(at..bytes.len().min(at + len))),
        13 => drop(bytes.splice(at..at, noise(rng, len))),
        _ => {
            let at = memmem::find(bytes, batch).map_or(0, |at| at + batch.len());
            bytes.splice(at..at, batch.to_vec());
        }
    }
}

/// Removes an index or a producer snapshot, or changes bytes of it.
fn derived(files: &mut Files, rng: &mut Rng) -> String {
    let is_derived = |name: &&PathBuf| {
        let name = name.to_string_lossy();
        name.ends_with("index") || name.ends_with(".snapshot")
    };
    let all: Vec<PathBuf> = files.keys().filter(is_derived).cloned().collect();
    if all.is_empty() {
        return "nothing".into();
    }
    let one = &all[below_n(rng, all.len())];
    if rng.coin() {
        files.remove(one);
    } else if let Some(bytes) = files.get_mut(one).filter(|bytes| !bytes.is_empty()) {
        for _ in 0..=rng.below(8) {
            let at = below_n(rng, bytes.len());
            bytes[at] = noise(rng, 1)[0];
        }
    }
    format!("derived {}", one.file_name().unwrap().to_string_lossy())
}

fn noise(rng: &mut Rng, len: usize) -> Vec<u8> {
    (0..len)
        .map(|_| u8::try_from(rng.below(256)).unwrap())
        .collect()
}

fn below_n(rng: &mut Rng, n: usize) -> usize {
    usize::try_from(rng.next() % u64::try_from(n.max(1)).unwrap()).unwrap()
}

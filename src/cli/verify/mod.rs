//! `kseg verify`: what is wrong with files, partitions and log dirs.

mod args;
mod baseline;
mod document;
mod github;
mod junit;
mod levels;
mod markdown;
pub(crate) mod overview;
pub(crate) mod report;
mod run;
mod sarif;
mod text;

pub(crate) use args::Verify;

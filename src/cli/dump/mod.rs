//! `kseg dump`: what Kafka's `kafka-dump-log.sh` prints.

mod beside;
mod index;
mod kind;
mod look;
mod options;
mod run;
mod time_index;
mod translate;

pub(crate) use options::Dump;
pub(crate) use translate::translate;

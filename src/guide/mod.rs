//! The long texts: how this is built, how fast it is, what it saves, how CI and engines use it, what changed.

#[doc = include_str!("changes.md")]
pub mod changes {}

#[doc = include_str!("checks.md")]
pub mod checks {}

#[doc = include_str!("ci.md")]
pub mod ci {}

#[doc = include_str!("design.md")]
pub mod design {}

#[doc = include_str!("engines.md")]
pub mod engines {}

#[doc = include_str!("performance.md")]
pub mod performance {}

#[doc = include_str!("saved.md")]
pub mod saved {}

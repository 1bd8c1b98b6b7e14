//! The long texts: how this is built, how quick it is, what it saves, how engines read it, what changed.

#[doc = include_str!("changes.md")]
pub mod changes {}

#[doc = include_str!("checks.md")]
pub mod checks {}

#[doc = include_str!("design.md")]
pub mod design {}

#[doc = include_str!("engines.md")]
pub mod engines {}

#[doc = include_str!("performance.md")]
pub mod performance {}

#[doc = include_str!("saved.md")]
pub mod saved {}

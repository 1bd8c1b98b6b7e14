//! The long texts: design, performance, salvaged records, checks, CI, engines and changes.

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

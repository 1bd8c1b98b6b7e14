//! Findings to plans.
mod order;
mod salvage;
mod survey;

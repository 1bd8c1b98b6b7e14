//! The one test binary.
#![cfg(test)]

mod fidelity;
mod truth;

//! The binary.

mod render;

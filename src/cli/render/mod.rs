//! What goes out.

pub(crate) mod coordinators;

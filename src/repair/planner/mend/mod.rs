//! A damaged `.log`, mended as far as the evidence goes.

mod flips;
mod gaps;
mod headerless;
mod marker;
mod mender;
mod proven;
mod solve;
mod text;

pub(super) use self::headerless::tail_of;
pub(super) use self::mender::{OutsideFacts, mend};

//! Images as tables.

mod cluster;
mod connect;
mod groups;
mod remote;

pub(super) use self::cluster::metadata;
pub(super) use self::connect::connect;
pub(crate) use self::groups::transactions;
pub(super) use self::groups::{groups, share_groups};
pub(super) use self::remote::remote_segments;

//! Images as tables.

mod cluster;
mod groups;
mod remote;

pub(super) use self::cluster::metadata;
pub(super) use self::groups::{groups, share_groups, transactions};
pub(super) use self::remote::remote_segments;

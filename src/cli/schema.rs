//! Every kind of object that kseg writes: its name and version. A schema changes only by new
//! fields. The plan of a repair is the library's (`kseg::repair::plan::SCHEMA`).

/// The name and version of a kind of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Schema {
    /// The value of the field `schema`.
    pub(crate) id: &'static str,
    /// The description of an object.
    pub(crate) what: &'static str,
}

macro_rules! schemas {
    ($($name:ident $id:literal $what:literal)*) => {
        $(
            #[doc = $what]
            pub(crate) const $name: Schema = Schema { id: $id, what: $what };
        )*

        /// All of them.
        pub(crate) const ALL: &[Schema] = &[$($name),*];
    };
}

schemas! {
    // check
    CHECK "kseg.check/1" "The document of check"
    CHECKED "kseg.checked/1" "A partition with findings or losses, in check"

    // ls
    LS "kseg.ls/1" "The document of ls"
    LOG_DIR "kseg.log-dir/1" "A log dir"
    PARTITION "kseg.partition/1" "A partition on a disk"
    SEGMENT "kseg.segment/1" "A segment on a disk"
    SPLIT "kseg.split/1" "A part of a segment, to be read in parallel"
    TOPIC "kseg.topic/1" "A topic on a disk"
    ITEM "kseg.item/1" "A file or folder that is not in use"

    // show
    SHOW "kseg.show/1" "The document of show, and of repair show"
    FILE "kseg.file/1" "A file, with its header"
    DAMAGE "kseg.damage/1" "A damaged place of a file"
    BATCH "kseg.batch/1" "A batch"
    ENTRY "kseg.entry/1" "A record, or an entry of an internal topic"
    OFFSET_INDEX_ENTRY "kseg.offset_index_entry/1" "An entry of an offset index"
    TIME_INDEX_ENTRY "kseg.time_index_entry/1" "An entry of a time index"
    ABORTED_TRANSACTION "kseg.aborted_transaction/1" "An entry of a transaction index"
    UNUSED "kseg.unused/1" "Unused entries at the end of an index"
    PRODUCER "kseg.producer/1" "A producer of a producer snapshot"
    CHECKPOINT_ENTRY "kseg.checkpoint_entry/1" "An entry of a checkpoint of offsets"
    LEADER_EPOCH "kseg.leader_epoch/1" "An entry of leader-epoch-checkpoint"
    PROPERTY "kseg.property/1" "A line of meta.properties"
    FIELD "kseg.field/1" "A field of a file, with its bytes"
    REMOTE_SEGMENT "kseg.remote_segment/1" "A segment in a snapshot of remote log metadata"

    // show --image
    CLUSTER "kseg.cluster/1" "A cluster"
    VOTER "kseg.voter/1" "A voter of the metadata quorum"
    FEATURE "kseg.feature/1" "A feature of a cluster"
    NODE "kseg.node/1" "A broker or controller"
    CLUSTER_TOPIC "kseg.cluster_topic/1" "A topic of a cluster"
    CLUSTER_PARTITION "kseg.cluster_partition/1" "A partition of a cluster"
    CONFIG "kseg.config/1" "A configuration of a topic, broker or group"
    ACL "kseg.acl/1" "An ACL"
    QUOTA "kseg.quota/1" "A client quota"
    SCRAM_USER "kseg.scram_user/1" "A SCRAM credential, without its secrets"
    DELEGATION_TOKEN "kseg.delegation_token/1" "A delegation token, without its secret"
    GROUP "kseg.group/1" "A group"
    MEMBER "kseg.member/1" "A member of a group"
    COMMITTED_OFFSET "kseg.committed_offset/1" "A committed offset"
    TRANSACTIONAL_ID "kseg.transactional_id/1" "A transactional id"
    TIERED_SEGMENT "kseg.tiered_segment/1" "A segment in tiered storage"
    SHARE_PARTITION "kseg.share_partition/1" "A partition of a share group"
    CONNECTOR "kseg.connector/1" "A connector of Kafka Connect, or its task"
    SOURCE_OFFSET "kseg.source_offset/1" "The offset of a source partition of a connector"

    // groups
    GROUPS "kseg.groups/1" "The document of groups"
    GROUP_OFFSET "kseg.group_offset/1" "A partition of a group: offset and lag"
    GROUP_STATE "kseg.group_state/1" "A group and its state"
    GROUP_MEMBER "kseg.group_member/1" "A member of a group, with its assignment"

    // txns
    TXNS "kseg.txns/1" "The document of txns"
    OPEN_TRANSACTION "kseg.open_transaction/1" "An open transaction of a partition"
    PARTITION_PRODUCER "kseg.partition_producer/1" "A producer of a partition"

    // retention
    RETENTION "kseg.retention/1" "The document of retention"
    RETENTION_SEGMENT "kseg.retention_segment/1" "A segment, and the decision of retention"

    // compaction
    COMPACTION "kseg.compaction/1" "The document of compaction"
    COMPACTED_PARTITION "kseg.compacted_partition/1" "A partition, and the state of its compaction"
    COMPACTION_STOP "kseg.compaction_stop/1" "An obstacle to the log cleaner"

    // stats
    STATS "kseg.stats/1" "The document of stats"
    STATS_GROUP "kseg.stats_group/1" "A group of records, counted"

    // diff, fingerprint
    DIFF "kseg.diff/1" "The document of diff"
    DIFF_PARTITION "kseg.diff_partition/1" "Two copies of a partition, compared"
    DIFF_RANGE "kseg.diff_range/1" "A range where two copies of a partition differ"
    FINGERPRINT "kseg.fingerprint/1" "The document of fingerprint"
    FINGERPRINT_PARTITION "kseg.fingerprint_partition/1" "A digest of the records of a partition"

    // cat, export
    RECORD "kseg.record/1" "A record"
    MANIFEST "kseg.manifest/1" "The contents of an export"

    // schemas
    SCHEMAS "kseg.schemas/1" "The document of schemas"
    REGISTERED_SCHEMA "kseg.registered_schema/1" "A schema, under a subject and a version"
    SCHEMA_PROBLEM "kseg.schema_problem/1" "A schema id without a schema, or with several"

    // verify
    FINDINGS "kseg.findings/2" "The document of verify"
    BASELINE "kseg.baseline/1" "Known findings"

    // predict
    VERDICT "kseg.verdict/3" "The document of predict"
    PREDICTION "kseg.prediction/2" "The outcome of a partition at the next start"

    // repair
    PLAN_SUMMARY "kseg.plan_summary/1" "A plan, without its steps"
    PLANS "kseg.plans/1" "Plans of several log dirs"
    STEP "kseg.step/1" "A step of a plan"
    LOST_FOUND "kseg.lost_found/1" "Ranges that a repair removed from logs"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_schemas_have_one_name() {
        let mut ids: Vec<&str> = ALL.iter().map(|schema| schema.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ALL.len());
        assert!(ALL.iter().all(|schema| !schema.what.is_empty()));
    }
}

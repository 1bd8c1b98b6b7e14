//! D: directories and their small files.

macro_rules! directory { ($next:ident $($after:ident)* { $($rows:tt)* }) => { $next! { $($after)* { $($rows)*

/// an unknown file
///
/// **What** Kafka doesn't write a file with this name here.
/// **Why it happens** It was made by hand: a backup, or an editor's copy.
/// **What Kafka does** It ignores most such files; with a name that ends in `.log` or `.index` but doesn't begin with 20 digits, it doesn't start, or creates an empty segment.
/// **Repair** Move it out of the log dir.
/// **References** `LogLoader.loadSegmentFiles`, `LogFileUtils.offsetFromFile`.
Directory D101 UnrecognisedFile "unrecognised-file" Warning Shape Lossless
    severity Error "where the name keeps a broker from starting"
    severity Note "where a broker ignores it";

/// a leftover file
///
/// **What** There is a `.cleaned`, `.swap`, `.deleted` or `.tmp` file.
/// **Why it happens** The broker stopped before it was renamed or deleted.
/// **What Kafka does** It completes or deletes it at its start.
/// **Repair** No repair is needed; if data is missing, copy the file before a broker starts.
/// **References** `LogLoader.removeTempFilesAndCollectSwapFiles`.
Directory D102 Leftover "leftover" Note Shape None
    fix Lossless "where an interrupted compaction left it together with its originals";

/// a segment without its .log file
///
/// **What** There is an index without a `.log` of the same offset.
/// **Why it happens** The `.log` was deleted or renamed.
/// **What Kafka does** It deletes the index.
/// **Repair** Find the `.log`, or delete the index.
/// **References** `LogLoader.loadSegmentFiles`.
Directory D103 IndexWithoutLog "index-without-log" Warning Shape Lossless;

/// a duplicate partition
///
/// **What** Two directories in the log dirs belong to the same partition.
/// **Why it happens** A directory was copied, or a move between disks was interrupted.
/// **What Kafka does** It doesn't start.
/// **Repair** Compare them, keep the one with the higher leader epoch and log end, and move the other out of the log dir. A plan does so only if one has everything that the other has.
/// **References** `LogManager.loadLog`.
Directory D104 PartitionTwice "partition-twice" Error Cross Manual
    fix Lossless "where both are in one log dir and one has everything that the other has";

/// log dirs of different nodes or clusters
///
/// **What** The `meta.properties` of the log dirs differ in cluster.id or node.id.
/// **Why it happens** A disk of another node or cluster was mounted.
/// **What Kafka does** It doesn't start.
/// **Repair** Find out which disk is wrong, and never edit the ids by hand. A plan changes them only if the metadata log has the partitions of this log dir under its directory.id.
/// **References** `MetaPropertiesEnsemble.verify`.
Directory D105 MetaMismatch "meta-mismatch" Error Cross Manual
    fix Lossless "where the metadata log proves which node the log dir belongs to";

/// overlapping segments
///
/// **What** A segment has offsets at or beyond the base offset of the next one.
/// **Why it happens** Segments were copied or renamed by hand, or files of an interrupted compaction were combined.
/// **What Kafka does** It reads the lower segment to its end, or continues in the higher one: records are duplicated or missing.
/// **Repair** Remove the overlapping batches on one side.
/// **References** `LogSegments.floorSegment`.
Directory D106 SegmentOverlap "segment-overlap" Error Cross Lossy
    fix Lossless "where the batches are duplicates";

/// an offset gap between segments
///
/// **What** A segment doesn't begin where the one before it ends, or the log begins after its first leader epoch without a log start offset there.
/// **Why it happens** Compaction leaves gaps between segments, and so does a lost segment. `cleaner-offset-checkpoint` has a line for each partition that was ever compacted.
/// **What Kafka does** Gaps are legal: readers continue at the next offset.
/// **Repair** No repair is needed if the partition was compacted. Otherwise the records are lost here: copy the segment from a replica or a backup.
/// **References** `LogSegments.higherSegment`, `LogCleanerManager.updateCheckpoints`.
Directory D107 SegmentGap "segment-gap" Note Cross None
    severity Error "where the partition was never compacted"
    severity Warning "where the log begins after its first leader epoch";

/// an unknown directory
///
/// **What** The name of a directory in a log dir is not that of a partition.
/// **Why it happens** `lost+found` of a file system, or a backup.
/// **What Kafka does** It doesn't start.
/// **Repair** Move it out of the log dir. If it is a log dir itself, leave it there: give kseg and `log.dirs` its path, not that of its parent folder.
/// **References** `UnifiedLog.parseTopicPartitionName`.
Directory D108 UnrecognisedDirectory "unrecognised-directory" Error Shape Lossless
    severity Note "where it is in the directory of a partition";

/// a name that Kafka reads but does not write
///
/// **What** The partition number or the topic in a directory name, or the offset in a file name, is not written as Kafka writes it.
/// **Why it happens** It was renamed by hand.
/// **What Kafka does** It reads it as the partition or segment, which may then be a duplicate.
/// **Repair** Rename it, unless there is a duplicate.
/// **References** `UnifiedLog.parseTopicPartitionName`, `LogFileUtils.filenamePrefixFromOffset`.
Directory D109 NameNotCanonical "name-not-canonical" Error Shape Lossless;

/// meta.properties is missing or malformed
///
/// **What** `meta.properties` is missing, can't be read, or has an unknown version.
/// **Why it happens** It was deleted, written incompletely or edited.
/// **What Kafka does** It doesn't start, or ignores the log dir.
/// **Repair** Rebuild it from that of another log dir of the same node.
/// **References** `MetaProperties`, `PropertiesUtils`.
Directory D110 MetaMalformed "meta-malformed" Error Shape Manual
    fix Lossless "where the metadata log proves the ids, or only the version is wrong";

/// a reserved, missing or duplicate directory id
///
/// **What** The `directory.id` of a log dir is reserved, another log dir has the same, or it is missing although the metadata log has one for its partitions.
/// **Why it happens** The disk was copied, or `meta.properties` was rewritten.
/// **What Kafka does** It doesn't start. If the id is missing, it creates a new one, and partitions assigned to the old one have no leader until the broker has registered the new one.
/// **Repair** Remove the line from the copy; the broker creates a new id. If it is missing, add the one in the metadata log.
/// **References** KIP-858, `DirectoryId`.
Directory D111 DirectoryId "directory-id" Error Cross Manual
    severity Warning "where it is missing"
    severity Note "where it is missing, and no metadata log says that there was one"
    fix Lossless "where the id is a reserved one, or the metadata log proves it";

/// clean shutdown markers of different shutdowns
///
/// **What** The `.kafka_cleanshutdown` files of the log dirs differ in their broker epoch.
/// **Why it happens** A disk was missing during the last run.
/// **What Kafka does** It treats the shutdown as unclean when it chooses eligible leaders.
/// **Repair** Remove all markers if data was changed.
/// **References** KIP-966, `CleanShutdownFileHandler`.
Directory D112 MarkerEpochs "marker-epochs" Warning Cross Manual;

/// the metadata log is in several log dirs
///
/// **What** More than one log dir has `__cluster_metadata-0`.
/// **Why it happens** A directory was copied, or `metadata.log.dir` changed.
/// **What Kafka does** It doesn't start.
/// **Repair** Move the one that is not in `metadata.log.dir` out of its log dir.
/// **References** `KafkaRaftServer.initializeLogDirs`.
Directory D113 MetadataMisplaced "metadata-misplaced" Error Cross Manual;

/// an unreadable file or directory
///
/// **What** The operating system refuses to open, list or read it.
/// **Why it happens** Permissions, a broken link, or a failing disk.
/// **What Kafka does** The log dir goes offline.
/// **Repair** Correct the permissions, or check the disk.
/// **References** `LogDirFailureChannel`.
Directory D114 Unreadable "unreadable" Error Shape Manual
    severity Warning "if it became shorter while it was read"
    fix Lossless "where an empty directory is in place of a file";

/// a partition marked for deletion
///
/// **What** The directory's name ends in `-delete`.
/// **Why it happens** Its topic was deleted or the partition was moved, and the broker stopped before it had removed the directory.
/// **What Kafka does** It deletes the directory one minute after the start.
/// **Repair** If the deletion was a mistake, copy it before a broker starts.
/// **References** `LogManager.asyncDelete`.
Directory D115 PendingDeletion "pending-deletion" Note Shape None;

/// a partition unknown to the cluster
///
/// **What** The directory's name ends in `-stray`.
/// **Why it happens** According to the metadata it didn't belong on this node.
/// **What Kafka does** It keeps it without serving it.
/// **Repair** Compare it with the metadata; delete it, or restore its name.
/// **References** `LogManager.handleStrayLogs`, KAFKA-16616.
Directory D116 StrayPartition "stray-partition" Note Shape None;

/// partitions of a topic with different topic ids
///
/// **What** The `partition.metadata` of a topic's partitions differ, or two topics share an id.
/// **Why it happens** A directory was copied from another cluster, or the topic was deleted and created again.
/// **What Kafka does** It marks partitions with the wrong id as stray.
/// **Repair** Restore the id from the metadata log or the other partitions.
/// **References** `PartitionMetadataFile`, KIP-516.
Directory D117 TopicIdConflict "topic-id-conflict" Error Cross Manual;

/// a topic id unknown to the metadata log
///
/// **What** The topic id of a partition, or this node as its replica, is not in the metadata log.
/// **Why it happens** The topic was deleted, and the node stopped before it renamed the directory; or the file belongs to another cluster.
/// **What Kafka does** It marks the partition as stray; releases before 3.7 deleted it.
/// **Repair** Restore the id, or leave it: a truncated or outdated metadata log proves nothing.
/// **References** `LogManager.isStrayReplica`.
Directory D118 TopicIdUnknown "topic-id-unknown" Error Cross Manual
    severity Note "where the metadata log says that the topic was deleted"
    fix Lossy "where the metadata log has the topic under another id"
    fix Lossless "where the metadata log proves which node the log dir belongs to";

/// a malformed partition.metadata
///
/// **What** `partition.metadata` is not two lines of a version and a topic id.
/// **Why it happens** It was written incompletely, truncated or edited.
/// **What Kafka does** The partition fails to load, and the log dir goes offline.
/// **Repair** Rebuild it from that of another partition of the topic.
/// **References** `PartitionMetadataFile.read`.
Directory D119 PartitionMetadataMalformed "partition-metadata-malformed" Error Shape Lossless
    severity Warning "where only the version is unknown";

/// a partition without segments
///
/// **What** The directory of a partition has no `.log`.
/// **Why it happens** The segments were deleted or moved; or the broker stopped right after it had created the directory.
/// **What Kafka does** It starts an empty log at the log start offset.
/// **Repair** Find the segments before a broker starts.
/// **References** `LogLoader.load`.
Directory D120 NoSegment "no-segment" Warning Cross Manual
    severity Error "where a checkpoint shows that it had records"
    severity Note "where the directory is empty, and no checkpoint shows that it had records";

/// an interrupted swap that would lose records
///
/// **What** A `.swap` file is not a complete segment: its log is damaged or its indexes are missing.
/// **Why it happens** The broker stopped during compaction, and writes to the disk were lost.
/// **What Kafka does** It renames the files and deletes the originals, without a check.
/// **Repair** Verify the `.swap`, and complete or delete it before a broker starts.
/// **References** `LogLoader.load`, `completeSwapOperations`.
Directory D121 SwapIncomplete "swap-incomplete" Error Cross Lossless;

/// a broker runs on this log dir
///
/// **What** Another process holds the lock on `.lock`.
/// **Why it happens** A broker is running.
/// **What Kafka does** It continues to write.
/// **Repair** Stop it before anything is repaired.
/// **References** `FileLock`.
Directory D122 BrokerRunning "broker-running" Note Shape None;

/// neither a file nor a directory
///
/// **What** There is a pipe, a socket, a device, or a broken link.
/// **Why it happens** It was created by hand.
/// **What Kafka does** It may block forever when it opens it.
/// **Repair** Move it out of the log dir.
/// **References** `LogLoader.loadSegmentFiles`.
Directory D123 SpecialFile "special-file" Warning Shape Manual;

/// a malformed clean shutdown marker
///
/// **What** `.kafka_cleanshutdown` is not empty, but has no version and broker epoch.
/// **Why it happens** It was written incompletely or edited.
/// **What Kafka does** It treats the shutdown as clean, without a broker epoch.
/// **Repair** No repair is needed.
/// **References** `CleanShutdownFileHandler`.
Directory D124 CleanMarkerMalformed "clean-marker-malformed" Warning Shape Lossless;

} } } }

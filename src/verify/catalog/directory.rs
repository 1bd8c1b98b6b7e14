//! D: directories and their small files.

macro_rules! directory { ($next:ident $($after:ident)* { $($rows:tt)* }) => { $next! { $($after)* { $($rows)*

/// an unknown file
///
/// **What** The name of a file is not one that Kafka writes there.
/// **Why it happens** Somebody put it there: a backup, an editor's copy.
/// **What Kafka does** It ignores most such files; a name that ends in `.log` or `.index` and doesn't begin with 20 digits keeps it from starting or makes an empty segment.
/// **Repair** Move it out of the log dir. If it is a log dir itself, it stays where it is: give kseg and `log.dirs` its path,
/// not that of the folder around it.
/// **References** `LogLoader.loadSegmentFiles`, `LogFileUtils.offsetFromFile`.
Directory D101 UnrecognisedFile "unrecognised-file" Warning Shape Safe
    severity Error "where the name keeps a broker from starting"
    severity Note "where a broker ignores it";

/// a leftover file
///
/// **What** A `.cleaned`, `.swap`, `.deleted` or `.tmp` file lies here.
/// **Why it happens** The broker stopped before it was renamed or deleted.
/// **What Kafka does** It finishes or deletes it at start.
/// **Repair** None is needed; rescue what it holds first if you miss data.
/// **References** `LogLoader.removeTempFilesAndCollectSwapFiles`.
Directory D102 Leftover "leftover" Note Shape None
    fix Safe "where an interrupted compaction left it beside its originals";

/// a segment without its .log file
///
/// **What** An index has no `.log` of the same offset beside it.
/// **Why it happens** The `.log` was deleted or renamed.
/// **What Kafka does** It deletes the index.
/// **Repair** Find the `.log`; else delete the index.
/// **References** `LogLoader.loadSegmentFiles`.
Directory D103 IndexWithoutLog "index-without-log" Warning Shape Safe;

/// a duplicate partition
///
/// **What** Two directories in the log dirs are of the same partition.
/// **Why it happens** A directory was copied, or a move between disks was interrupted.
/// **What Kafka does** It doesn't start.
/// **Repair** Compare them, keep the one with the higher leader epoch and end, and move the other out of the log dir. A plan does so only where one holds everything that the other has.
/// **References** `LogManager.loadLog`.
Directory D104 PartitionTwice "partition-twice" Error Cross Manual
    fix Safe "where both are in one log dir and one holds everything that the other has";

/// log dirs of different nodes or clusters
///
/// **What** The `meta.properties` of the log dirs differ in the cluster's or the node's id.
/// **Why it happens** A disk of another node or cluster was mounted.
/// **What Kafka does** It doesn't start.
/// **Repair** Find out which disk is wrong, and never edit the ids by hand. A plan writes them only where the metadata log has the partitions of this log dir under the directory's own id.
/// **References** `MetaPropertiesEnsemble.verify`.
Directory D105 MetaMismatch "meta-mismatch" Error Cross Manual
    fix Safe "where the metadata log proves whose log dir it is";

/// overlapping segments
///
/// **What** A segment has offsets at or beyond the base offset of the next one.
/// **Why it happens** Segments were copied or renamed by hand, or a compaction was interrupted and put together wrongly.
/// **What Kafka does** It reads the lower segment up to its end or jumps to the higher one: records come twice or not.
/// **Repair** Remove the overlapping batches on one side.
/// **References** `LogSegments.floorSegment`.
Directory D106 SegmentOverlap "segment-overlap" Error Cross Lossy
    fix Safe "where the batches are there twice";

/// an offset gap between segments
///
/// **What** A segment doesn't begin where the one before it ends, or the log begins after its first leader epoch and no log start
/// offset says why.
/// **Why it happens** Compaction leaves gaps between segments; so does a segment that is lost. `cleaner-offset-checkpoint` has a line for
/// each partition that was ever compacted.
/// **What Kafka does** Gaps are legal: readers continue at the next offset.
/// **Repair** None is needed where the partition was compacted. Otherwise the records are lost here: bring the segment back from a replica or a
/// backup.
/// **References** `LogSegments.higherSegment`, `LogCleanerManager.updateCheckpoints`.
Directory D107 SegmentGap "segment-gap" Note Cross None
    severity Error "where the partition was never compacted"
    severity Warning "where the log begins after its first leader epoch";

/// an unknown directory
///
/// **What** The name of a directory in a log dir is not that of a partition.
/// **Why it happens** `lost+found` of a file system, or somebody's backup.
/// **What Kafka does** It doesn't start.
/// **Repair** Move it out of the log dir. If it is a log dir itself, it stays where it is: give kseg and `log.dirs` its path,
/// not that of the folder around it.
/// **References** `UnifiedLog.parseTopicPartitionName`.
Directory D108 UnrecognisedDirectory "unrecognised-directory" Error Shape Safe
    severity Note "where it lies in the directory of a partition";

/// a name that Kafka reads but does not write
///
/// **What** The partition number or the topic of a directory, or the offset of a file, is not written as Kafka writes it.
/// **Why it happens** Somebody renamed it.
/// **What Kafka does** It takes it for the partition or segment, which may then be there twice.
/// **Repair** Rename it, after looking for a duplicate.
/// **References** `UnifiedLog.parseTopicPartitionName`, `LogFileUtils.filenamePrefixFromOffset`.
Directory D109 NameNotCanonical "name-not-canonical" Error Shape Safe;

/// meta.properties is missing or malformed
///
/// **What** `meta.properties` is missing, can't be read, or has an unknown version.
/// **Why it happens** It was deleted, torn or edited.
/// **What Kafka does** It doesn't start, or ignores the log dir.
/// **Repair** Make it again from that of another log dir of the same node.
/// **References** `MetaProperties`, `PropertiesUtils`.
Directory D110 MetaMalformed "meta-malformed" Error Shape Manual
    fix Safe "where the metadata log proves the ids, or only the version is wrong";

/// a reserved, missing or duplicate directory id
///
/// **What** The `directory.id` of a log dir is not a proper one, another log dir has the same, or it is missing although the metadata log
/// has partitions in the log dir under one.
/// **Why it happens** The disk was copied, or `meta.properties` was rewritten.
/// **What Kafka does** It doesn't start. Where the id is missing it makes a new one, and the partitions that the cluster has under the old
/// one have no leader until the broker has told it the new one.
/// **Repair** Drop the line from the copy; the broker makes a new one. Where it is missing, put in the one that the metadata log has.
/// **References** KIP-858, `DirectoryId`.
Directory D111 DirectoryId "directory-id" Error Cross Manual
    severity Warning "where it is missing"
    severity Note "where it is missing, and no metadata log says that there was one"
    fix Safe "where the id is a reserved one, or the metadata log proves it";

/// clean shutdown markers of different shutdowns
///
/// **What** The `.kafka_cleanshutdown` files of the log dirs differ in their broker epoch.
/// **Why it happens** A disk was away during the last run.
/// **What Kafka does** It takes the stop for unclean when it decides on eligible leaders.
/// **Repair** Remove all markers if data was changed.
/// **References** KIP-966, `CleanShutdownFileHandler`.
Directory D112 MarkerEpochs "marker-epochs" Warning Cross Manual;

/// the metadata log is in several log dirs
///
/// **What** More than one log dir has `__cluster_metadata-0`.
/// **Why it happens** A directory was copied, or `metadata.log.dir` changed.
/// **What Kafka does** It doesn't start.
/// **Repair** Move out the one that is not in the metadata log dir.
/// **References** `KafkaRaftServer.initializeLogDirs`.
Directory D113 MetadataMisplaced "metadata-misplaced" Error Cross Manual;

/// an unreadable file or directory
///
/// **What** The system refuses to open, list or read it.
/// **Why it happens** Rights, a broken link, or a failing disk.
/// **What Kafka does** The log dir goes offline.
/// **Repair** Correct the rights, or look at the disk.
/// **References** `LogDirFailureChannel`.
Directory D114 Unreadable "unreadable" Error Shape Manual
    severity Warning "if it became shorter while it was read"
    fix Safe "where an empty directory stands for a file";

/// a partition marked for deletion
///
/// **What** The directory's name ends in `-delete`.
/// **Why it happens** Its topic was deleted or it moved away, and the broker stopped before it was gone.
/// **What Kafka does** It deletes it a minute after its start.
/// **Repair** Save it before a broker starts if it was a mistake.
/// **References** `LogManager.asyncDelete`.
Directory D115 PendingDeletion "pending-deletion" Note Shape None;

/// a partition unknown to the cluster
///
/// **What** The directory's name ends in `-stray`.
/// **Why it happens** The metadata said that it doesn't belong on this node.
/// **What Kafka does** It keeps it without serving it.
/// **Repair** Compare with the metadata; delete it, or give it back its name.
/// **References** `LogManager.handleStrayLogs`, KAFKA-16616.
Directory D116 StrayPartition "stray-partition" Note Shape None;

/// partitions of a topic with different topic ids
///
/// **What** The `partition.metadata` of a topic's partitions differ, or two topics share an id.
/// **Why it happens** A directory was copied from another cluster, or the topic was deleted and created again.
/// **What Kafka does** It sets partitions with the wrong id aside as stray.
/// **Repair** Restore the id from the metadata log or the other partitions.
/// **References** `PartitionMetadataFile`, KIP-516.
Directory D117 TopicIdConflict "topic-id-conflict" Error Cross Manual;

/// a topic id unknown to the metadata log
///
/// **What** The topic id of a partition, or this node as its replica, is not in the metadata log.
/// **Why it happens** The topic was deleted while the node was away, or the file is of another cluster.
/// **What Kafka does** It sets the partition aside as stray; releases before 3.7 deleted it.
/// **Repair** Restore the id, or leave it: a metadata log that lags, or was truncated, proves nothing.
/// **References** `LogManager.isStrayReplica`.
Directory D118 TopicIdUnknown "topic-id-unknown" Error Cross Manual
    fix Safe "where the metadata log has the topic under another id";

/// a malformed partition.metadata
///
/// **What** `partition.metadata` is not two lines of a version and a topic id.
/// **Why it happens** It was torn, emptied or edited.
/// **What Kafka does** The partition fails to load, and the log dir goes offline.
/// **Repair** Make it again from that of another partition of the topic.
/// **References** `PartitionMetadataFile.read`.
Directory D119 PartitionMetadataMalformed "partition-metadata-malformed" Error Shape Safe
    severity Warning "where only the version is another";

/// a partition without segments
///
/// **What** A partition's directory holds no `.log`.
/// **Why it happens** The segments were deleted or moved.
/// **What Kafka does** It begins an empty log at the log start offset.
/// **Repair** Find the segments before a broker starts.
/// **References** `LogLoader.load`.
Directory D120 NoSegment "no-segment" Warning Cross Manual;

/// an interrupted swap that would lose records
///
/// **What** A `.swap` file is not a whole segment: its log is damaged or its indexes are missing.
/// **Why it happens** The broker stopped during compaction, and the disk lost writes.
/// **What Kafka does** It renames what is there and deletes the originals, without looking.
/// **Repair** Verify the `.swap` and finish or delete it before a broker starts.
/// **References** `LogLoader.load`, `completeSwapOperations`.
Directory D121 SwapIncomplete "swap-incomplete" Error Cross Safe;

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
/// **What** A pipe, a socket, a device, or a link that leads nowhere lies here.
/// **Why it happens** Somebody put it there.
/// **What Kafka does** It may wait on it forever.
/// **Repair** Move it out of the log dir. If it is a log dir itself, it stays where it is: give kseg and `log.dirs` its path,
/// not that of the folder around it.
/// **References** `LogLoader.loadSegmentFiles`.
Directory D123 SpecialFile "special-file" Warning Shape Manual;

/// a malformed clean shutdown marker
///
/// **What** `.kafka_cleanshutdown` holds something, but no version and broker epoch.
/// **Why it happens** It was torn or edited.
/// **What Kafka does** It takes the stop for clean, without a broker epoch.
/// **Repair** None is needed.
/// **References** `CleanShutdownFileHandler`.
Directory D124 CleanMarkerMalformed "clean-marker-malformed" Warning Shape Safe;

} } } }

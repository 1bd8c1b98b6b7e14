//! A: aborted transactions.

macro_rules! txn_index { ($next:ident $($after:ident)* { $($rows:tt)* }) => { $next! { $($after)* { $($rows)*

/// a transaction index of a wrong size or version
///
/// **What** The length of the `.txnindex` is not a multiple of 34, or an entry has a version other than 0.
/// **Why it happens** The file was truncated or overwritten, or bytes were appended.
/// **What Kafka does** The log dir goes offline at an unknown version; remaining bytes shift entries that are appended.
/// **Repair** Rebuild the index from the log.
/// **References** `TransactionIndex`, `AbortedTxn`.
TxnIndex A101 TxnIndexSize "txn-index-size" Error Shape Lossless;

/// the entries of a transaction index don't ascend
///
/// **What** Last offsets don't ascend, or an entry ends before it begins.
/// **Why it happens** The file was overwritten.
/// **What Kafka does** It fails when it appends an entry, or hides the wrong records.
/// **Repair** Rebuild the index from the log.
/// **References** `TransactionIndex.append`.
TxnIndex A102 TxnIndexOrder "txn-index-order" Error Shape Lossless;

/// an entry of a transaction index without its abort marker
///
/// **What** An entry has a transaction that the log doesn't abort there.
/// **Why it happens** The index belongs to another segment, or was changed.
/// **What Kafka does** Records that were committed are hidden from consumers.
/// **Repair** Rebuild the index from the log.
/// **References** `TransactionIndex.collectAbortedTxns`.
TxnIndex A103 TxnIndexStray "txn-index-stray" Error Cross Lossless;

/// an abort marker without its entry in the transaction index
///
/// **What** The log aborts a transaction with records, but the `.txnindex` of the marker's segment has no entry for it.
/// **Why it happens** The index was deleted or truncated.
/// **What Kafka does** `read_committed` consumers get the aborted records.
/// **Repair** Rebuild the index from the log.
/// **References** `ProducerStateManager.completeTxn`.
TxnIndex A104 TxnIndexLacking "txn-index-lacking" Error Cross Lossless;

/// an entry of a transaction index has a wrong first offset
///
/// **What** The first offset of an entry is not that of the transaction's first batch.
/// **Why it happens** The index was changed.
/// **What Kafka does** `read_committed` consumers may get aborted records, or miss committed ones.
/// **Repair** Rebuild the index from the log.
/// **References** `AbortedTxn.firstOffset`.
TxnIndex A105 TxnIndexFirstOffset "txn-index-first-offset" Warning Cross Lossless
    severity Note "if markers that were appended together explain the last stable offset";

/// an entry of a transaction index outside of its segment
///
/// **What** The last offset of an entry is before or after its segment.
/// **Why it happens** The index belongs to another segment.
/// **What Kafka does** It recovers the segment at every start.
/// **Repair** Rebuild the index from the log.
/// **References** `TransactionIndex.sanityCheck`.
TxnIndex A106 TxnIndexOutside "txn-index-outside" Error Cross Lossless;

} } } }

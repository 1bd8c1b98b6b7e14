//! Transactions, up to Kafka 4.0.

use kseg::decode::transaction_state::{Status, Transaction};
use kseg::decode::{SchemaFamily, Struct};
use kseg::wire::Release;

use super::job::{Crash, Job, Shown, put};
use super::old::{self, Key, NAMED_FIELDS};
use super::scala;

/// The only record type.
const TRANSACTION: i16 = 0;

/// The first release whose sets are printed as `HashSet`.
const HASH_SET: Release = Release::new(2, 4, 0);

/// The first release that shows partitions in brackets.
const BRACKETS: Release = Release::new(2, 5, 0);

/// The first release that reports the id of an unknown state, not its byte.
const STATE_ID: Release = Release::new(3, 0, 0);

/// Appends the texts of a record.
pub(super) fn write(job: &mut Job<'_, '_>) -> Result<Shown, Crash> {
    let release = job.release;
    let Some(key) = job.key else {
        return Err(old::null_pointer(
            "java.nio.ByteBuffer.getShort()",
            "buffer",
        ));
    };
    let key = old::read_key(
        SchemaFamily::TransactionState,
        release,
        key,
        TRANSACTION,
        |id| {
            old::unknown(
                release,
                &format!("Unknown transaction log message key schema version {id}"),
                &format!("Unknown version {id} from the transaction log message"),
            )
        },
    )?;
    let key = match key {
        Key::Known(key) => key,
        Key::Unknown(text) => {
            job.key_text.extend_from_slice(text.as_bytes());
            return Ok(Shown::KEY);
        }
    };
    let id = key.body.text("transactionalId").unwrap_or_default();
    if let Some(value) = job.value {
        let body = old::read_value(key.message, release, value, |version| {
            old::unknown(
                release,
                &format!("Unknown transaction log message value schema version {version}"),
                &format!("Unknown version {version} from the transaction log message value"),
            )
        })?;
        write_transaction(&body, release, job.payload_text)?;
    } else if release < NAMED_FIELDS {
        return Err(old::null_pointer(
            "kafka.coordinator.transaction.TransactionMetadata.producerId()",
            "txnMetadata",
        ));
    } else {
        job.payload_text.extend_from_slice(b"<DELETE>");
    }
    if release < NAMED_FIELDS {
        put(job.key_text, format_args!("transactionalId={id}"));
    } else {
        put(
            job.key_text,
            format_args!("transaction_metadata::transactionalId={id}"),
        );
    }
    Ok(Shown::BOTH)
}

fn write_transaction(body: &Struct<'_>, release: Release, out: &mut Vec<u8>) -> Result<(), Crash> {
    let id = body.int("transactionStatus").unwrap_or_default();
    let status = Status::of(id).ok_or_else(|| {
        let what = if release < STATE_ID { "byte" } else { "id" };
        Crash(format!(
            "java.lang.IllegalStateException: Unknown transaction state {what} {id} from the \
             transaction status message"
        ))
    })?;
    let Some(it) = Transaction::of(body) else {
        return Ok(());
    };
    let mut sets: Vec<Vec<_>> = Vec::new();
    for topic in body.structures("transactionPartitions") {
        let name = topic.text("topic").unwrap_or_default();
        let ids = topic.numbers::<i32>("partitionIds");
        sets.push(ids.map(|id| (name.clone(), id)).collect());
    }
    if status == Status::Empty {
        sets.clear();
    }
    let partitions = scala::sort_set(sets, release, |(topic, partition)| {
        scala::partition_hash(topic, *partition)
    });
    let (before, between, behind) = if release >= BRACKETS {
        ("[", ",", "]")
    } else if release >= HASH_SET {
        ("HashSet(", ", ", ")")
    } else {
        ("Set(", ", ", ")")
    };
    let partitions: Vec<String> = partitions
        .iter()
        .map(|(topic, partition)| format!("{topic}-{partition}"))
        .collect();
    put(
        out,
        format_args!(
            "producerId:{},producerEpoch:{},state={status},partitions={before}{}{behind},\
             txnLastUpdateTimestamp={},txnTimeoutMs={}",
            it.producer_id,
            it.producer_epoch,
            partitions.join(between),
            it.last_update,
            it.timeout_ms,
        ),
    );
    Ok(())
}

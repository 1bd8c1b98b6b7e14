//! Transactions, up to Kafka 4.0.

use kseg::decode::transaction_state::{Status, Transaction};
use kseg::decode::{Family, Struct};
use kseg::wire::Release;

use super::old::{self, Key, NAMED_FIELDS};
use super::scala::{self, Table};
use super::{Crash, Job, Shown, put};

/// The only record type there is.
const TRANSACTION: i16 = 0;

/// The first release whose tables name themselves `HashSet`.
const HASH_SET: Release = Release::new(2, 4, 0);

/// The first release that shows partitions in brackets.
const BRACKETS: Release = Release::new(2, 5, 0);

/// Appends the texts of a record.
pub(super) fn write(job: Job<'_, '_>) -> Result<Shown, Crash> {
    let release = job.release;
    let Some(key) = job.key else {
        return Err(null_pointer("java.nio.ByteBuffer.getShort()", "buffer"));
    };
    let key = old::read_key(Family::TransactionState, release, key, TRANSACTION, |id| {
        old::unknown(
            release,
            format!("Unknown transaction log message key schema version {id}"),
            format!("Unknown version {id} from the transaction log message"),
        )
    })?;
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
                format!("Unknown transaction log message value version {version}"),
                format!("Unknown version {version} from the transaction log message value"),
            )
        })?;
        write_transaction(&body, release, job.payload_text)?;
    } else if release < NAMED_FIELDS {
        return Err(null_pointer(
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
        Crash(format!(
            "java.lang.IllegalStateException: Unknown transaction state id {id} from the \
             transaction status message"
        ))
    })?;
    let Some(it) = Transaction::of(body) else {
        return Ok(());
    };
    let mut partitions = it.partitions;
    if status == Status::Empty {
        partitions.clear();
    }
    scala::sort(
        &mut partitions,
        Table::Set,
        release,
        |(topic, partition)| scala::partition_hash(topic, *partition),
    );
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

/// What the JVM says when something is asked of nothing.
fn null_pointer(call: &str, name: &str) -> Crash {
    Crash(format!(
        "java.lang.NullPointerException: Cannot invoke \"{call}\" because \"{name}\" is null"
    ))
}

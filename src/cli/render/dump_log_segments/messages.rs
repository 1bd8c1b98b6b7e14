//! The oldest layout, up to 0.10.2: a line for each message.

use std::ops::ControlFlow;

use kseg::format::fault::MessageFault;
use kseg::format::{Batch, Codec, FaultKind, Message, Record, Scratch, TimestampType};
use kseg::scan::Output;
use kseg::wire::units::LOG_OVERHEAD;

use super::style::Nested;
use super::{LogPrinter, lines};
use crate::cli::render::Push;

/// The maximum nesting of sets that are opened; in practice there are at most two.
const DEEPEST: usize = 8;

/// The position of a message.
#[derive(Clone, Copy)]
struct MessagePlace {
    /// The position of the outermost entry.
    position: u64,
    timestamp_type: TimestampType,
    depth: usize,
}

impl LogPrinter<'_> {
    /// The lines of an entry.
    pub(super) fn message_set(
        &mut self,
        batch: &Batch<'_>,
        scratch: &mut Scratch,
        out: &mut Output<'_>,
    ) -> ControlFlow<()> {
        let position = batch.position().get();
        let release = self.style.release;
        let Batch::Legacy(message) = batch else {
            let what = format_args!("a record batch of magic 2, which Kafka {release} cannot read");
            self.note(out, position, &what);
            return ControlFlow::Continue(());
        };
        if message.magic() > self.style.newest_magic {
            self.note(
                out,
                position,
                &format_args!("magic 1, which Kafka {release} cannot read"),
            );
        }
        let size = message.bytes().len() - LOG_OVERHEAD;
        if let Some(most) = self.options.largest_message
            && i32::try_from(size).map_or(true, |size| size > most)
        {
            self.note(
                out,
                position,
                &format_args!("{size} bytes exceed --max-message-size {most}"),
            );
        }
        let place = MessagePlace {
            position,
            timestamp_type: message.timestamp_type(),
            depth: 0,
        };
        if self.options.deep && message.codec() != Ok(Codec::None) {
            return self.inner_messages(*message, place, scratch, out);
        }
        match message.record() {
            Ok(record) => self.message(message, &record, place, out),
            Err(fault) => self.note(out, position, &fault),
        }
        ControlFlow::Continue(())
    }

    fn inner_messages(
        &mut self,
        wrapper: Message<'_>,
        place: MessagePlace,
        scratch: &mut Scratch,
        out: &mut Output<'_>,
    ) -> ControlFlow<()> {
        let records = match Batch::Legacy(wrapper).records(scratch) {
            Ok(records) => records,
            Err(fault) => {
                self.note(out, place.position, &fault);
                return ControlFlow::Continue(());
            }
        };
        for record in records {
            match record.map(|record| (record, record.message())) {
                Ok((record, Some(message))) => {
                    let opened = self.style.nested == Nested::Opened && place.depth < DEEPEST;
                    if opened && message.codec() != Ok(Codec::None) {
                        let deeper = MessagePlace {
                            depth: place.depth + 1,
                            ..place
                        };
                        self.inner_messages(message, deeper, &mut Scratch::default(), out)?;
                    } else {
                        self.message(&message, &record, place, out);
                    }
                }
                Ok((_, None)) => {}
                Err(fault)
                    if fault.kind() == FaultKind::Message(MessageFault::WrapperNested)
                        && self.style.nested != Nested::Breaks => {}
                Err(fault) => self.note(out, place.position, &fault),
            }
            out.poll()?;
        }
        ControlFlow::Continue(())
    }

    fn message(
        &mut self,
        message: &Message<'_>,
        record: &Record<'_>,
        place: MessagePlace,
        out: &mut Output<'_>,
    ) {
        // Before 0.11 compressed sets were not expected to follow each other.
        if message.codec() == Ok(Codec::None) {
            self.fold.gaps.push(record.offset().get());
        } else {
            self.fold.gaps.skip(record.offset().get());
        }
        let line = out.text();
        line.text("offset: ")
            .int(record.offset().get())
            .text(" position: ")
            .int(place.position);
        if self.style.timestamps {
            line.text(" ")
                .text(place.timestamp_type.name())
                .text(": ")
                .int(record.timestamp().get());
        }
        line.text(" isvalid: ").bool(lines::is_valid(message));
        line.text(" payloadsize: ")
            .int(record.value_size())
            .text(" magic: ")
            .int(message.magic());
        line.text(" compresscodec: ");
        lines::push_codec(line, self.style, message.codec());
        line.text(" crc: ").int(message.stored_crc());
        if record.key_size() >= 0 {
            line.text(" keysize: ").int(record.key_size());
        }
        let reported = self.contents.push(line, record);
        line.push(b'\n');
        if let Err(what) = reported {
            let what = format!("offset {}: {what}", record.offset());
            self.note(out, place.position, &what);
        }
    }
}

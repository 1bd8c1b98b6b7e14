//! Things to bytes: what commands print.

pub(crate) mod coordinators;
pub(crate) mod dump_log_segments;
mod fields;
pub(crate) mod json;
pub(crate) mod listing;
pub(crate) mod records;
pub(crate) mod rows;
pub(crate) mod table;
pub(crate) mod time;

use kseg::scan::Output;

/// Appends text and numbers to a line in the making.
pub(crate) trait Push {
    /// Appends `text` as it is.
    fn text(&mut self, text: &str) -> &mut Self;

    /// Appends `number` in decimal.
    fn int(&mut self, number: impl itoa::Integer) -> &mut Self;

    /// Appends `true` or `false`.
    fn bool(&mut self, value: bool) -> &mut Self {
        self.text(if value { "true" } else { "false" })
    }
}

/// Text in the making, of which what is finished can be handed on, so that no large value is ever held whole.
pub(crate) trait Page {
    /// What was not handed on yet.
    fn page(&mut self) -> &mut Vec<u8>;

    /// Takes note that everything on the page is finished.
    fn turn(&mut self);
}

/// Text that is held to the end.
impl Page for Vec<u8> {
    #[inline]
    fn page(&mut self) -> &mut Vec<u8> {
        self
    }

    fn turn(&mut self) {}
}

/// Text that a scan hands on.
impl Page for Pages<'_, '_> {
    #[inline]
    fn page(&mut self) -> &mut Vec<u8> {
        self.0.text()
    }

    fn turn(&mut self) {
        // That nobody wants it any more shows again after the record.
        let _flow = self.0.poll();
    }
}

/// The output of a scan, as pages.
#[derive(Debug)]
pub(crate) struct Pages<'o, 's>(pub(crate) &'o mut Output<'s>);

impl<P: Page + ?Sized> Push for P {
    #[inline]
    fn text(&mut self, text: &str) -> &mut Self {
        self.page().extend_from_slice(text.as_bytes());
        self
    }

    #[inline]
    fn int(&mut self, number: impl itoa::Integer) -> &mut Self {
        let mut buffer = itoa::Buffer::new();
        self.page()
            .extend_from_slice(buffer.format(number).as_bytes());
        self
    }
}

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

impl Push for Vec<u8> {
    #[inline]
    fn text(&mut self, text: &str) -> &mut Self {
        self.extend_from_slice(text.as_bytes());
        self
    }

    #[inline]
    fn int(&mut self, number: impl itoa::Integer) -> &mut Self {
        self.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        self
    }
}

//! A column in the making, in the layout of Arrow's columnar format.

use kseg::decode::avro::TimeUnit;

use super::{ColumnType, Field};

/// The values of a column.
#[derive(Debug, Clone)]
pub(crate) struct Array {
    rows: usize,
    nulls: usize,
    /// A bit a row, set where there is a value; empty as long as there are no nulls.
    validity: Vec<u8>,
    data: Data,
}

/// The bytes of the values. Ends are those of each row; the first begins at 0.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    /// A bit a row.
    Bits(Vec<u8>),
    /// As many bytes a row as the type says, little-endian.
    Fixed(Vec<u8>, usize),
    /// Bytes of any length.
    Bytes(Vec<i32>, Vec<u8>),
    /// Rows of another column.
    List(Vec<i32>, Box<Array>),
    /// Columns side by side, with as many rows.
    Struct(Vec<Array>),
}

impl Array {
    /// An empty column.
    pub(crate) fn new(kind: &ColumnType) -> Self {
        let data = match kind {
            ColumnType::Binary | ColumnType::Utf8 => Data::Bytes(Vec::new(), Vec::new()),
            ColumnType::Bool => Data::Bits(Vec::new()),
            ColumnType::Int(width) => Data::Fixed(Vec::new(), width.bytes()),
            ColumnType::Float | ColumnType::Date | ColumnType::Time(TimeUnit::Millis) => {
                Data::Fixed(Vec::new(), 4)
            }
            ColumnType::Double | ColumnType::Time(_) | ColumnType::Timestamp { .. } => {
                Data::Fixed(Vec::new(), 8)
            }
            ColumnType::Decimal { .. } => Data::Fixed(Vec::new(), 16),
            ColumnType::List(item) => Data::List(Vec::new(), Box::new(Self::new(&item.kind))),
            ColumnType::Map(value) => {
                let pair = vec![Self::new(&ColumnType::Utf8), Self::new(&value.kind)];
                Data::List(Vec::new(), Box::new(Self::with(Data::Struct(pair))))
            }
            ColumnType::Struct(fields) => Data::Struct(Self::of(fields)),
        };
        Self::with(data)
    }

    fn with(data: Data) -> Self {
        Self {
            rows: 0,
            nulls: 0,
            validity: Vec::new(),
            data,
        }
    }

    /// An empty column for each field.
    pub(crate) fn of(fields: &[Field]) -> Vec<Self> {
        fields.iter().map(|field| Self::new(&field.kind)).collect()
    }

    /// Returns how many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Returns how many of them are null.
    pub(crate) fn nulls(&self) -> usize {
        self.nulls
    }

    /// A bit a row, set where there is a value; empty if there are no nulls.
    pub(crate) fn validity(&self) -> &[u8] {
        &self.validity
    }

    /// The values.
    pub(crate) fn data(&self) -> &Data {
        &self.data
    }

    /// Returns how many columns there are in it, itself included: so much a null costs.
    pub(crate) fn width(&self) -> usize {
        match &self.data {
            Data::Struct(columns) => columns.iter().map(Self::width).sum::<usize>() + 1,
            _ => 1,
        }
    }

    /// The values, for those who move them out for a while.
    #[cfg(feature = "parquet")]
    pub(crate) fn data_mut(&mut self) -> &mut Data {
        &mut self.data
    }

    /// Returns true if a row has a value.
    pub(crate) fn is_valid(&self, row: usize) -> bool {
        let byte = self.validity.get(row / 8);
        byte.is_none_or(|byte| byte >> (row % 8) & 1 == 1)
    }

    /// Removes all rows; the memory stays for the next ones.
    pub(crate) fn clear(&mut self) {
        (self.rows, self.nulls) = (0, 0);
        self.validity.clear();
        match &mut self.data {
            Data::Bits(values) | Data::Fixed(values, _) => values.clear(),
            Data::Bytes(ends, values) => {
                ends.clear();
                values.clear();
            }
            Data::List(ends, items) => {
                ends.clear();
                items.clear();
            }
            Data::Struct(columns) => columns.iter_mut().for_each(Self::clear),
        }
    }

    /// Removes what was appended after so many rows, and what was begun of another one.
    pub(crate) fn truncate(&mut self, rows: usize) {
        let is_valid = |row: &usize| self.is_valid(*row);
        self.nulls -= (rows..self.rows).filter(|row| !is_valid(row)).count();
        self.rows = rows.min(self.rows);
        if self.nulls == 0 {
            self.validity.clear();
        } else {
            truncate_bits(&mut self.validity, rows);
        }
        match &mut self.data {
            Data::Bits(values) => truncate_bits(values, rows),
            Data::Fixed(values, width) => values.truncate(rows * *width),
            Data::Bytes(ends, values) => {
                ends.truncate(rows);
                values.truncate(last_end(ends));
            }
            Data::List(ends, items) => {
                ends.truncate(rows);
                items.truncate(last_end(ends));
            }
            Data::Struct(columns) => columns.iter_mut().for_each(|column| column.truncate(rows)),
        }
    }

    /// Appends a null.
    pub(crate) fn push_null(&mut self) {
        if self.nulls == 0 {
            self.validity.clear();
            self.validity.resize(self.rows / 8, 0xff);
            let rest = self.rows % 8;
            if rest > 0 {
                self.validity.push((1 << rest) - 1);
            }
        }
        push_bit(&mut self.validity, self.rows, false);
        self.rows += 1;
        self.nulls += 1;
        match &mut self.data {
            Data::Bits(values) => push_bit(values, self.rows - 1, false),
            Data::Fixed(values, width) => values.resize(values.len() + *width, 0),
            Data::Bytes(ends, values) => ends.push(end(values.len())),
            Data::List(ends, items) => ends.push(end(items.rows)),
            Data::Struct(columns) => columns.iter_mut().for_each(Self::push_null),
        }
    }

    /// Counts a row that has a value.
    #[inline]
    fn push_valid(&mut self) {
        if self.nulls > 0 {
            push_bit(&mut self.validity, self.rows, true);
        }
        self.rows += 1;
    }

    /// Appends bytes, or a null.
    #[inline]
    pub(crate) fn push_bytes(&mut self, bytes: Option<&[u8]>) {
        match (bytes, &mut self.data) {
            (Some(bytes), Data::Bytes(ends, values)) => {
                values.extend_from_slice(bytes);
                ends.push(end(values.len()));
                self.push_valid();
            }
            _ => self.push_null(),
        }
    }

    /// Appends the bytes that `write` appends, or a null if it says false.
    #[inline]
    pub(crate) fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>) -> bool) {
        if let Data::Bytes(ends, values) = &mut self.data
            && write(values)
        {
            ends.push(end(values.len()));
            self.push_valid();
        } else {
            self.push_null();
        }
    }

    /// Appends an integer of the column's width, or a null.
    #[inline]
    #[expect(
        clippy::little_endian_bytes,
        reason = "the order of bytes that the schema says"
    )]
    pub(crate) fn push_int(&mut self, number: Option<impl Into<i64>>) {
        match (number, &mut self.data) {
            (Some(number), Data::Fixed(values, width)) => {
                let bytes = number.into().to_le_bytes();
                values.extend_from_slice(bytes.get(..*width).unwrap_or(&bytes));
                self.push_valid();
            }
            _ => self.push_null(),
        }
    }

    /// Appends the bytes of a number of the column's width.
    pub(crate) fn push_fixed(&mut self, bytes: &[u8]) {
        match &mut self.data {
            Data::Fixed(values, width) if bytes.len() == *width => {
                values.extend_from_slice(bytes);
                self.push_valid();
            }
            _ => self.push_null(),
        }
    }

    /// The column of the items of a list; [`Array::end_list`] makes what was appended to it a row.
    pub(crate) fn items(&mut self) -> Option<&mut Self> {
        match &mut self.data {
            Data::List(_, items) => Some(items),
            _ => None,
        }
    }

    /// Ends a list.
    pub(crate) fn end_list(&mut self) {
        if let Data::List(ends, items) = &mut self.data {
            ends.push(end(items.rows));
            self.push_valid();
        }
    }

    /// The columns of a struct; when each has one more, [`Array::end_struct`] makes that a row.
    pub(crate) fn columns(&mut self) -> &mut [Self] {
        match &mut self.data {
            Data::Struct(columns) => columns,
            _ => &mut [],
        }
    }

    /// Ends a struct.
    pub(crate) fn end_struct(&mut self) {
        self.push_valid();
    }

    /// Appends true or false.
    pub(crate) fn push_bool(&mut self, value: bool) {
        if let Data::Bits(values) = &mut self.data {
            push_bit(values, self.rows, value);
            self.push_valid();
        } else {
            self.push_null();
        }
    }

    /// Appends a row of as many items as `fill` appends to the columns of a list of structs.
    #[inline]
    pub(crate) fn push_structs(&mut self, fill: impl FnOnce(&mut Structs<'_>)) {
        let Data::List(ends, items) = &mut self.data else {
            return self.push_null();
        };
        fill(&mut Structs(items));
        ends.push(end(items.rows));
        self.push_valid();
    }
}

/// The structs of a list.
pub(crate) struct Structs<'a>(&'a mut Array);

impl Structs<'_> {
    /// Appends a struct, whose columns `fill` gives a value each.
    pub(crate) fn push(&mut self, fill: impl FnOnce(&mut [Array])) {
        if let Data::Struct(columns) = &mut self.0.data {
            fill(columns);
        }
        self.0.push_valid();
    }
}

/// An end as Arrow has it. Batches are cut long before it would not fit, and no value of Kafka's is
/// as large.
fn end(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

/// Returns where the last row ends.
fn last_end(ends: &[i32]) -> usize {
    let last = ends.last().copied().unwrap_or_default();
    usize::try_from(last).unwrap_or_default()
}

fn truncate_bits(bits: &mut Vec<u8>, rows: usize) {
    bits.truncate(rows.div_ceil(8));
    // Bits are set in what was appended as zeros.
    if let Some(last) = bits.last_mut().filter(|_| !rows.is_multiple_of(8)) {
        *last &= (1 << (rows % 8)) - 1;
    }
}

fn push_bit(bits: &mut Vec<u8>, at: usize, bit: bool) {
    if at.is_multiple_of(8) {
        bits.push(0);
    }
    if let Some(last) = bits.last_mut() {
        *last |= u8::from(bit) << (at % 8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::columns::Width;

    #[test]
    fn nulls_are_where_they_were_pushed() {
        for before in [0_usize, 1, 7, 8, 9, 16] {
            let mut array = Array::new(&ColumnType::Int(Width::Four));
            for _ in 0..before {
                array.push_int(Some(1));
            }
            array.push_int(None::<i32>);
            array.push_int(Some(-2));
            let valid: Vec<bool> = (0..array.rows()).map(|row| array.is_valid(row)).collect();
            let mut expected = vec![true; before];
            expected.extend([false, true]);
            assert_eq!(valid, expected);
            assert_eq!(array.nulls(), 1);
            let Data::Fixed(bytes, 4) = array.data() else {
                panic!()
            };
            assert_eq!(bytes[bytes.len() - 4..], [0xfe, 0xff, 0xff, 0xff]);
        }
    }

    #[test]
    fn a_truncated_column_is_as_before() {
        let header = vec![
            Field::new("a", ColumnType::Bool),
            Field::new("b", ColumnType::Utf8),
        ];
        let item = Field::new("element", ColumnType::Struct(header));
        let kind = ColumnType::List(Box::new(item));
        let push = |array: &mut Array, row: usize| {
            if row % 3 == 2 {
                return array.push_null();
            }
            array.push_structs(|structs| {
                for n in 0..row {
                    structs.push(|columns| {
                        columns[0].push_bool(n % 2 == 0);
                        columns[1].push_bytes((n % 5 != 0).then_some(b"text"));
                    });
                }
            });
        };
        for rows in 0..20 {
            let mut array = Array::new(&kind);
            (0..rows).for_each(|row| push(&mut array, row));
            let before = format!("{array:?}");
            (rows..rows + 10).for_each(|row| push(&mut array, row));
            // A row that was only begun.
            array.items().unwrap().columns()[0].push_bool(true);
            array.truncate(rows);
            assert_eq!(format!("{array:?}"), before);
        }
    }

    #[test]
    fn a_cleared_column_is_empty() {
        let mut array = Array::new(&ColumnType::Utf8);
        array.push_bytes(Some(b"x"));
        array.push_bytes(None);
        array.clear();
        array.push_bytes(Some(b"yz"));
        assert_eq!((array.rows(), array.nulls()), (1, 0));
        assert!(array.validity().is_empty() && array.is_valid(0));
        assert!(matches!(array.data(), Data::Bytes(ends, bytes) if ends == &[2] && bytes == b"yz"));
    }
}

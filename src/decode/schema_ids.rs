//! The schema ids at the beginning of keys and values that a schema registry's serializers wrote.
//!
//! # References
//! Confluent's wire format: a zero, the id in four bytes, the payload.

use std::collections::BTreeSet;

/// The maximum number of ids: more of them are not ids, since any four bytes after a zero look like
/// one.
const MOST_IDS: usize = 10_000;

/// The schema ids of the keys and of the values of a topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaIds {
    /// Of the keys.
    pub keys: FramedIds,
    /// Of the values.
    pub values: FramedIds,
}

/// The schema ids of keys, or of values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FramedIds {
    ids: BTreeSet<i32>,
    /// The last one: most records have the id of the record before them.
    last: Option<i32>,
    /// True if one of them does not begin like the framing: then none of them counts as framed.
    is_other: bool,
}

impl SchemaIds {
    /// Adds a record.
    #[inline]
    pub fn take(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) {
        self.keys.take(key);
        self.values.take(value);
    }

    /// Adds the ids of more records.
    pub fn merge(&mut self, more: Self) {
        self.keys.merge(more.keys);
        self.values.merge(more.values);
    }
}

impl FramedIds {
    #[inline]
    fn take(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            _ if self.is_other => {}
            None => {}
            Some([0, a, b, c, d, ..]) => {
                let id = i32::from_be_bytes([*a, *b, *c, *d]);
                if self.last != Some(id) {
                    self.insert(id);
                }
            }
            Some(_) => self.set_other(),
        }
    }

    fn insert(&mut self, id: i32) {
        self.last = Some(id);
        self.ids.insert(id);
        if self.ids.len() > MOST_IDS {
            self.set_other();
        }
    }

    fn set_other(&mut self) {
        self.is_other = true;
        self.ids.clear();
    }

    fn merge(&mut self, more: Self) {
        if more.is_other {
            self.set_other();
        }
        for id in more.ids {
            if !self.is_other {
                self.insert(id);
            }
        }
    }

    /// The ids.
    pub fn ids(&self) -> impl Iterator<Item = i32> {
        self.ids.iter().copied()
    }

    /// The ids, if all keys or values begin like the framing and one of the ids is known; otherwise
    /// none.
    pub fn framed(&self, is_known: impl Fn(i32) -> bool) -> impl Iterator<Item = i32> {
        let is_framed = !self.is_other && self.ids.iter().any(|id| is_known(*id));
        self.ids.iter().copied().filter(move |_| is_framed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(of: &FramedIds) -> Vec<i32> {
        of.framed(|id| id == 7).collect()
    }

    #[test]
    fn ids_count_where_everything_is_framed_and_one_is_known() {
        let mut found = SchemaIds::default();
        found.take(Some(b"\0\0\0\0\x07x"), Some(b"\0\0\0\0\x08"));
        found.take(None, Some(b"\0\0\0\0\x07"));
        let mut more = SchemaIds::default();
        more.take(Some(b"\0\0\0\0\x09"), None);
        found.merge(more);
        assert_eq!(ids(&found.keys), [7, 9]);
        assert_eq!(ids(&found.values), [7, 8]);
        found.take(Some(b"\0\0\0\x07"), None);
        assert_eq!(ids(&found.keys), [0; 0]);
        let mut unknown = SchemaIds::default();
        unknown.take(Some(b"\0\0\0\0\x08"), None);
        assert_eq!(ids(&unknown.keys), [0; 0]);
    }

    #[test]
    fn more_ids_than_a_topic_has_are_none() {
        let mut found = FramedIds::default();
        for id in 0..=i32::try_from(MOST_IDS).unwrap() {
            let [a, b, c, d] = id.to_be_bytes();
            found.take(Some(&[0, a, b, c, d]));
        }
        assert_eq!(ids(&found), [0; 0]);
    }
}

//! JSON, as far as Kafka's small files need it: one value in a text.
//!
//! Numbers stay text; the depth is bounded; names may repeat, and the last one counts.

use super::fault::{Fault, JsonFault};

/// The maximum depth of arrays and objects.
const DEPTH: u8 = 128;

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as written.
    Number(&'a str),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Json<'a>>),
    /// An object, in the order of the text.
    Object(Vec<(String, Json<'a>)>),
}

impl<'a> Json<'a> {
    /// Reads the value that `bytes` begin with; only blanks may follow.
    ///
    /// # Errors
    /// The bytes are not JSON, or nested too deeply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Fault> {
        let source = std::str::from_utf8(bytes)
            .map_err(|error| Fault::new(JsonFault::Encoding, error.valid_up_to()))?;
        let mut reader = JsonReader {
            rest: source,
            length: source.len(),
        };
        let value = reader.value(0)?;
        reader.skip_blanks();
        if reader.rest.is_empty() {
            Ok(value)
        } else {
            Err(reader.wrong())
        }
    }

    /// The field of an object.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json<'a>> {
        match self {
            Self::Object(fields) => fields
                .iter()
                .rev()
                .find(|(field, _)| field == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// An integer.
    #[must_use]
    pub fn int(&self) -> Option<i64> {
        match self {
            Self::Number(digits) => digits.parse().ok(),
            _ => None,
        }
    }

    /// A string.
    #[must_use]
    pub fn string(&self) -> Option<&str> {
        match self {
            Self::String(string) => Some(string),
            _ => None,
        }
    }

    /// The elements of an array; empty for any other value.
    #[must_use]
    pub fn elements(&self) -> &[Json<'a>] {
        match self {
            Self::Array(elements) => elements,
            _ => &[],
        }
    }
}

/// Reads from front to back.
struct JsonReader<'a> {
    rest: &'a str,
    length: usize,
}

impl<'a> JsonReader<'a> {
    fn wrong(&self) -> Fault {
        Fault::new(JsonFault::Syntax, self.at())
    }

    fn at(&self) -> usize {
        self.length.saturating_sub(self.rest.len())
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Takes `token`, if it is next.
    fn take(&mut self, token: &str) -> bool {
        let after = self.rest.strip_prefix(token);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn value(&mut self, depth: u8) -> Result<Json<'a>, Fault> {
        self.skip_blanks();
        if depth > DEPTH {
            return Err(Fault::new(JsonFault::Depth, self.at()));
        }
        let inner = depth.saturating_add(1);
        if self.take("{") {
            return self
                .list("}", |reader| {
                    reader.skip_blanks();
                    if !reader.take("\"") {
                        return Err(reader.wrong());
                    }
                    let name = reader.string()?;
                    reader.skip_blanks();
                    if !reader.take(":") {
                        return Err(reader.wrong());
                    }
                    Ok((name, reader.value(inner)?))
                })
                .map(Json::Object);
        }
        if self.take("[") {
            return self
                .list("]", |reader| reader.value(inner))
                .map(Json::Array);
        }
        for (word, value) in [
            ("null", Json::Null),
            ("true", Json::Bool(true)),
            ("false", Json::Bool(false)),
        ] {
            if self.take(word) {
                return Ok(value);
            }
        }
        if self.take("\"") {
            return self.string().map(Json::String);
        }
        self.number()
    }

    /// Elements between commas, up to `end`.
    fn list<T>(
        &mut self,
        end: &str,
        mut element: impl FnMut(&mut Self) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let mut list = Vec::new();
        self.skip_blanks();
        if self.take(end) {
            return Ok(list);
        }
        loop {
            list.push(element(self)?);
            self.skip_blanks();
            if self.take(end) {
                return Ok(list);
            }
            if !self.take(",") {
                return Err(self.wrong());
            }
        }
    }

    fn number(&mut self) -> Result<Json<'a>, Fault> {
        let is_part = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (number, after) = self.rest.split_at_checked(end).ok_or(self.wrong())?;
        if number.parse::<f64>().is_err() {
            return Err(self.wrong());
        }
        self.rest = after;
        Ok(Json::Number(number))
    }

    /// The rest of a string whose quote is taken.
    fn string(&mut self) -> Result<String, Fault> {
        let mut string = String::new();
        loop {
            let end = self.rest.find(['"', '\\']).ok_or(self.wrong())?;
            let (plain, after) = self.rest.split_at_checked(end).ok_or(self.wrong())?;
            string.push_str(plain);
            self.rest = after;
            if self.take("\"") {
                return Ok(string);
            }
            string.push(self.escape()?);
        }
    }

    /// A backslash and what follows.
    fn escape(&mut self) -> Result<char, Fault> {
        for (written, meant) in [
            ("\\\"", '"'),
            ("\\\\", '\\'),
            ("\\/", '/'),
            ("\\b", '\x08'),
            ("\\f", '\x0c'),
            ("\\n", '\n'),
            ("\\r", '\r'),
            ("\\t", '\t'),
        ] {
            if self.take(written) {
                return Ok(meant);
            }
        }
        let first = self.unit()?;
        let code = match first {
            0xd800..=0xdbff => {
                let second = self.unit()?;
                match char::decode_utf16([first, second]).next() {
                    Some(Ok(c)) => return Ok(c),
                    _ => return Err(self.wrong()),
                }
            }
            other => u32::from(other),
        };
        char::from_u32(code).ok_or(self.wrong())
    }

    /// `\u` and four digits.
    fn unit(&mut self) -> Result<u16, Fault> {
        let digits = self
            .rest
            .strip_prefix("\\u")
            .and_then(|rest| rest.get(..4))
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .ok_or(self.wrong())?;
        let unit = u16::from_str_radix(digits, 16).map_err(|_| self.wrong())?;
        self.rest = self.rest.get(6..).unwrap_or_default();
        Ok(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_kind_are_read() {
        let value =
            Json::parse(br#" {"a":[1,-2.5e3,"x\"\u00e9\ud83d\ude00"],"b":null,"c":{},"d":true} "#)
                .unwrap();
        let list = value.get("a").unwrap().elements();
        assert_eq!(list[0].int(), Some(1));
        assert_eq!(list[1], Json::Number("-2.5e3"));
        assert_eq!(list[2].string(), Some("x\"\u{e9}\u{1f600}"));
        assert_eq!(value.get("b"), Some(&Json::Null));
        assert_eq!(value.get("d"), Some(&Json::Bool(true)));
        assert_eq!(value.get("e"), None);
    }

    #[test]
    fn what_is_no_json_is_a_fault_with_a_place() {
        let table: [(&[u8], JsonFault, usize); 9] = [
            (b"", JsonFault::Syntax, 0),
            (b"{", JsonFault::Syntax, 1),
            (b"{\"a\" 1}", JsonFault::Syntax, 5),
            (b"[1 2]", JsonFault::Syntax, 3),
            (b"1 x", JsonFault::Syntax, 2),
            (b"\"\\q\"", JsonFault::Syntax, 1),
            (b"\"\\ud800x\"", JsonFault::Syntax, 7),
            (b"\"abc", JsonFault::Syntax, 1),
            (b"\xff", JsonFault::Encoding, 0),
        ];
        for (bytes, kind, at) in table {
            assert_eq!(Json::parse(bytes), Err(Fault::new(kind, at)), "{bytes:?}");
        }
        let deep = [b'['; 300];
        assert_eq!(Json::parse(&deep), Err(Fault::new(JsonFault::Depth, 129)));
    }
}

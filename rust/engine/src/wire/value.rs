//! The tagged encoding of report payloads: what JSON would lose (tuples, bytes, keys that are not text) it keeps,
//! and unlike pickle or marshal it holds no code.
//!
//! A value is a tag byte and what the tag calls for. Lengths and counts are LEB128. [`Encoder`] writes; [`decode`]
//! reads and lets a [`Builder`] make the values, so that `binding` builds Python objects without a tree in between.

use super::WireError;

/// The deepest nesting that [`decode`] follows. Reports nest to about 12: an exception chain is a list, not a nest.
pub const MAX_DEPTH: usize = 100;

/// The most values in one, however nested: an empty list takes two bytes here and about a hundred as an object, and a
/// frame of the greatest length full of them would take tens of gigabytes. A report holds some hundreds.
pub const MAX_VALUES: usize = 4_000_000;

/// Room for so many elements is made at once at most: a hostile nest of lists, each of which promises as many elements
/// as there are bytes, would otherwise claim a hundred times what it is worth.
const RESERVED: usize = 1024;

/// Tag bytes, printable so that a dump can be read.
mod tag {
    pub(super) const NONE: u8 = b'N';
    pub(super) const TRUE: u8 = b'T';
    pub(super) const FALSE: u8 = b'F';
    pub(super) const INT: u8 = b'i';
    pub(super) const BIG_INT: u8 = b'I';
    pub(super) const FLOAT: u8 = b'd';
    pub(super) const TEXT: u8 = b's';
    pub(super) const SURROGATES: u8 = b'u';
    pub(super) const BYTES: u8 = b'b';
    pub(super) const LIST: u8 = b'[';
    pub(super) const TUPLE: u8 = b'(';
    pub(super) const DICT: u8 = b'{';
    pub(super) const SET: u8 = b'<';
    pub(super) const FROZEN_SET: u8 = b'>';
}

/// Which kind of container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sequence {
    /// `list`
    List,
    /// `tuple`
    Tuple,
    /// `set`
    Set,
    /// `frozenset`
    FrozenSet,
}

/// Appends values to a buffer.
pub struct Encoder<'a>(pub &'a mut Vec<u8>);

impl Encoder<'_> {
    /// `None`
    pub fn none(&mut self) {
        self.0.push(tag::NONE);
    }

    /// `True` or `False`
    pub fn bool(&mut self, value: bool) {
        self.0.push(if value { tag::TRUE } else { tag::FALSE });
    }

    /// An integer that fits.
    pub fn int(&mut self, value: i64) {
        self.0.push(tag::INT);
        self.unsigned(((value << 1) ^ (value >> 63)) as u64);
    }

    /// Any other integer, in decimal.
    pub fn big_int(&mut self, decimal: &str) {
        self.0.push(tag::BIG_INT);
        self.counted(decimal.as_bytes());
    }

    /// A float.
    pub fn float(&mut self, value: f64) {
        self.0.push(tag::FLOAT);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Text.
    pub fn text(&mut self, value: &str) {
        self.0.push(tag::TEXT);
        self.counted(value.as_bytes());
    }

    /// Text with lone surrogates, in Python's `surrogatepass` form.
    pub fn surrogates(&mut self, value: &[u8]) {
        self.0.push(tag::SURROGATES);
        self.counted(value);
    }

    /// Bytes.
    pub fn bytes(&mut self, value: &[u8]) {
        self.0.push(tag::BYTES);
        self.counted(value);
    }

    /// The head of a container; its `count` elements follow.
    pub fn sequence(&mut self, kind: Sequence, count: usize) {
        self.0.push(match kind {
            Sequence::List => tag::LIST,
            Sequence::Tuple => tag::TUPLE,
            Sequence::Set => tag::SET,
            Sequence::FrozenSet => tag::FROZEN_SET,
        });
        self.unsigned(count as u64);
    }

    /// The head of a dict; `count` times a key and a value follow.
    pub fn dict(&mut self, count: usize) {
        self.0.push(tag::DICT);
        self.unsigned(count as u64);
    }

    fn counted(&mut self, bytes: &[u8]) {
        self.unsigned(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn unsigned(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// Makes values of what [`decode`] reads.
pub trait Builder {
    /// A value.
    type Value;
    /// Why a value cannot be made.
    type Error: From<WireError>;

    /// `None`
    fn none(&mut self) -> Result<Self::Value, Self::Error>;
    /// `True` or `False`
    fn bool(&mut self, value: bool) -> Result<Self::Value, Self::Error>;
    /// An integer.
    fn int(&mut self, value: i64) -> Result<Self::Value, Self::Error>;
    /// An integer in decimal: an optional `-` and digits, at most 4,300 of them (Python's own limit).
    fn big_int(&mut self, decimal: &str) -> Result<Self::Value, Self::Error>;
    /// A float.
    fn float(&mut self, value: f64) -> Result<Self::Value, Self::Error>;
    /// Text.
    fn text(&mut self, value: &str) -> Result<Self::Value, Self::Error>;
    /// Text in Python's `surrogatepass` form.
    fn surrogates(&mut self, value: &[u8]) -> Result<Self::Value, Self::Error>;
    /// Bytes.
    fn bytes(&mut self, value: &[u8]) -> Result<Self::Value, Self::Error>;
    /// A container.
    fn sequence(&mut self, kind: Sequence, items: Vec<Self::Value>) -> Result<Self::Value, Self::Error>;
    /// A dict.
    fn dict(&mut self, items: Vec<(Self::Value, Self::Value)>) -> Result<Self::Value, Self::Error>;
}

/// Reads one value that takes up all of `bytes`.
///
/// # Errors
/// A [`WireError`] if the bytes are not a value, or what the builder says.
pub fn decode<B: Builder>(bytes: &[u8], builder: &mut B) -> Result<B::Value, B::Error> {
    let mut reader = Reader { bytes, left: MAX_VALUES };
    let value = reader.value(builder, 0)?;
    if reader.bytes.is_empty() { Ok(value) } else { Err(WireError::Malformed("value").into()) }
}

struct Reader<'a> {
    bytes: &'a [u8],
    /// How many more values may be read.
    left: usize,
}

impl<'a> Reader<'a> {
    fn value<B: Builder>(&mut self, builder: &mut B, depth: usize) -> Result<B::Value, B::Error> {
        if depth > MAX_DEPTH {
            return Err(WireError::TooDeep.into());
        }
        self.left = self.left.checked_sub(1).ok_or(WireError::TooMany)?;
        match self.byte()? {
            tag::NONE => builder.none(),
            tag::TRUE => builder.bool(true),
            tag::FALSE => builder.bool(false),
            tag::INT => {
                let zigzag = self.unsigned()?;
                builder.int((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
            }
            tag::BIG_INT => builder.big_int(decimal(self.counted()?)?),
            tag::FLOAT => builder.float(f64::from_le_bytes(self.array()?)),
            tag::TEXT => {
                let text = std::str::from_utf8(self.counted()?).map_err(|_| WireError::Malformed("text"))?;
                builder.text(text)
            }
            tag::SURROGATES => builder.surrogates(self.counted()?),
            tag::BYTES => builder.bytes(self.counted()?),
            tag::LIST => self.sequence(Sequence::List, builder, depth),
            tag::TUPLE => self.sequence(Sequence::Tuple, builder, depth),
            tag::SET => self.sequence(Sequence::Set, builder, depth),
            tag::FROZEN_SET => self.sequence(Sequence::FrozenSet, builder, depth),
            tag::DICT => self.dict(builder, depth),
            _ => Err(WireError::Malformed("tag").into()),
        }
    }

    fn sequence<B: Builder>(&mut self, kind: Sequence, builder: &mut B, depth: usize) -> Result<B::Value, B::Error> {
        let count = self.count(1)?;
        let mut items = Vec::with_capacity(count.min(RESERVED));
        for _ in 0..count {
            items.push(self.value(builder, depth + 1)?);
        }
        builder.sequence(kind, items)
    }

    fn dict<B: Builder>(&mut self, builder: &mut B, depth: usize) -> Result<B::Value, B::Error> {
        let count = self.count(2)?;
        let mut items = Vec::with_capacity(count.min(RESERVED));
        for _ in 0..count {
            items.push((self.value(builder, depth + 1)?, self.value(builder, depth + 1)?));
        }
        builder.dict(items)
    }

    /// A number of elements, each of which takes at least `least` bytes: so many must still be there.
    fn count(&mut self, least: usize) -> Result<usize, WireError> {
        let count = usize::try_from(self.unsigned()?).map_err(|_| WireError::Truncated)?;
        if count > self.bytes.len() / least { Err(WireError::Truncated) } else { Ok(count) }
    }

    fn counted(&mut self) -> Result<&'a [u8], WireError> {
        let length = self.count(1)?;
        let (head, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (head, rest) = self.bytes.split_first_chunk::<N>().ok_or(WireError::Truncated)?;
        self.bytes = rest;
        Ok(*head)
    }

    fn byte(&mut self) -> Result<u8, WireError> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn unsigned(&mut self) -> Result<u64, WireError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(WireError::Malformed("number"))
    }
}

fn decimal(bytes: &[u8]) -> Result<&str, WireError> {
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    if digits.is_empty() || digits.len() > 4_300 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(WireError::Malformed("integer"));
    }
    std::str::from_utf8(bytes).map_err(|_| WireError::Malformed("integer"))
}

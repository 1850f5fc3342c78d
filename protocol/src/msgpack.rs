//! The part of MessagePack that nostrp2p uses: nil, booleans, unsigned numbers, texts, binary, arrays.
//!
//! Written by hand because of the size of the browser client: serde's generic code is several times as large.
//! `tests/reference.rs` compares it with rmp-serde, byte for byte.
//!
//! It writes every value in its shortest form. It reads numbers in any form that holds a non-negative one. There are
//! no maps, floats or extensions, and no nesting but that of the types here, so reading cannot recurse.

use std::collections::BTreeSet;

use crate::{EventId, Kind, Malformed, PeerId, PublicKey, Signature};

/// A value that goes into a message.
pub(crate) trait Write {
    /// Appends the value.
    fn write(&self, out: &mut Vec<u8>);
}

/// A value that comes out of a message.
pub(crate) trait Read: Sized {
    /// Takes the value off the front.
    ///
    /// # Errors
    /// When something else stands there, or the input ends.
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed>;
}

/// The bytes that are still to be read.
pub(crate) struct Input<'a>(&'a [u8]);

/// The beginning of a value: all of a number, the length of what follows of anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head {
    Nil,
    Bool(bool),
    Number(u64),
    Text(usize),
    Binary(usize),
    Array(usize),
}

/// A text or binary.
pub(crate) enum Piece<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
}

fn malformed(what: &'static str) -> Malformed {
    Malformed::Encoding(what.to_owned())
}

impl<'a> Input<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// How many bytes are left.
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    #[inline(never)]
    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(|| malformed("it is cut off"))?;
        self.0 = rest;
        Ok(taken)
    }

    /// Takes a big-endian number of so many bytes, 8 at most.
    #[inline(never)]
    fn number(&mut self, length: usize) -> Result<u64, Malformed> {
        Ok(self.take(length)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn length(&mut self, length: usize) -> Result<usize, Malformed> {
        usize::try_from(self.number(length)?).map_err(|_| malformed("a length is too large"))
    }

    #[inline(never)]
    fn head(&mut self) -> Result<Head, Malformed> {
        let marker = self.number(1)?;
        let low = |bits: u64| usize::try_from(marker & bits).unwrap_or_default();
        Ok(match marker {
            0x00..=0x7f => Head::Number(marker),
            0x90..=0x9f => Head::Array(low(0x0f)),
            0xa0..=0xbf => Head::Text(low(0x1f)),
            0xc0 => Head::Nil,
            0xc2 | 0xc3 => Head::Bool(marker == 0xc3),
            0xc4..=0xc6 => Head::Binary(self.length(1 << (marker - 0xc4))?),
            0xcc..=0xcf => Head::Number(self.number(1 << (marker - 0xcc))?),
            0xd0..=0xd3 => Head::Number(self.positive(1 << (marker - 0xd0))?),
            0xd9..=0xdb => Head::Text(self.length(1 << (marker - 0xd9))?),
            0xdc | 0xdd => Head::Array(self.length(2 << (marker - 0xdc))?),
            _ => return Err(malformed("a value of a type that is never used")),
        })
    }

    /// A signed number that is not negative, in so many bytes.
    fn positive(&mut self, length: usize) -> Result<u64, Malformed> {
        let number = self.number(length)?;
        let negative = number >> (8 * length - 1) & 1 == 1;
        if negative { Err(malformed("a number is negative")) } else { Ok(number) }
    }

    /// Takes the head of an array; what follows are so many values.
    pub(crate) fn array(&mut self) -> Result<usize, Malformed> {
        match self.head()? {
            Head::Array(length) => Ok(length),
            _ => Err(malformed("an array is missing")),
        }
    }

    /// Takes the head of an array of exactly this length.
    #[inline(never)]
    pub(crate) fn array_of(&mut self, length: usize) -> Result<(), Malformed> {
        if self.array()? == length { Ok(()) } else { Err(malformed("an array has another length")) }
    }

    /// Takes a text or binary.
    #[inline(never)]
    pub(crate) fn piece(&mut self) -> Result<Piece<'a>, Malformed> {
        match self.head()? {
            Head::Text(length) => str::from_utf8(self.take(length)?)
                .map(Piece::Text)
                .map_err(|_| malformed("a text is not valid UTF-8")),
            Head::Binary(length) => self.take(length).map(Piece::Binary),
            _ => Err(malformed("a text or binary is missing")),
        }
    }

    #[inline(never)]
    fn text(&mut self) -> Result<&'a str, Malformed> {
        match self.piece()? {
            Piece::Text(text) => Ok(text),
            Piece::Binary(_) => Err(malformed("a text is missing")),
        }
    }

    #[inline(never)]
    fn binary(&mut self) -> Result<&'a [u8], Malformed> {
        match self.piece()? {
            Piece::Binary(bytes) => Ok(bytes),
            Piece::Text(_) => Err(malformed("binary is missing")),
        }
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.binary()?.try_into().map_err(|_| malformed("binary has another length"))
    }

    #[inline(never)]
    fn unsigned(&mut self) -> Result<u64, Malformed> {
        match self.head()? {
            Head::Number(number) => Ok(number),
            _ => Err(malformed("a number is missing")),
        }
    }
}

/// Writes a marker and a big-endian number of so many bytes.
#[inline(never)]
fn write_marked(out: &mut Vec<u8>, marker: u8, number: u64, bytes: usize) {
    out.push(marker);
    out.extend_from_slice(number.to_be_bytes().get(8 - bytes..).unwrap_or_default());
}

#[inline(never)]
fn write_number(out: &mut Vec<u8>, number: u64) {
    match number {
        0..=0x7f => out.extend(number.to_be_bytes().last()),
        0x80..=0xff => write_marked(out, 0xcc, number, 1),
        0x100..=0xffff => write_marked(out, 0xcd, number, 2),
        0x1_0000..=0xffff_ffff => write_marked(out, 0xce, number, 4),
        _ => write_marked(out, 0xcf, number, 8),
    }
}

/// Writes the head of something of this length: short lengths within the marker where there is room for them.
fn write_length(out: &mut Vec<u8>, length: usize, short: (u8, usize), markers: [Option<u8>; 3]) {
    let number = length as u64;
    let [one, two, four] = markers;
    match (length, one) {
        _ if length < short.1 => out.push(short.0 | u8::try_from(length).unwrap_or_default()),
        (..=0xff, Some(one)) => write_marked(out, one, number, 1),
        (..=0xffff, _) => write_marked(out, two.unwrap_or_default(), number, 2),
        // No message comes near 4 GiB: all are bounded by `limits`.
        _ => write_marked(out, four.unwrap_or_default(), number, 4),
    }
}

#[inline(never)]
pub(crate) fn write_array(out: &mut Vec<u8>, length: usize) {
    write_length(out, length, (0x90, 16), [None, Some(0xdc), Some(0xdd)]);
}

#[inline(never)]
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    write_length(out, text.len(), (0xa0, 32), [Some(0xd9), Some(0xda), Some(0xdb)]);
    out.extend_from_slice(text.as_bytes());
}

#[inline(never)]
pub(crate) fn write_binary(out: &mut Vec<u8>, bytes: &[u8]) {
    write_length(out, bytes.len(), (0, 0), [Some(0xc4), Some(0xc5), Some(0xc6)]);
    out.extend_from_slice(bytes);
}

fn read_elements<T: Read>(input: &mut Input<'_>, mut take: impl FnMut(T)) -> Result<(), Malformed> {
    // Nothing is reserved: the length is only claimed, while each element takes up at least a byte.
    for _ in 0..input.array()? {
        take(T::read(input)?);
    }
    Ok(())
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Write for $number {
            fn write(&self, out: &mut Vec<u8>) {
                write_number(out, u64::from(*self));
            }
        }

        impl Read for $number {
            fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
                input.unsigned()?.try_into().map_err(|_| malformed("a number is too large"))
            }
        }
    )*};
}
numbers!(u8, u16, u32, u64);

macro_rules! fixed {
    ($($name:ty: $bytes:expr, $from:expr;)*) => {$(
        impl Write for $name {
            fn write(&self, out: &mut Vec<u8>) {
                write_binary(out, $bytes(self));
            }
        }

        impl Read for $name {
            fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
                input.fixed().map($from)
            }
        }
    )*};
}
fixed! {
    PublicKey: Self::as_bytes, Self::from_bytes;
    EventId: Self::as_bytes, Self::from_bytes;
    Signature: Self::as_bytes, Self::from_bytes;
    PeerId: Self::as_ed25519, Self::from_ed25519;
}

impl<const N: usize> Write for serde_bytes::ByteArray<N> {
    fn write(&self, out: &mut Vec<u8>) {
        write_binary(out, self.as_slice());
    }
}

impl<const N: usize> Read for serde_bytes::ByteArray<N> {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        input.fixed().map(Self::new)
    }
}

impl Write for serde_bytes::Bytes {
    fn write(&self, out: &mut Vec<u8>) {
        write_binary(out, self);
    }
}

impl Write for serde_bytes::ByteBuf {
    fn write(&self, out: &mut Vec<u8>) {
        write_binary(out, self);
    }
}

impl Read for serde_bytes::ByteBuf {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        input.binary().map(Self::from)
    }
}

impl Write for Kind {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}

impl Read for Kind {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        u16::read(input).map(Self)
    }
}

impl Write for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(if *self { 0xc3 } else { 0xc2 });
    }
}

impl Read for bool {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        match input.head()? {
            Head::Bool(value) => Ok(value),
            _ => Err(malformed("a yes or no is missing")),
        }
    }
}

impl Write for str {
    fn write(&self, out: &mut Vec<u8>) {
        write_text(out, self);
    }
}

impl Write for String {
    fn write(&self, out: &mut Vec<u8>) {
        write_text(out, self);
    }
}

impl Read for String {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        input.text().map(str::to_owned)
    }
}

impl Write for char {
    fn write(&self, out: &mut Vec<u8>) {
        write_text(out, self.encode_utf8(&mut [0; 4]));
    }
}

impl Read for char {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        let mut letters = input.text()?.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) => Ok(letter),
            _ => Err(malformed("a letter is missing")),
        }
    }
}

impl<T: Write> Write for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.write(out),
            None => out.push(0xc0),
        }
    }
}

impl<T: Read> Read for Option<T> {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        if let [0xc0, rest @ ..] = input.0 {
            input.0 = rest;
            return Ok(None);
        }
        T::read(input).map(Some)
    }
}

impl<T: Write + ?Sized> Write for &T {
    fn write(&self, out: &mut Vec<u8>) {
        (*self).write(out);
    }
}

impl<T: Write> Write for [T] {
    fn write(&self, out: &mut Vec<u8>) {
        write_array(out, self.len());
        self.iter().for_each(|value| value.write(out));
    }
}

impl<T: Write> Write for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        self.as_slice().write(out);
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        let mut values = Self::new();
        read_elements(input, |value| values.push(value))?;
        Ok(values)
    }
}

impl<T: Write> Write for BTreeSet<T> {
    fn write(&self, out: &mut Vec<u8>) {
        write_array(out, self.len());
        self.iter().for_each(|value| value.write(out));
    }
}

impl<T: Read + Ord> Read for BTreeSet<T> {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        let mut values = Self::new();
        read_elements(input, |value| {
            values.insert(value);
        })?;
        Ok(values)
    }
}

macro_rules! tuples {
    ($($length:literal: $($name:ident)*;)*) => {$(
        impl<$($name: Write),*> Write for ($($name,)*) {
            #[expect(non_snake_case, reason = "the names of the types serve for their values")]
            fn write(&self, out: &mut Vec<u8>) {
                let ($($name,)*) = self;
                write_array(out, $length);
                $($name.write(out);)*
            }
        }

        impl<$($name: Read),*> Read for ($($name,)*) {
            fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
                input.array_of($length)?;
                Ok(($($name::read(input)?,)*))
            }
        }
    )*};
}
tuples! {
    1: A;
    2: A B;
    3: A B C;
    4: A B C D;
    5: A B C D E;
    6: A B C D E F;
    7: A B C D E F G;
}

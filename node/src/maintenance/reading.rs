//! The file formats in which relays and clients export events; it yields the text of one event at a time.
//!
//! JSON lines (NIP-01), JSON arrays of events on one line or many, messages of a relay (`["EVENT", {...}]`,
//! `["EVENT", "subscription", {...}]`), each with or without a byte-order mark, and each also in gzip. It
//! deliberately does not look into an event: `import.rs` checks each.

use std::io::{self, BufRead, BufReader};

use flate2::bufread::MultiGzDecoder;
use nostrp2p_protocol::limits::MAX_OWNER_MESSAGE_BYTES;

/// Longest text of one event: a long list in JSON with white space, and more than 64 KiB whose every byte is escaped.
const MAX_TEXT_BYTES: usize = MAX_OWNER_MESSAGE_BYTES;
/// How much of what is not understood is shown.
const SHOWN_BYTES: usize = 512;
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The next item of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// A JSON object, which should be an event, and the line in which it begins.
    Object(u64, Vec<u8>),
    /// A message of a relay that holds no event, such as EOSE.
    Message,
    /// Something else, shown in part, with its line and the reason why it is no event.
    Nothing(u64, Vec<u8>, &'static str),
}

/// Reads an input item by item. Memory is bounded by the longest event, whatever the length of a line.
pub(super) struct Items<R> {
    input: R,
    line: u64,
    /// Within an array over several lines.
    in_array: bool,
}

/// Unpacks gzip, which its first two bytes tell.
///
/// # Errors
/// When the input cannot be read.
pub(super) fn open<'a>(mut input: impl BufRead + 'a) -> io::Result<Items<Box<dyn BufRead + 'a>>> {
    let packed = input.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    let mut input: Box<dyn BufRead + 'a> =
        if packed { Box::new(BufReader::new(MultiGzDecoder::new(input))) } else { Box::new(input) };
    skip_byte_order_mark(&mut input)?;
    Ok(Items { input, line: 1, in_array: false })
}

fn skip_byte_order_mark(input: &mut impl BufRead) -> io::Result<()> {
    // A reader that gives its bytes one by one does not begin with the mark in one piece, but files do.
    if input.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
        input.consume(BYTE_ORDER_MARK.len());
    }
    Ok(())
}

impl<R: BufRead> Items<R> {
    /// The line that is being read, counted from 1.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// The next item; none at the end.
    ///
    /// # Errors
    /// When the input cannot be read.
    pub(super) fn next(&mut self) -> io::Result<Option<Item>> {
        loop {
            let line = self.line;
            match self.peek()? {
                None if std::mem::take(&mut self.in_array) => {
                    return Ok(Some(nothing(line, Vec::new(), "the array is cut off")));
                }
                None => return Ok(None),
                Some(b'\n') => {
                    self.bump()?;
                    self.line += 1;
                }
                Some(byte) if byte.is_ascii_whitespace() => self.bump()?,
                Some(b',') if self.in_array => self.bump()?,
                Some(b']') if self.in_array => {
                    self.bump()?;
                    self.in_array = false;
                }
                Some(b'{') => return self.object(line).map(Some),
                Some(b'[') => {
                    self.bump()?;
                    if self.peek_beyond_spaces()? == Some(b'"') {
                        return self.message(line).map(Some);
                    }
                    self.in_array = true;
                }
                Some(_) => return self.rest_of_line(line, Vec::new(), "this is no event").map(Some),
            }
        }
    }

    /// An object up to its last brace. An event holds no other object, so a second brace begins the next one: what was cut
    /// off costs that event alone.
    fn object(&mut self, line: u64) -> io::Result<Item> {
        let mut text = Vec::new();
        let (mut scan, mut length) = (Scan::default(), 0);
        loop {
            let buffer = self.input.fill_buf()?;
            let (used, end) = scan.through(buffer);
            let part = buffer.get(..used).unwrap_or_default();
            self.line += part.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
            length += used;
            text.extend(part.iter().take(MAX_TEXT_BYTES.saturating_sub(text.len())));
            let at_end = buffer.is_empty();
            self.input.consume(used);
            return Ok(match end {
                Some(End::Whole) if length > MAX_TEXT_BYTES => nothing(line, text, "this event is too long"),
                Some(End::Whole) => Item::Object(line, text),
                Some(End::CutOff) => nothing(line, text, "this event is cut off"),
                None if at_end => nothing(line, text, "this event is cut off"),
                None => continue,
            });
        }
    }

    /// A message of a relay, whose first bracket was read: `"EVENT"` leads to the object in it, others hold no event.
    fn message(&mut self, line: u64) -> io::Result<Item> {
        let mut name = Vec::new();
        while let Some(byte) = self.peek()? {
            match byte {
                b'{' if name.starts_with(b"\"EVENT\"") => {
                    let object = self.object(line)?;
                    if self.peek_beyond_spaces()? == Some(b']') {
                        self.bump()?;
                    }
                    return Ok(object);
                }
                // Some programs spread what they export over lines.
                b'\n' if !name.starts_with(b"\"EVENT\"") => break,
                b']' if name.iter().filter(|byte| **byte == b'"').count() % 2 == 0 => break,
                _ if name.len() >= SHOWN_BYTES => break,
                _ => {
                    self.bump()?;
                    self.line += u64::from(byte == b'\n');
                    name.push(byte);
                }
            }
        }
        let known = [&b"\"EOSE\""[..], b"\"OK\"", b"\"NOTICE\"", b"\"CLOSED\"", b"\"AUTH\"", b"\"COUNT\""];
        let is_known = known.iter().any(|known| name.starts_with(known));
        let rest = self.rest_of_line(line, name, "this is no event")?;
        Ok(if is_known { Item::Message } else { rest })
    }

    fn rest_of_line(&mut self, line: u64, mut shown: Vec<u8>, reason: &'static str) -> io::Result<Item> {
        while let Some(byte) = self.peek()?.filter(|byte| *byte != b'\n') {
            self.bump()?;
            if shown.len() < SHOWN_BYTES {
                shown.push(byte);
            }
        }
        Ok(nothing(line, shown, reason))
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    fn peek_beyond_spaces(&mut self) -> io::Result<Option<u8>> {
        while let Some(byte) = self.peek()?.filter(u8::is_ascii_whitespace) {
            self.line += u64::from(byte == b'\n');
            self.bump()?;
        }
        self.peek()
    }

    fn bump(&mut self) -> io::Result<()> {
        if self.input.fill_buf()?.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.input.consume(1);
        Ok(())
    }
}

/// The reader's state inside of an object.
#[derive(Debug, Default)]
struct Scan {
    begun: bool,
    in_string: bool,
    escaped: bool,
}

/// How an object ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// With its brace.
    Whole,
    /// Before something that cannot stand in it.
    CutOff,
}

impl Scan {
    /// How many of the bytes belong to the object, and whether it ends with them.
    fn through(&mut self, bytes: &[u8]) -> (usize, Option<End>) {
        for (place, byte) in bytes.iter().enumerate() {
            match byte {
                b'\n' if self.in_string => return (place, Some(End::CutOff)),
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' if self.begun => return (place, Some(End::CutOff)),
                b'{' => self.begun = true,
                b'}' => return (place + 1, Some(End::Whole)),
                _ => {}
            }
        }
        (bytes.len(), None)
    }
}

fn nothing(line: u64, mut shown: Vec<u8>, reason: &'static str) -> Item {
    shown.truncate(SHOWN_BYTES);
    Item::Nothing(line, shown, reason)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// The texts of all objects, and the reasons of what is none.
    fn read(input: &[u8]) -> (Vec<String>, Vec<(u64, &'static str)>) {
        let mut items = open(input).unwrap();
        let (mut objects, mut reasons) = (Vec::new(), Vec::new());
        while let Some(item) = items.next().unwrap() {
            match item {
                Item::Object(_, text) => objects.push(String::from_utf8(text).unwrap()),
                Item::Message => {}
                Item::Nothing(line, _, reason) => reasons.push((line, reason)),
            }
        }
        (objects, reasons)
    }

    #[track_caller]
    fn check(input: &str, objects: &[&str], reasons: &[(u64, &'static str)]) {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(input.as_bytes()).unwrap();
        for (form, bytes) in [
            ("plain", input.as_bytes().to_vec()),
            ("with a mark", [BYTE_ORDER_MARK, input.as_bytes()].concat()),
            ("in gzip", gzip.finish().unwrap()),
        ] {
            assert_eq!(
                read(&bytes),
                (objects.iter().map(|it| (*it).to_owned()).collect(), reasons.to_vec()),
                "{form}"
            );
        }
    }

    #[test]
    fn every_shape_that_relays_and_clients_export_is_read() {
        let (one, other) = (r#"{"a":"\"}{","t":[["e","[x]"]]}"#, r#"{"b":2}"#);
        check(&format!("{one}\n{other}"), &[one, other], &[]);
        check(&format!("{one}\r\n\n  {other}\n"), &[one, other], &[]);
        check(&format!("[{one},{other}]"), &[one, other], &[]);
        check(&format!("[\n  {one},\n  {other}\n]\n"), &[one, other], &[]);
        check(&format!("[ ]\n[{one}]\n{other}\n"), &[one, other], &[]);
        check(
            &format!("[\"EVENT\",{one}]\n[\"EVENT\", \"sub\", {other} ]\n[\"EOSE\",\"sub\"]\n"),
            &[one, other],
            &[],
        );
        let spread = "{\n  \"a\": [\n    [\"e\"]\n  ]\n}";
        check(&format!("[{spread},{spread}]"), &[spread, spread], &[]);
        check(&format!("[\n  \"EVENT\",\n  {one}\n]\n{other}\n"), &[one, other], &[]);
        let messages = format!("[\n[\"EVENT\", {one}],\n[\"EVENT\", \"sub\", {other}]\n]\n");
        check(&messages, &[one, other], &[]);
        check("", &[], &[]);
    }

    #[test]
    fn what_is_broken_costs_itself_alone_and_is_named_with_its_line() {
        let cut = "this event is cut off";
        check("nonsense\n{\"a\":1}\n", &["{\"a\":1}"], &[(1, "this is no event")]);
        check("{\"a\":1}\n{\"b\":\"x\n{\"c\":1}", &["{\"a\":1}", "{\"c\":1}"], &[(2, cut)]);
        check("{\"b\":[1,\n{\"c\":1}\n{\"d\":", &["{\"c\":1}"], &[(1, cut), (3, cut)]);
        check("[\n{\"a\":1},\n", &["{\"a\":1}"], &[(3, "the array is cut off")]);
        check("[\"EVENT\",\n5]\n{\"a\":1}", &["{\"a\":1}"], &[(1, "this is no event")]);
        check("[\"REQ\",\"x\",{}]\n{\"a\":1}", &["{\"a\":1}"], &[(1, "this is no event")]);
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_TEXT_BYTES));
        check(&format!("{long}\n{{\"b\":1}}"), &["{\"b\":1}"], &[(1, "this event is too long")]);
    }
}

//! The canonical serialisation of NIP-01, whose SHA-256 is the event id.
//!
//! `[0,"<pubkey>",<created_at>,<kind>,<tags>,"<content>"]`, without white space.
//! NIP-01 names seven escapes and leaves the other control characters open;
//! every implementation in use writes them as `\u00xx` in lower case, and so do we.

use sha2::{Digest, Sha256};

use crate::{EventId, UnsignedEvent};

/// Computes the id of an event.
pub(crate) fn id(unsigned: &UnsignedEvent) -> EventId {
    let mut hasher = Sha256::new();
    write(unsigned, &mut |bytes| hasher.update(bytes));
    EventId::from_bytes(hasher.finalize().into())
}

/// The length in bytes of the canonical serialisation.
pub(crate) fn length(unsigned: &UnsignedEvent) -> usize {
    let mut length = 0;
    write(unsigned, &mut |bytes: &[u8]| length += bytes.len());
    length
}

/// The canonical serialisation as text, for people who debug an id.
pub(crate) fn text(unsigned: &UnsignedEvent) -> String {
    let mut bytes = Vec::new();
    write(unsigned, &mut |part: &[u8]| bytes.extend_from_slice(part));
    String::from_utf8_lossy(&bytes).into_owned()
}

fn write(unsigned: &UnsignedEvent, out: &mut impl FnMut(&[u8])) {
    out(b"[0,\"");
    let mut key = [0; 64];
    // Cannot fail: the buffer has twice the length of a key.
    if hex::encode_to_slice(unsigned.pubkey.as_bytes(), &mut key).is_ok() {
        out(&key);
    }
    out(format!("\",{},{},[", unsigned.created_at, unsigned.kind.0).as_bytes());
    for (index, tag) in unsigned.tags.iter().enumerate() {
        out(if index == 0 { b"[" } else { b",[" });
        for (index, element) in tag.elements().iter().enumerate() {
            if index > 0 {
                out(b",");
            }
            write_string(element, out);
        }
        out(b"]");
    }
    out(b"],");
    write_string(&unsigned.content, out);
    out(b"]");
}

fn write_string(text: &str, out: &mut impl FnMut(&[u8])) {
    out(b"\"");
    let bytes = text.as_bytes();
    let mut written = 0;
    for (index, byte) in bytes.iter().enumerate() {
        let unicode;
        let escape: &[u8] = match byte {
            b'\n' => b"\\n",
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0x08 => b"\\b",
            0x0c => b"\\f",
            0x00..0x20 => {
                unicode = format!("\\u{byte:04x}");
                unicode.as_bytes()
            }
            _ => continue,
        };
        out(bytes.get(written..index).unwrap_or_default());
        out(escape);
        written = index + 1;
    }
    out(bytes.get(written..).unwrap_or_default());
    out(b"\"");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, PublicKey, Tag};

    #[test]
    fn escapes_are_those_that_everybody_writes() {
        let unsigned = UnsignedEvent {
            pubkey: PublicKey::from_bytes([0xab; 32]),
            created_at: 5,
            kind: Kind(1),
            tags: vec![Tag::new(["t", "a\"b"]), Tag::new(["x"])],
            content: "\n\"\\\r\t\u{8}\u{c}\u{0}\u{1f}\u{7f}é\u{2028}😀</".into(),
            statement: None,
        };
        let expected = format!(
            "[0,\"{}\",5,1,[[\"t\",\"a\\\"b\"],[\"x\"]],\"\\n\\\"\\\\\\r\\t\\b\\f\\u0000\\u001f\u{7f}é\u{2028}😀</\"]",
            "ab".repeat(32)
        );
        assert_eq!(text(&unsigned), expected);
        assert_eq!(length(&unsigned), expected.len());
    }
}

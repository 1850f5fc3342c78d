//! Reads the CONNECT message of circuit relay v2 on its way, to learn the destination of a circuit.
//!
//! The message is protobuf with its length before it (`HopMessage`). libp2p reads it too, but does not tell the
//! destination before the circuit stands. Only the destination matters here; a message that could be read in two ways
//! is treated as no request. Spec: <https://github.com/libp2p/specs/blob/master/relay/circuit-v2.md>.

use libp2p::PeerId;

/// The longest message that libp2p takes, in bytes.
const MAX_MESSAGE: usize = 4_096;

/// Fields of `HopMessage` and of the `Peer` in it.
const PEER: u64 = 2;
const ID: u64 = 1;

/// A request of which some bytes may be missing.
#[derive(Debug, Default)]
pub(crate) struct Request(Vec<u8>);

/// How far a request has come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Its end is missing.
    Partial,
    /// It is whole. A request for a reservation names no destination.
    Whole(Option<PeerId>),
    /// It is malformed.
    Broken,
}

impl Request {
    /// Takes what has come next.
    pub(crate) fn on_read(&mut self, bytes: &[u8]) -> Progress {
        // What follows the message belongs to whoever is at the other end.
        let room = (MAX_MESSAGE + 2).saturating_sub(self.0.len());
        self.0.extend(bytes.iter().take(room));
        let mut rest = self.0.as_slice();
        let Some(length) = varint(&mut rest) else {
            return if self.0.len() < 2 { Progress::Partial } else { Progress::Broken };
        };
        match usize::try_from(length) {
            Ok(length) if length > MAX_MESSAGE => Progress::Broken,
            Ok(length) => match rest.get(..length) {
                Some(message) => destination(message).map_or(Progress::Broken, Progress::Whole),
                None => Progress::Partial,
            },
            Err(_) => Progress::Broken,
        }
    }
}

/// The peer that a message names, if it names one; None when it is no message.
fn destination(mut message: &[u8]) -> Option<Option<PeerId>> {
    let mut id = None;
    while !message.is_empty() {
        let (field, content) = field(&mut message)?;
        if field != PEER {
            continue;
        }
        // Of several the last one counts, as anywhere in protobuf.
        let mut peer = content?;
        while !peer.is_empty() {
            if let (ID, content) = self::field(&mut peer)? {
                id = Some(content?);
            }
        }
    }
    match id {
        Some(id) => PeerId::from_bytes(id).ok().map(Some),
        None => Some(None),
    }
}

/// The number of the next field, and its bytes if it has a length.
fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Option<&'a [u8]>)> {
    let key = varint(rest)?;
    let length = match key & 7 {
        0 => {
            varint(rest)?;
            return Some((key >> 3, None));
        }
        1 => 8,
        2 => usize::try_from(varint(rest)?).ok()?,
        5 => 4,
        _ => return None,
    };
    let (content, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some((key >> 3, (key & 7 == 2).then_some(content)))
}

/// A number, seven bits in each byte, the lowest first.
fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for (place, byte) in rest.iter().enumerate().take(9) {
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            *rest = rest.get(place + 1..)?;
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The message by which a peer asks to be connected to this one.
    pub(crate) fn connect(to: &PeerId) -> Vec<u8> {
        whole(&[&[8, 1], with_key(18, &with_key(10, &to.to_bytes())).as_slice()].concat())
    }

    fn with_key(key: u8, content: &[u8]) -> Vec<u8> {
        [&[key], whole(content).as_slice()].concat()
    }

    fn whole(content: &[u8]) -> Vec<u8> {
        [&[u8::try_from(content.len()).unwrap()], content].concat()
    }

    #[track_caller]
    fn check(bytes: &[u8], expected: Progress) {
        assert_eq!(Request::default().on_read(bytes), expected);
        let mut in_pieces = Request::default();
        let last = bytes.iter().map(|byte| in_pieces.on_read(&[*byte])).last();
        assert_eq!(last, Some(expected));
    }

    #[test]
    fn the_destination_is_read_whatever_stands_around_it() {
        let (one, other) = (PeerId::random(), PeerId::random());
        check(&connect(&one), Progress::Whole(Some(one)));
        let peer = |peer: &PeerId| with_key(18, &with_key(10, &peer.to_bytes()));
        let unknown =
            [with_key(26, b"more"), vec![37, 1, 2, 3, 4], vec![33, 1, 2, 3, 4, 5, 6, 7, 8]].concat();
        let two = [peer(&one), unknown, peer(&other), vec![8, 1]].concat();
        check(&whole(&two), Progress::Whole(Some(other)));
        let nobody = [peer(&one), with_key(18, &[])].concat();
        check(&whole(&nobody), Progress::Whole(Some(one)));
    }

    #[test]
    fn who_asks_for_a_place_names_nobody() {
        check(&whole(&[8, 0]), Progress::Whole(None));
    }

    #[test]
    fn what_is_no_request_is_broken_as_soon_as_that_is_sure() {
        for message in [&[0xff][..], &[18, 1, 10], &[18, 2, 8], &[16, 1], &[19], &[18, 3, 10, 1, 7]] {
            check(&whole(message), Progress::Broken);
        }
        check(&[0xff, 0xff], Progress::Broken);
        let cut = connect(&PeerId::random());
        check(&cut[..cut.len() - 1], Progress::Partial);
    }

    #[test]
    fn what_follows_a_request_is_not_kept() {
        let peer = PeerId::random();
        let mut request = Request::default();
        assert_eq!(request.on_read(&[connect(&peer), vec![0; 10_000]].concat()), Progress::Whole(Some(peer)));
        assert!(request.0.len() <= MAX_MESSAGE + 2);
    }
}

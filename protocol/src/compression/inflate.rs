//! A small decoder of raw deflate (RFC 1951) for the browser client, which people download: miniz_oxide's decoder is
//! four times as long. Native programs use miniz_oxide, which takes half the time.
//!
//! It accepts incomplete codes, which miniz_oxide refuses; it refuses data that uses an unassigned code.

/// Bits that one look into the table decodes; longer codes are rare and are read bit by bit.
const FAST_BITS: u16 = 9;
/// Longest code in bits.
const MAX_BITS: usize = 15;
/// The order of the lengths of the code for lengths.
const ORDER: [u8; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Unpacks at most `limit` bytes; None when the data are damaged, cut off or longer. Bytes behind the end are passed over.
pub(super) fn inflate(packed: &[u8], limit: usize) -> Option<Vec<u8>> {
    let mut bits = Bits { bytes: packed, held: 0, count: 0 };
    let mut out = Vec::new();
    loop {
        let last = bits.take(1)?;
        match bits.take(2)? {
            0 => stored(&mut bits, &mut out, limit)?,
            1 => {
                let lengths: Vec<u8> = (0..288u16).map(fixed_length).collect();
                block(&mut bits, &Code::new(&lengths)?, &Code::new(&[5; 30])?, &mut out, limit)?;
            }
            2 => {
                let (literals, distances) = described(&mut bits)?;
                block(&mut bits, &literals, &distances, &mut out, limit)?;
            }
            _ => return None,
        }
        if last == 1 {
            return Some(out);
        }
    }
}

/// Bits that are read from the lowest of each byte on.
struct Bits<'a> {
    bytes: &'a [u8],
    held: u32,
    count: u32,
}

impl Bits<'_> {
    /// Holds at least 25 bits, unless the end is near.
    fn fill(&mut self) {
        while self.count <= 24
            && let Some((first, rest)) = self.bytes.split_first()
        {
            self.held |= u32::from(*first) << self.count;
            self.count += 8;
            self.bytes = rest;
        }
    }

    fn pass(&mut self, count: u32) -> Option<()> {
        self.count = self.count.checked_sub(count)?;
        self.held >>= count;
        Some(())
    }

    /// At most 16 bits as a number.
    fn take(&mut self, count: u32) -> Option<u32> {
        self.fill();
        let value = self.held & ((1 << count) - 1);
        self.pass(count)?;
        Some(value)
    }
}

/// A prefix code, from the lengths of its words.
struct Code {
    /// Table by the next bits: the symbol, and in the lowest four bits the length of its code; 0 for longer codes.
    fast: [u16; 1 << FAST_BITS],
    /// How many words have each length.
    counts: [u32; MAX_BITS + 1],
    /// The symbols in the order of their words.
    symbols: Vec<u16>,
}

impl Code {
    /// None when the lengths claim more words than there are.
    fn new(lengths: &[u8]) -> Option<Self> {
        let mut counts = [0; MAX_BITS + 1];
        for length in lengths.iter().filter(|length| **length > 0) {
            *counts.get_mut(usize::from(*length))? += 1;
        }
        let (mut words, mut places) = ([0u32; MAX_BITS + 1], [0usize; MAX_BITS + 1]);
        let (mut word, mut place) = (0u32, 0usize);
        for (length, count) in counts.iter().enumerate() {
            word <<= 1;
            *words.get_mut(length)? = word;
            *places.get_mut(length)? = place;
            word += count;
            place += usize::try_from(*count).ok()?;
            if word > 1 << length {
                return None;
            }
        }
        let (mut fast, mut symbols) = ([0; 1 << FAST_BITS], vec![0; lengths.len()]);
        for (symbol, length) in (0u16..).zip(lengths).filter(|(_, length)| **length > 0) {
            let place = places.get_mut(usize::from(*length))?;
            *symbols.get_mut(*place)? = symbol;
            *place += 1;
            let word = words.get_mut(usize::from(*length))?;
            let first = word.reverse_bits() >> (32 - u32::from(*length));
            *word += 1;
            if u16::from(*length) <= FAST_BITS {
                let places = fast.iter_mut().skip(usize::try_from(first).ok()?).step_by(1 << *length);
                places.for_each(|place| *place = symbol << 4 | u16::from(*length));
            }
        }
        Some(Self { fast, counts, symbols })
    }

    fn read(&self, bits: &mut Bits<'_>) -> Option<u16> {
        bits.fill();
        let entry = *self.fast.get(usize::try_from(bits.held & ((1 << FAST_BITS) - 1)).ok()?)?;
        if entry > 0 {
            bits.pass(u32::from(entry & 15))?;
            return Some(entry >> 4);
        }
        let (mut word, mut first, mut index) = (0, 0, 0);
        for (length, count) in (1..).zip(self.counts.iter().skip(1)) {
            word = word << 1 | bits.held >> (length - 1) & 1;
            first <<= 1;
            if word < first + count {
                bits.pass(length)?;
                return self.symbols.get(usize::try_from(index + (word - first)).ok()?).copied();
            }
            index += count;
            first += count;
        }
        None
    }
}

/// The length of a word of the code that needs no description.
const fn fixed_length(symbol: u16) -> u8 {
    match symbol {
        144..=255 => 9,
        256..=279 => 7,
        _ => 8,
    }
}

/// Reads the two codes of a block.
fn described(bits: &mut Bits<'_>) -> Option<(Code, Code)> {
    let literals = usize::try_from(bits.take(5)?).ok()? + 257;
    let all = literals + usize::try_from(bits.take(5)?).ok()? + 1;
    let described = usize::try_from(bits.take(4)?).ok()? + 4;
    let mut lengths = [0; ORDER.len()];
    for place in ORDER.iter().take(described) {
        *lengths.get_mut(usize::from(*place))? = u8::try_from(bits.take(3)?).ok()?;
    }
    let code = Code::new(&lengths)?;
    let mut lengths: Vec<u8> = Vec::with_capacity(all);
    while lengths.len() < all {
        let (length, times) = match code.read(bits)? {
            16 => (*lengths.last()?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (u8::try_from(length).ok()?, 1),
        };
        (0..times).for_each(|_| lengths.push(length));
    }
    // A repetition may go from one code to the other, and not beyond.
    let (literals, distances) = lengths.split_at_checked(literals).filter(|_| lengths.len() == all)?;
    Some((Code::new(literals)?, Code::new(distances)?))
}

fn stored(bits: &mut Bits<'_>, out: &mut Vec<u8>, limit: usize) -> Option<()> {
    bits.pass(bits.count % 8)?;
    let length = bits.take(16)?;
    if bits.take(16)? != length ^ 0xffff || out.len() + usize::try_from(length).ok()? > limit {
        return None;
    }
    for _ in 0..length {
        out.push(u8::try_from(bits.take(8)?).ok()?);
    }
    Some(())
}

fn block(
    bits: &mut Bits<'_>,
    literals: &Code,
    distances: &Code,
    out: &mut Vec<u8>,
    limit: usize,
) -> Option<()> {
    loop {
        let symbol = literals.read(bits)?;
        if let Ok(byte) = u8::try_from(symbol) {
            if out.len() >= limit {
                return None;
            }
            out.push(byte);
            continue;
        }
        let length = match u32::from(symbol) - 256 {
            0 => return Some(()),
            code @ 1..=8 => code + 2,
            29 => 258,
            code @ 9..=28 => {
                let extra = ((code - 1) >> 2) - 1;
                ((4 + ((code - 1) & 3)) << extra) + 3 + bits.take(extra)?
            }
            _ => return None,
        };
        let distance = match u32::from(distances.read(bits)?) {
            code @ 0..=3 => code + 1,
            code @ 4..=29 => {
                let extra = (code >> 1) - 1;
                ((2 + (code & 1)) << extra) + 1 + bits.take(extra)?
            }
            _ => return None,
        };
        let (length, distance) = (usize::try_from(length).ok()?, usize::try_from(distance).ok()?);
        let from = out.len().checked_sub(distance)?;
        if out.len() + length > limit {
            return None;
        }
        // It may run into what it appends.
        for place in from..from + length {
            out.push(*out.get(place)?);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use miniz_oxide::{
        deflate::{compress_to_vec, core::CompressorOxide, core::create_comp_flags_from_zip_params},
        inflate::decompress_to_vec,
    };

    const LIMIT: usize = 1 << 20;

    /// Texts, noise and runs, from nothing to more than a window of 32 KiB.
    fn samples() -> Vec<Vec<u8>> {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let noise: Vec<u8> = (0..70_000).map(|_| random().to_le_bytes()[0]).collect();
        let words = ["npub1", " the ", "wss://relay.example/", "\n", "🙂", "ない", "e", "0000"];
        let text: String = (0..30_000).map(|_| words[usize::try_from(random() % 8).unwrap()]).collect();
        let skewed: Vec<u8> =
            (0..90_000).map(|_| u8::try_from(random().trailing_zeros().min(255)).unwrap()).collect();
        let mut samples = vec![vec![], vec![7], vec![0; 300_000], noise.clone(), text.into_bytes(), skewed];
        samples.extend((0..40).map(|length| noise[..length * 37].to_vec()));
        samples
    }

    #[test]
    fn it_unpacks_what_every_level_has_packed() {
        for sample in samples() {
            for level in 0..=10 {
                let packed = compress_to_vec(&sample, level);
                assert_eq!(inflate(&packed, LIMIT).as_deref(), Some(&sample[..]), "level {level}");
            }
        }
    }

    #[test]
    fn it_unpacks_blocks_with_the_code_that_needs_no_description() {
        use miniz_oxide::deflate::core::{CompressionStrategy, TDEFLFlush, compress_to_output};
        let flags = create_comp_flags_from_zip_params(6, 0, CompressionStrategy::Fixed as i32);
        for sample in samples() {
            let mut packed = Vec::new();
            let mut compressor = CompressorOxide::new(flags);
            compress_to_output(&mut compressor, &sample, TDEFLFlush::Finish, |bytes| {
                packed.extend_from_slice(bytes);
                true
            });
            assert_eq!(inflate(&packed, LIMIT), Some(sample));
        }
    }

    #[test]
    fn it_unpacks_no_more_than_the_limit() {
        let packed = compress_to_vec(&vec![0x90; 5_000_000], 9);
        assert_eq!(inflate(&packed, LIMIT), None);
        for sample in samples() {
            for level in [0, 6] {
                let packed = compress_to_vec(&sample, level);
                assert!(inflate(&packed, sample.len()).is_some());
                assert!(sample.is_empty() || inflate(&packed, sample.len() - 1).is_none());
            }
        }
    }

    #[test]
    fn damaged_and_cut_data_are_refused_or_give_what_the_other_decoder_gives() {
        for sample in samples().into_iter().filter(|sample| sample.len() < 2_000) {
            let packed = compress_to_vec(&sample, 6);
            for length in 0..packed.len() {
                assert_eq!(inflate(&packed[..length], LIMIT), None, "cut at {length}");
            }
            for place in 0..packed.len() * 8 {
                let mut damaged = packed.clone();
                damaged[place / 8] ^= 1 << (place % 8);
                if let Ok(expected) = decompress_to_vec(&damaged) {
                    assert_eq!(inflate(&damaged, LIMIT), Some(expected), "bit {place}");
                }
            }
        }
    }
}

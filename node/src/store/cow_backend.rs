//! A file that is only read, for a database that believes it can write: what it writes stays in memory.
//!
//! redb repairs a database that was not closed when it opens it. That takes few pages, and nobody commits to a view.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use redb::StorageBackend;

/// Bytes of a page here; redb's own are at least as large.
const PAGE: u64 = 4096;

/// The view.
#[derive(Debug)]
pub(super) struct CowBackend(Mutex<Content>);

#[derive(Debug)]
struct Content {
    file: File,
    /// How long the file is. Beyond it there are zeros.
    in_file: u64,
    length: u64,
    /// Pages that were written, by their number.
    written: BTreeMap<u64, Vec<u8>>,
}

impl CowBackend {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let in_file = file.metadata()?.len();
        Ok(Self(Mutex::new(Content { file, in_file, length: in_file, written: BTreeMap::new() })))
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StorageBackend for CowBackend {
    fn len(&self) -> io::Result<u64> {
        Ok(self.lock().length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.lock().read(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut content = self.lock();
        content.in_file = content.in_file.min(length);
        content.written.retain(|page, _| page * PAGE < length);
        // What was cut off comes back as zeros.
        if let Some(bytes) = content.written.get_mut(&(length / PAGE)) {
            bytes.iter_mut().skip(position(length % PAGE)).for_each(|byte| *byte = 0);
        }
        content.length = length;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut content = self.lock();
        for (at, bytes) in pieces(offset, data.len()).zip(split(offset, data)) {
            let (page, from) = (at / PAGE, at % PAGE);
            let mut whole = content.page(page)?;
            for (to, byte) in whole.iter_mut().skip(position(from)).zip(bytes) {
                *to = *byte;
            }
            content.written.insert(page, whole);
        }
        content.length = content.length.max(offset + data.len() as u64);
        Ok(())
    }
}

impl Content {
    fn read(&mut self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if offset + out.len() as u64 > self.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.read_file(offset, out)?;
        let (first, last) = (offset / PAGE, (offset + out.len() as u64) / PAGE);
        for (page, bytes) in self.written.range(first..=last) {
            let begin = page * PAGE;
            let skipped = position(offset.saturating_sub(begin));
            let to = out.iter_mut().skip(position(begin.saturating_sub(offset)));
            to.zip(bytes.iter().skip(skipped)).for_each(|(to, byte)| *to = *byte);
        }
        Ok(())
    }

    /// What the file has there, and zeros beyond its end.
    fn read_file(&mut self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        out.fill(0);
        let there = position(self.in_file.saturating_sub(offset)).min(out.len());
        let Some(out) = out.get_mut(..there).filter(|out| !out.is_empty()) else { return Ok(()) };
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.read_exact(out)
    }

    fn page(&mut self, page: u64) -> io::Result<Vec<u8>> {
        if let Some(written) = self.written.get(&page) {
            return Ok(written.clone());
        }
        let mut bytes = vec![0; position(PAGE)];
        self.read_file(page * PAGE, &mut bytes)?;
        Ok(bytes)
    }
}

/// Where the pieces of a range begin, each within one page.
fn pieces(offset: u64, length: usize) -> impl Iterator<Item = u64> {
    let end = offset + length as u64;
    std::iter::successors(Some(offset), |at| Some((at / PAGE + 1) * PAGE)).take_while(move |at| *at < end)
}

/// The pieces themselves.
fn split(offset: u64, data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (first, rest) = data.split_at(position(PAGE - offset % PAGE).min(data.len()));
    std::iter::once(first).chain(rest.chunks(position(PAGE)))
}

/// A place in memory; nothing here is longer than memory can be.
fn position(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn a_view_reads_like_a_file_that_was_written_and_leaves_the_file_alone() {
        let seed = rand::random();
        println!("seed {seed}");
        let mut random = StdRng::seed_from_u64(seed);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let sound: Vec<u8> = (0..30_000).map(|_| random.random()).collect();
        std::fs::write(&path, &sound).unwrap();
        let view = CowBackend::of(&path).unwrap();
        let mut model = sound.clone();
        for _ in 0..2_000 {
            let offset = random.random_range(0..40_000_usize);
            let length = random.random_range(0..9_000_usize);
            match random.random_range(0..4) {
                0 => {
                    let data: Vec<u8> = (0..length).map(|_| random.random()).collect();
                    model.resize(model.len().max(offset + length), 0);
                    model[offset..offset + length].copy_from_slice(&data);
                    view.write(offset as u64, &data).unwrap();
                }
                1 if random.random_range(0..20) == 0 => {
                    model.resize(offset, 0);
                    view.set_len(offset as u64).unwrap();
                }
                _ => {
                    let mut out = vec![7; length];
                    let read = view.read(offset as u64, &mut out);
                    match model.get(offset..offset + length) {
                        Some(there) => assert!(read.is_ok() && out == there, "{offset} {length}"),
                        None => assert!(read.is_err(), "{offset} {length}"),
                    }
                }
            }
            assert_eq!(view.len().unwrap(), model.len() as u64);
        }
        assert_eq!(std::fs::read(&path).unwrap(), sound);
    }
}

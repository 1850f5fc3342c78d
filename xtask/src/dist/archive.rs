//! Archives whose bytes depend only on their content and on the time of the commit.

use super::{DistTarget, contents::Tree, targets::Packing};
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

/// How hard xz and deflate try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// For what people download.
    Most,
    /// For what is unpacked again at once.
    Least,
}

impl Effort {
    /// 0 to 9. The highest takes 700 MB of memory and gains nothing on 30 MB.
    fn xz(self) -> u32 {
        match self {
            Self::Most => 8,
            Self::Least => 0,
        }
    }

    fn deflate(self) -> i64 {
        match self {
            Self::Most => 9,
            Self::Least => 1,
        }
    }
}

/// The one folder in an archive.
pub fn root(workspace: &Workspace, target: &DistTarget) -> Result<String> {
    Ok(format!("nostrp2p-{}-{}", workspace.locked_version("nostrp2p-node")?, target.triple))
}

/// Its file name.
pub fn file_name(workspace: &Workspace, target: &DistTarget) -> Result<String> {
    let ending = match target.packing {
        Packing::TarXz => "tar.xz",
        Packing::Zip => "zip",
    };
    Ok(format!("{}.{ending}", root(workspace, target)?))
}

/// Writes an archive of a tree, below the folder `root`. `epoch` is the time of each entry.
pub fn write(
    path: &Path,
    packing: Packing,
    effort: Effort,
    root: &str,
    tree: &Tree,
    epoch: u64,
) -> Result<()> {
    let written = File::create(path).map_err(anyhow::Error::from).and_then(|file| {
        let file = BufWriter::new(file);
        match packing {
            Packing::TarXz => write_tar(file, effort, root, tree, epoch),
            Packing::Zip => write_zip(file, effort, root, tree, epoch),
        }
    });
    written.with_context(|| format!("{} cannot be written", path.display()))
}

fn write_tar(out: impl Write, effort: Effort, root: &str, tree: &Tree, epoch: u64) -> Result<()> {
    let mut tar = tar::Builder::new(liblzma::write::XzEncoder::new(out, effort.xz()));
    for (name, entry) in tree {
        let mut header = tar::Header::new_ustar();
        header.set_mode(entry.mode());
        header.set_mtime(epoch);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(entry.bytes.len() as u64);
        tar.append_data(&mut header, format!("{root}/{name}"), entry.bytes.as_slice())?;
    }
    tar.into_inner()?.finish()?.flush()?;
    Ok(())
}

fn write_zip(
    out: impl Write + std::io::Seek,
    effort: Effort,
    root: &str,
    tree: &Tree,
    epoch: u64,
) -> Result<()> {
    let mut zip = zip::ZipWriter::new(out);
    for (name, entry) in tree {
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated)
            .compression_level(Some(effort.deflate()))
            .last_modified_time(dos_time(epoch))
            .unix_permissions(entry.mode());
        zip.start_file(format!("{root}/{name}"), options)?;
        zip.write_all(&entry.bytes)?;
    }
    zip.finish()?.flush()?;
    Ok(())
}

/// The time as zip has it, in UTC and to two seconds.
fn dos_time(epoch: u64) -> zip::DateTime {
    let (days, seconds) = (epoch / 86_400, epoch % 86_400);
    let (year, month, day) = civil(days);
    let part = |value: u64| u8::try_from(value).unwrap_or_default();
    let time = zip::DateTime::from_date_and_time(
        year,
        month,
        day,
        part(seconds / 3_600),
        part(seconds / 60 % 60),
        part(seconds % 60),
    );
    time.unwrap_or_default()
}

/// The time as RFC 3339 has it, in UTC.
pub fn timestamp(epoch: u64) -> String {
    let (seconds, (year, month, day)) = (epoch % 86_400, civil(epoch / 86_400));
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of a day since 1970 (the calendar of 400 years, counted from March).
fn civil(days: u64) -> (u16, u8, u8) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let small = |value: u64| u8::try_from(value).unwrap_or_default();
    (u16::try_from(year).unwrap_or_default(), small(month), small(day))
}

#[cfg(test)]
mod tests {
    use super::{super::contents::ArchiveFile, *};

    fn tree() -> Tree {
        let entry = |text: &str, executable| ArchiveFile { bytes: text.as_bytes().to_vec(), executable };
        Tree::from([("b/nostrp2p".to_owned(), entry("x", true)), ("a.txt".to_owned(), entry("y", false))])
    }

    fn written(packing: Packing) -> Vec<u8> {
        let path = std::env::temp_dir().join(format!("xtask-archive-{}-{packing:?}", std::process::id()));
        write(&path, packing, Effort::Least, "root", &tree(), 1_796_038_877).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        bytes
    }

    #[test]
    fn the_same_tree_gives_the_same_bytes() {
        for packing in [Packing::TarXz, Packing::Zip] {
            let first = written(packing);
            assert_eq!(first, written(packing));
            assert!(first.len() > 60, "{packing:?}");
        }
    }

    #[test]
    fn a_tar_holds_names_in_order_with_modes_and_the_time_of_the_commit() {
        let bytes = written(Packing::TarXz);
        let mut tar = tar::Archive::new(liblzma::read::XzDecoder::new(bytes.as_slice()));
        let seen: Vec<(String, u32, u64)> = tar
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let header = entry.header();
                let path = entry.path().unwrap().to_string_lossy().into_owned();
                (path, header.mode().unwrap(), header.mtime().unwrap())
            })
            .collect();
        let time = 1_796_038_877;
        assert_eq!(
            seen,
            [("root/a.txt".to_owned(), 0o644, time), ("root/b/nostrp2p".to_owned(), 0o755, time)]
        );
    }

    #[test]
    fn days_become_dates() {
        for (days, date) in
            [(0, (1970, 1, 1)), (59, (1970, 3, 1)), (11_016, (2000, 2, 29)), (20_787, (2026, 11, 30))]
        {
            assert_eq!(civil(days), date);
        }
    }
}

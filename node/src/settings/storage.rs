//! How much disk the node may take, and how much memory for the pages of its store.

use super::{Flags, SettingsFile, Unusable};
use crate::store::{CacheSize, Retention};

const MIB: u64 = 1024 * 1024;
/// The largest disk that can be named, in MiB: 16 TiB.
const MAX_MIB: u64 = 16 * 1024 * 1024;
/// The most memory that can be named, in MiB: 64 GiB.
const MAX_CACHE_MIB: u64 = 64 * 1024;

/// Flags and environment before file before defaults.
pub(super) fn merge(flags: &Flags, file: &SettingsFile) -> Result<Retention, Unusable> {
    let in_file = |name: &str, value: Option<u64>| {
        let checked = value.map(checked).transpose();
        checked.map_err(|reason| Unusable::InFile(format!("{name}: {reason}")))
    };
    let (disk, mail) = (in_file("max-disk", file.max_disk)?, in_file("max-mail", file.max_mail)?);
    let default = Retention::default();
    let disk_bytes = flags.max_disk.or(disk).map_or(default.disk_bytes, |mib| mib * MIB);
    let mail_bytes = flags.max_mail.or(mail).map_or(default.mail_bytes, |mib| mib * MIB);
    Ok(Retention { mail_bytes, disk_bytes, ..default })
}

/// Memory for the pages of the store. Flags and environment before file before what a phone can live with.
pub(super) fn cache(flags: &Flags, file: &SettingsFile) -> Result<CacheSize, Unusable> {
    let in_file = file.cache_mib.map(checked_cache).transpose();
    let in_file = in_file.map_err(|reason| Unusable::InFile(format!("cache-mib: {reason}")))?;
    Ok(flags.cache_mib.or(in_file).map_or(CacheSize::SMALL, CacheSize::of_mib))
}

/// Reads the size of the cache.
pub(super) fn cache_mib(text: &str) -> Result<u64, String> {
    text.trim().parse().map_err(|_| "say a number of MiB, such as 64".to_owned()).and_then(checked_cache)
}

fn checked_cache(mib: u64) -> Result<u64, String> {
    if (1..=MAX_CACHE_MIB).contains(&mib) { Ok(mib) } else { Err(format!("say 1 to {MAX_CACHE_MIB} MiB")) }
}

/// The lines of a settings file that says the same.
pub(super) fn lines(retention: &Retention, cache: CacheSize) -> [(&'static str, Option<String>); 3] {
    [
        ("max-disk", Some((retention.disk_bytes / MIB).to_string())),
        ("max-mail", Some((retention.mail_bytes / MIB).to_string())),
        ("cache-mib", Some((cache.bytes() >> 20).to_string())),
    ]
}

/// Reads a number of MiB.
pub(super) fn mib(text: &str) -> Result<u64, String> {
    text.trim().parse().map_err(|_| "say a number of MiB, such as 4096".to_owned()).and_then(checked)
}

fn checked(mib: u64) -> Result<u64, String> {
    if (1..=MAX_MIB).contains(&mib) { Ok(mib) } else { Err(format!("say 1 to {MAX_MIB} MiB")) }
}

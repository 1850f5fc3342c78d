//! Settings of the store: disk and cache memory.

use super::{
    Flags, SettingsFile, Unusable,
    values::{checked_cache, checked_mib},
};
use crate::store::{CacheSize, Retention};

const MIB: u64 = 1024 * 1024;
/// Flags and environment before file before defaults.
pub(super) fn merge(flags: &Flags, file: &SettingsFile) -> Result<Retention, Unusable> {
    let in_file = |name: &str, value: Option<u64>| {
        let checked = value.map(checked_mib).transpose();
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

/// The lines of a settings file that says the same.
pub(super) fn lines(retention: &Retention, cache: CacheSize) -> [(&'static str, Option<String>); 3] {
    [
        ("max-disk", Some((retention.disk_bytes / MIB).to_string())),
        ("max-mail", Some((retention.mail_bytes / MIB).to_string())),
        ("cache-mib", Some((cache.bytes() >> 20).to_string())),
    ]
}

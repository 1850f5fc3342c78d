//! The data directory: its permissions, and the node's own key in it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use nostrp2p_overlay::NodeSecret;
use nostrp2p_protocol::PeerId;
use zeroize::Zeroizing;

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// The system says no.
    #[error("cannot use the data directory {}: {error}; give one where this user may write with --data-dir DIR", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// The key file holds something else.
    #[error("{} is no node key (64 hexadecimal digits); restore it from a backup, or move it away and the node gets a new identity", path.display())]
    Key {
        /// The file.
        path: PathBuf,
    },
}

/// Creates the directory, readable by this user only, when it is missing.
///
/// # Errors
/// When it cannot be created.
pub fn prepare(directory: &Path) -> Result<(), DataDirError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).map_err(|error| DataDirError::Io { path: directory.to_owned(), error })
}

/// Which node a data directory belongs to; None when it has none, or this user may not read it.
pub fn node_of(directory: &Path) -> Option<PeerId> {
    let text = Zeroizing::new(fs::read_to_string(directory.join("node.key")).ok()?);
    let mut seed = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim(), seed.as_mut_slice()).ok()?;
    Some(NodeSecret::from_bytes(*seed).peer_id())
}

/// Settings hold no secret, and may belong to somebody else who manages them.
const NOT_PRIVATE: &str = "nostrp2p.toml";
/// How deep folders in it are looked at: `acme/` has files, and nothing has more.
const MAX_DEPTH: usize = 3;

/// Takes away what other users may do with the directory and what is in it, the node's own key and those of its
/// certificates; returns what others can still read, because the system (a volume, another owner) does not let it be
/// changed. What was changed is logged.
#[cfg(unix)]
pub(crate) fn tighten(directory: &Path) -> Vec<PathBuf> {
    let mut open = Vec::new();
    tighten_one(directory, MAX_DEPTH, &mut open);
    open
}

#[cfg(unix)]
fn tighten_one(path: &Path, depth: usize, open: &mut Vec<PathBuf>) {
    use std::os::unix::fs::PermissionsExt;
    // Links lead elsewhere, and are followed nowhere.
    let Ok(metadata) = fs::symlink_metadata(path) else { return };
    if metadata.is_symlink() || path.file_name().is_some_and(|name| name == NOT_PRIVATE) {
        return;
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        match fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o700)) {
            Ok(()) if is_private(path) => {
                tracing::warn!(file = %path.display(), mode = format!("{mode:o}"), "other users could use this; not any more");
            }
            _ => open.push(path.to_owned()),
        }
    }
    if metadata.is_dir() && depth > 0 {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        entries.for_each(|entry| tighten_one(&entry.path(), depth - 1, open));
    }
}

/// Whether a change of mode was kept: some file systems take it and forget it.
#[cfg(unix)]
fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 == 0)
}

/// Elsewhere the folder of a user is that user's.
#[cfg(not(unix))]
pub(crate) fn tighten(_directory: &Path) -> Vec<PathBuf> {
    Vec::new()
}

/// Reads the node's key, or makes one on the first start.
///
/// The file `node.key` holds 64 hexadecimal digits: the ed25519 seed. It is not the owner's key.
///
/// # Errors
/// When it cannot be read or written, or holds something else.
pub fn node_secret(directory: &Path) -> Result<NodeSecret, DataDirError> {
    let path = directory.join("node.key");
    let text = match fs::read_to_string(&path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return create(&path),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(DataDirError::Key { path }),
        Err(error) => return Err(DataDirError::Io { path, error }),
    };
    let mut seed = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim(), seed.as_mut_slice()).map_err(|_| DataDirError::Key { path })?;
    Ok(NodeSecret::from_bytes(*seed))
}

/// Takes the node's key away, so that the next one is made.
///
/// # Errors
/// When it cannot be removed.
pub(crate) fn forget_secret(directory: &Path) -> Result<(), DataDirError> {
    let path = directory.join("node.key");
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(DataDirError::Io { path, error }),
        _ => Ok(()),
    }
}

fn create(path: &Path) -> Result<NodeSecret, DataDirError> {
    let secret = NodeSecret::generate();
    let text = Zeroizing::new(hex::encode(secret.as_bytes()));
    write_private(path, text.as_bytes())
        .map_err(|error| DataDirError::Io { path: path.to_owned(), error })?;
    Ok(secret)
}

/// Writes a file that only this user can read, in place of one that may be there.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    io::Write::write_all(&mut file, bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_stays() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path().join("deep/inside");
        prepare(&directory).unwrap();
        let first = node_secret(&directory).unwrap().peer_id();
        assert_eq!(node_secret(&directory).unwrap().peer_id(), first);
    }

    #[test]
    #[cfg(unix)]
    fn only_this_user_reads_the_key() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        node_secret(directory.path()).unwrap();
        let mode = fs::metadata(directory.path().join("node.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    #[cfg(unix)]
    fn what_others_could_use_is_made_private_at_the_start() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("data");
        fs::create_dir_all(directory.join("acme")).unwrap();
        let outside = parent.path().join("outside");
        let files = ["node.key", "store.redb", "acme/cached_account", "nostrp2p.toml", "../outside"];
        for file in files {
            fs::write(directory.join(file), "x").unwrap();
            fs::set_permissions(directory.join(file), fs::Permissions::from_mode(0o644)).unwrap();
        }
        std::os::unix::fs::symlink(&outside, directory.join("link")).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(tighten(&directory).is_empty());
        let mode = |file: &str| fs::metadata(directory.join(file)).unwrap().permissions().mode() & 0o777;
        let modes = files.map(mode);
        assert_eq!(modes, [0o600, 0o600, 0o600, 0o644, 0o644]);
        assert_eq!((mode("."), mode("acme") & 0o077), (0o700, 0));
    }

    #[test]
    fn a_damaged_key_is_an_error_and_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        for content in [&b"short"[..], b"", &[0xff; 64]] {
            fs::write(directory.path().join("node.key"), content).unwrap();
            assert!(matches!(node_secret(directory.path()), Err(DataDirError::Key { .. })));
            assert_eq!(fs::read(directory.path().join("node.key")).unwrap(), content);
        }
    }
}

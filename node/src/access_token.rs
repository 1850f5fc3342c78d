//! The token with which programs on the node's own machine read its status: `status`, `doctor`, a container's health
//! check, and scrapers of `/metrics`. Behind a proxy every client comes from loopback, so an address proves nothing.
//!
//! It is a file in the data directory that only this user can read. It gives no access to the owner's events.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::data_dir::{self, DataDirError};

/// Its name in the data directory.
const FILE: &str = "access-token";
/// Bytes of the token; the file holds them in hexadecimal digits.
const TOKEN_BYTES: usize = 32;

/// A token. It is not shown in debug output.
#[derive(Clone)]
pub(crate) struct AccessToken(Zeroizing<String>);

impl AccessToken {
    /// Reads the token, or makes one where there is none that could be one.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub(crate) fn read_or_make(directory: &Path) -> Result<Self, DataDirError> {
        let path = path(directory);
        let failed = |error| DataDirError::Io { path: path.clone(), error };
        match fs::read_to_string(&path) {
            Ok(text) => match Self::parse(text) {
                Some(token) => return Ok(token),
                None => tracing::warn!(file = %path.display(), "this is no access token; it is made anew"),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let mut random = Zeroizing::new([0; TOKEN_BYTES]);
        getrandom::fill(random.as_mut_slice())
            .map_err(|error| failed(io::Error::other(error.to_string())))?;
        let token = Zeroizing::new(hex::encode(random.as_slice()));
        data_dir::write_private(&path, token.as_bytes()).map_err(failed)?;
        Ok(Self(token))
    }

    /// The token of a node that runs with this data directory; None where this user cannot read it.
    pub(crate) fn read(directory: &Path) -> Option<Self> {
        Self::parse(fs::read_to_string(path(directory)).ok()?)
    }

    fn parse(text: String) -> Option<Self> {
        let text = Zeroizing::new(text);
        let token = Zeroizing::new(text.trim().to_owned());
        let digits = token.bytes().all(|byte| byte.is_ascii_hexdigit());
        (digits && token.len() == 2 * TOKEN_BYTES).then_some(Self(token))
    }

    /// The value of an `Authorization` header (RFC 6750).
    pub(crate) fn header(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("Bearer {}", self.0.as_str()))
    }

    /// Whether a header holds the token. Does not tell by its duration how much was right.
    pub(crate) fn is_in(&self, header: &[u8]) -> bool {
        let own = self.header();
        own.len() == header.len()
            && own.bytes().zip(header).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("AccessToken(..)")
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join(FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_made_once_and_only_this_user_reads_it() {
        let directory = tempfile::tempdir().unwrap();
        assert!(AccessToken::read(directory.path()).is_none());
        let made = AccessToken::read_or_make(directory.path()).unwrap();
        let again = AccessToken::read_or_make(directory.path()).unwrap();
        let read = AccessToken::read(directory.path()).unwrap();
        assert!(again.is_in(made.header().as_bytes()) && read.is_in(made.header().as_bytes()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(path(directory.path())).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn nothing_else_is_the_token_and_a_damaged_one_is_made_anew() {
        let directory = tempfile::tempdir().unwrap();
        let made = AccessToken::read_or_make(directory.path()).unwrap();
        for other in ["", "Bearer ", "Bearer 00", &format!("Bearer {}", "0".repeat(64))] {
            assert!(!made.is_in(other.as_bytes()), "{other}");
        }
        for damaged in ["", "short", &"z".repeat(64)] {
            fs::write(path(directory.path()), damaged).unwrap();
            assert!(AccessToken::read(directory.path()).is_none());
            let anew = AccessToken::read_or_make(directory.path()).unwrap();
            assert!(!made.is_in(anew.header().as_bytes()));
        }
    }
}

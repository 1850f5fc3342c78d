//! The browser client, embedded in the binary.
//!
//! The build script lists `target/web` as it was when the node was built. A path is compared exactly with that list,
//! so no spelling of a path leads outside of it. The HTTP server decides what to serve, and with which headers.

use std::{borrow::Cow, io::Read as _};

use flate2::read::GzDecoder;

#[cfg(test)]
mod naming;

/// One file of the client in every form in which it is served.
#[derive(Debug)]
pub struct WebFile {
    /// As in a URL, with the leading `/`.
    pub path: &'static str,
    /// For the header `Content-Type`.
    pub content_type: &'static str,
    /// The name changes with the content: a browser may keep it for ever. The others must be asked for each time.
    pub immutable: bool,
    /// Absent where it would not be smaller.
    pub brotli: Option<&'static [u8]>,
    /// The file as it is embedded for everybody else.
    pub content: Content,
}

/// A file is embedded once for those who read no Brotli. All browsers read gzip, so the long form waits for nobody.
#[derive(Debug, Clone, Copy)]
pub enum Content {
    /// Where gzip would not be smaller.
    Plain(&'static [u8]),
    Gzip(&'static [u8]),
}

impl Content {
    /// The file itself. A file that cannot be unpacked was damaged on the disk, and is empty.
    pub fn unpacked(self) -> Cow<'static, [u8]> {
        match self {
            Self::Plain(bytes) => bytes.into(),
            Self::Gzip(packed) => {
                let mut bytes = Vec::new();
                let unpacked = GzDecoder::new(packed).read_to_end(&mut bytes);
                unpacked.map(|_| bytes).unwrap_or_default().into()
            }
        }
    }
}

/// Sorted by path.
static FILES: &[WebFile] = include!(concat!(env!("OUT_DIR"), "/web.rs"));

/// The file at the path of a URL; `/` is the page. No escapes are resolved: no file of ours needs any.
pub fn file(path: &str) -> Option<&'static WebFile> {
    find(FILES, path)
}

/// The page itself; absent if the node was built without the client.
pub fn index() -> Option<&'static WebFile> {
    file("/")
}

fn find<'a>(files: &'a [WebFile], path: &str) -> Option<&'a WebFile> {
    let path = if path == "/" { "/index.html" } else { path };
    let at = files.binary_search_by(|file| file.path.cmp(path)).ok()?;
    files.get(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn sample(path: &'static str) -> WebFile {
        let content = Content::Plain(b"x");
        WebFile { path, content_type: "text/plain", immutable: false, brotli: None, content }
    }

    #[test]
    fn a_file_is_found_by_its_exact_path_only() {
        let files = [sample("/a.js"), sample("/icons/b.png"), sample("/index.html")];
        let path_of = |path: &str| find(&files, path).map(|file| file.path);
        for path in ["/a.js", "/icons/b.png", "/index.html"] {
            assert_eq!(path_of(path), Some(path));
        }
        assert_eq!(path_of("/"), Some("/index.html"));
        for path in [
            "",
            "a.js",
            "//a.js",
            "/A.js",
            "/a.js/",
            "/icons",
            "/icons/../a.js",
            "/./a.js",
            "/%61.js",
            "/a.js?x",
        ] {
            assert_eq!(path_of(path), None, "{path}");
        }
        assert_eq!(find(&[], "/").map(|file| file.path), None);
    }

    #[test]
    fn the_embedded_table_is_sorted_and_each_entry_is_what_its_name_says() {
        assert!(FILES.is_sorted_by(|one, next| one.path < next.path));
        for file in FILES {
            assert!(std::ptr::eq(super::file(file.path).unwrap(), file), "{}", file.path);
            assert_eq!(file.immutable, naming::is_fingerprinted(file.path), "{}", file.path);
            assert_eq!(file.content_type, naming::content_type(file.path), "{}", file.path);
            assert!(!naming::is_variant(file.path), "{}", file.path);
            let plain = file.content.unpacked();
            assert!(!plain.is_empty(), "{}", file.path);
            if let Content::Gzip(packed) = file.content {
                assert!(packed.len() < plain.len(), "{}", file.path);
            }
            assert!(file.brotli.is_none_or(|packed| packed.len() < plain.len()), "{}", file.path);
        }
        assert_eq!(index().is_some(), !FILES.is_empty());
    }
}

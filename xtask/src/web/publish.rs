//! Writing `target/web`: only what changed, and a stamp that says what it was made from.
//!
//! The stamp's first line names the inputs; each further line a file and the hash of its bytes.
//! It is written last, so a folder that was interrupted half-way does not pass for a finished one.

use super::{Tree, compress, fingerprint::SiteFiles, hex, read_tree};
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fmt::Write, fs, path::Path};

const STAMP: &str = ".stamp";

/// Whether the folder holds exactly what these inputs gave, byte for byte.
pub fn is_current(folder: &Path, inputs: &str) -> bool {
    let Some(stamp) = Stamp::read(folder).filter(|stamp| stamp.inputs == inputs) else {
        return false;
    };
    read_tree(folder).is_ok_and(|tree| stamp.files == hashes(&tree))
}

/// Makes the folder hold the site with its compressed forms, and nothing else.
pub fn publish(folder: &Path, site: &SiteFiles, inputs: &str) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let old = Stamp::read(folder).unwrap_or_default();
    let present = read_tree(folder)?;

    let mut wanted = site.files.clone();
    wanted.insert("_headers".into(), headers(&site.fingerprinted).into_bytes());
    for (path, bytes) in site.files.iter().filter(|(path, _)| compress::is_compressible(path)) {
        let unchanged = old.knows(path, bytes);
        let packed = |extension: &str| {
            let name = format!("{path}.{extension}");
            let known = present.get(&name).filter(|packed| unchanged && old.knows(&name, packed));
            (name, known.cloned())
        };
        let (name, known) = packed("br");
        add(&mut wanted, name, known, || compress::brotli(bytes))?;
        let (name, known) = packed("gz");
        add(&mut wanted, name, known, || compress::gzip(bytes))?;
    }

    for path in present.keys().filter(|path| !wanted.contains_key(*path)) {
        let file = folder.join(path);
        fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
        // Its folder goes too if this was the last file in it; else removing it fails, as it should.
        file.parent().map(fs::remove_dir);
    }
    for (path, bytes) in wanted.iter().filter(|(path, bytes)| present.get(*path) != Some(bytes)) {
        let file = folder.join(path);
        let parent = file.parent().context("a file has no folder")?;
        fs::create_dir_all(parent)?;
        fs::write(&file, bytes).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Stamp { inputs: inputs.into(), files: hashes(&wanted) }.write(folder)
}

fn add(
    wanted: &mut Tree,
    name: String,
    known: Option<Vec<u8>>,
    compress: impl FnOnce() -> Result<Option<Vec<u8>>>,
) -> Result<()> {
    let packed = match known {
        Some(packed) => Some(packed),
        None => compress()?,
    };
    wanted.extend(packed.map(|packed| (name, packed)));
    Ok(())
}

/// For Netlify, which needs the names; netlify.toml has what does not depend on them.
fn headers(fingerprinted: &[String]) -> String {
    let entry = |path: &String| format!("/{path}\n  Cache-Control: public, max-age=31536000, immutable\n");
    fingerprinted.iter().map(entry).collect()
}

fn hashes(tree: &Tree) -> BTreeMap<String, String> {
    tree.iter().map(|(path, bytes)| (path.clone(), hex(&Sha256::digest(bytes)))).collect()
}

#[derive(Default)]
struct Stamp {
    inputs: String,
    files: BTreeMap<String, String>,
}

impl Stamp {
    fn read(folder: &Path) -> Option<Self> {
        let text = fs::read_to_string(folder.join(STAMP)).ok()?;
        let mut lines = text.lines();
        let inputs = lines.next()?.to_string();
        let files = lines.filter_map(|line| line.split_once(' '));
        Some(Self { inputs, files: files.map(|(hash, path)| (path.into(), hash.into())).collect() })
    }

    fn write(&self, folder: &Path) -> Result<()> {
        let mut text = format!("{}\n", self.inputs);
        for (path, hash) in &self.files {
            writeln!(text, "{hash} {path}")?;
        }
        fs::write(folder.join(STAMP), text).context("the stamp cannot be written")
    }

    fn knows(&self, path: &str, bytes: &[u8]) -> bool {
        self.files.get(path).is_some_and(|hash| *hash == hex(&Sha256::digest(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{path::PathBuf, time::SystemTime};

    /// A folder of its own for one test, gone when the test ends well.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("nostrp2p-xtask-{}-{name}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn modified(&self, path: &str) -> SystemTime {
            fs::metadata(self.0.join(path)).unwrap().modified().unwrap()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).expect("a folder just made can be removed");
        }
    }

    fn site(files: &[(&str, &str)]) -> SiteFiles {
        let files = files.iter().map(|(path, text)| (path.to_string(), text.as_bytes().to_vec())).collect();
        SiteFiles { files, fingerprinted: vec!["a.0123456789.css".into()], unreferenced: Vec::new() }
    }

    #[test]
    fn the_same_inputs_are_current_until_any_file_differs() {
        let folder = Folder::new("current");
        assert!(!is_current(&folder.0, "one"));
        publish(&folder.0, &site(&[("index.html", &"x".repeat(99))]), "one").unwrap();
        assert!(is_current(&folder.0, "one"));
        assert!(!is_current(&folder.0, "two"));

        fs::write(folder.0.join("index.html.br"), "tampered").unwrap();
        assert!(!is_current(&folder.0, "one"));
        publish(&folder.0, &site(&[("index.html", &"x".repeat(99))]), "one").unwrap();
        assert!(is_current(&folder.0, "one"));

        fs::write(folder.0.join("stray.txt"), "?").unwrap();
        assert!(!is_current(&folder.0, "one"));
        publish(&folder.0, &site(&[("index.html", &"x".repeat(99))]), "one").unwrap();
        assert!(is_current(&folder.0, "one"));
        assert!(!folder.0.join("stray.txt").exists());
    }

    #[test]
    fn a_file_that_did_not_change_is_not_written_again() {
        let folder = Folder::new("unchanged");
        let css = "b{color:red}".repeat(20);
        publish(&folder.0, &site(&[("a.0123456789.css", &css), ("index.html", "1")]), "one").unwrap();
        let old = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        for path in ["a.0123456789.css", "a.0123456789.css.br", "a.0123456789.css.gz", "index.html"] {
            fs::File::options().write(true).open(folder.0.join(path)).unwrap().set_modified(old).unwrap();
        }
        publish(&folder.0, &site(&[("a.0123456789.css", &css), ("index.html", "2")]), "two").unwrap();
        for path in ["a.0123456789.css", "a.0123456789.css.br", "a.0123456789.css.gz"] {
            assert_eq!(folder.modified(path), old, "{path}");
        }
        assert_ne!(folder.modified("index.html"), old);
    }

    #[test]
    fn netlify_is_told_to_keep_fingerprinted_files() {
        let folder = Folder::new("headers");
        publish(&folder.0, &site(&[("index.html", "1")]), "one").unwrap();
        let headers = fs::read_to_string(folder.0.join("_headers")).unwrap();
        assert_eq!(headers, "/a.0123456789.css\n  Cache-Control: public, max-age=31536000, immutable\n");
    }
}

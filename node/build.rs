//! Writes the table of the files in `target/web`, which [`src/web.rs`](src/web.rs) embeds.
//!
//! Without that folder (`cargo xtask web` makes it) the table is empty, and the node says so on its page.

#[path = "src/web/naming.rs"]
mod naming;

use std::{
    collections::BTreeMap,
    env,
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    leave_out_the_time();
    let manifest = env::var_os("CARGO_MANIFEST_DIR").ok_or_else(|| io::Error::other("cargo runs this"))?;
    let folder = Path::new(&manifest).join("../target/web");
    // Cargo would run this again and again for a path that is not there; an empty folder is quiet until it fills.
    fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/web/naming.rs");
    println!("cargo::rerun-if-changed={}", folder.display());

    let files = list(&folder)?;
    let mut table = String::from("&[\n");
    for (path, file) in &files {
        if naming::is_variant(path) {
            continue;
        }
        println!("cargo::rerun-if-changed={}", file.display());
        let variant = |extension: &str| files.get(&format!("{path}.{extension}"));
        let brotli = match variant("br") {
            Some(brotli) => format!("Some(include_bytes!({brotli:?}))"),
            None => "None".into(),
        };
        let content = match variant("gz") {
            Some(gzip) => format!("Content::Gzip(include_bytes!({gzip:?}))"),
            None => format!("Content::Plain(include_bytes!({file:?}))"),
        };
        let (content_type, immutable) = (naming::content_type(path), naming::is_fingerprinted(path));
        writeln!(
            table,
            "WebFile {{ path: {path:?}, content_type: {content_type:?}, immutable: {immutable}, \
             brotli: {brotli}, content: {content} }},"
        )
        .map_err(io::Error::other)?;
    }
    table.push_str("]\n");
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo runs this"))?;
    fs::write(Path::new(&out).join("web.rs"), table)
}

/// Linkers for Windows write the time into a program, and two builds of one commit shall give the same bytes.
fn leave_out_the_time() {
    let target = |name: &str| env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    if target("OS") == "windows" {
        let flag = if target("ENV") == "msvc" { "/Brepro" } else { "-Wl,--no-insert-timestamp" };
        println!("cargo::rustc-link-arg-bins={flag}");
    }
}

/// All files below the folder by their path in a URL, without the build's own notes (`.stamp`, `_headers`).
fn list(folder: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    let mut waiting = vec![(folder.to_path_buf(), String::from("/"))];
    while let Some((folder, prefix)) = waiting.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_str().ok_or_else(|| io::Error::other("a file name is not Unicode"))?;
            if name.starts_with(['.', '_']) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                waiting.push((entry.path(), format!("{prefix}{name}/")));
            } else {
                files.insert(format!("{prefix}{name}"), entry.path());
            }
        }
    }
    Ok(files)
}

//! `cargo xtask web`: the static browser client, from `www/`, `wasm-client/` and `wasm-ciphers/` to `target/web`.
//!
//! What the files in `www/` may count on:
//!
//! - Every file of `www/` is published under the name it has there, except that css, js, wasm, pictures and
//!   fonts get a fingerprint: `style.css` becomes `style.<ten hex digits>.css`, and may be cached for ever.
//!   Keep their names: `*.html`, `sw.js`, `favicon.ico`, `manifest.webmanifest` and every other kind of file.
//! - A reference is a file's path from the top of `www/`, directly behind a quote, a backtick or a `(`, with
//!   `./`, `/` or nothing before it, and followed by a quote, a backtick, `)`, `?`, `#` or white space:
//!   `href="style.css"`, `import("./client.js")`, `url(/icons/a.svg#b)`. In html, css, js, json, svg and
//!   webmanifest files each reference to a fingerprinted file gets the new name. Two files must not refer to
//!   each other, because each one's name would depend on the other's.
//! - The compiled client is there under the names `client.js` (a module: `import init from './client.js'`) and
//!   `client.wasm`. The glue does not look for the wasm file by itself: pass it as
//!   `init({ module_or_path: './client.wasm' })`. `ciphers.js` and `ciphers.wasm` likewise: they are the part of the
//!   client that is loaded later, when somebody needs it.
//! - In `sw.js`, `__PRECACHE__` becomes a JSON object of the page (`./`) and all fingerprinted files but png, which are
//!   icons that a system takes when it installs the page (`./style.<hash>.css`), each with its whole hash as browsers compare it (`sha256-<base64>`),
//!   and `__VERSION__` (write it in quotes) becomes hex digits that change whenever any file does.
//! - The style sheets that `index.html` links as `<link rel="stylesheet" href="./base.css">`, each on a line of its
//!   own, become one, `style.css`, without comments.
//! - Scripts lose the lines that are comments and their indentation; so no text in them goes over several lines.
//! - `src="..."` and `href="..."` in html must name a file that exists, or the build fails.
//!
//! Beside each file that gets smaller by it stand `.br` and `.gz`. `.stamp` says what the folder was made from,
//! `_headers` lists for Netlify what may be cached for ever; neither belongs to the site.
//!
//! Nothing is done again whose inputs are the same, and a file that did not change is not written, so that cargo
//! does not embed it again.

mod bindings;
mod compress;
mod fingerprint;
mod optimizer;
mod order;
mod publish;
mod shorten;
mod styles;

use crate::{
    report::{Steps, kilobytes},
    tools,
    workspace::Workspace,
};
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fs, path::Path};

/// Files by their path below a folder, with `/` on every system.
type Tree = BTreeMap<String, Vec<u8>>;

/// The source of this very pipeline: when it changes, what it made before is out of date.
const PIPELINE: [&str; 9] = [
    include_str!("web.rs"),
    include_str!("web/bindings.rs"),
    include_str!("web/compress.rs"),
    include_str!("web/fingerprint.rs"),
    include_str!("web/optimizer.rs"),
    include_str!("web/order.rs"),
    include_str!("web/publish.rs"),
    include_str!("web/shorten.rs"),
    include_str!("web/styles.rs"),
];

/// How many steps [`build`] announces.
pub const STEPS: usize = 2;

/// The files that a browser fetches to show the first page, except [`LATER`].
const FIRST_LOAD: [&str; 4] = ["html", "css", "js", "wasm"];

/// The files that it fetches after the first page: the service worker at once, the others on first use;
/// tests/tests/hosted.rs checks that.
const LATER: [&str; 5] = ["ciphers.js", "ciphers.wasm", "ja.js", "sw.js", "worker.js"];

/// One published file and what it costs.
pub struct FileSize {
    pub path: String,
    pub plain: usize,
    /// As transferred to a browser of today: with brotli where that is smaller.
    pub transferred: usize,
}

/// The command: builds and prints what each file weighs.
pub fn run(workspace: &Workspace) -> Result<()> {
    let mut steps = Steps::new(STEPS);
    let sizes = build(workspace, &mut steps)?;
    let total = FileSize {
        path: "total".into(),
        plain: sizes.iter().map(|size| size.plain).sum(),
        transferred: sizes.iter().map(|size| size.transferred).sum(),
    };
    let width = sizes.iter().map(|size| size.path.len()).max().unwrap_or_default();
    println!("\n{:<width$} {:>10} {:>10}", "target/web", "plain", "brotli");
    for FileSize { path, plain, transferred } in sizes.iter().chain([&total]) {
        println!("{path:<width$} {:>10} {:>10}", kilobytes(*plain), kilobytes(*transferred));
    }
    println!("first load (html, css, js, wasm), brotli: {}", kilobytes(first_load(&sizes)));
    println!("loaded later ({}), brotli: {}", LATER.join(", "), kilobytes(later(&sizes)));
    Ok(())
}

/// Brings `target/web` up to date.
pub fn build(workspace: &Workspace, steps: &mut Steps) -> Result<Vec<FileSize>> {
    steps.begin("browser client: compile to WebAssembly");
    tools::ensure_wasm_target()?;
    let modules = bindings::compile(workspace)?;

    steps.begin("browser client: bindings, fingerprints, compression");
    let www = read_tree(&workspace.path("www"))?;
    if !www.contains_key("index.html") {
        bail!("www/index.html is missing, so there is no page to build");
    }
    let bindgen = workspace.locked_version("wasm-bindgen")?;
    let optimizer = optimizer::Optimizer::find();
    let toolbox = format!("wasm-bindgen {bindgen}, {optimizer}");
    let inputs = inputs_hash(&modules, &www, &toolbox);

    let folder = workspace.path("target/web");
    if publish::is_current(&folder, &inputs) {
        steps.detail("nothing changed");
    } else {
        let cache = workspace.path("target/web-bindings");
        let mut tree = bindings::make(&modules, &toolbox, &optimizer, &cache, steps)?;
        for (path, bytes) in www {
            if tree.insert(path.clone(), bytes).is_some() {
                bail!("www/{path} has the name of a file that the compiler makes; rename it");
            }
        }
        styles::join(&mut tree)?;
        for (path, bytes) in tree.iter_mut().filter(|(path, _)| extension(path) == "js") {
            let script = std::str::from_utf8(bytes).with_context(|| format!("{path} is not UTF-8"))?;
            *bytes = shorten::script(script).into_bytes();
        }
        let site = fingerprint::fingerprint(tree)?;
        for path in &site.unreferenced {
            steps.detail(&format!("nothing refers to {path}"));
        }
        publish::publish(&folder, &site, &inputs)?;
    }
    let sizes = sizes(&folder)?;
    steps.detail(&format!("{} files, first load {} with brotli", sizes.len(), kilobytes(first_load(&sizes))));
    Ok(sizes)
}

/// The bytes that the first page costs, brotli.
pub fn first_load(sizes: &[FileSize]) -> usize {
    let counts = |size: &&FileSize| FIRST_LOAD.contains(&extension(&size.path)) && !is_later(&size.path);
    sizes.iter().filter(counts).map(|size| size.transferred).sum()
}

/// The bytes of what is loaded after the first page, brotli.
pub fn later(sizes: &[FileSize]) -> usize {
    sizes.iter().filter(|size| is_later(&size.path)).map(|size| size.transferred).sum()
}

/// Whether a published file is one of [`LATER`].
fn is_later(path: &str) -> bool {
    LATER.iter().any(|later| path == *later || fingerprint::is_named_after(path, later))
}

fn sizes(folder: &Path) -> Result<Vec<FileSize>> {
    let tree = read_tree(folder)?;
    let belongs = |path: &str| !path.starts_with('_') && !["br", "gz"].contains(&extension(path));
    let size = |(path, bytes): (&String, &Vec<u8>)| FileSize {
        path: path.clone(),
        plain: bytes.len(),
        transferred: tree.get(&format!("{path}.br")).unwrap_or(bytes).len(),
    };
    Ok(tree.iter().filter(|(path, _)| belongs(path)).map(size).collect())
}

/// The hash of all inputs of a build.
fn inputs_hash(modules: &[bindings::Raw], www: &Tree, toolbox: &str) -> String {
    let mut hash = Sha256::new();
    let modules = modules.iter().flat_map(|module| [module.name.as_bytes(), &module.wasm]);
    let sources = PIPELINE.iter().map(|source| source.as_bytes());
    for part in sources.chain([toolbox.as_bytes()]).chain(modules) {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    for (path, bytes) in www {
        hash.update(format!("{path}\n{}\n", bytes.len()));
        hash.update(bytes);
    }
    hex(&hash.finalize())
}

/// Reads a folder, without hidden files.
fn read_tree(folder: &Path) -> Result<Tree> {
    let mut tree = Tree::new();
    let mut waiting = vec![(folder.to_path_buf(), String::new())];
    while let Some((folder, prefix)) = waiting.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().into_string().ok().context("a file name is not Unicode")?;
            if name.starts_with('.') {
                continue;
            }
            let path = format!("{prefix}{name}");
            if entry.file_type()?.is_dir() {
                waiting.push((entry.path(), format!("{path}/")));
            } else {
                let bytes = fs::read(entry.path()).with_context(|| format!("cannot read {path}"))?;
                tree.insert(path, bytes);
            }
        }
    }
    Ok(tree)
}

fn extension(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, extension)| extension)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(path: &str, transferred: usize) -> FileSize {
        FileSize { path: path.into(), plain: 2 * transferred, transferred }
    }

    #[test]
    fn the_first_load_counts_page_style_scripts_and_wasm_but_no_pictures_and_nothing_that_is_loaded_later() {
        let sizes = [
            size("index.html", 1),
            size("style.0123456789.css", 10),
            size("client.0123456789.js", 100),
            size("client.0123456789.wasm", 1000),
            size("ciphers.0123456789.js", 1_000_000),
            size("ciphers.0123456789.wasm", 2_000_000),
            size("worker.0123456789.js", 4_000_000),
            size("sw.js", 16_000_000),
            size("ja.0123456789.js", 8_000_000),
            size("icons/a.0123456789.png", 10000),
            size("manifest.webmanifest", 100_000),
        ];
        assert_eq!(first_load(&sizes), 1111);
        assert_eq!(later(&sizes), 31_000_000);
    }

    #[test]
    fn every_input_changes_the_inputs_hash() {
        let www = Tree::from([("a.css".to_string(), b"x".to_vec())]);
        let renamed = Tree::from([("b.css".to_string(), b"x".to_vec())]);
        let edited = Tree::from([("a.css".to_string(), b"y".to_vec())]);
        let raw = |wasm: &[u8]| [bindings::Raw { name: "client", wasm: wasm.to_vec() }];
        let base = inputs_hash(&raw(b"wasm"), &www, "tools 1");
        assert_eq!(base, inputs_hash(&raw(b"wasm"), &www, "tools 1"));
        for other in [
            inputs_hash(&raw(b"wasm2"), &www, "tools 1"),
            inputs_hash(&raw(b"wasm"), &renamed, "tools 1"),
            inputs_hash(&raw(b"wasm"), &edited, "tools 1"),
            inputs_hash(&raw(b"wasm"), &www, "tools 2"),
        ] {
            assert_ne!(base, other);
        }
    }
}

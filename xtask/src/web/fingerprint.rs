//! Names that change with the content, and the references that follow them.
//!
//! The rules are those at the top of [`super`].

use super::{Tree, extension, hex};
use anyhow::{Context, Result, bail};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Hex digits in a name. The node and the tests tell a fingerprinted file by exactly this many.
const DIGITS: usize = 10;

/// Kinds of files that may be cached for ever under a name that tells their content.
const FINGERPRINTED: [&str; 12] =
    ["css", "gif", "ico", "jpg", "js", "mjs", "png", "svg", "wasm", "webp", "woff", "woff2"];

/// Files that the browser asks for by a fixed name.
const FIXED_NAMES: [&str; 2] = ["sw.js", "favicon.ico"];

/// The file that is served at `./`.
const PAGE: &str = "index.html";

/// Kinds of files in which references are followed.
const WITH_REFERENCES: [&str; 7] = ["css", "html", "js", "json", "mjs", "svg", "webmanifest"];

/// The files as they are published.
pub struct SiteFiles {
    pub files: Tree,
    /// Those of the files whose name tells their content.
    pub fingerprinted: Vec<String>,
    /// Source files that would be fingerprinted but that no file mentions.
    pub unreferenced: Vec<String>,
}

/// Renames what may be cached for ever and rewrites every reference to it.
pub fn fingerprint(sources: Tree) -> Result<SiteFiles> {
    check_links(&sources)?;
    let mut naming =
        Naming { sources: &sources, renamed: BTreeMap::new(), finished: Tree::new(), path: Vec::new() };
    for source in sources.keys().filter(|source| is_fingerprinted(source)) {
        naming.finish(source)?;
    }
    let Naming { renamed, finished: mut files, .. } = naming;
    let fingerprinted: Vec<String> = files.keys().cloned().collect();

    let mut mentioned: Vec<&str> = Vec::new();
    for (source, bytes) in &sources {
        let text = text(source, bytes);
        if let Some(text) = text {
            mentioned.extend(references(text).map(|(_, name)| name).filter(|name| *name != source.as_str()));
        }
        if !is_fingerprinted(source) {
            let bytes = text.map_or_else(|| bytes.clone(), |text| rewrite(text, &renamed).into_bytes());
            files.insert(source.clone(), bytes);
        }
    }
    let unreferenced =
        renamed.keys().filter(|source| !mentioned.contains(&source.as_str())).cloned().collect();
    fill_in_service_worker(&mut files, &fingerprinted)?;
    Ok(SiteFiles { files, fingerprinted, unreferenced })
}

/// Gives each file its name after all files it refers to have theirs.
struct Naming<'a> {
    sources: &'a Tree,
    renamed: BTreeMap<String, String>,
    finished: Tree,
    /// The files being named now, each because the one before refers to it.
    path: Vec<&'a str>,
}

impl<'a> Naming<'a> {
    fn finish(&mut self, source: &'a str) -> Result<()> {
        if self.renamed.contains_key(source) {
            return Ok(());
        }
        if self.path.contains(&source) {
            self.path.push(source);
            bail!(
                "these files refer to each other in a circle, so none can be named first: {}",
                self.path.join(" -> ")
            );
        }
        self.path.push(source);
        let bytes = self.sources.get(source).context("a file vanished")?;
        let content = match text(source, bytes) {
            None => bytes.clone(),
            Some(text) => {
                for (_, name) in references(text) {
                    if let Some((target, _)) = self.sources.get_key_value(name)
                        && is_fingerprinted(target)
                    {
                        self.finish(target)?;
                    }
                }
                rewrite(text, &self.renamed).into_bytes()
            }
        };
        let name = fingerprinted_name(source, &content);
        self.finished.insert(name.clone(), content);
        self.renamed.insert(source.into(), name);
        self.path.pop();
        Ok(())
    }
}

fn is_fingerprinted(path: &str) -> bool {
    FINGERPRINTED.contains(&extension(path)) && !FIXED_NAMES.contains(&path)
}

fn fingerprinted_name(path: &str, content: &[u8]) -> String {
    let hash = hex(&Sha256::digest(content));
    let digits: String = hash.chars().take(DIGITS).collect();
    match path.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}.{digits}.{extension}"),
        None => format!("{path}.{digits}"),
    }
}

/// Whether this published file got its name from this source.
pub fn is_named_after(published: &str, source: &str) -> bool {
    let (stem, ending) = source.rsplit_once('.').unwrap_or((source, ""));
    let digits = published.strip_prefix(stem).and_then(|rest| rest.strip_suffix(ending));
    let digits = digits.and_then(|rest| rest.strip_prefix('.')?.strip_suffix('.'));
    digits
        .is_some_and(|digits| digits.len() == DIGITS && digits.chars().all(|digit| digit.is_ascii_hexdigit()))
}

fn text<'a>(path: &str, bytes: &'a [u8]) -> Option<&'a str> {
    if !WITH_REFERENCES.contains(&extension(path)) {
        return None;
    }
    std::str::from_utf8(bytes).ok()
}

/// Everything that stands where a reference may stand, with its place in the text.
fn references(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let begins = |(at, char): (usize, char)| matches!(char, '"' | '\'' | '`' | '(').then_some(at + 1);
    text.char_indices().filter_map(begins).filter_map(|start| {
        let rest = text.get(start..)?;
        let name = rest.strip_prefix("./").or_else(|| rest.strip_prefix('/')).unwrap_or(rest);
        let ends = |char: char| matches!(char, '"' | '\'' | '`' | ')' | '?' | '#') || char.is_whitespace();
        let end = name.find(ends)?;
        Some((start + rest.len() - name.len(), name.get(..end)?))
    })
}

fn rewrite(text: &str, renamed: &BTreeMap<String, String>) -> String {
    let mut rewritten = String::with_capacity(text.len());
    let mut done = 0;
    for (at, name) in references(text) {
        let Some(new) = renamed.get(name) else { continue };
        rewritten.extend(text.get(done..at));
        rewritten.push_str(new);
        done = at + name.len();
    }
    rewritten.extend(text.get(done..));
    rewritten
}

fn fill_in_service_worker(files: &mut Tree, fingerprinted: &[String]) -> Result<()> {
    let Some(worker) = files.get("sw.js") else {
        return Ok(());
    };
    let worker = String::from_utf8(worker.clone()).context("www/sw.js is not UTF-8")?;
    let mut version = Sha256::new();
    for (path, bytes) in files.iter() {
        version.update(format!("{path}\n{}\n", bytes.len()));
        version.update(bytes);
    }
    let version: String = hex(&version.finalize()).chars().take(DIGITS).collect();
    // What the system takes when it installs the page need not be there without a network.
    let kept = fingerprinted.iter().filter(|path| extension(path) != "png");
    let named = kept.map(|path| (format!("./{path}"), path.as_str()));
    let list: BTreeMap<String, String> = [("./".to_owned(), PAGE)]
        .into_iter()
        .chain(named)
        .filter_map(|(address, path)| Some((address, integrity(files.get(path)?))))
        .collect();
    let worker =
        worker.replace("__PRECACHE__", &serde_json::to_string(&list)?).replace("__VERSION__", &version);
    files.insert("sw.js".into(), worker.into_bytes());
    Ok(())
}

/// The hash of a file, as browsers compare it (Subresource Integrity).
fn integrity(bytes: &[u8]) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(bytes)))
}

/// A page that refers to a file that is not there would be broken for everyone: say so now.
fn check_links(sources: &Tree) -> Result<()> {
    for (page, bytes) in sources.iter().filter(|(path, _)| extension(path) == "html") {
        let html = std::str::from_utf8(bytes).with_context(|| format!("www/{page} is not UTF-8"))?;
        let links = [" src=\"", " href=\""].into_iter().flat_map(|attribute| html.split(attribute).skip(1));
        for link in links.filter_map(|rest| rest.split(['"', '?', '#']).next()) {
            let local = link.strip_prefix("./").or_else(|| link.strip_prefix('/')).unwrap_or(link);
            if !local.is_empty() && !link.contains(':') && !sources.contains_key(local) {
                bail!("www/{page} refers to {link}, which is neither in www/ nor made by the compiler");
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(sources: &[(&str, &str)]) -> Result<SiteFiles> {
        fingerprint(sources.iter().map(|(path, text)| (path.to_string(), text.as_bytes().to_vec())).collect())
    }

    fn text_of(site: &SiteFiles, path: &str) -> String {
        String::from_utf8(site.files[path].clone()).unwrap()
    }

    fn name_of(site: &SiteFiles, stem: &str) -> String {
        let found: Vec<_> = site.files.keys().filter(|path| path.starts_with(&format!("{stem}."))).collect();
        assert_eq!(found.len(), 1, "{stem} in {:?}", site.files.keys());
        found[0].clone()
    }

    #[test]
    fn a_file_is_named_after_its_content_and_the_page_refers_to_the_new_name() {
        let site =
            site(&[("index.html", r#"<link rel="stylesheet" href="style.css">"#), ("style.css", "b{}")])
                .unwrap();
        let digits: String = hex(&Sha256::digest(b"b{}")).chars().take(10).collect();
        assert_eq!(site.fingerprinted, [format!("style.{digits}.css")]);
        assert_eq!(
            text_of(&site, "index.html"),
            format!(r#"<link rel="stylesheet" href="style.{digits}.css">"#)
        );
        assert!(!site.files.contains_key("style.css"));
    }

    #[test]
    fn each_spelling_of_a_reference_is_followed_and_nothing_else_is_touched() {
        let renamed = BTreeMap::from([("a.js".to_string(), "a.0.js".to_string())]);
        for (before, after) in [
            (r#"import("./a.js")"#, r#"import("./a.0.js")"#),
            ("from '/a.js';", "from '/a.0.js';"),
            ("`a.js?v=1`", "`a.0.js?v=1`"),
            ("url(a.js#x)", "url(a.0.js#x)"),
            (r#"srcset="a.js 2x""#, r#"srcset="a.0.js 2x""#),
            ("'a.js' 'a.js'", "'a.0.js' 'a.0.js'"),
            (r#""data.js" "a.json" "x/a.js" "../a.js""#, r#""data.js" "a.json" "x/a.js" "../a.js""#),
            ("see a.js, or \"the a.js\"", "see a.js, or \"the a.js\""),
            ("\"a.js", "\"a.js"),
            ("é'a.js'é", "é'a.0.js'é"),
        ] {
            assert_eq!(rewrite(before, &renamed), after);
        }
    }

    #[test]
    fn a_change_deep_down_changes_every_name_above_it() {
        let build = |wasm: &str| {
            site(&[
                ("index.html", r#"<script type="module" src="boot.js"></script>"#),
                ("boot.js", "import init from './client.js'; init('./client.wasm')"),
                ("client.js", "export default 1"),
                ("client.wasm", wasm),
            ])
            .unwrap()
        };
        let (one, two) = (build("one"), build("two"));
        assert_ne!(name_of(&one, "boot"), name_of(&two, "boot"));
        assert_ne!(one.files["index.html"], two.files["index.html"]);
        let boot = text_of(&two, &name_of(&two, "boot"));
        for file in two.fingerprinted.iter().filter(|path| path.starts_with("client.")) {
            assert!(boot.contains(&format!("'./{file}'")), "{boot} lacks {file}");
        }
    }

    #[test]
    fn a_published_file_is_told_by_its_source() {
        assert!(is_named_after(&fingerprinted_name("a/b.js", b"x"), "a/b.js"));
        for other in ["b.js", "b.0123456789.css", "ab.0123456789.js", "b.012345678.js", "b.012345678g.js"] {
            assert!(!is_named_after(other, "b.js"), "{other}");
        }
    }

    #[test]
    fn page_worker_and_manifest_keep_their_names_and_the_worker_learns_all_others() {
        let build = |css: &str| {
            site(&[
                ("index.html", ""),
                ("manifest.webmanifest", r#"{"icons":[{"src":"icons/i.png"}]}"#),
                ("icons/i.png", "png"),
                ("style.css", css),
                ("sw.js", "const V = '__VERSION__', F = __PRECACHE__;"),
            ])
            .unwrap()
        };
        let site = build("b{}");
        let (css, icon) = (name_of(&site, "style"), name_of(&site, "icons/i"));
        assert_eq!(text_of(&site, "manifest.webmanifest"), format!(r#"{{"icons":[{{"src":"{icon}"}}]}}"#));
        let worker = text_of(&site, "sw.js");
        let hash = |text: &str| integrity(text.as_bytes());
        let list = format!(r#"F = {{"./":"{}","./{css}":"{}"}};"#, hash(""), hash("b{}"));
        assert!(worker.contains(&list), "{worker}");
        assert_eq!(hash(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        assert!(!worker.contains("__"), "{worker}");
        let version = |worker: &str| worker.split('\'').nth(1).unwrap().to_string();
        assert_eq!(version(&worker), version(&text_of(&build("b{}"), "sw.js")));
        assert_ne!(version(&worker), version(&text_of(&build("i{}"), "sw.js")));
        assert_eq!(site.unreferenced, ["style.css"]);
    }

    #[test]
    fn files_in_a_circle_and_links_to_nothing_are_refused_by_name() {
        let circle = site(&[("a.js", "import './b.js'"), ("b.js", "import './a.js'")]).err().unwrap();
        assert!(circle.to_string().contains("a.js -> b.js -> a.js"), "{circle}");
        let dangling = site(&[("index.html", r#"<img src="./nope.png">"#)]).err().unwrap();
        assert!(dangling.to_string().contains("./nope.png"), "{dangling}");
        let links =
            r##"<a href="https://example.org/x">a</a><a href="/">b</a><a href="#c">c</a><a href="./">d</a>"##;
        assert!(site(&[("index.html", links)]).is_ok());
    }
}

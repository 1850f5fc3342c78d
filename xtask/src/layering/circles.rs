//! Modules beside each other must import each other in one direction.
//!
//! A module and the modules below it count as one; imports within that unit are free. A name that a module re-exports
//! (`use writer::Propagation` in `store.rs`) counts as an import of the module that defines it.

use std::collections::{BTreeMap, BTreeSet};

use super::sources;
use crate::workspace::Workspace;
use anyhow::Result;

/// The product's crates.
const CRATES: [&str; 8] = ["protocol", "core", "overlay", "runtime", "bridge", "node", "wasm-client", "sim"];

/// A module by the names that lead to it from the top of its crate.
type Module = Vec<String>;
/// For each module the modules beside it that it imports.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// The circles of the product, one sentence each.
///
/// # Errors
/// When a source cannot be read.
pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let mut sentences = Vec::new();
    for name in CRATES {
        for (around, circle) in circles(&modules(&sources::of_crate(workspace, name)?)) {
            let below = if around.is_empty() { String::new() } else { format!("{around}/") };
            sentences.push(format!(
                "{name}/src/{below}: {} import each other in a circle; let one direction go, or move what ties them.",
                circle.replace(' ', ", ")
            ));
        }
    }
    Ok(sentences)
}

/// The text of each module without comments and tests.
fn modules(sources: &[(String, String)]) -> BTreeMap<Module, String> {
    let mut modules: BTreeMap<Module, String> = BTreeMap::new();
    for (path, text) in sources {
        let inside = path.split_once("/src/").map_or("", |(_, inside)| inside).trim_end_matches(".rs");
        let mut module: Module = inside.split('/').map(str::to_owned).collect();
        if module == ["lib"] || module == ["main"] {
            module.clear();
        }
        if !module.iter().any(|name| name == "tests") {
            let program = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let lines = program.lines().map(|line| line.split("//").next().unwrap_or_default());
            modules.entry(module).or_default().push_str(&lines.collect::<Vec<_>>().join("\n"));
        }
    }
    modules
}

/// The circles among modules that stand side by side: the module around them, and their names.
fn circles(modules: &BTreeMap<Module, String>) -> Vec<(String, String)> {
    let used: BTreeMap<&Module, Vec<Module>> =
        modules.iter().map(|(module, text)| (module, paths(text))).collect();
    let mut graphs: BTreeMap<Module, Graph> = BTreeMap::new();
    for (module, paths) in &used {
        for target in paths.iter().filter_map(|path| resolve(&used, module, path, 0)) {
            let common = module.iter().zip(&target).take_while(|(one, other)| one == other).count();
            if let (Some(from), Some(to)) = (module.get(common), target.get(common)) {
                let around = module.iter().take(common).cloned().collect();
                graphs.entry(around).or_default().entry(from.clone()).or_default().insert(to.clone());
            }
        }
    }
    let mut circles = Vec::new();
    for (around, graph) in &graphs {
        let found: BTreeSet<String> = graph.keys().filter_map(|name| circle(graph, name)).collect();
        circles.extend(found.into_iter().map(|circle| (around.join("/"), circle)));
    }
    circles
}

/// The modules that a module reaches and that reach it.
fn circle(graph: &Graph, name: &str) -> Option<String> {
    let mine = reached(graph, name);
    let circle: Vec<&str> =
        mine.iter().filter(|other| reached(graph, other).contains(name)).map(String::as_str).collect();
    (circle.len() > 1).then(|| circle.join(" "))
}

fn reached(graph: &Graph, from: &str) -> BTreeSet<String> {
    let (mut reached, mut waiting) = (BTreeSet::new(), vec![from.to_owned()]);
    while let Some(name) = waiting.pop() {
        for next in graph.get(&name).into_iter().flatten() {
            if reached.insert(next.clone()) {
                waiting.push(next.clone());
            }
        }
    }
    reached
}

/// Hand-overs that are followed; there are no longer ones.
const MAX_DEPTH: usize = 8;

/// The module to which a path leads that is written in another one.
fn resolve(
    used: &BTreeMap<&Module, Vec<Module>>,
    module: &Module,
    path: &[String],
    depth: usize,
) -> Option<Module> {
    let mut at = module.clone();
    let mut rest = path.iter().peekable();
    match rest.peek()?.as_str() {
        "crate" => {
            at.clear();
            rest.next();
        }
        "self" => drop(rest.next()),
        "super" => {
            while rest.next_if(|name| *name == "super").is_some() {
                at.pop();
            }
        }
        name => {
            let below: Module = at.iter().cloned().chain([name.to_owned()]).collect();
            used.get(&below)?;
        }
    }
    while let Some(name) = rest.peek() {
        let below: Module = at.iter().cloned().chain([(*name).clone()]).collect();
        if !used.contains_key(&below) {
            break;
        }
        at = below;
        rest.next();
    }
    // What a module hands on is looked for where it comes from.
    let handed_on = rest.peek().filter(|_| depth < MAX_DEPTH && at != *module).and_then(|name| {
        let from = used.get(&at)?.iter().find(|from| from.last() == Some(name) && from.as_slice() != path)?;
        resolve(used, &at, from, depth + 1)
    });
    handed_on.or_else(|| used.contains_key(&at).then_some(at))
}

/// The paths that a text uses: those of its `use` items, and those that begin with `crate`, `self` or `super` elsewhere.
fn paths(text: &str) -> Vec<Module> {
    let (mut paths, mut elsewhere) = (Vec::new(), String::new());
    let mut rest = text;
    while let Some((before, item)) = split_word(rest, "use") {
        let (tree, after) = item.split_once(';').unwrap_or((item, ""));
        expand("", tree, &mut paths);
        elsewhere.push_str(before);
        rest = after;
    }
    elsewhere.push_str(rest);
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let inline = elsewhere
        .split(|letter| !is_part(letter))
        .filter(|path| ["crate::", "self::", "super::"].iter().any(|start| path.starts_with(start)));
    paths.extend(inline.map(str::to_owned));
    paths
        .iter()
        .map(|path| path.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect())
        .collect()
}

/// Splits at a word that stands by itself.
fn split_word<'a>(text: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(word).find_map(|(at, _)| {
        let (before, after) = (text.get(..at)?, text.get(at + word.len()..)?);
        (!before.ends_with(is_part) && after.starts_with(char::is_whitespace)).then_some((before, after))
    })
}

/// Takes `a::{b, c::{d as e}}` apart.
fn expand(before: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((start, inside)) = tree.split_once('{') else {
        let name = tree.split_whitespace().next().unwrap_or_default();
        if !name.is_empty() {
            paths.push(format!("{before}{name}"));
        }
        return;
    };
    let (before, inside) = (format!("{before}{start}"), inside.strip_suffix('}').unwrap_or(inside));
    let (mut depth, mut from) = (0, 0);
    for (at, letter) in inside.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&before, inside.get(from..at).unwrap_or_default(), paths);
                from = at + 1;
            }
            _ => {}
        }
    }
    expand(&before, inside.get(from..).unwrap_or_default(), paths);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sources: &[(&str, &str)], expected: &[(&str, &str)]) {
        let sources: Vec<(String, String)> =
            sources.iter().map(|(path, text)| (format!("c/src/{path}"), (*text).to_owned())).collect();
        let found = circles(&modules(&sources));
        let found: Vec<(&str, &str)> =
            found.iter().map(|(around, circle)| (around.as_str(), circle.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn this_work_tree_has_no_circle() {
        assert_eq!(super::check(&Workspace::locate().unwrap()).unwrap(), [""; 0]);
    }

    #[test]
    fn modules_side_by_side_that_import_each_other_are_a_circle_however_it_is_written() {
        let one = ("a.rs", "use crate::b::{self, c::D as E};");
        check(&[("lib.rs", "mod a; mod b;"), one, ("b.rs", "fn f() { crate::a::x(); }")], &[("", "a b")]);
        check(&[("lib.rs", "mod a; mod b;"), one, ("b.rs", "// use crate::a::X;\nfn f() {}")], &[]);
        let tests = "fn f() {}\n#[cfg(test)]\nmod tests {\n use crate::a;\n}";
        check(&[("lib.rs", ""), one, ("b.rs", tests)], &[]);
        let three = [
            ("x/a.rs", "use super::b;"),
            ("x/b.rs", "use super::c::{Y};"),
            ("x/c.rs", "use crate::x::a::Z;"),
        ];
        check(
            &[&three[..], &[("x.rs", "mod a; mod b; mod c;"), ("lib.rs", "mod x;")]].concat(),
            &[("x", "a b c")],
        );
    }

    #[test]
    fn what_lies_below_counts_for_what_is_above_and_a_parent_and_its_parts_are_free() {
        let sources =
            [("lib.rs", ""), ("a.rs", "use crate::b::X;"), ("b.rs", ""), ("b/in.rs", "use crate::a;")];
        check(&sources, &[("", "a b")]);
        check(&[("lib.rs", ""), ("b.rs", "use self::in::X;"), ("b/in.rs", "use super::Y;")], &[]);
    }

    #[test]
    fn a_name_that_is_handed_on_belongs_to_where_it_comes_from() {
        let sources = [
            ("lib.rs", ""),
            ("s.rs", "pub use w::P;"),
            ("s/w.rs", "use super::r;"),
            ("s/r.rs", "use super::P;"),
        ];
        check(&sources, &[("s", "r w")]);
    }
}

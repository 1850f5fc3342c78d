//! Shortens scripts: no comments and no indentation, and short names between a module and its bindings.
//!
//! The names of a module's imports and exports end in sixteen digits that do not compress, and each stands in the
//! module and in its script. Nobody else uses them, so they become one or two letters.

use crate::workspace::CARGO_HOME;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use walrus::ModuleConfig;

/// The name under which a module looks for what it takes in.
const PLACE: &str = "b";
/// The name of the module in a script of bindings, before the names of its exports.
const MODULE: &str = "wasm.";

/// The same script without the lines that are comments, empty lines, and indentation.
///
/// It goes by lines, so no text in a script may go over several of them; the lines stay apart, because a line may end a
/// statement.
pub fn script(long: &str) -> String {
    let mut short = String::with_capacity(long.len());
    let mut in_comment = false;
    for line in long.lines() {
        let mut rest = line.trim();
        loop {
            if in_comment {
                let Some((_, after)) = rest.split_once("*/") else { break };
                (rest, in_comment) = (after.trim_start(), false);
            } else if let Some(after) = rest.strip_prefix("/*") {
                (rest, in_comment) = (after, true);
            } else {
                break;
            }
        }
        if !in_comment && !rest.is_empty() && !rest.starts_with("//") {
            short.push_str(rest);
            short.push('\n');
        }
    }
    short
}

/// The module and its script with short names for what goes between them.
pub fn names(wasm: &[u8], script: &str) -> Result<(Vec<u8>, String)> {
    let mut config = ModuleConfig::new();
    config.generate_producers_section(false).generate_name_section(false);
    let mut module = config.parse(wasm).context("the compiled client is no WebAssembly module")?;
    let (mut taken, mut given) = (BTreeMap::new(), BTreeMap::new());
    let mut place = String::new();
    for (number, import) in module.imports.iter_mut().enumerate() {
        let short = name(number);
        taken.insert(std::mem::replace(&mut import.name, short.clone()), short);
        place = std::mem::replace(&mut import.module, PLACE.into());
    }
    for (number, export) in module.exports.iter_mut().enumerate() {
        let short = name(number);
        given.insert(std::mem::replace(&mut export.name, short.clone()), short);
    }
    let data: Vec<_> = module.data.iter().map(|data| data.id()).collect();
    for id in data {
        without_paths(&mut module.data.get_mut(id).value);
    }
    let script = renamed(script, &taken, &given)?;
    let (before, after) = (format!("\"{place}\":"), format!("\"{PLACE}\":"));
    if !taken.is_empty() && !script.contains(&before) {
        bail!("the bindings do not say where the module finds what it takes in");
    }
    Ok((module.emit_wasm(), script.replace(&before, &after)))
}

/// Blanks the paths of crates' sources and of the standard library in the texts of panics: they tell a reader
/// nothing, and make the first load longer. The file names stay.
fn without_paths(data: &mut [u8]) {
    for marker in [b"/registry/src/".as_slice(), b"/rustc/"] {
        let mut from = 0;
        while let Some(at) = find(data, marker, from) {
            from = at + marker.len();
            let Some(end) = find(data, b".rs", at).filter(|end| end - at < MAX_PATH) else { continue };
            let begin = begin_of_path(data, at);
            if let Some(path) = data.get_mut(begin..end) {
                let folders = path.iter().rposition(|byte| *byte == b'/').map_or(0, |last| last + 1);
                path.iter_mut().take(folders).for_each(|byte| *byte = b' ');
            }
        }
    }
}

/// Longest path behind a marker that is believed to be one, in bytes.
const MAX_PATH: usize = 300;

/// Where a path with this marker begins: at the name of cargo's folder, if that is there.
fn begin_of_path(data: &[u8], marker: usize) -> usize {
    let before = data.get(..marker).unwrap_or_default();
    before.strip_suffix(CARGO_HOME.as_bytes()).unwrap_or(before).len()
}

fn find(data: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let rest = data.get(from..)?;
    rest.windows(wanted.len()).position(|window| window == wanted).map(|at| from + at)
}

/// The script with the names of what the module takes in (the keys of an object) and gives out.
fn renamed(
    script: &str,
    taken: &BTreeMap<String, String>,
    given: &BTreeMap<String, String>,
) -> Result<String> {
    let mut short = String::with_capacity(script.len());
    let mut found = 0;
    let mut rest = script;
    while let Some(begin) = rest.find(begins_name) {
        let (before, from) = rest.split_at_checked(begin).unwrap_or((rest, ""));
        short.push_str(before);
        let end = from.find(|char| !is_of_name(char)).unwrap_or(from.len());
        let (word, after) = from.split_at_checked(end).unwrap_or((from, ""));
        let is_given = short.ends_with(MODULE)
            && !short.strip_suffix(MODULE).is_some_and(|before| before.ends_with(is_of_name));
        match (given.get(word), taken.get(word)) {
            (Some(name), _) if is_given => short.push_str(name),
            (_, Some(name)) if after.starts_with(':') => {
                found += 1;
                short.push_str(name);
            }
            _ => short.push_str(word),
        }
        rest = after;
    }
    short.push_str(rest);
    if found != taken.len() {
        bail!("the bindings give {found} of the {} things that the module takes in", taken.len());
    }
    Ok(short)
}

fn begins_name(char: char) -> bool {
    char.is_ascii_alphabetic() || matches!(char, '_' | '$')
}

fn is_of_name(char: char) -> bool {
    begins_name(char) || char.is_ascii_digit()
}

/// A short name for each number, all different: a, b, ... z, aa, ab, ...
fn name(mut number: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(b'a'.saturating_add(u8::try_from(number % 26).unwrap_or_default())));
        number /= 26;
        if number == 0 {
            break;
        }
        number -= 1;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use walrus::{FunctionBuilder, Module, ValType};

    #[test]
    fn comments_and_indentation_go_and_what_runs_stays() {
        let long = "// a\nif (x) {\n  /* b */ y('// no comment'); // c\n  /**\n   * d\n   */\n\n}\n  /* e\n f */ z()\n";
        assert_eq!(script(long), "if (x) {\ny('// no comment'); // c\n}\nz()\n");
        assert_eq!(script(&script(long)), script(long));
    }

    #[test]
    fn of_paths_the_names_of_the_files_stay_and_nothing_moves() {
        let mut data = b"one/cargo/registry/src/index-1f/k256-0.1/src/arithmetic/mul.rstwo/rustc/59/library/core/src/cell.rs\0x/rustc/"
            .to_vec();
        let length = data.len();
        without_paths(&mut data);
        let text = String::from_utf8(data).unwrap();
        assert_eq!(text.split_whitespace().collect::<Vec<_>>(), ["one", "mul.rstwo", "cell.rs\0x/rustc/"]);
        assert_eq!(text.len(), length);
    }

    #[test]
    fn all_names_are_different() {
        let names: BTreeSet<String> = (0..2_000).map(name).collect();
        assert_eq!(names.len(), 2_000);
        assert_eq!((name(0), name(25), name(26), name(701), name(702)), {
            let [a, z, aa, zz, aaa] = ["a", "z", "aa", "zz", "aaa"].map(String::from);
            (a, z, aa, zz, aaa)
        });
    }

    fn module() -> Vec<u8> {
        let mut module = Module::default();
        let kind = module.types.add(&[], &[]);
        module.add_import_func("./x_bg.js", "__wbg_now_0123456789abcdef", kind);
        let mut function = FunctionBuilder::new(&mut module.types, &[], &[ValType::I32]);
        function.func_body().i32_const(7);
        let function = function.finish(vec![], &mut module.funcs);
        module.exports.add("run", function);
        module.emit_wasm()
    }

    #[test]
    fn module_and_script_agree_on_short_names() {
        let script = "
            const import0 = { __wbg_now_0123456789abcdef: function() { return run.now(); } };
            const all = { \"./x_bg.js\": import0 };
            export function run() { return wasm.run() + notwasm.run(); }";
        let (module, script) = names(&module(), script).unwrap();
        let module = Module::from_buffer(&module).unwrap();
        let import = module.imports.iter().next().unwrap();
        let export = module.exports.iter().next().unwrap();
        assert_eq!((&*import.module, &*import.name, &*export.name), ("b", "a", "a"));
        assert_eq!(
            script,
            "
            const import0 = { a: function() { return run.now(); } };
            const all = { \"b\": import0 };
            export function run() { return wasm.a() + notwasm.run(); }"
        );
    }

    #[test]
    fn a_script_of_another_module_is_refused() {
        assert!(names(&module(), "const import0 = { other: 1 }").is_err());
        assert!(names(&module(), "{ __wbg_now_0123456789abcdef: 1 }").is_err());
    }
}

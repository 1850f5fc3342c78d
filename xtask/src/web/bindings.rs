//! From the crates `wasm-client` and `wasm-ciphers` to `client.js`, `client.wasm`, `ciphers.js` and `ciphers.wasm`.

use super::{Tree, optimizer::Optimizer, order, read_tree, shorten};
use crate::{report::Steps, workspace::Workspace};
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::{fs, path::Path};
use wasm_bindgen_cli_support::Bindgen;

/// The name of each module as it is published, and of the crate it comes from.
const MODULES: [(&str, &str); 2] = [("client", "wasm-client"), ("ciphers", "wasm-ciphers")];

/// A module as the compiler made it.
pub struct Raw {
    /// As it is published, without an ending.
    pub name: &'static str,
    pub wasm: Vec<u8>,
}

/// Compiles the client's modules for size. No path of this machine is in them.
pub fn compile(workspace: &Workspace) -> Result<Vec<Raw>> {
    let mut build =
        workspace.cargo(["build", "--profile", "client", "--target", "wasm32-unknown-unknown", "--lib"]);
    for (_, folder) in MODULES {
        build.args(["--package", &format!("nostrp2p-{folder}")]);
    }
    // Besides the flags of .cargo/config.toml, which flags in the environment would replace. A list of JSON is one of TOML.
    let paths = serde_json::to_string(&workspace.remapped_paths())?;
    build.args(["--config", &format!("target.wasm32-unknown-unknown.rustflags={paths}")]);
    build.env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("RUSTFLAGS");
    let made = workspace.build(build, ".wasm")?;
    let read = |(name, folder): (&'static str, &str)| {
        let file = format!("nostrp2p_{}.wasm", folder.replace('-', "_"));
        let path = made.iter().find(|path| path.ends_with(&file));
        let path = path.with_context(|| format!("cargo built no {file}"))?;
        let wasm = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Raw { name, wasm })
    };
    MODULES.into_iter().map(read).collect()
}

/// Makes the bindings and the small modules, or takes them from `cache` when they were made from the same bytes
/// by the same tools.
pub fn make(
    modules: &[Raw],
    toolbox: &str,
    optimizer: &Optimizer,
    cache: &Path,
    steps: &Steps,
) -> Result<Tree> {
    let mut hash = Sha256::new();
    let sources = [
        include_str!("bindings.rs"),
        include_str!("optimizer.rs"),
        include_str!("order.rs"),
        include_str!("shorten.rs"),
    ];
    hash.update(format!("{toolbox}\n{}\n", sources.concat()));
    for Raw { name, wasm } in modules {
        hash.update(format!("{name}\n{}\n", wasm.len()));
        hash.update(wasm);
    }
    let key = super::hex(&hash.finalize());
    let key_file = cache.join(".key");
    if fs::read_to_string(&key_file).is_ok_and(|known| known == key) {
        return read_tree(cache);
    }

    if cache.exists() {
        fs::remove_dir_all(cache).with_context(|| format!("cannot empty {}", cache.display()))?;
    }
    fs::create_dir_all(cache).with_context(|| format!("cannot make {}", cache.display()))?;
    for module in modules {
        bind(module, optimizer, cache, steps)?;
    }
    let tree = read_tree(cache)?;
    fs::write(&key_file, key)?;
    Ok(tree)
}

fn bind(Raw { name, wasm }: &Raw, optimizer: &Optimizer, cache: &Path, steps: &Steps) -> Result<()> {
    Bindgen::new()
        .input_bytes(name, wasm.clone())
        .web(true)?
        .typescript(false)
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(cache)
        .context("the bindings could not be made")?;
    let module = cache.join(format!("{name}.wasm"));
    fs::rename(cache.join(format!("{name}_bg.wasm")), &module)
        .context("the bindings came without a module")?;
    let script = cache.join(format!("{name}.js"));
    let (short, renamed) = shorten::names(&fs::read(&module)?, &fs::read_to_string(&script)?)?;
    fs::write(&module, order::functions(&short)?)?;
    fs::write(&script, renamed)?;
    if let Some(problem) = optimizer.shrink(&module)? {
        steps.detail(&format!("{problem}: {name}.wasm is left as rustc made it"));
    }
    Ok(())
}

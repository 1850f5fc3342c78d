//! From the crate `wasm-client` to `client.js` and `client.wasm`.

use super::{Tree, optimizer::Optimizer, read_tree};
use crate::{report::Steps, workspace::Workspace};
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::{fs, path::Path};
use wasm_bindgen_cli_support::Bindgen;

/// Compiles the client for size and gives the raw module.
pub fn compile(workspace: &Workspace) -> Result<Vec<u8>> {
    let build = workspace.cargo([
        "build",
        "--profile",
        "client",
        "--target",
        "wasm32-unknown-unknown",
        "--package",
        "nostrp2p-wasm-client",
    ]);
    let made = workspace.build(build, "nostrp2p_wasm_client.wasm")?;
    let path = made.first().context("cargo built no nostrp2p_wasm_client.wasm")?;
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Makes the bindings and the small module, or takes them from `cache` when they were made from the same bytes
/// by the same tools.
pub fn make(wasm: &[u8], toolbox: &str, optimizer: &Optimizer, cache: &Path, steps: &Steps) -> Result<Tree> {
    let mut hash = Sha256::new();
    hash.update(format!("{toolbox}\n{}{}\n", include_str!("bindings.rs"), include_str!("optimizer.rs")));
    hash.update(wasm);
    let key = super::hex(&hash.finalize());
    let key_file = cache.join(".key");
    if fs::read_to_string(&key_file).is_ok_and(|known| known == key) {
        return read_tree(cache);
    }

    if cache.exists() {
        fs::remove_dir_all(cache).with_context(|| format!("cannot empty {}", cache.display()))?;
    }
    fs::create_dir_all(cache).with_context(|| format!("cannot make {}", cache.display()))?;
    Bindgen::new()
        .input_bytes("client", wasm.to_vec())
        .web(true)?
        .typescript(false)
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(cache)
        .context("the bindings could not be made")?;
    let module = cache.join("client.wasm");
    fs::rename(cache.join("client_bg.wasm"), &module).context("the bindings came without a module")?;
    if let Some(problem) = optimizer.shrink(&module)? {
        steps.detail(&format!("{problem}: the client is left as rustc made it"));
    }
    let tree = read_tree(cache)?;
    fs::write(&key_file, key)?;
    Ok(tree)
}

//! From the crate `wasm-client` to `client.js` and `client.wasm`.

use super::{Tree, read_tree};
use crate::{report::Steps, workspace::Workspace};
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::{fmt, fs, path::Path, process::Command};
use wasm_bindgen_cli_support::Bindgen;

/// What rustc's wasm32 uses beyond the first version of WebAssembly; every browser since 2022 has it.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// The wasm-opt on the PATH, if there is one.
pub enum Optimizer {
    Found { version: String },
    Missing,
}

impl Optimizer {
    pub fn find() -> Self {
        let output = Command::new("wasm-opt").arg("--version").output();
        match output {
            Ok(output) if output.status.success() => Self::Found {
                version: String::from_utf8_lossy(&output.stdout).trim().into(),
            },
            _ => Self::Missing,
        }
    }
}

impl fmt::Display for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Found { version } => write!(f, "{version}"),
            Self::Missing => write!(f, "no wasm-opt"),
        }
    }
}

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
    hash.update(format!("{toolbox}\n{}\n", include_str!("bindings.rs")));
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
    optimize(&module, optimizer, steps)?;
    let tree = read_tree(cache)?;
    fs::write(&key_file, key)?;
    Ok(tree)
}

/// Shrinks the module in place; one that cannot be shrunk is left as it is, for it works all the same.
fn optimize(module: &Path, optimizer: &Optimizer, steps: &Steps) -> Result<()> {
    if matches!(optimizer, Optimizer::Missing) {
        steps
            .detail("wasm-opt (Debian package binaryen) is not on the PATH: the client works, but is larger");
        return Ok(());
    }
    let small = module.with_extension("small");
    let output = Command::new("wasm-opt")
        .arg("-Oz")
        .args(FEATURES)
        .arg(module)
        .arg("-o")
        .arg(&small)
        .output()?;
    if output.status.success() {
        fs::rename(&small, module)?;
        return Ok(());
    }
    let reason = String::from_utf8_lossy(&output.stderr);
    let reason = reason.lines().next().unwrap_or("no reason given");
    steps.detail(&format!(
        "{optimizer} failed ({reason}): the client works, but is larger"
    ));
    if small.exists() {
        fs::remove_file(&small)?;
    }
    Ok(())
}

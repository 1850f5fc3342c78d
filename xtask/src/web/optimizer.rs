//! Makes the module smaller with `wasm-opt`, where the machine has it.
//!
//! It is optional: without it, or with a version that breaks the module, the client is larger and works.

use super::compress;
use anyhow::{Context, Result};
use std::{collections::BTreeMap, fmt, fs, path::Path, process::Command};
use walrus::{ExportItem, Module, RefType};

/// Features of WebAssembly that rustc's wasm32 uses beyond the first version; every browser since 2022 has them.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// The `wasm-opt` on the PATH, if there is one.
pub enum Optimizer {
    Found { version: String },
    Missing,
}

impl Optimizer {
    pub fn find() -> Self {
        let output = Command::new("wasm-opt").arg("--version").output();
        match output {
            Ok(output) if output.status.success() => {
                Self::Found { version: String::from_utf8_lossy(&output.stdout).trim().into() }
            }
            _ => Self::Missing,
        }
    }

    /// Shrinks the module in place, or leaves it as it is and gives the reason.
    pub fn shrink(&self, module: &Path) -> Result<Option<String>> {
        if matches!(self, Self::Missing) {
            return Ok(Some("wasm-opt (Debian package binaryen) is not on the PATH".into()));
        }
        let small = module.with_extension("small");
        let problem = self.try_to_shrink(module, &small)?;
        if problem.is_none() {
            fs::rename(&small, module)?;
        } else if small.exists() {
            fs::remove_file(&small)?;
        }
        Ok(problem)
    }

    fn try_to_shrink(&self, module: &Path, small: &Path) -> Result<Option<String>> {
        let mut shrink = Command::new("wasm-opt");
        let output = shrink.arg("-Oz").args(FEATURES).arg(module).arg("-o").arg(small).output()?;
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr);
            let reason = reason.lines().next().unwrap_or("no reason given");
            return Ok(Some(format!("{self} failed ({reason})")));
        }
        // Binaryen up to 108, and some later ones (its issue 4711), let the export of the table of JavaScript values
        // point at the table of functions, and the page dies as it starts.
        if exported_tables(&fs::read(module)?)? != exported_tables(&fs::read(small)?)? {
            return Ok(Some(format!("{self} mixes up the module's tables, so its result is not used")));
        }
        // A smaller module can be a longer transfer: rustc repeats itself, which brotli likes (docs/measurements.md).
        let (before, after) = (transferred(module)?, transferred(small)?);
        if after >= before {
            return Ok(Some(format!(
                "{self} would make the transfer longer, {after} bytes instead of {before}"
            )));
        }
        Ok(None)
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

/// The size of this file in transfer, in bytes.
fn transferred(file: &Path) -> Result<usize> {
    let bytes = fs::read(file)?;
    Ok(compress::brotli(&bytes)?.map_or(bytes.len(), |packed| packed.len()))
}

/// The type and limits of each exported table.
fn exported_tables(wasm: &[u8]) -> Result<BTreeMap<String, (RefType, Option<u64>)>> {
    let module = Module::from_buffer(wasm).context("the compiled client is no WebAssembly module")?;
    let table = |export: &walrus::Export| {
        let ExportItem::Table(id) = export.item else {
            return None;
        };
        let table = module.tables.get(id);
        Some((export.name.clone(), (table.element_ty, table.maximum)))
    };
    Ok(module.exports.iter().filter_map(table).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(exported: usize) -> Vec<u8> {
        let mut module = Module::default();
        let tables = [
            module.tables.add_local(false, 7, Some(7), RefType::Funcref),
            module.tables.add_local(false, 128, None, RefType::Externref),
        ];
        module.exports.add("values", tables[exported]);
        module.emit_wasm()
    }

    #[test]
    fn an_export_that_points_at_the_wrong_table_is_noticed() {
        assert_eq!(exported_tables(&module(1)).unwrap(), exported_tables(&module(1)).unwrap());
        assert_ne!(exported_tables(&module(1)).unwrap(), exported_tables(&module(0)).unwrap());
    }
}

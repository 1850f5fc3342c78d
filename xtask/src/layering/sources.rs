//! The Rust files of a crate.

use std::{fs, path::Path};

use crate::workspace::Workspace;
use anyhow::{Context, Result};

/// Path, from the top of the work tree, and text of each Rust file in the `src` folder of a crate.
///
/// # Errors
/// When a folder or file cannot be read.
pub fn of_crate(workspace: &Workspace, name: &str) -> Result<Vec<(String, String)>> {
    let (folder, mut sources) = (format!("{name}/src"), Vec::new());
    read(&workspace.path(&folder), &folder, &mut sources)?;
    Ok(sources)
}

/// Adds path and text of each Rust file below a folder.
fn read(folder: &Path, name: &str, sources: &mut Vec<(String, String)>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("{name} cannot be read"))? {
        let (path, below) = (entry?.path(), format!("{name}/"));
        let Some(file) = path.file_name().and_then(|file| file.to_str()) else { continue };
        if path.is_dir() {
            read(&path, &format!("{below}{file}"), sources)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push((format!("{below}{file}"), fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

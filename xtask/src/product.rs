//! Prepares what the whole-product tests need: the client, the node with it inside, a browser, and axe-core where npm
//! is.

use crate::{
    command::Build,
    report::Steps,
    run::build_node,
    test::nextest,
    tools::{self, AXE, BrowserTools},
    web,
    workspace::Workspace,
};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// Everything is built and found.
pub struct ProductTests {
    node: PathBuf,
    browser: BrowserTools,
    axe: Option<PathBuf>,
    /// The size of each file of the client.
    pub web: Vec<web::FileSize>,
}

impl ProductTests {
    /// Builds what has to be built and fetches what can be fetched.
    pub fn set(workspace: &Workspace, build: Build) -> Result<Self> {
        let browser = tools::ensure_browser()?;
        let axe = tools::ensure_npm_package(workspace, AXE.0, AXE.1)?.map(|folder| folder.join("axe.min.js"));
        let mut steps = Steps::new(web::STEPS + 1);
        let web = web::build(workspace, &mut steps)?;
        let node = build_node(workspace, &mut steps, build)?;
        Ok(Self { node, browser, axe, web })
    }

    /// The node that was built.
    pub fn node(&self) -> &Path {
        &self.node
    }

    /// Tells a program of the tests where everything is.
    pub fn describe(&self, workspace: &Workspace, program: &mut Command) {
        program.env("NOSTRP2P_BIN", &self.node);
        program.env("NOSTRP2P_WEB", workspace.path("target/web"));
        program.env("CHROMIUM", &self.browser.chromium).env("CHROMEDRIVER", &self.browser.driver);
        if let Some(axe) = &self.axe {
            program.env("NOSTRP2P_AXE", axe);
        }
    }
}

/// `cargo xtask screenshots`: every screen, light and dark, phone and desktop, into a folder.
pub fn screenshots(workspace: &Workspace, folder: Option<&Path>, build: Build) -> Result<ExitCode> {
    let stage = ProductTests::set(workspace, build)?;
    let folder = match folder {
        Some(folder) => std::path::absolute(folder)?,
        None => workspace.path("target/screenshots"),
    };
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut tests = nextest::on_the_screen(workspace, "screens");
    stage.describe(workspace, &mut tests);
    tests.env("NOSTRP2P_PICTURES", &folder);
    if !tests.status().context("cargo could not be started")?.success() {
        bail!("not every screen is as it should be; what stands above tells which");
    }
    println!("pictures of every screen are in {}", folder.display());
    Ok(ExitCode::SUCCESS)
}

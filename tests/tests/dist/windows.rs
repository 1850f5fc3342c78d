//! The program for Windows in Wine, as far as that goes.
//!
//! Wine before version 9 has no `ProcessPrng`, from which Rust takes random numbers, so a library of a few lines that passes
//! it on is compiled beside the program. Its sockets know no ECN, which QUIC asks for, so the node goes on over TCP. They do
//! not dial from a port that listens, so the node of this machine dials. Wine has no window to close and no signal that ends
//! a program in order, so the node is ended as by a power cut.

use std::{
    fs,
    path::{Path, PathBuf},
};

use nostrp2p_tests::{InstalledNode, Person, free_port, is_on_path, skip_optional};
use tempfile::TempDir;
use tokio::process::Command;

use super::{WINDOWS, made, moves, talks};

const COMPILER: &str = "x86_64-w64-mingw32-gcc";
const RANDOM_NUMBERS: &str = "
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) {
    return SystemFunction036(data, (ULONG)size);
}
";

/// The archive, unpacked, with a Windows of its own beside it.
struct Wine {
    folder: TempDir,
    program: PathBuf,
}

impl Drop for Wine {
    fn drop(&mut self) {
        let mut server = std::process::Command::new("wineserver");
        drop(server.arg("-k").env("WINEPREFIX", self.folder.path().join("windows")).status());
    }
}

impl Wine {
    /// One in which the program starts; says that the test is skipped where there is none.
    async fn new() -> Option<Self> {
        let archive = made(&format!("{WINDOWS}.zip"))?;
        if !(is_on_path("wine") && is_on_path(COMPILER)) {
            skip_optional("there is no wine, or no gcc-mingw-w64-x86-64");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let unpacked = folder.path().join("unpacked");
        let mut unzip = Command::new("python3");
        let done = unzip.args(["-m", "zipfile", "-e"]).args([&archive, &unpacked]).status().await;
        assert!(done.unwrap().success(), "{} is no archive", archive.display());
        let root = fs::read_dir(unpacked).unwrap().next().unwrap().unwrap().path();
        let source = folder.path().join("random.c");
        fs::write(&source, RANDOM_NUMBERS).unwrap();
        let mut compiler = Command::new(COMPILER);
        compiler.args(["-shared", "-o"]).arg(root.join("bcryptprimitives.dll")).arg(source).arg("-ladvapi32");
        assert!(compiler.status().await.unwrap().success(), "the library is compiled");
        let wine = Self { folder, program: root.join("nostrp2p.exe") };
        let output = wine.command().arg("--version").output().await.unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        if !output.status.success() {
            skip_optional(&format!("the program does not start in this wine: {said}"));
            return None;
        }
        assert!(said.contains("nostrp2p "), "{said}");
        Some(wine)
    }

    fn command(&self) -> Command {
        let mut command = Command::new("wine");
        command.arg(&self.program).env("WINEPREFIX", self.folder.path().join("windows"));
        // Without .NET and a browser, which Wine would offer to fetch.
        command.env("WINEDEBUG", "-all").env("WINEDLLOVERRIDES", "bcryptprimitives=n,b;mscoree=;mshtml=");
        command.env("LC_ALL", "C.UTF-8").env_remove("DISPLAY");
        command
    }
}

/// A path of this machine as a program in Wine sees it.
fn as_windows_sees(path: &Path) -> PathBuf {
    format!("Z:{}", path.to_str().unwrap().replace('/', "\\")).into()
}

#[tokio::test]
async fn the_program_for_windows_talks_to_this_machine() {
    let Some(wine) = Wine::new().await else { return };
    let data = as_windows_sees(&wine.folder.path().join("data"));
    let node = InstalledNode::start(wine.command(), free_port(), &data, &[]).await;
    let mut alice = Person::arrive_with(&["-b", &node.nodes()]).await;
    talks(&mut alice, &node).await;
    node.kill().await;
}

#[tokio::test]
async fn a_data_directory_moves_to_windows_and_back() {
    let Some(wine) = Wine::new().await else { return };
    let data = wine.folder.path().join("Zoë's data 数据");
    moves(wine.command(), &data, &as_windows_sees(&data), InstalledNode::kill).await;
}

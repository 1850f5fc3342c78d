//! The package for Fedora in a directory that holds a shell and nothing else: installed, upgraded, erased. The program `rpm`
//! is that of this machine. There is no systemd in it; its part is the unit, which the package for Debian has, too.

use std::{fs, path::Path};

use nostrp2p_tests::{Client, InstalledNode, Person, free_port, is_on_path, skip_optional};
use tempfile::TempDir;
use tokio::process::Command;

use super::{bring_libraries, is_root, made, talks, unpacked_here};

/// A root directory with a shell, for the scripts of packages.
async fn shell() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("bin")).unwrap();
    fs::copy("/bin/sh", root.path().join("bin/sh")).unwrap();
    bring_libraries(Path::new("/bin/sh"), root.path()).await;
    root
}

/// Runs rpm on a root directory; gives what it said.
async fn rpm(root: &Path, words: &[&str]) -> String {
    let mut command = Command::new("rpm");
    let output = command.arg("--root").arg(root).args(words).output().await.unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "rpm {}: {said}", words.join(" "));
    said
}

/// A package of this program and settings with an earlier version, as the one before the one under test.
async fn earlier(root: &Path, folder: &Path) {
    let spec = format!(
        "Name: nostrp2p\nVersion: 0.0.1\nRelease: 1\nSummary: The version before\nLicense: MIT\n\
         %description\nThe version before.\n\
         %install\ninstall -D {root}/nostrp2p %{{buildroot}}/usr/bin/nostrp2p\n\
         install -Dm644 {root}/nostrp2p.toml %{{buildroot}}/etc/nostrp2p.toml\n\
         %files\n/usr/bin/nostrp2p\n%config(noreplace) /etc/nostrp2p.toml\n",
        root = root.display()
    );
    let path = folder.join("earlier.spec");
    fs::write(&path, spec).unwrap();
    let mut build = Command::new("rpmbuild");
    build.arg("-bb").arg("--define").arg(format!("_topdir {}", folder.display()));
    build.arg("--define").arg(format!("_rpmdir {}", folder.display()));
    build.args(["--define", "_rpmfilename earlier.rpm", "--define", "__os_install_post %{nil}"]);
    build.args(["--define", "debug_package %{nil}", "--define", "_binary_payload w0.gzdio"]).arg(&path);
    let output = build.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn the_package_is_installed_upgraded_and_erased_and_keeps_the_data() {
    let Some(package) = made(".x86_64.rpm") else { return };
    let Some((folder, archive)) = unpacked_here().await else { return };
    if !(is_on_path("rpm") && is_on_path("rpmbuild") && is_root().await) {
        return skip_optional("there is no rpm, or no root");
    }
    earlier(&archive, folder.path()).await;
    let root = shell().await;
    let package = package.to_str().unwrap();
    let earlier = folder.path().join("earlier.rpm");

    // As somebody who has none installs it.
    let said = rpm(root.path(), &["--install", "--nodeps", package]).await;
    assert!(said.contains("owner claim-link"), "it says how to claim the node: {said}");
    assert_eq!(rpm(root.path(), &["--verify", "--nodeps", "nostrp2p"]).await, "", "each file is as packed");
    for file in [
        "usr/bin/nostrp2p",
        "etc/nostrp2p.toml",
        "usr/lib/systemd/system/nostrp2p.service",
        "usr/share/man/man1/nostrp2p.1",
        "usr/share/bash-completion/completions/nostrp2p",
        "usr/share/doc/nostrp2p/LICENSE-MIT",
    ] {
        assert!(root.path().join(file).is_file(), "{file}");
    }
    rpm(root.path(), &["--erase", "nostrp2p"]).await;

    // As somebody who has the version before, with own settings and data.
    rpm(root.path(), &["--install", "--nodeps", earlier.to_str().unwrap()]).await;
    let settings = root.path().join("etc/nostrp2p.toml");
    let own = fs::read_to_string(&settings).unwrap() + "\nclaim-minutes = 7\n";
    fs::write(&settings, &own).unwrap();
    bring_libraries(&archive.join("nostrp2p"), root.path()).await;
    let command = || {
        let mut command = Command::new("chroot");
        command.arg(root.path()).arg("/usr/bin/nostrp2p").env_clear().env("PATH", super::PATH);
        command
    };
    let mut alice = Person::arrive(None).await;
    let joined = alice.node.nodes();
    let flags = ["-b", joined.as_str(), "--settings", "/etc/nostrp2p.toml"];
    let data = Path::new("/var/lib/nostrp2p");
    let node = InstalledNode::start(command(), free_port(), data, &flags).await;
    let bob = talks(&mut alice, &node).await;
    node.stop().await;
    let said = rpm(root.path(), &["--upgrade", "--nodeps", package]).await;
    assert!(!said.contains("claim-link"), "the node has its owner: {said}");
    assert!(!rpm(root.path(), &["--query", "nostrp2p"]).await.contains("0.0.1"));
    assert_eq!(fs::read_to_string(&settings).unwrap(), own, "an upgrade keeps the settings");
    let node = InstalledNode::start(command(), free_port(), data, &flags).await;
    let texts = Client::login(&node.clients(), &bob).await.everything().await;
    assert!(texts.contains(&"installed without compiling".to_owned()), "{texts:?}");
    node.stop().await;

    rpm(root.path(), &["--erase", "nostrp2p"]).await;
    assert!(!root.path().join("usr/bin/nostrp2p").exists());
    assert!(root.path().join("etc/nostrp2p.toml.rpmsave").is_file(), "what somebody wrote is kept");
    assert!(root.path().join("var/lib/nostrp2p/store.redb").is_file(), "the data stay");
}

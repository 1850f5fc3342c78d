//! The image that `dist/Dockerfile` makes of an unpacked archive, by buildah, which needs no service that runs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use nostrp2p_tests::{InstalledNode, Person, free_port, is_on_path, skip_optional};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use super::{ARM, X86, is_root, talks, unpacked};

/// The user of the image.
const USER: &str = "65532:65532";

/// An image, and its files.
struct Image {
    store: TempDir,
    files: PathBuf,
}

impl Drop for Image {
    fn drop(&mut self) {
        let mut buildah = std::process::Command::new("buildah");
        drop(buildah.args(place(self.store.path())).args(["umount", "--all"]).output());
    }
}

/// Where buildah keeps all that it makes, so that nothing stays on this machine.
fn place(store: &Path) -> [PathBuf; 6] {
    let path = |name: &str| store.join(name);
    ["--root".into(), path("root"), "--runroot".into(), path("run"), "--storage-driver".into(), "vfs".into()]
}

impl Image {
    /// Of an archive, for a processor as images call it; says that the test is skipped where it cannot be made.
    async fn of(target: &str, processor: &str) -> Option<(Self, PathBuf, TempDir)> {
        let (unpacked, root) = unpacked(target).await?;
        if !(is_on_path("buildah") && is_root().await) {
            skip_optional("there is no buildah, or no root");
            return None;
        }
        let mut image = Self { store: tempfile::tempdir().unwrap(), files: PathBuf::new() };
        let platform = format!("linux/{processor}");
        let build = ["bud", "--isolation", "chroot", "--platform", &platform, "--tag", "nostrp2p"];
        image.buildah(&[&build[..], &["--file", "dist/Dockerfile", "."]].concat(), &root).await;
        let container = image.buildah(&["from", "localhost/nostrp2p"], &root).await;
        image.files = image.buildah(&["mount", container.trim()], &root).await.trim().into();
        Some((image, root, unpacked))
    }

    async fn buildah(&self, words: &[&str], from: &Path) -> String {
        let mut command = Command::new("buildah");
        let output =
            command.args(place(self.store.path())).args(words).current_dir(from).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "buildah {}: {said}", words.join(" "));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What the image says of itself.
    async fn described(&self) -> Value {
        let words = ["inspect", "--type", "image", "localhost/nostrp2p"];
        let said: Value = serde_json::from_str(&self.buildah(&words, Path::new("/")).await).unwrap();
        said["OCIv1"].clone()
    }
}

#[tokio::test]
async fn the_image_runs_as_a_user_without_rights_and_keeps_its_data_in_a_volume() {
    let Some((image, _root, _unpacked)) = Image::of(X86, "amd64").await else { return };
    let described = image.described().await;
    let config = &described["config"];
    assert_eq!((&config["User"], &config["Entrypoint"][0]), (&USER.into(), &"/nostrp2p".into()));
    let environment = config["Env"].to_string();
    assert!(environment.contains("NOSTRP2P_DATA_DIR=/data"), "{environment}");
    let mut alice = Person::arrive(None).await;
    let joined = alice.node.nodes();
    let mut command = Command::new("chroot");
    command
        .arg(format!("--userspec={USER}"))
        .arg(&image.files)
        .arg("/nostrp2p")
        .env_clear()
        .env("PATH", super::PATH);
    let node = InstalledNode::start(command, free_port(), Path::new("/data"), &["-b", &joined]).await;
    talks(&mut alice, &node).await;
    node.stop().await;
    assert!(image.files.join("data/store.redb").is_file());
}

#[tokio::test]
async fn the_image_for_arm_holds_the_program_of_the_archive() {
    let Some((image, root, _unpacked)) = Image::of(ARM, "arm64").await else { return };
    assert_eq!(image.described().await["architecture"], "arm64");
    let programs = [image.files.join("nostrp2p"), root.join("nostrp2p")].map(|path| fs::read(path).unwrap());
    assert!(programs[0] == programs[1], "the image holds another program");
}

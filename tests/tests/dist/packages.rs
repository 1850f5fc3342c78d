//! The package for Debian in a chroot that `debootstrap` makes: installed, upgraded, removed, purged. There is no systemd in
//! it, so what it would do is checked by `systemd-analyze verify`, and the program is started by hand.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use nostrp2p_tests::{Client, InstalledNode, Person, free_port, is_on_path, skip_optional};
use tempfile::TempDir;
use tokio::process::Command;

use super::{ARM, is_root, made, talks, unpacked};

/// Room for a Debian of 350 MB while it is unpacked, and for two packages; not much more, so that it can be filled.
const ROOM: &str = "size=900m";
/// What is left free in a full one: less than the program needs.
const LEFT_BYTES: u64 = 5 << 20;

/// Debian on a disk of its own, which is a piece of memory, and what it takes to run something in it.
struct Debian {
    folder: TempDir,
}

impl Drop for Debian {
    fn drop(&mut self) {
        drop(std::process::Command::new("umount").arg("--lazy").arg(self.folder.path()).status());
    }
}

impl Debian {
    /// A fresh one, from where this machine gets its packages.
    async fn new() -> Option<Self> {
        if !(is_on_path("debootstrap") && is_on_path("dpkg-deb") && is_root().await) {
            skip_optional("a chroot of Debian needs root and debootstrap");
            return None;
        }
        let policy = Command::new("apt-cache").arg("policy").output().await.unwrap();
        let policy = String::from_utf8_lossy(&policy.stdout).into_owned();
        let is_mirror = |word: &&str| word.starts_with("http") && !word.contains("security");
        let mirror = policy.split_whitespace().find(is_mirror);
        let release = fs::read_to_string("/etc/os-release").unwrap();
        let name = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
        let (Some(mirror), Some(name)) = (mirror, name) else {
            skip_optional("this machine does not say where it gets its packages, or which release it is");
            return None;
        };
        let debian = Self { folder: tempfile::tempdir().unwrap() };
        let folder = &debian.folder;
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", ROOM, "tmpfs"]).arg(folder.path()).status().await;
        if !mounted.unwrap().success() {
            skip_optional("no disk can be mounted here");
            return None;
        }
        let mut debootstrap = Command::new("debootstrap");
        debootstrap.args(["--variant=minbase", name]).arg(folder.path()).arg(mirror);
        let output = debootstrap.output().await.unwrap();
        if !output.status.success() {
            skip_optional("debootstrap could not fetch a system");
            return None;
        }
        Some(debian)
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside.trim_start_matches('/'))
    }

    /// Fills the disk; the file that takes the room.
    fn fill(&self) -> PathBuf {
        let path = self.path("/filler");
        let mut file = fs::File::create(&path).unwrap();
        while file.write_all(&[0; 1 << 20]).is_ok() {}
        let full = file.metadata().unwrap().len();
        file.set_len(full - LEFT_BYTES).unwrap();
        path
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("chroot");
        command.arg(self.folder.path()).args(words);
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("DEBIAN_FRONTEND", "noninteractive");
        command
    }

    /// Runs a command inside; gives what it said.
    #[track_caller]
    fn run(&self, words: &[&str]) -> impl Future<Output = String> {
        let mut command = self.command(words);
        let words = words.join(" ");
        async move {
            let output = command.output().await.unwrap();
            let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            assert!(output.status.success(), "{words}: {said}");
            said
        }
    }
}

/// The same package with an earlier version, as the one before the one under test.
async fn earlier(package: &Path, into: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let raw = folder.path().join("raw");
    let done = Command::new("dpkg-deb").arg("--raw-extract").args([package, &raw]).status().await;
    assert!(done.unwrap().success());
    let control = raw.join("DEBIAN/control");
    let text = fs::read_to_string(&control).unwrap();
    let version = text.lines().find(|line| line.starts_with("Version:")).unwrap();
    fs::write(&control, text.replace(version, "Version: 0.0.1")).unwrap();
    let done = Command::new("dpkg-deb").args(["--build", "-Znone"]).args([&raw, into]).output().await;
    assert!(done.unwrap().status.success());
}

#[tokio::test]
async fn the_package_is_installed_upgraded_removed_and_purged_and_keeps_the_data() {
    let Some(package) = made("_amd64.deb") else { return };
    let Some(debian) = Debian::new().await else { return };
    fs::copy(&package, debian.path("/new.deb")).unwrap();
    earlier(&package, &debian.path("/old.deb")).await;

    let said = debian.run(&["apt-get", "install", "--yes", "/old.deb"]).await;
    assert!(said.contains("owner claim-link"), "it says how to claim the node: {said}");
    assert!(debian.run(&["nostrp2p", "--version"]).await.starts_with("nostrp2p "));
    for file in [
        "/etc/nostrp2p.toml",
        "/usr/lib/systemd/system/nostrp2p.service",
        "/usr/share/bash-completion/completions/nostrp2p",
        "/usr/share/zsh/vendor-completions/_nostrp2p",
    ] {
        assert!(debian.path(file).is_file(), "{file}");
    }
    let enabled = "/etc/systemd/system/multi-user.target.wants/nostrp2p.service";
    assert!(fs::symlink_metadata(debian.path(enabled)).is_ok(), "the unit is enabled");
    verified(&debian).await;

    // The owner's own settings and data outlive all but an explicit yes.
    let settings = debian.path("/etc/nostrp2p.toml");
    let own = fs::read_to_string(&settings).unwrap() + "\nclaim-minutes = 7\n";
    fs::write(&settings, &own).unwrap();
    let data = Path::new("/var/lib/nostrp2p");
    let mut alice = Person::arrive(None).await;
    let joined = alice.node.nodes();
    let program = ["/usr/bin/nostrp2p"];
    let flags = ["-b", joined.as_str(), "--settings", "/etc/nostrp2p.toml"];
    let node = InstalledNode::start(debian.command(&program), free_port(), data, &flags).await;
    let bob = talks(&mut alice, &node).await;
    node.stop().await;

    // A disk that is full in the middle of an upgrade leaves the program that was there; with room it goes on.
    let filler = debian.fill();
    let refused = debian.command(&["dpkg", "--install", "/new.deb"]).output().await.unwrap();
    assert!(!refused.status.success(), "the disk is full");
    assert!(debian.run(&["nostrp2p", "--version"]).await.starts_with("nostrp2p "), "the old one is whole");
    fs::remove_file(filler).unwrap();
    debian.run(&["apt-get", "install", "--yes", "/new.deb"]).await;
    assert_eq!(fs::read_to_string(&settings).unwrap(), own, "an upgrade keeps the settings");
    let node = InstalledNode::start(debian.command(&program), free_port(), data, &flags).await;
    let texts = Client::login(&node.clients(), &bob).await.everything().await;
    assert!(texts.contains(&"installed without compiling".to_owned()), "{texts:?}");
    node.stop().await;

    debian.run(&["apt-get", "remove", "--yes", "nostrp2p"]).await;
    assert!(!debian.path("/usr/bin/nostrp2p").exists() && settings.exists());
    debian.run(&["apt-get", "purge", "--yes", "nostrp2p"]).await;
    assert!(!settings.exists(), "purge takes the settings");
    assert!(debian.path("/var/lib/nostrp2p/store.redb").is_file(), "nobody said yes, so the data stay");

    debian.run(&["apt-get", "install", "--yes", "/new.deb"]).await;
    let yes = "nostrp2p nostrp2p/delete-data boolean true";
    debian.run(&["sh", "-c", &format!("echo '{yes}' | debconf-set-selections")]).await;
    debian.run(&["apt-get", "purge", "--yes", "nostrp2p"]).await;
    assert!(!debian.path("/var/lib/nostrp2p").exists(), "somebody said yes");
}

/// They cannot be installed here, so they are taken apart: for another processor, and all else as the archive has it.
#[tokio::test]
async fn the_packages_for_arm_hold_the_program_of_the_archive() {
    let (Some(deb), Some(rpm)) = (made("_arm64.deb"), made(".aarch64.rpm")) else { return };
    let Some((folder, root)) = unpacked(ARM).await else { return };
    if !(is_on_path("dpkg-deb") && is_on_path("rpm2cpio") && is_on_path("cpio")) {
        return skip_optional("there is no dpkg-deb, rpm2cpio or cpio");
    }
    let said = async |words: &[&str], file: &Path| {
        let output = Command::new(words[0]).args(&words[1..]).arg(file).output().await.unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(said(&["dpkg-deb", "--showformat=${Architecture}", "--show"], &deb).await, "arm64");
    assert_eq!(said(&["rpm", "--query", "--queryformat=%{arch}", "--package"], &rpm).await, "aarch64");
    let (from_deb, from_rpm) = (folder.path().join("deb"), folder.path().join("rpm"));
    let done = Command::new("dpkg-deb").arg("--extract").args([&deb, &from_deb]).status().await;
    assert!(done.unwrap().success());
    fs::create_dir(&from_rpm).unwrap();
    let taken = "rpm2cpio \"$1\" | cpio --extract --make-directories --quiet";
    let mut shell = Command::new("sh");
    let done = shell.args(["-c", taken, "sh"]).arg(&rpm).current_dir(&from_rpm).status().await;
    assert!(done.unwrap().success());
    let program = fs::read(root.join("nostrp2p")).unwrap();
    for packed in [&from_deb, &from_rpm] {
        assert!(fs::read(packed.join("usr/bin/nostrp2p")).unwrap() == program, "{}", packed.display());
        let unit = fs::read_to_string(packed.join("usr/lib/systemd/system/nostrp2p.service")).unwrap();
        assert!(unit.contains("ExecStart=/usr/bin/nostrp2p server"), "{unit}");
    }
}

/// What systemd says of the installed unit.
async fn verified(debian: &Debian) {
    if !is_on_path("systemd-analyze") {
        return skip_optional("there is no systemd-analyze");
    }
    let unit = fs::read_to_string(debian.path("/usr/lib/systemd/system/nostrp2p.service")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nostrp2p.service");
    let program = debian.path("/usr/bin/nostrp2p");
    fs::write(&path, unit.replace("/usr/bin/nostrp2p", program.to_str().unwrap())).unwrap();
    let mut verify = Command::new("systemd-analyze");
    let output = verify.args(["verify", "--man=no"]).arg(&path).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let about_it: Vec<&str> = said.lines().filter(|line| line.contains("nostrp2p.service")).collect();
    assert_eq!(about_it, [""; 0], "systemd complains about the unit");
}

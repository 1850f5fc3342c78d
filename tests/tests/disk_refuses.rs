//! A disk that may only be read: the node says so, refuses what is new, and lets everybody read on.
//! Both tests need root on Linux, and are skipped elsewhere.

use std::path::{Path, PathBuf};

use nostrp2p_protocol::frame::{ClientFrame, NodeFrame, RefusalCode};
use nostrp2p_tests::{Client, Node, binary, get, post, random_key, skip, until};
use tokio::process::Command;

/// Runs a program that needs rights; says whether it went well.
async fn does(program: &str, arguments: &[&str], path: &Path) -> bool {
    let output = Command::new(program).args(arguments).arg(path).output().await;
    output.is_ok_and(|output| output.status.success())
}

/// A file system of its own, unmounted when dropped.
struct Mount(PathBuf);

impl Drop for Mount {
    fn drop(&mut self) {
        drop(std::process::Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

#[tokio::test]
async fn a_node_on_a_read_only_disk_says_so_and_starts_when_it_can_be_written() {
    let key = random_key();
    let node = Node::start(&["-p", &key.public_key().to_npub()]).await;
    let stopped = node.stop().await;
    let data = stopped.data_dir().to_owned();
    if !does("mount", &["-t", "tmpfs", "-o", "size=32m", "tmpfs"], &data).await {
        return skip("no file system can be mounted here");
    }
    let mount = Mount(data.clone());
    let node = stopped.start().await;
    Client::login(&node.clients(), &key).await.publish(&post(&key, "written in time")).await;
    let stopped = node.stop().await;
    assert!(does("mount", &["-o", "remount,ro"], &data).await);
    let said = stopped.start_in_vain().await;
    let file = data.join("store.redb");
    for part in [&*file.to_string_lossy(), "Read-only file system", "check that this user may write there"] {
        assert!(said.contains(part), "no {part:?} in: {said}");
    }
    assert_eq!(said.trim().lines().count(), 1, "one sentence: {said}");
    assert!(does("mount", &["-o", "remount,rw"], &data).await);
    let node = stopped.start().await;
    let held = Client::login(&node.clients(), &key).await.everything_after(0).await;
    assert!(held.contains(&"written in time".to_owned()));
    // The node ends before its disk goes.
    node.stop().await;
    drop(mount);
}

/// A file or folder that nobody may change, not even root; it may be changed again when this is dropped.
struct Immutable(PathBuf);

impl Immutable {
    async fn make(path: PathBuf) -> Option<Self> {
        does("chattr", &["+i"], &path).await.then_some(Self(path))
    }
}

impl Drop for Immutable {
    fn drop(&mut self) {
        drop(std::process::Command::new("chattr").arg("-i").arg(&self.0).status());
    }
}

#[tokio::test]
async fn when_the_disk_refuses_publishing_is_refused_and_reading_goes_on_until_it_takes_again() {
    let key = random_key();
    let node = Node::start_with_log(&["-p", &key.public_key().to_npub()], "warn").await;
    let mut client = Client::login(&node.clients(), &key).await;
    client.publish(&post(&key, "before")).await;

    // Whoever has a file open writes to a disk that was made read-only, but not to a file that was made immutable.
    let store = node.data_dir().join("store.redb");
    let Some(file) = Immutable::make(store.clone()).await else {
        return skip("nothing can be made immutable here");
    };
    let folder = Immutable::make(node.data_dir().to_owned()).await.expect("what goes for a file");
    if std::fs::OpenOptions::new().append(true).open(&store).is_ok() {
        return skip("immutable files can be written here");
    }
    for number in 0..3 {
        client.send(ClientFrame::Publish { request: 5, event: post(&key, &number.to_string()).into() }).await;
        let NodeFrame::Refused { refusal, .. } = client.answer().await else {
            unreachable!("stored nowhere")
        };
        assert_eq!(refusal.code, RefusalCode::Internal);
        assert!(refusal.reason.contains("could not store the event"), "{refusal}");
    }
    let (status, _, body) = get(&node.clients(), "/healthz", &[]).await;
    let body = String::from_utf8_lossy(&body).into_owned();
    assert!(status == 503 && body.contains("the store cannot be written"), "{status} {body}");

    // Whoever is here reads on, and so does whoever comes.
    assert_eq!(client.everything_after(0).await, ["before"]);
    assert_eq!(Client::login(&node.clients(), &key).await.everything().await, ["before"]);
    // Nor can anything else be begun in the same place meanwhile.
    let arguments = ["owner", "show", "--data-dir"];
    let second = Command::new(binary()).args(arguments).arg(node.data_dir()).output().await;
    let second = String::from_utf8_lossy(&second.expect("the binary starts").stderr).into_owned();
    assert!(second.contains("already running"), "{second}");
    let log = node.log();
    assert_eq!(log.matches("the store could not write").count(), 1, "once and not each time: {log}");

    drop((file, folder));
    until("the node to be well again", || async {
        let (status, _, body) = get(&node.clients(), "/healthz", &[]).await;
        if status == 200 { Ok(()) } else { Err(String::from_utf8_lossy(&body).into_owned()) }
    })
    .await;
    let sequence = client.publish(&post(&key, "after")).await;
    assert!(sequence > 1, "a sequence number came twice");
    let node = node.restart().await;
    let held = Client::login(&node.clients(), &key).await.everything_after(0).await;
    assert_eq!(held, ["before", "after"]);
    assert!(node.log().contains("the store can be written again"));
}

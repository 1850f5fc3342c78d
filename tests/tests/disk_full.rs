//! A disk that is full: the node says so, keeps what it has acknowledged, and works again when there is room.
//! It needs a small file system of its own, so it runs as root on Linux, and is skipped elsewhere.

use std::path::PathBuf;

use nostrp2p_protocol::{
    SecretKey,
    frame::{ClientFrame, NodeFrame, Refusal, RefusalCode},
};
use nostrp2p_tests::{Client, Node, post, random_key, skip, until};
use tokio::process::Command;

/// A file system of 8 MB over a directory, unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    async fn mount(directory: PathBuf) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(&directory);
        let done = mount.output().await.is_ok_and(|output| output.status.success());
        done.then_some(Self(directory))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, for the node may be about to end.
        drop(std::process::Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

#[tokio::test]
async fn a_full_disk_is_named_and_nothing_acknowledged_is_lost() {
    let key = random_key();
    let node = Node::start_with_log(&["-p", &key.public_key().to_npub()], "warn").await;
    let data = node.data_dir().to_owned();
    let stopped = node.stop().await;
    let Some(disk) = SmallDisk::mount(data).await else {
        return skip("no file system can be mounted here");
    };
    let node = stopped.start().await;
    let mut client = Client::login(&node.clients(), &key).await;
    let mut kept = Vec::new();
    let refusal = fill(&mut client, &key, &mut kept).await;
    assert_eq!(refusal.code, RefusalCode::Internal);
    assert!(refusal.reason.contains("could not store the event"), "{refusal}");
    let log = node.log();
    assert!(log.contains("the store could not write") && log.contains("No space left on device"), "{log}");

    // It says that it is not well, and everybody reads on, in the same session and after a restart on the full disk.
    let (status, _, body) = nostrp2p_tests::get(&node.clients(), "/healthz", &[]).await;
    let body = String::from_utf8_lossy(&body).into_owned();
    assert!(status == 503 && body.contains("the store cannot be written"), "{status} {body}");
    check_held(&mut client, &kept).await;
    let node = node.kill().await.start().await;
    let mut client = Client::login(&node.clients(), &key).await;
    check_held(&mut client, &kept).await;
    fill(&mut client, &key, &mut kept).await;

    // With room again it goes on by itself, with the same session.
    let remount = ["-o", "remount,size=64m"];
    let done = Command::new("mount").args(remount).arg(&disk.0).status().await.unwrap();
    assert!(done.success());
    until("the node to be well again", || async {
        let (status, _, body) = nostrp2p_tests::get(&node.clients(), "/healthz", &[]).await;
        if status == 200 { Ok(()) } else { Err(String::from_utf8_lossy(&body).into_owned()) }
    })
    .await;
    client.publish(&post(&key, "there is room again")).await;
    kept.push("there is room again".to_owned());
    check_held(&mut Client::login(&node.clients(), &key).await, &kept).await;
    // The node ends before its disk goes.
    node.stop().await;
    drop(disk);
}

/// Everything that was acknowledged can be read, by a client that has watched nothing yet.
async fn check_held(client: &mut Client, kept: &[String]) {
    let held = client.everything_after(0).await;
    for content in kept {
        assert!(held.contains(content), "{} is lost", content.get(..8).unwrap_or_default());
    }
}

/// Publishes until the node refuses; notes what was acknowledged, and returns the refusal.
async fn fill(client: &mut Client, key: &SecretKey, kept: &mut Vec<String>) -> Refusal {
    loop {
        let event = post(key, &format!("{} {}", kept.len(), "x".repeat(40_000)));
        client.send(ClientFrame::Publish { request: 3, event: event.clone().into() }).await;
        match client.answer().await {
            NodeFrame::Published { .. } => kept.push(event.content.clone()),
            NodeFrame::Refused { refusal, .. } => return refusal,
            other => unreachable!("{other:?}"),
        }
        assert!(kept.len() < 400, "16 MB on a disk of 8 MB");
    }
}

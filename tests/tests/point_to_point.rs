//! Two nodes on a point-to-point link, as PPP and OpenVPN make them. The system then lists the other end's address among
//! this machine's, so a node may take its neighbour for itself.
#![cfg(target_os = "linux")]

use std::process::{Child, Command, Stdio};

use nostrp2p_tests::{binary, skip, until};
use serde_json::Value;
use tempfile::TempDir;

/// The two ends: the addresses of each.
const ENDS: [(&str, &str); 2] = [("10.77.0.1", "10.77.0.2"), ("10.77.0.2", "10.77.0.1")];
const LISTEN: &str = "0.0.0.0:20000";

/// A network namespace, which is deleted at the end, and the node in it.
struct End {
    namespace: String,
    data: TempDir,
    node: Option<Child>,
}

impl End {
    fn new(number: usize) -> Option<Self> {
        let namespace = format!("np2p-ptp{}-{number}", std::process::id());
        let data = tempfile::tempdir().expect("a temporary directory");
        run(&["ip", "netns", "add", &namespace]).then_some(Self { namespace, data, node: None })
    }

    fn inside(&self, words: &[&str]) -> bool {
        run(&[&["ip", "netns", "exec", &self.namespace], words].concat())
    }

    fn node(&self, command: &str, more: &[&str]) -> Command {
        let mut inside = Command::new("ip");
        inside.args(["netns", "exec", &self.namespace]).arg(binary()).args([command, "-l", LISTEN]);
        inside.arg("--data-dir").arg(self.data.path()).args(more).stdin(Stdio::null()).stderr(Stdio::null());
        inside
    }

    fn start(&mut self, more: &[&str]) {
        let more = [&["--no-qr", "--upnp", "false"], more].concat();
        let child = self.node("server", &more).stdout(Stdio::null()).spawn();
        self.node = Some(child.expect("the node starts"));
    }

    fn status(&self) -> Result<Value, String> {
        let asked = self.node("status", &["--json"]).output().map_err(|error| error.to_string())?;
        serde_json::from_slice(&asked.stdout).map_err(|error| error.to_string())
    }
}

impl Drop for End {
    fn drop(&mut self) {
        if let Some(node) = &mut self.node {
            // It may have ended.
            let _ended = node.kill();
            let _status = node.wait();
        }
        run(&["ip", "netns", "del", &self.namespace]);
    }
}

fn run(words: &[&str]) -> bool {
    let (program, arguments) = words.split_first().expect("a program");
    let done = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    done.is_ok_and(|status| status.success())
}

#[tokio::test]
async fn a_node_at_the_other_end_of_a_point_to_point_link_is_not_taken_for_this_node() {
    let (Some(mut here), Some(mut there)) = (End::new(0), End::new(1)) else {
        return skip("there can be no network namespaces: that needs root and `ip`");
    };
    assert!(here.inside(&[
        "ip",
        "link",
        "add",
        "ptp",
        "type",
        "veth",
        "peer",
        "ptp",
        "netns",
        &there.namespace
    ]));
    for (end, (own, other)) in [&here, &there].into_iter().zip(ENDS) {
        assert!(end.inside(&["ip", "link", "set", "lo", "up"]));
        assert!(end.inside(&["ip", "addr", "add", own, "peer", other, "dev", "ptp"]));
        assert!(end.inside(&["ip", "link", "set", "ptp", "up"]));
    }
    let [(own, other), _] = ENDS;
    there.start(&[]);
    until("the other node runs", || async { there.status() }).await;
    here.start(&["-b", &format!("{other}:20000"), "-b", &format!("{own}:20000")]);
    let status = until("they are connected", || async {
        let status = here.status()?;
        if status["peers"] == 1 { Ok(status) } else { Err(status.to_string()) }
    })
    .await;
    let announced = status["addresses"].to_string();
    assert!(announced.contains(own) && !announced.contains(other), "{announced}");
}

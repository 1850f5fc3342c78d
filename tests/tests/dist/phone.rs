//! What is different on a phone, as far as it can be had here: a system that names no name servers.

use std::{fs, net::UdpSocket};

use nostrp2p_tests::{InstalledNode, Person, free_port, skip_optional};

use super::{cell, talks};

/// Of this machine, and nobody's: name servers are asked at port 53 alone.
const NAME_SERVER: &str = "127.53.0.1";

/// Answers questions for IPv4 with this machine, and all others with nothing, until the test ends.
fn serve_names(socket: UdpSocket) {
    std::thread::spawn(move || {
        let mut question = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut question) {
            let question = &question[..length];
            let name = question[12..].iter().position(|byte| *byte == 0).unwrap() + 13;
            let is_for_ipv4 = question[name..name + 2] == [0, 1];
            let mut answer = question[..2].to_vec();
            answer.extend([0x81, 0x80, 0, 1, 0, u8::from(is_for_ipv4), 0, 0, 0, 0]);
            answer.extend(&question[12..name + 4]);
            if is_for_ipv4 {
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
            }
            socket.send_to(&answer, from).unwrap();
        }
    });
}

/// Android has no `/etc/resolv.conf`, which a static program reads; Termux has one of its own below `PREFIX`.
#[tokio::test]
async fn a_node_joins_by_a_name_where_only_termux_names_a_name_server() {
    let Some((cell, mut command)) = cell().await else { return };
    let Ok(socket) = UdpSocket::bind((NAME_SERVER, 53)) else {
        return skip_optional("no name server can be had here");
    };
    serve_names(socket);
    let folder = cell.path().join("termux/etc");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("resolv.conf"), format!("nameserver {NAME_SERVER}\n")).unwrap();
    command.env("PREFIX", "/termux");
    let mut alice = Person::arrive(None).await;
    let nodes = alice.node.nodes();
    let joined = format!("alice.example:{}", nodes.rsplit(':').next().unwrap());
    let data = std::path::Path::new("/data");
    let node = InstalledNode::start(command, free_port(), data, &["-b", &joined]).await;
    talks(&mut alice, &node).await;
    node.stop().await;
}

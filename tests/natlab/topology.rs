//! Network namespaces: an internet, homes behind routers of several kinds, and nothing that leaves them.
//!
//! The internet is a bridge. Public nodes and routers hang on it with addresses that look public, for nodes treat
//! private ones differently. Every home has the same private network, as real ones do. Needs root, `ip` and `nft`.

use std::{
    fs::File,
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context as _, Result, bail};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// What all namespaces of this laboratory begin with; the process id follows.
const PREFIX: &str = "np2plab";

/// What router a home has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Behind a router that lets everybody in at the node's port: a full cone, or a forwarded port.
    Cone,
    /// Behind a router that lets in only those who were written to, by address and port.
    Restricted,
    /// The same, but the router takes another port than the node's, one and the same towards everybody.
    Remapped,
    /// Behind a router that takes another port for everybody it writes to.
    Symmetric,
    /// Behind one restricted router together with another node.
    Shared,
}

/// The namespaces. They are deleted when it is dropped.
pub struct Topology {
    prefix: String,
    made: Vec<String>,
    hosts: u8,
}

impl Topology {
    /// The internet with nobody on it.
    pub fn new() -> Result<Self> {
        remove_leftovers();
        let mut topology =
            Self { prefix: format!("{PREFIX}{}", std::process::id()), made: Vec::new(), hosts: 0 };
        let net = topology.add("net")?;
        inside(&net, "ip link add br0 type bridge")?;
        inside(&net, "ip link set br0 up")?;
        Ok(topology)
    }

    /// A host on the internet; returns its namespace and its address.
    pub fn public(&mut self, name: &str) -> Result<(String, String)> {
        let host = self.add(name)?;
        let address = self.plug_in(&host)?;
        Ok((host, address))
    }

    /// A home with so many hosts behind one router; returns their namespaces.
    pub fn home(&mut self, kind: Kind, names: &[&str]) -> Result<Vec<String>> {
        let first = names.first().context("an empty home")?;
        let router = self.add(&format!("{first}-r"))?;
        let address = self.plug_in(&router)?;
        inside(&router, "ip link add lan type bridge")?;
        inside(&router, "ip addr add 192.168.1.1/24 dev lan")?;
        inside(&router, "ip link set lan up")?;
        write_inside(&router, "/proc/sys/net/ipv4/ip_forward", "1")?;
        route(&router, kind, &address)?;
        let mut hosts = Vec::new();
        for (number, name) in (2..).zip(names) {
            let host = self.add(name)?;
            veth(&host, "eth0", &router, &format!("port{number}"))?;
            inside(&router, &format!("ip link set port{number} master lan"))?;
            inside(&router, &format!("ip link set port{number} up"))?;
            inside(&host, &format!("ip addr add 192.168.1.{number}/24 dev eth0"))?;
            inside(&host, "ip link set eth0 up")?;
            inside(&host, "ip route add default via 192.168.1.1")?;
            hosts.push(host);
        }
        Ok(hosts)
    }

    fn add(&mut self, name: &str) -> Result<String> {
        let namespace = format!("{}-{name}", self.prefix);
        run(&["ip", "netns", "add", &namespace], None)?;
        self.made.push(namespace.clone());
        inside(&namespace, "ip link set lo up")?;
        Ok(namespace)
    }

    /// Connects a namespace with the internet, and gives it an address there.
    fn plug_in(&mut self, namespace: &str) -> Result<String> {
        self.hosts = self.hosts.checked_add(1).context("too many hosts")?;
        let (net, number) = (format!("{}-net", self.prefix), self.hosts);
        veth(namespace, "wan", &net, &format!("host{number}"))?;
        inside(&net, &format!("ip link set host{number} master br0"))?;
        inside(&net, &format!("ip link set host{number} up"))?;
        // It belongs to somebody, but no packet leaves the namespaces.
        let address = format!("11.22.33.{number}");
        inside(namespace, &format!("ip addr add {address}/24 dev wan"))?;
        inside(namespace, "ip link set wan up")?;
        Ok(address)
    }
}

impl Drop for Topology {
    fn drop(&mut self) {
        for namespace in self.made.iter().rev() {
            if let Err(error) = remove(namespace) {
                eprintln!("natlab: {error:#}");
            }
        }
    }
}

/// A TCP connection that begins in a namespace; it stays there.
pub fn connect(namespace: &str, address: SocketAddr) -> Result<TcpStream> {
    let path = Path::new("/var/run/netns").join(namespace);
    let file = File::open(&path).with_context(|| path.display().to_string())?;
    let thread = thread::spawn(move || -> Result<TcpStream> {
        move_into_link_name_space(std::os::fd::AsFd::as_fd(&file), Some(LinkNameSpaceType::Network))?;
        Ok(TcpStream::connect(address)?)
    });
    thread.join().ok().context("the connecting thread broke")?
}

/// Why this machine cannot be a laboratory, if it cannot.
pub fn obstacle() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("network namespaces need root".to_owned());
    }
    for tool in ["ip", "nft"] {
        let found = Command::new(tool).arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if found.is_err() {
            return Some(format!("there is no `{tool}`; install iproute2 and nftables"));
        }
    }
    let namespace = format!("{PREFIX}{}-try", std::process::id());
    let tried = run(&["ip", "netns", "add", &namespace], None).and_then(|()| {
        let router = route_rules(Kind::Symmetric, "11.22.33.1");
        let tried = run(&["ip", "netns", "exec", &namespace, "nft", "-f", "-"], Some(&router));
        run(&["ip", "netns", "del", &namespace], None).and(tried)
    });
    tried.err().map(|error| format!("this system does not let it be made: {error:#}"))
}

fn route(router: &str, kind: Kind, address: &str) -> Result<()> {
    run(&["ip", "netns", "exec", router, "nft", "-f", "-"], Some(&route_rules(kind, address)))
}

/// The rules of a router. What comes unasked is dropped in silence, as routers do.
fn route_rules(kind: Kind, address: &str) -> String {
    let forwarded = match kind {
        Kind::Cone => {
            "iifname \"wan\" tcp dport 20000 dnat to 192.168.1.2; iifname \"wan\" udp dport 20000 dnat to 192.168.1.2;"
        }
        _ => "",
    };
    // Linux keeps the port where it can, and lets in only whom was written to: port-restricted.
    let masquerade = if kind == Kind::Symmetric { "masquerade random,fully-random" } else { "masquerade" };
    let remapped = if kind == Kind::Remapped {
        format!(
            "oifname \"wan\" tcp sport 20000 snat to {address}:31000; oifname \"wan\" udp sport 20000 snat to {address}:31000;"
        )
    } else {
        String::new()
    };
    format!(
        "table ip nat {{
            chain prerouting {{ type nat hook prerouting priority dstnat; {forwarded} }}
            chain postrouting {{ type nat hook postrouting priority srcnat; {remapped} oifname \"wan\" {masquerade}; }}
        }}
        table ip filter {{
            chain forward {{ type filter hook forward priority 0; policy drop;
                iifname \"lan\" accept; ct state established,related accept; ct status dnat accept; }}
            chain input {{ type filter hook input priority 0; policy accept;
                iifname \"wan\" ct state established,related accept; iifname \"wan\" drop; }}
        }}"
    )
}

/// Namespaces of laboratories that were killed.
fn remove_leftovers() {
    let Ok(entries) = std::fs::read_dir("/var/run/netns") else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        let Some(process) = process else { continue };
        let is_gone = !Path::new("/proc").join(process).exists();
        if is_gone && let Err(error) = remove(&name) {
            eprintln!("natlab: what an earlier one left cannot be removed: {error:#}");
        }
    }
}

/// Ends what still runs in a namespace, and deletes it.
fn remove(namespace: &str) -> Result<()> {
    let inside = Command::new("ip").args(["netns", "pids", namespace]).output()?;
    for process in String::from_utf8_lossy(&inside.stdout).split_whitespace() {
        // It may have ended meanwhile.
        drop(run(&["kill", "-9", process], None));
    }
    run(&["ip", "netns", "del", namespace], None)
}

fn veth(namespace: &str, device: &str, other: &str, other_device: &str) -> Result<()> {
    inside(namespace, &format!("ip link add {device} type veth peer name {other_device} netns {other}"))
}

fn inside(namespace: &str, command: &str) -> Result<()> {
    let words: Vec<&str> =
        ["ip", "netns", "exec", namespace].into_iter().chain(command.split_whitespace()).collect();
    run(&words, None)
}

fn write_inside(namespace: &str, path: &str, text: &str) -> Result<()> {
    run(&["ip", "netns", "exec", namespace, "tee", path], Some(text))
}

fn run(words: &[&str], input: Option<&str>) -> Result<()> {
    let (program, arguments) = words.split_first().context("no command")?;
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::piped());
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut child = command.spawn().with_context(|| format!("`{program}` could not be started"))?;
    if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
        std::io::Write::write_all(&mut stdin, input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("`{}`: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

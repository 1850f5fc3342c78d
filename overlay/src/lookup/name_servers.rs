//! Name servers for a system without `/etc/resolv.conf`, where a static program finds none: Android.
//!
//! Termux keeps that file below its own folder, which the variable `PREFIX` names. What asks those servers is a small
//! resolver (RFC 1035, section 4) over UDP. It keeps nothing, and does not repeat a question over TCP: the addresses that
//! fit into one answer are enough.

use std::{
    env, fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    path::Path,
    time::{Duration, Instant},
};

use hickory_proto::{
    op::{Message, MessageType, Query, ResponseCode},
    rr::{Name, RData, RecordType},
};

/// Where the system says which name servers to ask.
const SYSTEM: &str = "/etc/resolv.conf";
/// The port of name servers.
const PORT: u16 = 53;
/// How many servers of the file are asked, as C libraries do.
const MAX_SERVERS: usize = 3;
/// How long one server may take: three of them stay below the time that a lookup has.
const SERVER_TIME: Duration = Duration::from_secs(2);
/// The largest answer that is read; a server that was offered no more sends 512 bytes.
const MAX_ANSWER_BYTES: usize = 4096;

/// The name servers of Termux, where the system itself names none.
pub(super) fn of_termux() -> Option<Vec<SocketAddr>> {
    if !cfg!(unix) || Path::new(SYSTEM).exists() {
        return None;
    }
    let file = Path::new(&env::var_os("PREFIX")?).join("etc/resolv.conf");
    let servers = servers(&fs::read_to_string(file).ok()?);
    (!servers.is_empty()).then_some(servers)
}

/// What a file of the form of resolv.conf names.
fn servers(text: &str) -> Vec<SocketAddr> {
    let named = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("nameserver")).then(|| words.next()?.parse::<IpAddr>().ok()).flatten()
    });
    named.take(MAX_SERVERS).map(|server| SocketAddr::new(server, PORT)).collect()
}

/// The addresses of a name, by the first of the servers that answers. Blocks for up to 2 s for each.
///
/// # Errors
/// When the name has no address, or no server answers.
pub(super) fn addresses(servers: &[SocketAddr], name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    by_servers(servers, SERVER_TIME, name, port)
}

fn by_servers(servers: &[SocketAddr], time: Duration, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let found = if let Ok(address) = name.parse() {
        vec![address]
    } else if is_localhost(name) {
        vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
    } else {
        let mut wanted = Name::from_utf8(name).map_err(|_| invalid("this is no name"))?;
        wanted.set_fqdn(true);
        asked(servers, time, &wanted)?
    };
    Ok(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
}

/// Names of this machine, which are asked of nobody (RFC 6761, section 6.3).
fn is_localhost(name: &str) -> bool {
    name.trim_end_matches('.').rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case("localhost"))
}

fn asked(servers: &[SocketAddr], time: Duration, name: &Name) -> io::Result<Vec<IpAddr>> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "there is no name server");
    for server in servers {
        match ask(*server, time, name) {
            Ok(found) if found.is_empty() => {
                return Err(io::Error::new(io::ErrorKind::NotFound, "this name has no address"));
            }
            Ok(found) => return Ok(found),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Asks one server for both families of addresses.
fn ask(server: SocketAddr, time: Duration, name: &Name) -> io::Result<Vec<IpAddr>> {
    let any: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    // From here on the system drops what others send.
    socket.connect(server)?;
    let mut open = Vec::new();
    for family in [RecordType::A, RecordType::AAAA] {
        let question = Query::query(name.clone(), family);
        let mut message = Message::query();
        message.metadata.id = rand::random();
        message.metadata.recursion_desired = true;
        message.add_query(question.clone());
        socket.send(&message.to_vec().map_err(invalid)?)?;
        open.push((message.metadata.id, question));
    }
    let deadline = Instant::now() + time;
    let mut found = Vec::new();
    let mut buffer = [0; MAX_ANSWER_BYTES];
    while !open.is_empty() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        socket.set_read_timeout(Some(left))?;
        let Ok(length) = socket.recv(&mut buffer) else { break };
        let Some(Ok(answer)) = buffer.get(..length).map(Message::from_vec) else { continue };
        let answered = open
            .iter()
            .position(|(id, question)| answer.metadata.id == *id && answer.queries.first() == Some(question));
        let (Some(answered), MessageType::Response) = (answered, answer.metadata.message_type) else {
            continue;
        };
        open.remove(answered);
        match answer.metadata.response_code {
            ResponseCode::NoError | ResponseCode::NXDomain => {
                found.extend(answer.answers.iter().filter_map(|record| address(&record.data)));
            }
            refused => return Err(io::Error::other(format!("{server} says: {refused}"))),
        }
    }
    if found.is_empty() && !open.is_empty() {
        return Err(io::Error::new(io::ErrorKind::TimedOut, format!("{server} does not answer")));
    }
    Ok(found)
}

fn address(data: &RData) -> Option<IpAddr> {
    match data {
        RData::A(address) => Some(address.0.into()),
        RData::AAAA(address) => Some(address.0.into()),
        _ => None,
    }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::{Record, rdata};

    use super::*;

    /// How long a test waits for a server that says nothing.
    const SHORT: Duration = Duration::from_millis(100);

    /// A name server that answers each question with what `answer` makes of it, until its test ends.
    fn server(answer: impl Fn(Message) -> Vec<Message> + Send + 'static) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; MAX_ANSWER_BYTES];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                for message in answer(Message::from_vec(&buffer[..length]).unwrap()) {
                    socket.send_to(&message.to_vec().unwrap(), from).unwrap();
                }
            }
        });
        address
    }

    /// An answer to a question: this address when it asks for IPv4, and none otherwise.
    fn answered(question: &Message, address: [u8; 4]) -> Message {
        let mut answer = question.clone().into_response();
        let query = &question.queries[0];
        if query.query_type() == RecordType::A {
            let data = RData::A(rdata::A(address.into()));
            answer.add_answer(Record::from_rdata(query.name().clone(), 60, data));
        }
        answer
    }

    fn found(servers: &[SocketAddr], name: &str) -> Result<Vec<SocketAddr>, String> {
        by_servers(servers, SHORT, name, 7).map_err(|error| error.to_string())
    }

    #[test]
    fn the_file_of_termux_names_servers() {
        let text = "# c\nnameserver 8.8.8.8\nnameserver 2001:4860:4860::8888\noptions rotate\nnameserver x\n";
        let expected = ["8.8.8.8:53", "[2001:4860:4860::8888]:53"].map(|server| server.parse().unwrap());
        assert_eq!(servers(text), expected);
        assert_eq!(servers(&"nameserver 8.8.8.8\n".repeat(9)).len(), MAX_SERVERS);
    }

    #[test]
    fn a_name_has_the_addresses_that_its_server_says() {
        let server = server(|question| vec![answered(&question, [192, 0, 2, 1])]);
        assert_eq!(found(&[server], "node.example"), Ok(vec!["192.0.2.1:7".parse().unwrap()]));
    }

    #[test]
    fn a_silent_server_and_one_that_refuses_leave_it_to_the_next() {
        let silent = server(|_| vec![]);
        let refusing = server(|question| {
            let mut answer = question.into_response();
            answer.metadata.response_code = ResponseCode::Refused;
            vec![answer]
        });
        let good = server(|question| vec![answered(&question, [192, 0, 2, 1])]);
        assert_eq!(found(&[silent, refusing, good], "node.example").map(|found| found.len()), Ok(1));
        assert!(found(&[silent], "node.example").unwrap_err().contains("does not answer"));
        assert!(found(&[refusing], "node.example").unwrap_err().contains("Refused"));
    }

    #[test]
    fn answers_to_what_was_not_asked_are_passed_over() {
        let server = server(|question| {
            let mut guessed = answered(&question, [203, 0, 113, 9]);
            guessed.metadata.id ^= 1;
            let mut other = answered(&question, [203, 0, 113, 9]);
            other.queries[0].set_name(Name::from_ascii("other.example.").unwrap());
            let echo = question.clone();
            vec![guessed, other, echo, answered(&question, [192, 0, 2, 1])]
        });
        assert_eq!(found(&[server], "node.example"), Ok(vec!["192.0.2.1:7".parse().unwrap()]));
    }

    #[test]
    fn a_name_without_an_address_and_what_is_no_name_are_errors() {
        let server = server(|question| {
            let mut answer = question.into_response();
            answer.metadata.response_code = ResponseCode::NXDomain;
            vec![answer]
        });
        assert!(found(&[server], "nowhere.example").unwrap_err().contains("no address"));
        assert!(found(&[server], &"x".repeat(70)).unwrap_err().contains("no name"));
    }

    #[test]
    fn this_machine_and_numbers_are_asked_of_nobody() {
        assert_eq!(found(&[], "192.0.2.1"), Ok(vec!["192.0.2.1:7".parse().unwrap()]));
        assert!(found(&[], "LocalHost.").unwrap().iter().all(|address| address.ip().is_loopback()));
        assert!(found(&[], "node.example").unwrap_err().contains("no name server"));
    }
}

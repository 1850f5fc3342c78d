//! HTTP as little as tests need it: one GET, with the headers as given.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Sends `GET path` with the headers, each `Name: value`; returns status, head and body.
///
/// # Panics
/// When there is no answer.
pub async fn get(authority: &str, path: &str, headers: &[&str]) -> (u16, String, Vec<u8>) {
    let mut stream = TcpStream::connect(authority).await.expect("the node listens");
    let host = format!("Host: {authority}");
    let has_host = headers.iter().any(|header| header.starts_with("Host:"));
    let host = if has_host { None } else { Some(host.as_str()) };
    let headers: Vec<&str> = headers.iter().copied().chain(host).collect();
    let request = format!("GET {path} HTTP/1.1\r\n{}\r\nConnection: close\r\n\r\n", headers.join("\r\n"));
    stream.write_all(request.as_bytes()).await.expect("the node reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("the node answers");
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("an HTTP head");
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("an HTTP status");
    (status, head, answer[end + 4..].to_vec())
}

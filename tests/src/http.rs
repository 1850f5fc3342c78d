//! HTTP as little as tests need it: one request, with the headers as given.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::PATIENCE;

/// Sends `GET path` with the headers, each `Name: value`; returns status, head and body.
///
/// # Panics
/// When there is no answer.
pub async fn get(authority: &str, path: &str, headers: &[&str]) -> (u16, String, Vec<u8>) {
    request(authority, "GET", path, headers, b"").await
}

/// Sends `POST path` with the headers, each `Name: value`, and a body; returns status, head and body.
///
/// # Panics
/// When there is no answer.
pub async fn post_http(authority: &str, path: &str, headers: &[&str], body: &[u8]) -> (u16, String, Vec<u8>) {
    let length = format!("Content-Length: {}", body.len());
    let headers: Vec<&str> = headers.iter().copied().chain([length.as_str()]).collect();
    request(authority, "POST", path, &headers, body).await
}

/// Posts JSON to a server that keeps its connections open whatever it is asked; returns status and body.
///
/// # Panics
/// When there is no answer with a length.
pub(crate) async fn post_json(authority: &str, path: &str, body: &str) -> (u16, Vec<u8>) {
    let mut stream = TcpStream::connect(authority).await.expect("the server listens");
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.expect("the server reads");
    let mut answer = Vec::new();
    loop {
        let more = timeout(PATIENCE, stream.read_buf(&mut answer)).await.expect("the server answers in time");
        let ended = more.expect("the server answers") == 0;
        let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
        let length =
            head.split("content-length:").nth(1).and_then(|rest| rest.lines().next()?.trim().parse().ok());
        let length: usize = length.expect("an answer with a length");
        if answer.len() >= end + 4 + length {
            let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
            return (status.expect("an HTTP status"), answer[end + 4..].to_vec());
        }
        assert!(!ended, "the answer was cut off");
    }
}

/// Sends a request as it is given.
///
/// # Panics
/// When there is no answer.
pub async fn request(
    authority: &str,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &[u8],
) -> (u16, String, Vec<u8>) {
    let stream = TcpStream::connect(authority).await.expect("the node listens");
    request_over(stream, authority, method, path, headers, body).await
}

/// Sends a request as it is given, over a connection that stands already.
///
/// # Panics
/// When there is no answer.
pub async fn request_over(
    stream: TcpStream,
    authority: &str,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &[u8],
) -> (u16, String, Vec<u8>) {
    let host = format!("Host: {authority}");
    let has_host = headers.iter().any(|header| header.starts_with("Host:"));
    let host = if has_host { None } else { Some(host.as_str()) };
    let headers: Vec<&str> = headers.iter().copied().chain(host).collect();
    let head = format!("{method} {path} HTTP/1.1\r\n{}\r\nConnection: close\r\n\r\n", headers.join("\r\n"));
    let (mut reader, mut writer) = stream.into_split();
    let mut answer = Vec::new();
    let write = async {
        writer.write_all(head.as_bytes()).await.expect("the node reads");
        // A node that refuses a body need not read it.
        drop(writer.write_all(body).await);
    };
    let read = timeout(PATIENCE, reader.read_to_end(&mut answer));
    let (read, ()) = tokio::join!(read, write);
    read.expect("the node answers in time").expect("the node answers");
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("an HTTP head");
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("an HTTP status");
    (status, head, answer[end + 4..].to_vec())
}

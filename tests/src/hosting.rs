//! A host for static sites, as far as the client needs one: the files of `target/web` with the headers that
//! `netlify.toml` and the build's own `_headers` ask for.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

use crate::Certificate;

/// A site on loopback. It ends when it is dropped.
pub struct Site {
    /// `http://localhost:port/`, which browsers trust as they trust https, or `https://localhost:port/`.
    pub url: String,
    files: Arc<Files>,
    task: JoinHandle<()>,
}

/// How the name of a file begins, and what its content becomes.
pub type SiteChange<'a> = (&'a str, &'a dyn Fn(&str) -> String);

struct Files {
    folder: Mutex<PathBuf>,
    /// Headers by path; a `*` at the end stands for anything.
    headers: Vec<(String, BTreeMap<String, String>)>,
}

impl Site {
    /// Serves the client that was built last.
    ///
    /// # Panics
    /// When it was not built, or the settings of the host cannot be read.
    pub async fn start() -> Self {
        Self::serve(None).await
    }

    /// What the browser sends as `Origin` for its pages.
    pub fn origin(&self) -> &str {
        self.url.trim_end_matches('/')
    }

    /// The same over TLS.
    ///
    /// # Panics
    /// As [`Site::start`].
    pub async fn start_secure(certificate: &Certificate) -> Self {
        Self::serve(Some(certificate.acceptor())).await
    }

    async fn serve(tls: Option<TlsAcceptor>) -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
        let folder = std::env::var_os("NOSTRP2P_WEB").map_or_else(|| root.join("target/web"), PathBuf::from);
        assert!(folder.join("index.html").exists(), "{} is empty; run `cargo xtask web`", folder.display());
        let settings = std::fs::read_to_string(root.join("netlify.toml")).expect("netlify.toml");
        let settings: toml::Table = settings.parse().expect("netlify.toml is TOML");
        let mut headers: Vec<(String, BTreeMap<String, String>)> = Vec::new();
        for rule in settings["headers"].as_array().expect("rules") {
            let values = rule["values"].as_table().expect("values").iter();
            let values = values.map(|(name, value)| (name.clone(), value.as_str().expect("text").to_owned()));
            headers.push((rule["for"].as_str().expect("a path").to_owned(), values.collect()));
        }
        let built = std::fs::read_to_string(folder.join("_headers")).expect("_headers");
        for line in built.lines() {
            match (line.strip_prefix("  ").and_then(|line| line.split_once(": ")), headers.last_mut()) {
                (Some((name, value)), Some((_, values))) => {
                    values.insert(name.to_owned(), value.to_owned());
                }
                _ => headers.push((line.to_owned(), BTreeMap::new())),
            }
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let files = Arc::new(Files { folder: Mutex::new(folder), headers });
        let served = Arc::clone(&files);
        let scheme = if tls.is_some() { "https" } else { "http" };
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (files, tls) = (Arc::clone(&served), tls.clone());
                // A browser that goes away in the middle is no trouble of the test.
                tokio::spawn(async move {
                    match tls {
                        None => drop(files.answer(stream).await),
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                drop(files.answer(stream).await);
                            }
                        }
                    }
                });
            }
        });
        Self { url: format!("{scheme}://localhost:{port}/"), files, task }
    }

    /// Where the files lie that are published now.
    pub fn folder(&self) -> PathBuf {
        self.files.folder.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes another version of the client out of the one that is served now, and serves that from now on: its files are
    /// those in `folder`, where each `changed` file, found by how its name begins, has another content.
    ///
    /// # Panics
    /// When the folder cannot be written, or no file begins like that.
    pub fn publish(&self, folder: &Path, changed: &[SiteChange]) {
        let mut present = self.files.folder.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in std::fs::read_dir(&*present).expect("the client") {
            let file = entry.expect("a file").path();
            let name = file.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
            let bytes = std::fs::read(&file).expect("a file");
            let change = changed.iter().find(|(begin, _)| name.starts_with(begin));
            // What was compressed beforehand is the old one.
            if change.is_some() && (name.ends_with(".br") || name.ends_with(".gz")) {
                continue;
            }
            let bytes = match change {
                Some((_, change)) => change(&String::from_utf8_lossy(&bytes)).into_bytes(),
                None => bytes,
            };
            std::fs::write(folder.join(name), bytes).expect("a folder");
        }
        *present = folder.to_owned();
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Files {
    async fn answer(&self, stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        let mut request = String::new();
        stream.read_line(&mut request).await?;
        let mut line = String::new();
        while stream.read_line(&mut line).await? > 2 {
            line.clear();
        }
        let path = request.split(' ').nth(1).unwrap_or("/").split('?').next().unwrap_or("/");
        let folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let file = folder.join(if path == "/" { "index.html" } else { path.trim_start_matches('/') });
        let body = if path.contains("..") { None } else { std::fs::read(&file).ok() };
        let status = if body.is_some() { "200 OK" } else { "404 Not Found" };
        let body = body.unwrap_or_default();
        let mut headers = BTreeMap::from([("Content-Type".to_owned(), content_type(&file).to_owned())]);
        for (rule, values) in &self.headers {
            let fits = rule.strip_suffix('*').map_or(rule == path, |start| path.starts_with(start));
            headers.extend(values.iter().filter(|_| fits).map(|(name, value)| (name.clone(), value.clone())));
        }
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&body).await?;
        stream.shutdown().await
    }
}

fn content_type(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        None | Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some(_) => "application/octet-stream",
    }
}

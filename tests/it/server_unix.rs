//! A Unix socket as the place where callers connect.

use std::convert::Infallible;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dragoman::server::{Address, Drain, Limits, Listener, Outcome, PeerAddr, Server, Signal};
use http::{Request, Response};
use hyper::body::Incoming;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::process::{Served, curl, dragoman, finish};
use crate::server_harness::{PATIENCE, generous};

const ASK: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

struct Running {
    path: PathBuf,
    shutdown: dragoman::server::Shutdown,
    task: JoinHandle<Outcome>,
    _directory: TempDir,
}

fn start(limits: Limits, set_up: impl FnOnce(Server) -> Server) -> Running {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let address = Address::Unix {
        path: path.clone(),
        mode: 0o600,
    };
    let listener = Listener::bind(&[address]).unwrap();
    let server = set_up(Server::new(listener, limits)).with_drain(Drain {
        lame_duck: Duration::ZERO,
        deadline: PATIENCE,
    });
    Running {
        path,
        shutdown: server.shutdown(),
        task: tokio::spawn(server.run(tower::service_fn(peer))),
        _directory: directory,
    }
}

async fn peer(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    let PeerAddr(peer) = request.extensions().get().unwrap();
    Ok(Response::new(peer.to_string()))
}

/// What comes until the connection is closed.
async fn rest(stream: &mut UnixStream) -> String {
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut answer));
    // A reset ends it too.
    let _ = read.await.expect("the connection is closed in time");
    String::from_utf8(answer).unwrap()
}

async fn ask(path: &Path, before: &str) -> String {
    let mut stream = UnixStream::connect(path).await.unwrap();
    stream.write_all(before.as_bytes()).await.unwrap();
    stream.write_all(ASK).await.unwrap();
    rest(&mut stream).await
}

#[tokio::test]
async fn a_caller_on_a_unix_socket_is_served_and_counts_as_loopback() {
    let server = start(generous(), |server| server);
    let answer = ask(&server.path, "").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with("127.0.0.1:0"), "{answer}");
}

#[tokio::test]
async fn callers_on_a_unix_socket_are_held_to_the_cap_of_all_connections_only() {
    let limits = Limits {
        connections: 3,
        connections_per_source: 1,
        ..generous()
    };
    let server = start(limits, |server| server);
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = UnixStream::connect(&server.path).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'H');
        open.push(stream);
    }
    assert!(ask(&server.path, "").await.contains("200 OK"));
    open.push(UnixStream::connect(&server.path).await.unwrap());
    let mut refused = UnixStream::connect(&server.path).await.unwrap();
    assert_eq!(rest(&mut refused).await, "");
}

#[tokio::test]
async fn a_proxy_on_a_unix_socket_introduces_its_callers_where_loopback_is_trusted() {
    let header = "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n";
    let networks = |text: &str| vec![text.parse().unwrap()];
    let server = start(generous(), |server| {
        server.with_proxy_protocol(networks("127.0.0.0/8"))
    });
    let answer = ask(&server.path, header).await;
    assert!(answer.ends_with("192.0.2.1:56324"), "{answer}");
    let server = start(generous(), |server| {
        server.with_proxy_protocol(networks("10.0.0.0/8"))
    });
    let mut stream = UnixStream::connect(&server.path).await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn a_connection_on_a_unix_socket_has_the_same_limits_of_time() {
    let limits = Limits {
        first_byte: Duration::from_millis(100),
        ..generous()
    };
    let server = start(limits, |server| server);
    let mut silent = UnixStream::connect(&server.path).await.unwrap();
    assert_eq!(rest(&mut silent).await, "");
}

#[tokio::test]
async fn in_the_end_the_file_is_gone_and_who_waited_in_line_is_served() {
    let server = start(generous(), |server| server);
    // Not accepted yet: the server runs on the thread that this is.
    let mut waiting = std::os::unix::net::UnixStream::connect(&server.path).unwrap();
    std::io::Write::write_all(&mut waiting, ASK).unwrap();
    server.shutdown.request(Signal::Interrupt);
    let outcome = timeout(PATIENCE, server.task).await.unwrap().unwrap();
    assert_eq!(outcome.exit_code(), 0);
    assert!(!server.path.exists());
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut waiting, &mut answer).unwrap();
    assert!(answer.ends_with("127.0.0.1:0"), "{answer}");
}

/// A process on a Unix socket in that directory.
fn serve(directory: &Path) -> (Served, String) {
    let socket = directory.join("socket").display().to_string();
    let listen = format!("unix:{socket}");
    let served = Served::run(dragoman(directory).args(["serve", "--listen", &listen]));
    assert_eq!(served.url, listen);
    (served, socket)
}

fn count_users(socket: &str) -> String {
    let body = r#"{"id":1,"method":"countUsers","params":["no-key",1]}"#;
    let headers = "X-Forwarded-For: 192.0.2.7";
    let url = "http://localhost/api/jsonrpcserver";
    curl(&["--unix-socket", socket, "-H", headers, "-d", body, url])
}

#[test]
fn a_process_serves_on_a_unix_socket_and_says_from_where_it_was_called() {
    let directory = tempfile::tempdir().unwrap();
    let (served, socket) = serve(directory.path());
    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    assert!(count_users(&socket).contains(r#""code":300"#));
    let note = fs::read_to_string(directory.path().join("data/first-start.txt")).unwrap();
    let pasted = format!("curl --unix-socket '{socket}' http://localhost/api_request/ -d");
    assert!(note.contains(&pasted), "{note}");
    let (status, log) = served.stop();
    assert_eq!(status.code(), Some(0));
    assert!(log.contains(r#""call.source":"127.0.0.1""#), "{log}");
    assert!(!Path::new(&socket).exists());
}

#[test]
fn whom_a_trusted_proxy_names_is_the_source_on_a_unix_socket_too() {
    let directory = tempfile::tempdir().unwrap();
    let trust = "[auth]\ntrusted_proxies = ['127.0.0.1']\n[server]\nsocket_mode = '600'\n";
    fs::write(directory.path().join("routes.toml"), trust).unwrap();
    let (served, socket) = serve(directory.path());
    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    count_users(&socket);
    let (_, log) = served.stop();
    assert!(log.contains(r#""call.source":"192.0.2.7""#), "{log}");
}

#[test]
fn a_second_process_leaves_the_socket_alone_and_one_after_a_crash_takes_it_over() {
    let directory = tempfile::tempdir().unwrap();
    let (served, socket) = serve(directory.path());
    let listen = format!("unix:{socket}");
    let (status, _, said) = finish(dragoman(directory.path()).args(["serve", "--listen", &listen]));
    assert_eq!(status, Some(1));
    assert!(said.contains("choose another path"), "{said}");
    assert!(count_users(&socket).contains(r#""code":300"#));
    // Killed, so that the file stays.
    drop(served);
    assert!(Path::new(&socket).exists());
    let (_served, socket) = serve(directory.path());
    assert!(count_users(&socket).contains(r#""code":300"#));
}

//! The control socket: what the command line asks of a running gateway.
//!
//! HTTP/1.1 with JSON bodies on a Unix socket that only the gateway's own user can open, so that
//! `curl --unix-socket` can ask too. One request a connection.
//!
//! | request | answer |
//! |---|---|
//! | `GET /crosswalk` | the lines of the crosswalk |
//! | `POST /crosswalk/import` with `pairs` | how many are `new` |
//! | `GET /routes` | the routes, and the modes of those that have one |
//! | `POST /routes/mode` with `route` and `mode` | the route has that mode, and which it `was` |
//! | `GET /upstreams` | the upstreams and their endpoints as they are |
//! | `POST /reload` | the configuration is read again: what became of it, in `lines` |
//! | `POST /crosswalk/forget` with `upstream` and what | how many were `forgotten` |
//!
//! Whatever is refused is answered with an `error`, in words.

mod bind_error;
pub mod client;
mod crosswalk;
pub mod reload;
pub mod routes;
pub mod upstreams;
pub mod wire;

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

pub use self::bind_error::BindError;
use self::reload::Reloads;
use self::routes::Routes;
use self::wire::Refused;
use crate::forward::Forward;
use crate::server::SocketFile;

/// The permissions of the socket: for this user only.
const MODE: u32 = 0o600;

/// Who connects while so many are answered waits.
const AT_ONCE: usize = 4;

/// So many may wait.
const BACKLOG: u32 = 128;

/// All that one connection may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most that a request may say: all pairs that are kept fit into it.
const MOST_BYTES: usize = 32 << 20;

/// The wait after a connection that cannot be accepted.
const PAUSE: Duration = Duration::from_millis(100);

/// The socket, bound. Its file is removed when this is dropped.
#[derive(Debug)]
pub struct Control {
    listener: UnixListener,
    _file: SocketFile,
}

/// Whom the questions go to.
#[derive(Clone, Debug)]
pub struct Desk {
    /// What forwards at the moment.
    pub forward: Arc<ArcSwap<Forward>>,
    /// Who reloads.
    pub reloads: Reloads,
    /// Who knows the routes and their modes.
    pub routes: Routes,
}

impl Control {
    /// Binds the socket at the path, for the eyes of this user only. A socket that nobody answers at
    /// is replaced. Must be called within a Tokio runtime.
    pub fn bind(path: &Path) -> Result<Self, BindError> {
        let (listener, file) =
            SocketFile::listen(path, MODE, BACKLOG).map_err(|error| BindError::new(path, error))?;
        Ok(Self {
            listener,
            _file: file,
        })
    }

    /// Answers for as long as it is polled.
    pub async fn serve(self, desk: Desk) -> Infallible {
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        loop {
            let turn = Arc::clone(&turns).acquire_owned().await;
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(error = %error, "the control socket cannot accept connections");
                    sleep(PAUSE).await;
                    continue;
                }
            };
            let desk = desk.clone();
            tokio::spawn(async move {
                // Whoever is too slow, or leaves, is told nothing.
                drop(timeout(PATIENCE, converse(stream, desk)).await);
                drop(turn);
            });
        }
    }
}

async fn converse(stream: UnixStream, desk: Desk) {
    let service = service_fn(move |request| {
        let desk = desk.clone();
        async move { Ok::<_, Infallible>(answer(request, &desk).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!(error = %error, "a connection of the control socket broke");
    }
}

async fn answer(request: Request<Incoming>, desk: &Desk) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let known = [
        "/reload",
        "/routes",
        "/routes/mode",
        "/upstreams",
        "/crosswalk",
        "/crosswalk/import",
        "/crosswalk/forget",
    ];
    let forward = &Forward::clone(&desk.forward.load());
    let answered = match (&head.method, head.uri.path()) {
        (&Method::POST, "/reload") => desk
            .reloads
            .ask()
            .await
            .map(|done| json(StatusCode::OK, &done)),
        (&Method::GET, "/routes") => desk.routes.list().await.map(|it| json(StatusCode::OK, &it)),
        (&Method::POST, "/routes/mode") => set_mode(body, &desk.routes).await,
        (&Method::GET, "/upstreams") => Ok(json(StatusCode::OK, &upstreams::list(forward))),
        (&Method::GET, "/crosswalk") => aside(forward, crosswalk::list).await,
        (&Method::POST, "/crosswalk/import") => with_body(body, forward, crosswalk::import).await,
        (&Method::POST, "/crosswalk/forget") => with_body(body, forward, crosswalk::forget).await,
        (_, path) if known.contains(&path) => Err(Refused::new(405, "is not asked so")),
        _ => Err(Refused::new(404, "this gateway knows nothing of that")),
    };
    answered.unwrap_or_else(|refused| {
        let status = StatusCode::from_u16(refused.status);
        json(status.unwrap_or(StatusCode::BAD_REQUEST), &refused)
    })
}

async fn set_mode(body: Incoming, routes: &Routes) -> Result<Response<Full<Bytes>>, Refused> {
    let asked = parse(&read(body).await?)?;
    let set = routes.set_mode(asked).await?;
    Ok(json(StatusCode::OK, &set))
}

async fn read(body: Incoming) -> Result<Bytes, Refused> {
    let body = Limited::new(body, MOST_BYTES).collect().await;
    let body = body.map_err(|_| Refused::new(413, "the body is too long, or breaks off"))?;
    Ok(body.to_bytes())
}

fn parse<Q: DeserializeOwned>(body: &[u8]) -> Result<Q, Refused> {
    serde_json::from_slice(body)
        .map_err(|error| Refused::new(400, format!("the body is no such JSON: {error}")))
}

async fn with_body<Q: DeserializeOwned + 'static, A: Serialize + 'static>(
    body: Incoming,
    forward: &Forward,
    work: fn(&Forward, Q) -> Result<A, Refused>,
) -> Result<Response<Full<Bytes>>, Refused> {
    let body = read(body).await?;
    aside(forward, move |forward| work(forward, parse(&body)?)).await
}

/// Works and writes the answer on a thread that may block: a crosswalk of 200,000 pairs takes its
/// time, and calls are served meanwhile.
async fn aside<A: Serialize + 'static>(
    forward: &Forward,
    work: impl FnOnce(&Forward) -> Result<A, Refused> + Send + 'static,
) -> Result<Response<Full<Bytes>>, Refused> {
    let forward = forward.clone();
    spawn_blocking(move || work(&forward).map(|done| json(StatusCode::OK, &done)))
        .await
        .map_err(|_| Refused::new(500, "the gateway failed; its log says more"))?
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<Full<Bytes>> {
    let (status, text) = match serde_json::to_vec(value) {
        Ok(text) => (status, text),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, b"{}".to_vec()),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::Instant;

    use super::*;
    use crate::clock::Clock;
    use crate::forward::Upstreams;
    use crate::store::absent::Absent;
    use crate::store::crosswalk::CrosswalkStore;

    /// Nobody reloads.
    fn desk() -> Desk {
        let (reloads, _) = Reloads::channel();
        let (routes, _) = Routes::channel();
        Desk {
            forward: Arc::new(ArcSwap::from_pointee(forward())),
            reloads,
            routes,
        }
    }

    fn forward() -> Forward {
        let upstreams = Upstreams::new(Vec::new()).unwrap();
        let crosswalk: Arc<dyn CrosswalkStore + Send + Sync> = Arc::new(Absent);
        Forward::new(upstreams, Arc::new(Absent), &crosswalk, Clock::system())
    }

    async fn ask(path: &Path, head: &str, body: &[u8]) -> String {
        let mut stream = UnixStream::connect(path).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        // What is refused may not be read to its end.
        drop(stream.write_all(body).await);
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer).await);
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn what_is_refused_is_told_with_its_status() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let serving = tokio::spawn(Control::bind(&path).unwrap().serve(desk()));
        let post = |target: &str, length: usize| {
            format!("POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")
        };
        let long = vec![b' '; MOST_BYTES + 1];
        let answer = ask(&path, &post("/crosswalk/import", long.len()), &long).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
        for (target, body, status) in [
            ("/crosswalk", "", "405"),
            ("/else", "", "404"),
            ("/reload", "null", "503"),
            ("/routes", "", "405"),
            ("/routes/mode", "{}", "400"),
            ("/routes/mode", r#"{"route":"a","mode":"bypass"}"#, "503"),
            ("/crosswalk/import", "[]", "400"),
            ("/crosswalk/forget", r#"{"upstream":"a"}"#, "400"),
            ("/crosswalk/forget", r#"{"upstream":"a","all":true}"#, "404"),
        ] {
            let answer = ask(&path, &post(target, body.len()), body.as_bytes()).await;
            let wanted = format!("HTTP/1.1 {status} ");
            assert!(answer.starts_with(&wanted), "{target}: {answer}");
            assert!(answer.contains(r#"{"error":""#), "{answer}");
        }
        serving.abort();
    }

    /// The only thread of this test's runtime is the one that would be held up.
    #[tokio::test]
    async fn a_large_import_does_not_hold_up_who_is_served_meanwhile() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let serving = tokio::spawn(Control::bind(&path).unwrap().serve(desk()));
        let pair = r#"{"upstream":"a","dialect":"vision6","id":1,"upstream_id":1}"#;
        let body = format!(
            r#"{{"pairs":[{}{pair}]}}"#,
            format!("{pair},").repeat(199_999)
        );
        let length = body.len();
        let head = format!(
            "POST /crosswalk/import HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"
        );
        let since = Instant::now();
        let asking = ask(&path, &head, body.as_bytes());
        tokio::pin!(asking);
        let (mut longest, mut last) = (Duration::ZERO, since);
        let answer = loop {
            tokio::select! {
                biased;
                answer = &mut asking => break answer,
                () = sleep(Duration::from_millis(1)) => {}
            }
            longest = longest.max(last.elapsed());
            last = Instant::now();
        };
        longest = longest.max(last.elapsed());
        assert!(answer.contains("own_ids does not name"), "{answer}");
        assert!(longest < since.elapsed() / 2, "{longest:?}");
        serving.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_is_given_up_and_until_then_nobody_else_gets_its_turn() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let serving = tokio::spawn(Control::bind(&path).unwrap().serve(desk()));
        let mut silent = Vec::new();
        for _ in 0..AT_ONCE {
            silent.push(UnixStream::connect(&path).await.unwrap());
        }
        let since = Instant::now();
        let answer = ask(&path, "GET /crosswalk HTTP/1.1\r\nHost: a\r\n\r\n", b"").await;
        assert!(answer.ends_with("[]"), "{answer}");
        assert!(since.elapsed() >= PATIENCE, "{:?}", since.elapsed());
        for mut stream in silent {
            let mut rest = Vec::new();
            assert!(stream.read_to_end(&mut rest).await.is_ok());
        }
        serving.abort();
    }
}

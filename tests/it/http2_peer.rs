//! An upstream of HTTP/2 that does with every stream what a test says, and counts.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use dragoman::client::{Client, HttpVersion, Parameters};
use futures_util::future::BoxFuture;
use h2::server::{Builder, Connection, SendResponse};
use h2::{RecvStream, SendStream};
use http::{Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::client_fixture::at;

const PATIENCE: Duration = Duration::from_secs(20);

/// A request, and what it is answered by. Dropped without an answer, that is a reset.
pub(crate) struct Asked {
    /// How many came before it, on all connections.
    pub(crate) number: usize,
    pub(crate) request: Request<RecvStream>,
    pub(crate) respond: SendResponse<Bytes>,
}

/// What a test does with a request.
type Plan = Arc<dyn Fn(Asked) -> BoxFuture<'static, ()> + Send + Sync>;

/// What a peer does apart from that.
#[derive(Clone, Default)]
pub(crate) struct Manner {
    /// Streams at a time that its SETTINGS allow.
    pub(crate) streams: Option<u32>,
    /// Streams after which it says GOAWAY.
    pub(crate) goes_after: Option<usize>,
    pub(crate) window: Option<u32>,
}

#[derive(Default)]
struct Record {
    connections: AtomicUsize,
    ended: AtomicUsize,
    requests: AtomicUsize,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    heads: Mutex<Vec<Request<()>>>,
}

/// A server on its own port; it ends when it is dropped.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    record: Arc<Record>,
    task: JoinHandle<()>,
}

impl Peer {
    /// One that does this with each request.
    pub(crate) async fn start<F>(plan: impl Fn(Asked) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::with(Manner::default(), plan).await
    }

    pub(crate) async fn with<F>(
        manner: Manner,
        plan: impl Fn(Asked) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::at(([127, 0, 0, 1], 0).into(), manner, plan).await
    }

    pub(crate) async fn at<F>(
        address: SocketAddr,
        manner: Manner,
        plan: impl Fn(Asked) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let record = Arc::<Record>::default();
        let plan: Plan = Arc::new(move |asked| Box::pin(plan(asked)));
        let known = Arc::clone(&record);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let (known, plan, manner) = (Arc::clone(&known), Arc::clone(&plan), manner.clone());
                tokio::spawn(async move {
                    known.connections.fetch_add(1, Ordering::SeqCst);
                    serve(stream, &manner, &known, &plan).await;
                    known.ended.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self {
            address,
            record,
            task,
        }
    }

    /// One on a Unix socket at that path, whose address says nothing.
    pub(crate) fn on_socket(path: &Path) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let record = Arc::<Record>::default();
        let known = Arc::clone(&record);
        let plan: Plan = Arc::new(|asked| Box::pin(mirror(asked)));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                known.connections.fetch_add(1, Ordering::SeqCst);
                let (known, plan) = (Arc::clone(&known), Arc::clone(&plan));
                tokio::spawn(async move { serve(stream, &Manner::default(), &known, &plan).await });
            }
        });
        Self {
            address: ([0, 0, 0, 0], 0).into(),
            record,
            task,
        }
    }

    /// One that reads each request to its end and answers with its path and body.
    pub(crate) async fn mirror() -> Self {
        Self::start(mirror).await
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.record.connections.load(Ordering::SeqCst)
    }

    /// Requests so far, those that were refused included.
    pub(crate) fn requests(&self) -> usize {
        self.record.requests.load(Ordering::SeqCst)
    }

    /// The most requests that were there at a time, on all connections.
    pub(crate) fn most_at_once(&self) -> usize {
        self.record.most_at_once.load(Ordering::SeqCst)
    }

    /// The heads that came since this was last asked.
    pub(crate) fn heads(&self) -> Vec<Request<()>> {
        std::mem::take(&mut *self.record.heads.lock().unwrap())
    }

    /// Waits until no more than so many connections are open.
    pub(crate) async fn no_more_than(&self, open: usize) {
        let fewer = async {
            while self.connections() - self.record.ended.load(Ordering::SeqCst) > open {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(PATIENCE, fewer).await.unwrap();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve<S>(stream: S, manner: &Manner, record: &Arc<Record>, plan: &Plan)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut builder = Builder::new();
    if let Some(streams) = manner.streams {
        builder.max_concurrent_streams(streams);
    }
    if let Some(window) = manner.window {
        builder.initial_window_size(window);
    }
    let Ok(mut connection): Result<Connection<S, Bytes>, _> = builder.handshake(stream).await
    else {
        return;
    };
    let mut on_connection = 0;
    while let Some(Ok((request, respond))) = connection.accept().await {
        let (head, body) = request.into_parts();
        let copy = Request::from_parts(head.clone(), ());
        record.heads.lock().unwrap().push(copy);
        let asked = Asked {
            number: record.requests.fetch_add(1, Ordering::SeqCst),
            request: Request::from_parts(head, body),
            respond,
        };
        on_connection += 1;
        if manner.goes_after == Some(on_connection) {
            connection.graceful_shutdown();
        }
        let (record, doing) = (Arc::clone(record), plan(asked));
        tokio::spawn(async move {
            let now = record.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            record.most_at_once.fetch_max(now, Ordering::SeqCst);
            doing.await;
            record.at_once.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

/// Answers with the path and the body, which is read to its end.
pub(crate) async fn mirror(mut asked: Asked) {
    let path = asked.request.uri().path().to_owned();
    let body = read(asked.request.body_mut()).await;
    let text = format!("{path}: {}", String::from_utf8(body).unwrap());
    asked.answer(&text);
}

impl Asked {
    /// 200 with this body and its length.
    pub(crate) fn answer(&mut self, body: &str) {
        let head = Response::builder().header("content-length", body.len());
        let mut stream = self.begin(head.body(()).unwrap());
        // Whoever asked may have left.
        drop(stream.send_data(Bytes::copy_from_slice(body.as_bytes()), true));
    }

    /// A head, with a body to come.
    pub(crate) fn begin(&mut self, head: Response<()>) -> SendStream<Bytes> {
        self.respond.send_response(head, false).unwrap()
    }
}

/// The whole body, at the pace of its sender; what came of it where it broke off.
pub(crate) async fn read(body: &mut RecvStream) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(Ok(piece)) = body.data().await {
        body.flow_control().release_capacity(piece.len()).unwrap();
        all.extend_from_slice(&piece);
    }
    all
}

/// What a client of HTTP/2 there is made of.
pub(crate) fn over_http2(address: SocketAddr) -> Parameters {
    Parameters {
        http_version: HttpVersion::Http2,
        connections: 1000,
        ..at(address)
    }
}

pub(crate) fn http2_client(address: SocketAddr) -> Client {
    Client::new(over_http2(address)).unwrap()
}

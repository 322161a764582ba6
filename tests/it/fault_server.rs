//! An upstream that does with every request what a test says, down to the byte.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request that arrived whole.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// How many arrived before it, on all connections.
    pub(crate) number: usize,
    /// How many arrived before it on its own connection.
    pub(crate) on_connection: usize,
    /// From the request line to the empty line.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// What is done with a request: these bytes, then this end.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    pub(crate) bytes: Vec<u8>,
    /// The size of one write, and the pause after it.
    pub(crate) drip: Option<(usize, Duration)>,
    pub(crate) end: End,
}

#[derive(Clone, Debug)]
pub(crate) enum End {
    /// The connection waits for the next request.
    Keep,
    /// The connection ends in an orderly way.
    Close,
    /// The same after this time without another request.
    CloseAfter(Duration),
    /// The connection is reset; over TLS, it ends without a farewell.
    Reset,
    /// Nothing more is sent, until the client closes.
    Stall,
    /// These bytes are sent again and again, until the client closes.
    Repeat(Vec<u8>),
}

impl Act {
    pub(crate) fn new(bytes: impl Into<Vec<u8>>, end: End) -> Self {
        Self {
            bytes: bytes.into(),
            drip: None,
            end,
        }
    }

    /// 200 with this body and its length, on a connection that is kept.
    pub(crate) fn ok(body: &str) -> Self {
        Self::new(with_length(body), End::Keep)
    }

    /// The first bytes of it only.
    pub(crate) fn cut(bytes: &[u8], length: usize, end: End) -> Self {
        Self::new(&bytes[..length], end)
    }

    /// In pieces of this size with this pause between them.
    pub(crate) fn dripping(mut self, size: usize, pause: Duration) -> Self {
        self.drip = Some((size, pause));
        self
    }
}

pub(crate) fn with_length(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

/// The body in chunks of 16 bytes.
pub(crate) fn in_chunks(body: &str) -> Vec<u8> {
    let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in body.as_bytes().chunks(16) {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

/// The body up to the end of the connection.
pub(crate) fn until_close(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n\r\n{body}").into_bytes()
}

type Plan = Arc<dyn Fn(&Seen) -> Act + Send + Sync>;

/// What a server has seen so far.
pub(crate) struct Record {
    plan: Plan,
    connections: AtomicUsize,
    ended: AtomicUsize,
    requests: Mutex<Vec<Seen>>,
    left: UnboundedSender<()>,
}

/// A server on its own port; it ends with the runtime or when it is dropped.
pub(crate) struct FaultServer {
    pub(crate) address: SocketAddr,
    record: Arc<Record>,
    left: UnboundedReceiver<()>,
    task: JoinHandle<()>,
}

impl FaultServer {
    pub(crate) async fn start(plan: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self::serve(address, plan, async move |record| {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                tokio::spawn(over_tcp(stream, Arc::clone(&record)));
            }
        })
    }

    /// A server that does the same with every request.
    pub(crate) async fn always(act: Act) -> Self {
        Self::start(move |_| act.clone()).await
    }

    /// A server of connections that are accepted elsewhere; see [`converse`].
    pub(crate) fn serve<F>(
        address: SocketAddr,
        plan: impl Fn(&Seen) -> Act + Send + Sync + 'static,
        accept: impl FnOnce(Arc<Record>) -> F,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (sender, left) = unbounded_channel();
        let record = Arc::new(Record {
            plan: Arc::new(plan),
            connections: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
            requests: Mutex::default(),
            left: sender,
        });
        let task = tokio::spawn(accept(Arc::clone(&record)));
        Self {
            address,
            record,
            left,
            task,
        }
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.record.connections.load(Ordering::SeqCst)
    }

    /// Waits until no connection is open.
    pub(crate) async fn all_closed(&self) {
        let closed = async {
            while self.record.ended.load(Ordering::SeqCst) < self.connections() {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(PATIENCE, closed).await.unwrap();
    }

    /// Requests that arrived whole so far.
    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.record.requests.lock().unwrap().clone()
    }

    /// Waits until the client has closed a connection on which it was waiting for an answer.
    pub(crate) async fn client_left(&mut self) {
        timeout(PATIENCE, self.left.recv()).await.unwrap().unwrap();
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An address at which nobody listens.
pub(crate) async fn refusing() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

/// An address at which a new connection neither succeeds nor fails, as long as the streams are held:
/// the queue of connections to be accepted is full.
pub(crate) async fn unreachable() -> (SocketAddr, TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut held = Vec::new();
    while let Ok(stream) = timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
        held.push(stream.unwrap());
    }
    (address, listener, held)
}

async fn over_tcp(mut stream: TcpStream, record: Arc<Record>) {
    if let Ok(End::Reset) = converse(&mut stream, &record).await {
        stream.set_zero_linger().unwrap();
    }
}

/// Reads requests from the stream and does with each what the plan says, until one says to end.
pub(crate) async fn converse<S>(stream: &mut S, record: &Record) -> io::Result<End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    record.connections.fetch_add(1, Ordering::SeqCst);
    let ended = act_on_requests(stream, record).await;
    record.ended.fetch_add(1, Ordering::SeqCst);
    ended
}

async fn act_on_requests<S>(stream: &mut S, record: &Record) -> io::Result<End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut buffer = Vec::new();
    let mut idle = None;
    for on_connection in 0.. {
        let next = read_request(stream, &mut buffer);
        let next = match idle {
            Some(idle) => timeout(idle, next).await.unwrap_or(Ok(None)),
            None => next.await,
        };
        let Some(mut seen) = next? else {
            break;
        };
        seen.on_connection = on_connection;
        {
            let mut requests = record.requests.lock().unwrap();
            seen.number = requests.len();
            requests.push(seen.clone());
        }
        let act = (record.plan)(&seen);
        let (size, pause) = act.drip.unwrap_or((usize::MAX, Duration::ZERO));
        for piece in act.bytes.chunks(size) {
            if stream.write_all(piece).await.is_err() {
                let _ = record.left.send(());
                return Ok(End::Close);
            }
            stream.flush().await?;
            sleep_unless_zero(pause).await;
        }
        match act.end {
            End::Keep => idle = None,
            End::CloseAfter(after) => idle = Some(after),
            End::Close => {
                stream.shutdown().await?;
                return Ok(End::Close);
            }
            End::Reset => return Ok(End::Reset),
            End::Stall => {
                let _ = stream.read(&mut [0]).await;
                let _ = record.left.send(());
                return Ok(End::Close);
            }
            End::Repeat(bytes) => {
                while stream.write_all(&bytes).await.is_ok() {}
                let _ = record.left.send(());
                return Ok(End::Close);
            }
        }
    }
    stream.shutdown().await?;
    Ok(End::Close)
}

async fn sleep_unless_zero(pause: Duration) {
    if !pause.is_zero() {
        sleep(pause).await;
    }
}

/// The next whole request; none where the client closed before one.
async fn read_request<S>(stream: &mut S, buffer: &mut Vec<u8>) -> io::Result<Option<Seen>>
where
    S: AsyncRead + Unpin,
{
    loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end + 4]).into_owned();
            let length = header(&head, "content-length").map_or(0, |value| value.parse().unwrap());
            let end = end + 4 + length;
            if buffer.len() >= end {
                let body = buffer.drain(..end).skip(end - length).collect();
                return Ok(Some(Seen {
                    head,
                    body,
                    ..Seen::default()
                }));
            }
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

/// The value of a header in a request head.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

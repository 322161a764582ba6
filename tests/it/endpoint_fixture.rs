//! Endpoints of a Vision6 that can be broken and mended, and what a gateway makes of them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dragoman::forward::endpoints::{Shown, State};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

use crate::forward_fixture::{Front, OWN_KEY};

/// Longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// How an endpoint answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// As it should.
    Good,
    /// A fault of its own, in a 200.
    Fault,
    /// A fault of the caller's, in a 200.
    Blame,
    /// Not at all.
    Stall,
    /// 500 and HTML.
    Html,
    /// 503 and nothing.
    Busy,
    /// 403 and HTML, as a firewall does.
    Forbidden,
    /// That the gateway's key is wrong.
    Refusal,
}

/// One endpoint.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    mood: Arc<Mutex<Mood>>,
    asked: Arc<AtomicUsize>,
    bodies: Arc<Mutex<Vec<String>>>,
    accepting: Mutex<Option<AbortHandle>>,
}

impl Node {
    pub(crate) async fn start() -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    pub(crate) async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let node = Self {
            address: listener.local_addr().unwrap(),
            mood: Arc::new(Mutex::new(Mood::Good)),
            asked: Arc::default(),
            bodies: Arc::default(),
            accepting: Mutex::default(),
        };
        node.serve(listener);
        node
    }

    /// Several of them.
    pub(crate) async fn start_many<const N: usize>() -> [Self; N] {
        let mut nodes = Vec::new();
        for _ in 0..N {
            nodes.push(Self::start().await);
        }
        nodes.try_into().unwrap()
    }

    fn serve(&self, listener: TcpListener) {
        let (mood, asked) = (Arc::clone(&self.mood), Arc::clone(&self.asked));
        let bodies = Arc::clone(&self.bodies);
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (mood, asked) = (Arc::clone(&mood), Arc::clone(&asked));
                let bodies = Arc::clone(&bodies);
                connections.spawn(async move {
                    drop(converse(stream, &mood, &asked, &bodies).await);
                });
            }
        });
        *self.accepting.lock().unwrap() = Some(accepting.abort_handle());
    }

    pub(crate) fn be(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// Nobody listens there any more, and every connection ends.
    pub(crate) async fn kill(&self) {
        let accepting = self.accepting.lock().unwrap().take().unwrap();
        accepting.abort();
        while TcpStream::connect(self.address).await.is_ok() {
            sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn revive(&self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.serve(listener);
    }

    /// How many calls came.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub(crate) fn bodies(&self) -> Vec<String> {
        self.bodies.lock().unwrap().clone()
    }
}

async fn converse(
    stream: TcpStream,
    mood: &Mutex<Mood>,
    asked: &AtomicUsize,
    bodies: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    loop {
        let (mut line, mut length, mut first) = (String::new(), 0, String::new());
        while line != "\r\n" {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if first.is_empty() {
                first.clone_from(&line);
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let is_check = first.starts_with("GET /health");
        if !is_check {
            asked.fetch_add(1, Ordering::SeqCst);
            let body = String::from_utf8(body).unwrap();
            bodies.lock().unwrap().push(body);
        }
        let mood = *mood.lock().unwrap();
        let fault =
            |code| format!(r#"{{"id":1,"result":null,"error":{{"code":{code},"message":"no"}}}}"#);
        let (status, body) = match mood {
            Mood::Good if is_check => (204, String::new()),
            Mood::Good => (200, r#"{"id":1,"result":3,"error":null}"#.to_owned()),
            Mood::Fault => (200, fault(100)),
            Mood::Blame => (200, fault(331)),
            Mood::Stall => return std::future::pending().await,
            Mood::Html => (500, "<html>oops</html>".to_owned()),
            Mood::Busy => (503, String::new()),
            Mood::Forbidden => (403, "<html>no</html>".to_owned()),
            Mood::Refusal => (200, fault(300)),
        };
        let length = body.len();
        let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).await?;
    }
}

/// An upstream of these endpoints, with further options.
pub(crate) fn upstream(nodes: &[Node], more: &str) -> String {
    let urls: Vec<_> = nodes
        .iter()
        .map(|node| format!("'http://{}'", node.address))
        .collect();
    format!(
        "dialect = 'vision6'\nendpoints = [{}]\nkey = '{OWN_KEY}'\naccount = 1\n{more}",
        urls.join(", ")
    )
}

/// A gateway in front of them, that has found out that its key is taken.
pub(crate) async fn front(nodes: &[Node], more: &str) -> Arc<Front> {
    let front = Arc::new(Front::vision6(&upstream(nodes, more), ""));
    assert!(count(&front).await);
    front
}

/// Counts users; whether that worked.
pub(crate) async fn count(front: &Front) -> bool {
    let answered = front.call("countUsers", "1").await;
    answered.body.contains(r#""result":3"#)
}

/// Counts users so often, so many at once: how many did not work.
pub(crate) async fn load(front: &Arc<Front>, at_once: usize, each: usize) -> usize {
    let mut callers = JoinSet::new();
    for _ in 0..at_once {
        let front = Arc::clone(front);
        callers.spawn(async move {
            let mut failed = 0;
            for _ in 0..each {
                failed += usize::from(!count(&front).await);
            }
            failed
        });
    }
    callers.join_all().await.into_iter().sum()
}

pub(crate) fn shown(front: &Front) -> Vec<Shown> {
    front.forward.conditions().remove(0).endpoints
}

pub(crate) fn is_out(state: State) -> bool {
    !matches!(state, State::In | State::Warming { .. })
}

/// Calls until an endpoint is in or out as it should be.
pub(crate) async fn until(front: &Front, index: usize, out: bool) {
    let begin = Instant::now();
    while is_out(shown(front)[index].state) != out {
        assert!(begin.elapsed() < PATIENCE, "{:?}", shown(front));
        count(front).await;
        sleep(Duration::from_millis(5)).await;
    }
}

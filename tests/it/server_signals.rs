//! Real signals to a process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use dragoman::server::{Drain, Limits, Listener, Server, runtime, signals};
use http::{Request, Response};
use hyper::body::Incoming;

const CHILD: &str = "DRAGOMAN_TEST_SIGNALS";

/// This test binary again, as a server whose requests take half a second.
struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn start(test: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", &format!("server_signals::{test}")])
            .env(CHILD, "1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .map(Result::unwrap)
            .find_map(|line| line.strip_prefix("listening ").map(str::to_owned))
            .unwrap();
        Self {
            child,
            address: address.parse().unwrap(),
        }
    }

    fn request(&self) -> TcpStream {
        let mut client = TcpStream::connect(self.address).unwrap();
        client
            .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        std::thread::sleep(Duration::from_millis(150));
        client
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name, &id])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    fn exit_code(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

#[expect(clippy::exit, reason = "the exit code is what the parent looks at")]
fn serve() {
    let outcome = runtime(1).unwrap().block_on(async {
        let listener = Listener::bind(&[SocketAddr::from(([127, 0, 0, 1], 0)).into()]).unwrap();
        println!("\nlistening {}", listener.addresses().next().unwrap());
        let server = Server::new(listener, Limits::default()).with_drain(Drain {
            lame_duck: Duration::ZERO,
            deadline: Duration::from_secs(20),
        });
        signals::watch(server.shutdown()).unwrap();
        server.run(tower::service_fn(half_a_second)).await
    });
    std::process::exit(outcome.exit_code().into());
}

async fn half_a_second(_: Request<Incoming>) -> Result<Response<String>, std::convert::Infallible> {
    tokio::time::sleep(Duration::from_millis(800)).await;
    Ok(Response::new("done".to_owned()))
}

#[test]
fn a_signal_finishes_what_is_in_flight_and_exits_with_0() {
    if is_child() {
        return serve();
    }
    for signal in ["TERM", "INT"] {
        let process = Process::start("a_signal_finishes_what_is_in_flight_and_exits_with_0");
        let mut client = process.request();
        process.signal(signal);
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("done"), "{signal}: {answer}");
        assert_eq!(process.exit_code(), Some(0), "{signal}");
    }
}

#[test]
fn a_second_signal_exits_at_once() {
    if is_child() {
        return serve();
    }
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let process = Process::start("a_second_signal_exits_at_once");
        let mut client = process.request();
        process.signal("TERM");
        std::thread::sleep(Duration::from_millis(100));
        process.signal(signal);
        let mut answer = String::new();
        // Cut: an end of file or a reset.
        let _ = client.read_to_string(&mut answer);
        assert_eq!(answer, "");
        assert_eq!(process.exit_code(), Some(code), "{signal}");
    }
}

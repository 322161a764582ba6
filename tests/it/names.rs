//! Names of upstreams as a real resolver answers for them (D38): the gateway's own `/etc/resolv.conf` leads to
//! a dnsmasq on loopback.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::endpoint_fixture::{Node, PATIENCE};
use crate::forward_fixture::OWN_KEY;
use crate::http2_peer::{Manner, Peer, mirror};
use crate::process::{Served, curl};
use crate::reload_fixture::{Caller, KEY, key};

/// A dnsmasq that answers for `blog.test`, with a TTL of 1 s.
struct Dnsmasq {
    directory: TempDir,
    address: String,
    child: Child,
}

impl Dnsmasq {
    fn start(blog: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        // An address of this run's own, since the port has to be 53.
        let [.., high, low] = std::process::id().to_be_bytes();
        let address = format!("127.{high}.{low}.53");
        let child = Self::spawn(directory.path(), &address, blog);
        let resolv = format!("nameserver {address}\n");
        fs::write(directory.path().join("resolv.conf"), resolv).unwrap();
        Self {
            directory,
            address,
            child,
        }
    }

    fn spawn(directory: &Path, address: &str, blog: &str) -> Child {
        let hosts = Self::write(directory, blog);
        let binary = ["/usr/sbin/dnsmasq", "dnsmasq"].into_iter();
        let binary = binary.map(PathBuf::from).find(|path| path.exists());
        let mut child = Command::new(binary.unwrap_or_else(|| "dnsmasq".into()))
            .args([
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--pid-file",
            ])
            .args([
                "--no-resolv",
                "--no-hosts",
                "--user=root",
                "--bind-interfaces",
            ])
            .args([
                "--local=/test/",
                "--local-ttl=1",
                "--neg-ttl=1",
                "--log-facility=-",
            ])
            .arg(format!("--addn-hosts={}", hosts.display()))
            .arg(format!("--listen-address={address}"))
            .stderr(Stdio::null())
            .spawn()
            .expect("dnsmasq is installed by tests/run");
        sleep(Duration::from_millis(200));
        let ended = child.try_wait().unwrap();
        assert!(
            ended.is_none(),
            "dnsmasq needs to be root for port 53: {ended:?}"
        );
        child
    }

    fn write(directory: &Path, blog: &str) -> PathBuf {
        let hosts = directory.join("hosts");
        let line = if blog.is_empty() {
            String::new()
        } else {
            format!("{blog} blog.test\n")
        };
        fs::write(&hosts, line).unwrap();
        hosts
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let done = Command::new("kill").args(["-s", name, &id]).status();
        assert!(done.unwrap().success());
    }

    /// Has it answer with that address from now on; with none, that there is no such name.
    fn becomes(&self, blog: &str) {
        Self::write(self.directory.path(), blog);
        self.signal("HUP");
    }

    fn stop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    fn restart(&mut self, blog: &str) {
        self.child = Self::spawn(self.directory.path(), &self.address, blog);
    }
}

impl Drop for Dnsmasq {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The gateway, for which that file is `/etc/resolv.conf`.
fn serve(directory: &Path, resolv: &Path) -> Served {
    let script = "mount --bind \"$1\" /etc/resolv.conf && exec \"$2\" serve";
    let mut command = Command::new("unshare");
    command
        .args(["--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .arg(resolv)
        .arg(env!("CARGO_BIN_EXE_dragoman"))
        .current_dir(directory)
        .env("DRAGOMAN__ADMIN__LISTEN", "127.0.0.1:0")
        .env("DRAGOMAN__SERVER__LISTEN", "127.0.0.1:0")
        .stdin(Stdio::null());
    Served::run(&mut command)
}

/// Calls for a while. No call fails or is held up, whatever the resolver does.
fn calls(caller: &mut Caller, length: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < length {
        call(caller);
        sleep(Duration::from_millis(10));
    }
}

fn call(caller: &mut Caller) {
    let begin = Instant::now();
    let (_, body) = caller.count("/front", KEY, 1).unwrap();
    assert!(body.contains(r#""result":3"#), "{body}");
    let took = begin.elapsed();
    // The system's resolver takes 5 s to give up; the rest is for a busy machine.
    assert!(took < Duration::from_secs(2), "a call took {took:?}");
}

/// How long it takes until calls come there.
fn moves_to(node: &Node, caller: &mut Caller) -> Duration {
    let (begin, before) = (Instant::now(), node.asked());
    while node.asked() == before {
        assert!(begin.elapsed() < PATIENCE);
        call(caller);
        sleep(Duration::from_millis(10));
    }
    begin.elapsed()
}

#[test]
fn a_new_address_is_used_within_three_seconds_and_the_last_good_one_while_there_is_no_answer() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let first = runtime.block_on(Node::start_at(SocketAddr::from(([127, 9, 1, 1], 0))));
    let port = first.address.port();
    let second = runtime.block_on(Node::start_at(SocketAddr::from(([127, 9, 1, 2], port))));
    let site = |address: SocketAddr| runtime.block_on(Peer::at(address, Manner::default(), mirror));
    let first_site = site(([127, 9, 1, 1], 0).into());
    let site_port = first_site.address.port();
    let second_site = site(([127, 9, 1, 2], site_port).into());
    let mut names = Dnsmasq::start("127.9.1.1");
    let directory = tempfile::tempdir().unwrap();
    // Connections that rest longer than the address holds.
    let text = format!(
        "{}[upstreams.back]\ndialect = 'vision6'\nurl = 'http://blog.test:{port}'\nidle = '1m'\n\
         key = '{OWN_KEY}'\naccount = 1\n[routes.front]\ndialect = 'vision6'\npath = '/front'\nuser = 'back'\n\
         [routes.site]\npath = '/site'\npass = 'http://blog.test:{site_port}'\nhttp_version = '2'\n",
        key("one", KEY)
    );
    fs::write(directory.path().join("routes.toml"), text).unwrap();
    let gateway = serve(
        directory.path(),
        &names.directory.path().join("resolv.conf"),
    );
    let address = gateway.url.strip_prefix("http://").unwrap();
    let mut caller = Caller::connect(address.parse().unwrap());
    calls(&mut caller, Duration::from_millis(300));
    assert!(first.asked() > 0 && second.asked() == 0);
    let ask_site = || curl(&[&format!("{}/site", gateway.url)]);
    ask_site();
    assert_eq!((first_site.requests(), second_site.requests()), (1, 0));

    names.becomes("127.9.1.2");
    let took = moves_to(&second, &mut caller);
    assert!(took <= Duration::from_secs(3), "the flip took {took:?}");
    // A shared connection is left as one of its own is, though it never rests for long.
    let begin = Instant::now();
    while second_site.requests() == 0 {
        assert!(begin.elapsed() < PATIENCE);
        ask_site();
    }
    let before = first.asked();
    names.becomes("");
    calls(&mut caller, Duration::from_millis(2500));
    names.stop();
    calls(&mut caller, Duration::from_millis(1500));
    assert_eq!(first.asked(), before, "nothing goes to the old one");

    names.restart("127.9.1.2");
    names.signal("STOP");
    calls(&mut caller, Duration::from_millis(2500));
    names.signal("CONT");
    names.becomes("127.9.1.1");
    let took = moves_to(&first, &mut caller);
    assert!(took <= Duration::from_secs(8), "the way back took {took:?}");
    let (status, log) = gateway.stop();
    assert_eq!(status.code(), Some(0));
    for said in [
        "the name of an upstream has other addresses now",
        "the name of an upstream is not resolved: the addresses that it had are kept",
        r#""upstream.host":"blog.test""#,
    ] {
        assert!(log.contains(said), "{said}: {log}");
    }
}

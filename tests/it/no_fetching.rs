//! Addresses of pictures are kept and handed on, and never fetched: whatever form an address of this
//! host is written in, nobody connects to it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::clients::Gateway;
use crate::wire::{GRUPO, URLENCODED, Wire};

/// Ways to say loopback, link-local metadata and other hosts of one's own; `PORT` is where somebody
/// listens.
const FORMS: [&str; 60] = [
    "http://127.0.0.1:PORT/",
    "https://127.0.0.1:PORT/",
    "HTTP://127.0.0.1:PORT/a.png",
    "//127.0.0.1:PORT/a.png",
    "http:127.0.0.1:PORT",
    "http:/127.0.0.1:PORT/",
    "http:///127.0.0.1:PORT/",
    "http:\\\\127.0.0.1:PORT\\",
    "http://127.0.0.1:PORT#@example.com/",
    "http://example.com@127.0.0.1:PORT/",
    "http://127.0.0.1:PORT?.png",
    "http://127.0.0.1:PORT\\@example.com/",
    "http://example.com:80@127.0.0.1:PORT/",
    "http://user:password@127.0.0.1:PORT/",
    "http://127.1:PORT/",
    "http://127.0.1:PORT/",
    "http://127.127.127.127:PORT/",
    "http://0:PORT/",
    "http://0.0.0.0:PORT/",
    "http://2130706433:PORT/",
    "http://017700000001:PORT/",
    "http://0177.0.0.1:PORT/",
    "http://0177.0.0.01:PORT/",
    "http://0x7f000001:PORT/",
    "http://0x7f.0.0.1:PORT/",
    "http://0x7f.1:PORT/",
    "http://00000127.0.0.1:PORT/",
    "http://127.0.0.1.:PORT/",
    "http://127%2e0%2e0%2e1:PORT/",
    "http://127.0.0.1%00.example.com:PORT/",
    "http://\u{2460}\u{2461}\u{2466}.\u{24ea}.\u{24ea}.\u{2460}:PORT/",
    "http://\u{ff11}\u{ff12}\u{ff17}.0.0.1:PORT/",
    "http://127\u{3002}0\u{3002}0\u{3002}1:PORT/",
    "http://[::1]:PORT/",
    "http://[0:0:0:0:0:0:0:1]:PORT/",
    "http://[::]:PORT/",
    "http://[::ffff:127.0.0.1]:PORT/",
    "http://[::ffff:7f00:1]:PORT/",
    "http://[::127.0.0.1]:PORT/",
    "http://[::1%25lo]:PORT/",
    "http://[64:ff9b::7f00:1]:PORT/",
    "http://[2002:7f00:1::]:PORT/",
    "http://localhost:PORT/",
    "http://LOCALHOST:PORT/",
    "http://localhost.:PORT/",
    "http://localhost.localdomain:PORT/",
    "http://ip6-localhost:PORT/",
    "http://\u{24db}ocalhost:PORT/",
    "http://127.0.0.53:PORT/",
    "http://127.0.0.1.nip.io:PORT/",
    "http://localtest.me:PORT/",
    "http://7f000001.c0a80001.rbndr.us:PORT/",
    "http://REDIRECTOR/to/127.0.0.1:PORT/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "ftp://127.0.0.1:PORT/a.png",
    "gopher://127.0.0.1:PORT/_GET%20/",
    "dict://127.0.0.1:PORT/info",
    "file:///etc/passwd",
];

/// Counts who connects to an address, where this host has it.
struct Listener {
    address: Option<SocketAddr>,
    seen: Arc<AtomicUsize>,
}

impl Listener {
    fn start(host: &str, port: u16) -> Self {
        let seen = Arc::<AtomicUsize>::default();
        let Ok(listener) = TcpListener::bind((host, port)) else {
            return Self {
                address: None,
                seen,
            };
        };
        let address = listener.local_addr().ok();
        let count = Arc::clone(&seen);
        std::thread::spawn(move || {
            for _ in listener.incoming() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { address, seen }
    }

    fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}

#[test]
fn no_address_of_a_picture_is_ever_connected_to() {
    let first = Listener::start("127.0.0.1", 0);
    let port = first.address.unwrap().port();
    let redirector = Listener::start("127.0.0.1", 0);
    let listeners = [
        first,
        Listener::start("::1", port),
        Listener::start("127.0.0.53", port),
        Listener::start("127.127.127.127", port),
    ];
    let redirects = redirector.address.unwrap().to_string();

    let gateway = Gateway::start();
    gateway.add_user("ada");
    let mut wire = Wire::open(&gateway.served.url);
    let mut kept = 0;
    for (number, form) in FORMS.into_iter().enumerate() {
        let url = form.replace("REDIRECTOR", &redirects);
        let url = url.replace("PORT", &port.to_string());
        for target in [
            "update=site_users&user=ada&avatarURL".to_owned(),
            format!("add=groups&group_name=g{number}&description=&group_icon_url"),
        ] {
            let pairs = [("api_secret_key", gateway.key.as_str()), ("url", &url)];
            let encoded = serde_urlencoded::to_string(pairs).unwrap();
            let (key, url) = encoded.split_once("&url=").unwrap();
            let body = format!("{key}&{target}={url}");
            let answer = wire.post(GRUPO, URLENCODED, body.as_bytes());
            kept += usize::from(answer.json()["success"] == true);
        }
    }
    assert_eq!(kept, 2 * FORMS.len(), "an address is kept, whatever it is");

    std::thread::sleep(Duration::from_millis(300));
    for listener in listeners.iter().chain([&redirector]) {
        assert_eq!(listener.seen(), 0, "{:?}", listener.address);
        // They would have been seen.
        if let Some(address) = listener.address {
            TcpStream::connect(address).unwrap();
            while listener.seen() == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

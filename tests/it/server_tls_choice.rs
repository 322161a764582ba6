//! TLS: who is shown which certificate, and what is agreed on.

use dragoman::server::Drain;
use dragoman::server::tls::Tls;
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncReadExt;

use crate::server_harness::{Running, generous, start_tls};
use crate::tls_fixture::{Authority, Caller, Offer};

/// A `ClientHello` of that version at most, with all that TLS 1.2 asks for.
fn hello(version: u8) -> Vec<u8> {
    let groups = b"\x00\x0a\x00\x04\x00\x02\x00\x1d";
    let points = b"\x00\x0b\x00\x02\x01\x00";
    let signatures = b"\x00\x0d\x00\x04\x00\x02\x04\x03";
    let extensions = [&groups[..], points, signatures].concat();
    let ciphers = b"\x00\x02\xc0\x2b\x01\x00";
    let body = [
        &[3, version],
        &[7; 32][..],
        &[0],
        ciphers,
        &[0, u8::try_from(extensions.len()).unwrap()],
        &extensions,
    ]
    .concat();
    let length = u8::try_from(body.len()).unwrap();
    [&[0x16, 3, 1, 0, length + 4, 1, 0, 0, length], &body[..]].concat()
}

fn serve(tls: Tls) -> Running {
    start_tls(generous(), Drain::default(), tls, |server| server)
}

async fn call(server: &Running, offer: Offer<'_>) -> std::io::Result<Caller> {
    Caller::connect(server.connect().await.0, offer).await
}

fn named(name: &str) -> Offer<'_> {
    Offer {
        name,
        ..Offer::default()
    }
}

#[tokio::test]
async fn each_host_has_its_certificate_and_who_names_none_of_them_sees_the_default() {
    let authority = Authority::new();
    let one = authority.issue(&["one.example", "*.one.example"]);
    let two = authority.issue(&["two.example"]);
    let mut default = two.read("two");
    default.is_default = true;
    let server = serve(Tls::new(&[one.read("one"), default]).unwrap());
    for (name, wanted) in [
        ("one.example", &one),
        ("ONE.example", &one),
        ("api.one.example", &one),
        ("two.example", &two),
        ("a.b.one.example", &two),
        ("three.example", &two),
        ("127.0.0.1", &two),
    ] {
        let mut caller = call(&server, named(name)).await.unwrap();
        assert_eq!(caller.shown(), wanted.der(), "{name}");
        assert!(caller.get("/scheme").await.ends_with("https"), "{name}");
    }
}

#[tokio::test]
async fn without_a_default_who_names_none_of_several_hosts_is_refused() {
    let authority = Authority::new();
    let (one, two) = (
        authority.issue(&["one.example"]),
        authority.issue(&["two.example"]),
    );
    let server = serve(Tls::new(&[one.read("one"), two.read("two")]).unwrap());
    for name in ["three.example", "127.0.0.1"] {
        let refused = call(&server, named(name)).await.err().unwrap();
        assert!(refused.to_string().contains("alert"), "{name}: {refused}");
    }
    assert!(call(&server, named("two.example")).await.is_ok());
}

#[tokio::test]
async fn a_single_certificate_is_seen_by_everybody() {
    let one = Authority::new().issue(&["one.example"]);
    let server = serve(one.alone());
    for name in ["one.example", "three.example", "127.0.0.1"] {
        let caller = call(&server, named(name)).await.unwrap();
        assert_eq!(caller.shown(), one.der(), "{name}");
    }
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken_and_1_1_is_refused_by_its_alert() {
    let server = serve(Authority::new().issue(&["one.example"]).alone());
    for version in [&TLS12, &TLS13] {
        let offer = Offer {
            versions: &[version],
            ..Offer::default()
        };
        let mut caller = call(&server, offer).await.unwrap();
        assert!(caller.get("/").await.ends_with("hello"), "{version:?}");
        let (_, session) = caller.0.get_ref();
        assert_eq!(session.protocol_version(), Some(version.version));
    }
    let mut old = server.connect().await;
    old.send(hello(2)).await;
    // A fatal alert: protocol_version.
    assert_eq!(old.rest().await, b"\x15\x03\x03\x00\x02\x02\x46");
    let mut known = server.connect().await;
    known.send(hello(3)).await;
    let mut begun = [0; 3];
    known.0.read_exact(&mut begun).await.unwrap();
    assert_eq!(&begun, b"\x16\x03\x03");
}

#[tokio::test]
async fn the_protocol_is_agreed_on_by_alpn() {
    let server = serve(Authority::new().issue(&["one.example"]).alone());
    for (protocols, agreed) in [
        (&["h2", "http/1.1"][..], Some("h2")),
        (&["http/1.1", "h2"], Some("h2")),
        (&["http/1.1"], Some("http/1.1")),
        (&[], None),
    ] {
        let offer = Offer {
            protocols,
            ..Offer::default()
        };
        let mut caller = call(&server, offer).await.unwrap();
        let (_, session) = caller.0.get_ref();
        assert_eq!(session.alpn_protocol(), agreed.map(str::as_bytes));
        if agreed != Some("h2") {
            assert!(caller.get("/").await.ends_with("hello"));
        }
    }
    let offer = Offer {
        protocols: &["spdy/1"],
        ..Offer::default()
    };
    let refused = call(&server, offer).await.err().unwrap();
    assert!(
        refused.to_string().contains("NoApplicationProtocol"),
        "{refused}"
    );
}

#[tokio::test]
async fn replaced_certificates_are_shown_from_the_next_handshake_on_and_open_connections_go_on() {
    let authority = Authority::new();
    let (before, after) = (
        authority.issue(&["one.example"]),
        authority.issue(&["one.example"]),
    );
    let tls = before.alone();
    let server = serve(tls.clone());
    let mut old = call(&server, Offer::default()).await.unwrap();
    assert!(old.get("/").await.ends_with("hello"));
    tls.become_as(&after.alone());
    let mut new = call(&server, Offer::default()).await.unwrap();
    assert_eq!(new.shown(), after.der());
    for caller in [&mut old, &mut new] {
        assert!(caller.get("/").await.ends_with("hello"));
    }
    assert_eq!(old.shown(), before.der());
}

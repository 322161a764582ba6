//! TLS towards an upstream: whom the client trusts, who it is, and what an end without a farewell means.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use dragoman::client::{
    Cause, Client, Endpoint, Identity, InvalidParameters, Parameters, Sent, Stage, TlsParameters,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::client_fixture::{ask, at, parameters, post, verdict};
use crate::fault_server::{Act, End, FaultServer, Seen, converse, until_close, with_length};

const NAME: &str = "upstream.example";

/// An authority of a test's own.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key (PEM).
struct Issued {
    certificate: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let mut params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Issued {
            certificate: params.signed_by(&key, &self.0).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }

    fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }
}

/// What a TLS server is made of.
struct Setup<'a> {
    issued: Issued,
    versions: &'a [&'static SupportedProtocolVersion],
    clients: Option<&'a Authority>,
}

impl Setup<'_> {
    fn new(authority: &Authority) -> Self {
        Self {
            issued: authority.issue(|_| {}),
            versions: rustls::ALL_VERSIONS,
            clients: None,
        }
    }

    async fn start(self, plan: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> FaultServer {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(self.versions)
            .unwrap();
        let builder = match self.clients {
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots
                    .add(CertificateDer::from_pem_slice(&authority.pem()).unwrap())
                    .unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
            None => builder.with_no_client_auth(),
        };
        let certificate =
            CertificateDer::from_pem_slice(self.issued.certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(self.issued.key.as_bytes()).unwrap();
        let mut config = builder.with_single_cert(vec![certificate], key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];

        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        FaultServer::serve(address, plan, async move |record| {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let (acceptor, record) = (acceptor.clone(), Arc::clone(&record));
                tokio::spawn(async move {
                    let mut stream = acceptor.accept(tcp).await?;
                    assert_eq!(
                        stream.get_ref().1.alpn_protocol(),
                        Some(b"http/1.1".as_slice())
                    );
                    converse(&mut stream, &record).await?;
                    io::Result::Ok(())
                });
            }
        })
    }
}

fn over_tls(server: &FaultServer, tls: TlsParameters) -> Parameters {
    let server_name = Some(tls.server_name.unwrap_or_else(|| NAME.to_owned()));
    let endpoint = Endpoint::Https {
        host: server.address.ip().to_string(),
        port: server.address.port(),
    };
    Parameters {
        tls: TlsParameters { server_name, ..tls },
        ..parameters(endpoint)
    }
}

fn trusting(authority: &Authority) -> TlsParameters {
    TlsParameters {
        ca: Some(authority.pem()),
        ..TlsParameters::default()
    }
}

#[tokio::test]
async fn either_version_works_with_an_own_authority_and_connections_are_kept() {
    let authority = Authority::new();
    for versions in [[&version::TLS12], [&version::TLS13]] {
        let setup = Setup {
            versions: &versions,
            ..Setup::new(&authority)
        };
        let server = setup.start(|_| Act::ok("answer")).await;
        let client = Client::new(over_tls(&server, trusting(&authority))).unwrap();
        for _ in 0..5 {
            assert_eq!(ask(&client).await.unwrap().body(), "answer");
        }
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn an_upstream_that_cannot_prove_who_it_is_is_sent_nothing() {
    let authority = Authority::new();
    let wrong_name = authority.issue(|params| {
        *params = CertificateParams::new(vec!["elsewhere.example".to_owned()]).unwrap();
    });
    let expired = authority.issue(|params| params.not_after = date_time_ymd(2020, 1, 1));
    let not_yet = authority.issue(|params| params.not_before = date_time_ymd(4000, 1, 1));
    let unknown = Authority::new().issue(|_| {});
    for issued in [wrong_name, expired, not_yet, unknown] {
        let setup = Setup {
            issued,
            ..Setup::new(&authority)
        };
        let server = setup.start(|_| Act::ok("answer")).await;
        let client = Client::new(over_tls(&server, trusting(&authority))).unwrap();
        assert_eq!(verdict(ask(&client).await), (Sent::Nothing, Cause::Tls));
        assert_eq!(server.requests().len(), 0);
    }
    let server = FaultServer::always(Act::ok("no TLS here")).await;
    let client = Client::new(over_tls(&server, trusting(&authority))).unwrap();
    let patience = Some(std::time::Instant::now() + Duration::from_millis(300));
    let found = verdict(client.send(post("/", ""), patience).await);
    assert_eq!(
        found,
        (
            Sent::Nothing,
            Cause::Timeout {
                stage: Stage::Handshake
            }
        )
    );
}

#[tokio::test]
async fn the_name_is_the_host_s_unless_it_is_set() {
    let authority = Authority::new();
    let issued = authority.issue(|params| {
        *params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    });
    let setup = Setup {
        issued,
        ..Setup::new(&authority)
    };
    let server = setup.start(|_| Act::ok("answer")).await;
    let mut own_name = over_tls(&server, trusting(&authority));
    let client = Client::new(own_name.clone()).unwrap();
    assert_eq!(verdict(ask(&client).await), (Sent::Nothing, Cause::Tls));
    own_name.tls.server_name = None;
    let client = Client::new(own_name).unwrap();
    assert_eq!(ask(&client).await.unwrap().body(), "answer");
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_who_asks_for_it() {
    let (authority, clients) = (Authority::new(), Authority::new());
    for versions in [[&version::TLS12], [&version::TLS13]] {
        let setup = Setup {
            clients: Some(&clients),
            versions: &versions,
            ..Setup::new(&authority)
        };
        let server = setup.start(|_| Act::ok("answer")).await;
        let issued = clients.issue(|params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        });
        let mut known = trusting(&authority);
        known.identity = Some(Identity {
            certificate: issued.certificate.into_bytes(),
            key: issued.key.into(),
        });
        let client = Client::new(over_tls(&server, known)).unwrap();
        assert_eq!(ask(&client).await.unwrap().body(), "answer");

        // With TLS 1.3 the refusal comes after the request has left.
        let client = Client::new(over_tls(&server, trusting(&authority))).unwrap();
        let (_, cause) = verdict(ask(&client).await);
        assert!(matches!(cause, Cause::Tls | Cause::Reset), "{cause:?}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_connection_that_said_farewell_is_not_used() {
    let authority = Authority::new();
    for versions in [[&version::TLS12], [&version::TLS13]] {
        let setup = Setup {
            versions: &versions,
            ..Setup::new(&authority)
        };
        let server = setup
            .start(|_| Act::new(with_length("answer"), End::Close))
            .await;
        let client = Client::new(over_tls(&server, trusting(&authority))).unwrap();
        for round in 1..=50 {
            assert_eq!(ask(&client).await.unwrap().body(), "answer");
            server.all_closed().await;
            assert_eq!(server.requests().len(), round);
        }
    }
}

#[tokio::test]
async fn an_answer_up_to_the_end_of_the_connection_needs_the_farewell() {
    let authority = Authority::new();
    let server = Setup::new(&authority)
        .start(|seen| {
            let end = if seen.number == 0 {
                End::Close
            } else {
                End::Reset
            };
            Act::new(until_close("answer"), end)
        })
        .await;
    let client = Client::new(over_tls(&server, trusting(&authority))).unwrap();
    assert_eq!(ask(&client).await.unwrap().body(), "answer");
    assert_eq!(verdict(ask(&client).await), (Sent::Maybe, Cause::Truncated));
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = FaultServer::serve(
        address,
        |_| Act::ok(""),
        async move |_| {
            let mut held = Vec::new();
            loop {
                held.push(listener.accept().await.unwrap());
            }
        },
    );
    let late = Parameters {
        connect: Duration::from_millis(150),
        ..over_tls(&server, trusting(&Authority::new()))
    };
    let client = Client::new(late).unwrap();
    let expected = Cause::Timeout {
        stage: Stage::Handshake,
    };
    assert_eq!(verdict(ask(&client).await), (Sent::Nothing, expected));
}

#[tokio::test]
async fn parameters_that_cannot_work_are_refused_at_once() {
    let authority = Authority::new();
    let server = FaultServer::always(Act::ok("")).await;
    let refused = |change: &dyn Fn(&mut Parameters)| {
        let mut parameters = over_tls(&server, trusting(&authority));
        change(&mut parameters);
        Client::new(parameters).unwrap_err()
    };
    let identity = |key: &str| {
        Some(Identity {
            certificate: authority.pem(),
            key: key.into(),
        })
    };
    let foreign = KeyPair::generate().unwrap().serialize_pem();
    assert!(matches!(
        refused(&|p| p.connections = 0),
        InvalidParameters::NoConnections
    ));
    assert!(matches!(
        refused(&|p| p.head_bytes = 100),
        InvalidParameters::HeadTooSmall
    ));
    assert!(matches!(
        refused(&|p| p.idle = Duration::MAX),
        InvalidParameters::TooLong
    ));
    for ca in [
        &b""[..],
        b"no PEM",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let error = refused(&|p| p.tls.ca = Some(ca.to_vec()));
        assert!(
            matches!(error, InvalidParameters::Authorities(_)),
            "{error}"
        );
    }
    for key in ["", "no PEM", &foreign] {
        let error = refused(&|p| p.tls.identity = identity(key));
        assert!(matches!(error, InvalidParameters::Identity(_)), "{error}");
        assert!(!error.to_string().contains("PRIVATE"));
    }
    let error = refused(&|p| p.tls.server_name = Some("no name".to_owned()));
    assert!(matches!(error, InvalidParameters::ServerName(_)), "{error}");
    Client::new(at(server.address)).unwrap();
}

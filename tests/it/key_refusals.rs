//! A key that is not taken, and one that acts where it may not: whatever the reason, the answer and
//! the time it takes are the same.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use dragoman::auth::keys::Key;
use dragoman::auth::scope::Scopes;
use dragoman::clock::Timestamp;
use dragoman::command::Dialect;
use dragoman::server::PeerAddr;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;

use crate::harness::{self, Gateway, NOW, Seed, account, key};

const LIVE: &str = "drg0123456789abcdefghijabcdefghijabcdefghijabcdefghijabcdefghija";
const REVOKED: &str = "drgrevokedkkkabcdefghijabcdefghijabcdefghijabcdefghijabcdefghija";
const EXPIRED: &str = "drgexpiredkkkabcdefghijabcdefghijabcdefghijabcdefghijabcdefghija";
const ELSEWHERE: &str = "drgelsewherekabcdefghijabcdefghijabcdefghijabcdefghijabcdefghija";
const EXPIRING: &str = "drgexpiringkkabcdefghijabcdefghijabcdefghijabcdefghijabcdefghija";
/// Named as the live one, and with another secret.
const WRONG: &str = "drg0123456789abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijb";
const UNKNOWN: &str = "drgunknownkkkabcdefghijabcdefghijabcdefghijabcdefghijabcdefghija";

const REFUSED: [&str; 5] = [UNKNOWN, WRONG, REVOKED, EXPIRED, ELSEWHERE];

/// A gateway that refuses each of these keys on the route of the dialect for a reason of its own.
async fn gateway(dialect: Dialect) -> Gateway {
    let gateway = Seed::new()
        .await
        .gateway_with(harness::routes(""), Vec::new());
    let any = |secret| key("any", secret, Scopes::full(), &[]);
    let one_later = Timestamp::from_millis(NOW.as_millis() + 1);
    let stored = vec![
        any(LIVE),
        Key {
            expires_at: Some(NOW),
            ..any(EXPIRED)
        },
        Key {
            expires_at: Some(one_later),
            ..any(EXPIRING)
        },
        Key {
            routes: vec![other(dialect).name().to_owned()],
            ..any(ELSEWHERE)
        },
    ];
    let mut before = stored.clone();
    before.push(any(REVOKED));
    gateway.keys.replace(before);
    assert!(is_taken(&gateway, dialect, REVOKED).await);
    gateway.keys.replace(stored);
    gateway
}

fn other(dialect: Dialect) -> Dialect {
    match dialect {
        Dialect::Grupo | Dialect::B2evolution => Dialect::Vision6,
        Dialect::Vision6 => Dialect::Grupo,
    }
}

/// A read that needs nothing but a key, from an address that no call came from before.
fn request(dialect: Dialect, key: &str) -> Request<Full<Bytes>> {
    static CALLS: AtomicU32 = AtomicU32::new(0x0a00_0001);
    let builder = Request::builder();
    let (builder, body) = match dialect {
        Dialect::Grupo => {
            let form = "application/x-www-form-urlencoded";
            let body = format!("api_secret_key={key}&update=site_users&user=mary");
            let builder = builder.method(Method::POST).uri("/api_request/");
            (builder.header("content-type", form), body)
        }
        Dialect::Vision6 => {
            let body = format!(r#"{{"id":1,"method":"countUsers","params":["{key}",1]}}"#);
            let builder = builder.method(Method::POST);
            (builder.uri("/api/jsonrpcserver"), body)
        }
        Dialect::B2evolution => {
            let builder = builder.uri("/api/v1/users/2").header("x-api-key", key);
            (builder, String::new())
        }
    };
    let source = Ipv4Addr::from(CALLS.fetch_add(1, Ordering::Relaxed));
    let source = SocketAddr::from((IpAddr::from(source), 4711));
    let builder = builder.extension(PeerAddr(source));
    builder.body(Full::from(body)).unwrap()
}

/// The whole answer. Its id is the same every time, as the harness has no randomness.
async fn answer(gateway: &Gateway, request: Request<Full<Bytes>>) -> String {
    let response = gateway.service.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    format!("{} {:?} {body:?}", head.status, head.headers)
}

async fn is_taken(gateway: &Gateway, dialect: Dialect, key: &str) -> bool {
    let answer = answer(gateway, request(dialect, key)).await;
    let marks = match dialect {
        Dialect::Grupo => ["invalid_api_secret_key", r#"\"success\":true"#],
        Dialect::Vision6 => [r#"\"code\":300"#, r#"\"error\":null"#],
        Dialect::B2evolution => ["wrong_login_pass", r#"\"login\":\"mary\""#],
    };
    match marks.map(|mark| answer.contains(mark)) {
        [true, false] => false,
        [false, true] => true,
        _ => panic!("{answer}"),
    }
}

#[tokio::test]
async fn every_key_that_is_not_taken_gets_the_same_answer() {
    for dialect in Dialect::ALL {
        let gateway = gateway(dialect).await;
        let unknown = answer(&gateway, request(dialect, UNKNOWN)).await;
        for key in REFUSED {
            assert!(!is_taken(&gateway, dialect, key).await, "{dialect} {key}");
            let refused = answer(&gateway, request(dialect, key)).await;
            assert_eq!(refused, unknown, "{dialect} {key}");
        }
        // None of them is refused for anything but its reason.
        assert!(is_taken(&gateway, dialect, LIVE).await);
        assert!(is_taken(&gateway, dialect, EXPIRING).await);
        assert!(is_taken(&gateway, other(dialect), ELSEWHERE).await);
    }
}

#[tokio::test]
async fn a_key_as_a_password_is_refused_as_any_wrong_password_is() {
    let gateway = gateway(Dialect::B2evolution).await;
    let basic = |key: &str| {
        let pair = STANDARD.encode(format!("mary:{key}"));
        let mut request = request(Dialect::B2evolution, LIVE);
        request.headers_mut().remove("x-api-key");
        let value = format!("Basic {pair}").try_into().unwrap();
        request.headers_mut().insert("authorization", value);
        request
    };
    let wrong = answer(&gateway, basic("no password of mary's")).await;
    for key in REFUSED {
        assert_eq!(answer(&gateway, basic(key)).await, wrong, "{key}");
    }
    assert_ne!(answer(&gateway, basic(LIVE)).await, wrong);
}

/// How many calls with each key are measured at least, and how often that is done again while the
/// medians differ: what a busy machine adds goes away in more samples, what a key takes longer
/// does not.
const SAMPLES: usize = 250;
const ROUNDS: usize = 24;
const TOLERANCE: f64 = 1.05;

#[tokio::test]
async fn every_key_that_is_not_taken_is_refused_in_the_same_time() {
    for dialect in Dialect::ALL {
        let gateway = gateway(dialect).await;
        take_the_same_time(&gateway, REFUSED.map(|key| move || request(dialect, key))).await;
    }
}

/// What a call is told of somebody in an account that is not its key's.
#[tokio::test]
async fn a_user_of_another_account_is_answered_as_nobody_in_the_same_words_and_time() {
    let gateway = gateway(Dialect::Vision6).await;
    let own = key("own", LIVE, Scopes::full(), &[account(1)]);
    let any = key("any", EXPIRING, Scopes::full(), &[]);
    gateway.keys.replace(vec![own, any]);
    let add = r#"{"id":1,"method":"addUser","params":["KEY",2,{"username":"bob"}]}"#;
    let added = answer(&gateway, rpc(add, EXPIRING)).await;
    let theirs = added
        .rsplit(r#"\"result\":"#)
        .next()
        .and_then(|rest| rest.split(',').next())
        .unwrap_or_else(|| panic!("{added}"));
    let edit = |account: u8, user: &str| {
        r#"{"id":1,"method":"editUser","params":["KEY",ACCOUNT,{"id":USER,"first_name":"E"}]}"#
            .replace("ACCOUNT", &account.to_string())
            .replace("USER", user)
    };
    let done = answer(&gateway, rpc(&edit(2, theirs), EXPIRING)).await;
    assert!(done.contains(r#"\"result\":true"#), "{done}");

    let nobody = answer(&gateway, rpc(&edit(1, "4711"), LIVE)).await;
    assert!(nobody.contains(r#"\"code\":331"#), "{nobody}");
    for user in [theirs, "4711"] {
        assert_eq!(answer(&gateway, rpc(&edit(2, user), LIVE)).await, nobody);
    }
    let [somebody, unknown] = [edit(2, theirs), edit(2, "4711")];
    take_the_same_time(
        &gateway,
        [&somebody, &unknown].map(|text| || rpc(text, LIVE)),
    )
    .await;
}

fn rpc(text: &str, key: &str) -> Request<Full<Bytes>> {
    let body = text.replace("KEY", key);
    request(Dialect::Vision6, key).map(|_| Full::from(body))
}

/// Fails while the medians of the calls differ, after more and more samples.
async fn take_the_same_time<const N: usize>(
    gateway: &Gateway,
    calls: [impl Fn() -> Request<Full<Bytes>>; N],
) {
    let mut times = [const { Vec::new() }; N];
    let mut spread = f64::INFINITY;
    for _ in 0..ROUNDS {
        for sample in 0..SAMPLES {
            for place in 0..N {
                // Each call comes after each other one as often, as long as N is a prime.
                let index = (sample + place * (1 + sample % (N - 1))) % N;
                times[index].push(time(gateway, calls[index]()).await);
            }
        }
        let medians = times.each_mut().map(|times| median(times));
        spread = medians.iter().copied().fold(0.0, f64::max)
            / medians.iter().copied().fold(f64::INFINITY, f64::min);
        if spread <= TOLERANCE {
            println!("medians {medians:.1?} µs, {} each", times[0].len());
            return;
        }
    }
    panic!("medians differ by {spread}");
}

async fn time(gateway: &Gateway, request: Request<Full<Bytes>>) -> Duration {
    let service = gateway.service.clone();
    let started = Instant::now();
    let response = service.oneshot(request).await;
    let took = started.elapsed();
    drop(response);
    took
}

/// In microseconds.
fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}

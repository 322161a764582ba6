//! One path for calls and for the site's own requests: each gets where it belongs.

use std::io::{Read, Write};

use crate::pass_fixture::{Passing, RawSite, length};

const KEY: &str = "callers-key-0123456789abcdef";

/// A site that tells how long a body it was sent, and the sum of its bytes.
fn site() -> RawSite {
    RawSite::start(|stream, head| {
        let mut body = Vec::new();
        if head.contains("transfer-encoding: chunked") {
            while !body.ends_with(b"0\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                body.push(byte[0]);
            }
        } else {
            body.resize(length(head), 0);
            stream.read_exact(&mut body).unwrap();
        }
        let told = format!("site: {} {}", body.len(), sum(&body));
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{told}",
            told.len()
        );
        stream.write_all(answer.as_bytes()).unwrap();
    })
}

fn sum(body: &[u8]) -> u64 {
    body.iter().map(|&byte| u64::from(byte)).sum()
}

fn start(site: &RawSite) -> (tempfile::TempDir, Passing) {
    let directory = tempfile::tempdir().unwrap();
    let text = format!(
        "keys.app.value = '{KEY}'\nstore.url = 'sqlite:{}/db'\n[routes.site]\npass = 'http://{}'\n\
         [routes.chat]\ndialect = 'grupo'\notherwise = 'site'\n\
         [routes.blog]\ndialect = 'b2evolution'\notherwise = 'site'\n",
        directory.path().display(),
        site.address
    );
    let passing = Passing::configured(&text);
    (directory, passing)
}

const FORM: &str = "application/x-www-form-urlencoded";

fn post(path: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: session=1\r\nContent-Type: {kind}\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn part(line: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("--b\r\nContent-Disposition: form-data; {line}\r\n\r\n");
    [head.as_bytes(), content, b"\r\n"].concat()
}

#[test]
fn what_has_no_key_goes_to_the_site_whatever_its_size_and_shape() {
    let site = site();
    let (_directory, passing) = start(&site);
    let large: Vec<u8> = (0..3_000_000_u32)
        .map(|number| number.to_le_bytes()[0])
        .collect();
    let upload = [
        part("name=\"upload\"", b"x"),
        part("name=\"file\"; filename=\"api_secret_key\"", &large),
        b"--b--\r\n".to_vec(),
    ];
    let many = "a[]=1&".repeat(5000);
    let multipart = "multipart/form-data; boundary=b";
    for (path, kind, body) in [
        ("/api_request/", FORM, b"load=site_users&user=1".to_vec()),
        ("/api_request/", FORM, b"api_secret_key=&load=x".to_vec()),
        ("/api_request", FORM, many.into_bytes()),
        ("/api_request/", multipart, upload.concat()),
        ("/api_request/", multipart, b"--b\r\nbroken".to_vec()),
        (
            "/api_request/",
            "application/json",
            br#"{"api_secret_key":1}"#.to_vec(),
        ),
        ("/api_request/", "text/plain", large),
        (
            "/api/v1/collections/a/items",
            "application/json",
            b"{}".to_vec(),
        ),
        ("/api/v1/", FORM, Vec::new()),
    ] {
        let answer = passing.ask(post(path, kind, &body));
        let told = format!("site: {} {}", body.len(), sum(&body));
        assert!(answer.ends_with(&told), "{path} {kind}: {answer}");
        let heads = site.taken();
        let [head] = &heads[..] else {
            panic!("{heads:?}")
        };
        assert!(
            head.contains("cookie: session=1\r\n") && head.starts_with(&format!("POST {path} ")),
            "{head}"
        );
    }
    let answer =
        passing.ask("GET /api_request/?page=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(answer.ends_with("site: 0 0"), "{answer}");
    let chunked = "POST /api_request/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/plain\r\n\
        Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    assert!(passing.ask(chunked).contains("site: "));
}

#[test]
fn what_has_a_key_is_a_call_whatever_is_wrong_with_it() {
    let site = site();
    let (_directory, passing) = start(&site);
    let call = format!(
        "api_secret_key={KEY}&add=site_users&full_name=Ada&username=ada&email_address=a@b.example&password=engine-1"
    );
    let answer = passing.ask(post("/api_request/", FORM, call.as_bytes()));
    assert!(answer.contains(r#"{"success":true"#), "{answer}");
    let mangled = call.replace("api_secret_key", "api.secret_key");
    let large = format!("{call}&x={}", "y".repeat(2 << 20));
    let in_part = [
        part("name=\"api[secret_key\"", KEY.as_bytes()),
        b"--b--\r\n".to_vec(),
    ]
    .concat();
    let multipart = "multipart/form-data; boundary=b";
    for (path, kind, body) in [
        ("/api_request/", FORM, mangled.as_bytes()),
        (
            "/api_request/",
            FORM,
            b"api_secret_key=wrong&add=site_users",
        ),
        ("/api_request/", FORM, large.as_bytes()),
        ("/api_request/?api_secret_key=x", FORM, b""),
        ("/api_request/", multipart, &in_part),
        ("/api_request//x", FORM, b"load=x"),
    ] {
        let answer = passing.ask(post(path, kind, body));
        assert!(answer.contains(r#"{"success":false"#), "{path}: {answer}");
        assert!(site.taken().is_empty(), "{path}");
    }
    let answer =
        passing.ask("GET /api/v1/users/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert!(site.taken().is_empty());
}

//! Bytes in → canonical → bytes out, for every `tests/golden/DIALECT/CASE.http`.
//!
//! `CASE.call` shows what was decoded, `CASE.reply` what a gateway over the seed of the harness
//! answers. `GOLDEN=write` writes both anew; read the difference before committing it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use dragoman::command::Dialect;
use dragoman::dialect::{self, Decoded};
use dragoman::route::Route;
use http::Request;
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;

use crate::harness::{self, Seed};

#[tokio::test]
async fn every_grupo_case_is_decoded_and_answered_as_recorded() {
    check_dialect(Dialect::Grupo).await;
}

#[tokio::test]
async fn every_vision6_case_is_decoded_and_answered_as_recorded() {
    check_dialect(Dialect::Vision6).await;
}

#[tokio::test]
async fn every_b2evolution_case_is_decoded_and_answered_as_recorded() {
    check_dialect(Dialect::B2evolution).await;
}

async fn check_dialect(dialect: Dialect) {
    let seed = Seed::new().await;
    let cases = cases(dialect);
    assert!(cases.len() > 30, "only {} cases of {dialect}", cases.len());
    let mut wrong = Vec::new();
    for path in cases {
        let case = Case::read(&path);
        let routes = harness::routes(&case.options);
        let decoded = show_decoded(&case, routes.iter().find(|route| route.dialect == dialect));
        let answered = answer(&seed, routes, &case).await;
        for (extension, shown) in [("call", decoded), ("reply", answered)] {
            if !same_as_recorded(&path.with_extension(extension), &shown) {
                wrong.push(path.with_extension(extension).display().to_string());
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ; GOLDEN=write records them, git diff shows how:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

pub(crate) fn cases(dialect: Dialect) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(dialect.name());
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|it| it == "http"))
        .collect();
    cases.sort();
    cases
}

/// A recorded request. Lines that begin with `#!` set options of the route, e.g.
/// `#! key_in_query = true`; other lines that begin with `#` are remarks.
pub(crate) struct Case {
    pub(crate) options: String,
    request: Request<Bytes>,
}

impl Case {
    pub(crate) fn read(path: &Path) -> Self {
        Self::parse(&fs::read(path).unwrap(), path)
    }

    pub(crate) fn parse(recorded: &[u8], path: &Path) -> Self {
        let (options, bytes) = split_remarks(recorded);
        let head_end =
            blank_line(bytes).unwrap_or_else(|| panic!("no blank line in {}", path.display()));
        let head = String::from_utf8(bytes[..head_end.0].to_vec()).unwrap();
        let body = Bytes::copy_from_slice(&bytes[head_end.1..]);
        let mut lines = head.lines();
        let mut first = lines.next().unwrap().split(' ');
        let mut request = Request::builder()
            .method(first.next().unwrap())
            .uri(first.next().unwrap());
        for line in lines {
            let (name, value) = line
                .split_once(':')
                .unwrap_or_else(|| panic!("{line:?} in {}", path.display()));
            if !name.eq_ignore_ascii_case("content-length") {
                request = request.header(name, value.trim());
            }
        }
        if !body.is_empty() {
            request = request.header("content-length", body.len());
        }
        Self {
            options,
            request: request.body(body).unwrap(),
        }
    }

    pub(crate) fn request(&self) -> Request<Bytes> {
        self.request.clone()
    }
}

fn split_remarks(mut bytes: &[u8]) -> (String, &[u8]) {
    let mut options = String::new();
    while bytes.starts_with(b"#") {
        let end = bytes.iter().position(|byte| *byte == b'\n').unwrap();
        let line = String::from_utf8_lossy(&bytes[..end]);
        if let Some(option) = line.strip_prefix("#!") {
            options.push_str(option.trim());
            options.push('\n');
        }
        bytes = &bytes[end + 1..];
    }
    (options, bytes)
}

/// Where the head ends and where the body begins, whichever line ends the file uses.
fn blank_line(bytes: &[u8]) -> Option<(usize, usize)> {
    let find = |pattern: &[u8]| {
        bytes
            .windows(pattern.len())
            .position(|window| window == pattern)
    };
    let crlf = find(b"\r\n\r\n").map(|at| (at, at + 4));
    let lf = find(b"\n\n").map(|at| (at, at + 2));
    [crlf, lf].into_iter().flatten().min()
}

fn show_decoded(case: &Case, route: Option<&Route>) -> String {
    let route = route.unwrap();
    let (head, body) = case.request().into_parts();
    let calls = match dialect::decode_request(route.dialect, &head, &body, &route.policy) {
        Decoded::Calls(calls, _) => calls,
        Decoded::NotOurs(error, _) => return format!("not ours: {error:#?}\n"),
    };
    let mut shown = String::new();
    for call in calls {
        match call {
            Ok(call) => writeln!(
                shown,
                "credentials: {:?}\naccount: {:?}\n{:#?}",
                call.credentials, call.account, call.command
            )
            .unwrap(),
            Err(unread) => writeln!(shown, "{:#?}", unread.error).unwrap(),
        }
    }
    shown
}

async fn answer(seed: &Seed, routes: Vec<Route>, case: &Case) -> String {
    let gateway = seed.gateway(routes);
    let response = gateway
        .service
        .clone()
        .oneshot(case.request().map(Full::new))
        .await
        .unwrap();
    let (head, body) = response.into_parts();
    let mut shown = format!("{}\n", head.status.as_u16());
    for (name, value) in &head.headers {
        writeln!(shown, "{name}: {}", value.to_str().unwrap()).unwrap();
    }
    let body = body.collect().await.unwrap().to_bytes();
    writeln!(shown, "\n{}", String::from_utf8(body.to_vec()).unwrap()).unwrap();
    shown
}

pub(crate) fn same_as_recorded(path: &Path, shown: &str) -> bool {
    if harness::writes_goldens() {
        fs::write(path, shown).unwrap();
        return true;
    }
    fs::read_to_string(path).is_ok_and(|recorded| recorded == shown)
}

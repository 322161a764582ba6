//! What PHP 8 reads in a form and what Dragoman reads in it are the same, or Dragoman refuses.
//! Two systems in a row that read one request differently are how requests get past a check.

use std::thread;

use dragoman::framing::form::{Form, Value};
use dragoman::framing::json::Json;
use dragoman::route::{FormLimits, JsonLimits};
use http::{HeaderMap, HeaderValue, header};

use crate::php_bodies::{Bodies, Body};
use crate::php_server::PhpServer;

const BODIES: usize = 10_000;

#[test]
fn ten_thousand_urlencoded_bodies_are_read_as_php_reads_them_or_refused() {
    compare("urlencoded", Bodies::urlencoded);
}

#[test]
fn ten_thousand_multipart_bodies_are_read_as_php_reads_them_or_refused() {
    compare("multipart", Bodies::multipart);
}

fn compare(kind: &str, make: fn(&mut Bodies) -> Body) {
    let mut bodies = Bodies::from_seed(0x6472_6167_6f6d_616e);
    let bodies: Vec<Body> = (0..BODIES).map(|_| make(&mut bodies)).collect();
    let halves = bodies.chunks(BODIES.div_ceil(2));
    let judged: Vec<Judgement> = thread::scope(|scope| {
        let threads: Vec<_> = halves.map(|half| scope.spawn(|| judge_all(half))).collect();
        let judged = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap());
        judged.collect()
    });
    let count = |wanted: fn(&Judgement) -> bool| judged.iter().filter(|it| wanted(it)).count();
    let agree = count(|it| matches!(it, Judgement::Agree));
    let refused = count(|it| matches!(it, Judgement::Refused));
    let differ: Vec<&str> = judged
        .iter()
        .filter_map(|it| match it {
            Judgement::Differ(how) => Some(how.as_str()),
            Judgement::Agree | Judgement::Refused => None,
        })
        .collect();
    println!(
        "{kind}: {agree} agree, {refused} refused, {} differ",
        differ.len()
    );
    assert!(
        differ.is_empty(),
        "{} of {BODIES} differ:\n{}",
        differ.len(),
        differ
            .iter()
            .take(12)
            .copied()
            .collect::<Vec<_>>()
            .join("\n")
    );
    assert!(
        agree > BODIES / 4,
        "only {agree} of {BODIES} were read at all"
    );
    assert!(
        refused > BODIES / 10,
        "only {refused} of {BODIES} were hostile"
    );
}

enum Judgement {
    Agree,
    Refused,
    Differ(String),
}

fn judge_all(bodies: &[Body]) -> Vec<Judgement> {
    let php = PhpServer::start("post.php");
    bodies.iter().map(|body| judge(&php, body)).collect()
}

fn judge(php: &PhpServer, body: &Body) -> Judgement {
    let content_type = HeaderValue::from_bytes(body.content_type.as_bytes()).unwrap();
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type)]);
    let Ok(form) = Form::decode(&headers, &body.bytes, &FormLimits::default()) else {
        return Judgement::Refused;
    };
    if form.entries().iter().any(|entry| has_content(&entry.value)) {
        // No dialect takes a file.
        return Judgement::Refused;
    }
    let printed = php.post(body.content_type.as_bytes(), &body.bytes);
    let seen = Json::decode(&printed, &PHP_PRINTS).unwrap();
    if seen == texts(&form) {
        return Judgement::Agree;
    }
    Judgement::Differ(format!(
        "\n{}\n{}\n  Dragoman: {:?}\n  PHP:      {printed}",
        body.content_type,
        body.bytes.escape_ascii(),
        form.entries(),
    ))
}

/// More than any form in here can hold.
const PHP_PRINTS: JsonLimits = JsonLimits {
    depth: 64,
    members: 4096,
    string_bytes: 1024 * 1024,
    number_bytes: 40,
    batch: 1,
};

/// What of a form PHP has in `$_POST`: everything but files.
fn texts<'f>(form: &'f Form<'_>) -> Json<'f> {
    let entries = form.entries().iter();
    Json::Object(
        entries
            .filter_map(|entry| Some((entry.name.as_ref().into(), json(&entry.value)?)))
            .collect(),
    )
}

fn json<'f>(value: &'f Value<'_>) -> Option<Json<'f>> {
    match value {
        Value::Text(text) => Some(Json::String(text.as_ref().into())),
        Value::Array(items) => {
            let members = items
                .iter()
                .map(|(key, item)| Some((key.as_ref().into(), json(item)?)));
            members.collect::<Option<_>>().map(Json::Object)
        }
        Value::File { .. } => None,
    }
}

/// Whether there is a file in it that somebody chose: an input that nobody filled in has neither a
/// name nor contents.
fn has_content(value: &Value<'_>) -> bool {
    match value {
        Value::Text(_) => false,
        Value::Array(items) => items.iter().any(|(_, item)| has_content(item)),
        Value::File(file) => !(file.filename.is_empty() && file.bytes.is_empty()),
    }
}

//! JSON that is meant to hurt: two members of one name, numbers that do not fit, depth, batches.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::clients::Gateway;
use crate::process::{dragoman, finish};
use crate::wire::{VISION6, Wire};

#[test]
fn a_member_sent_twice_is_refused_at_any_depth() {
    let gateway = Gateway::start();
    let id = gateway.add_user("ana");
    let mut wire = Wire::open(&gateway.served.url);
    let key = &gateway.key;
    for body in [
        format!(r#"{{"id":1,"id":2,"method":"editUser","params":["{key}",1,{{"id":{id}}}]}}"#),
        format!(r#"{{"method":"getTimezoneList","id":1,"method":"editUser","params":["{key}"]}}"#),
        format!(r#"{{"id":1,"method":"editUser","params":["{key}",1,{{"id":{id},"id":1}}]}}"#),
        format!(
            r#"{{"id":1,"method":"editUser","params":["{key}",1,{{"id":{id},"x":[[{{"a":1,"\u0061":1}}]]}}]}}"#
        ),
        format!(
            r#"[{{"jsonrpc":"2.0","id":1,"method":"editUser","params":["{key}",1,{{"id":{id},"fax":"1","fax":"2"}}]}}]"#
        ),
    ] {
        let answer = wire.post(VISION6, "application/json", body.as_bytes());
        let error = &answer.json()["error"];
        assert_eq!(
            (answer.status, &error["code"]),
            (200, &json!(-32700)),
            "{body}"
        );
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("twice; send it once"), "{message}");
    }
}

#[test]
fn an_id_comes_back_as_the_bytes_it_was() {
    let gateway = Gateway::start();
    let mut wire = Wire::open(&gateway.served.url);
    for id in [
        "0",
        "-1",
        "1.0",
        "1.50",
        "1e2",
        "1E+2",
        "-0",
        "9007199254740993",
        "8173181937282832224",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
        "99999999999999999999999999999999999999",
        "null",
        r#""""#,
        r#""1""#,
        r#""Zo\u00eb \/ \ud83d\ude00""#,
        r#""2a6a5a4e-7b5b-4e6c-8d5a-2f1e4c3b2a19""#,
    ] {
        for version in ["", r#""jsonrpc":"2.0","#] {
            let body = format!(
                r#"{{{version}"id":{id},"method":"getTimezoneList","params":["{}"]}}"#,
                gateway.key
            );
            let answer = wire.post(VISION6, "application/json", body.as_bytes());
            let start = format!(r#"{{{version}"id":{id},"result":["#);
            let shown: String = answer.text().chars().take(80).collect();
            assert!(answer.text().starts_with(&start), "{start}: {shown}");
        }
    }
}

#[test]
fn a_number_that_no_id_can_be_is_refused_and_not_rounded() {
    let gateway = Gateway::start();
    let id = gateway.add_user("ana");
    let mut wire = Wire::open(&gateway.served.url);
    for number in [
        format!("{id}.0"),
        format!("{id}.4"),
        format!("{id}e0"),
        (i128::from(id) + (1 << 64)).to_string(),
        (i128::from(id) - (1 << 64)).to_string(),
        "9223372036854775808".to_owned(),
        "-1".to_owned(),
    ] {
        let body = format!(
            r#"{{"id":1,"method":"getUserById","params":["{}",1,{number}]}}"#,
            gateway.key
        );
        let answer = wire
            .post(VISION6, "application/json", body.as_bytes())
            .json();
        assert_eq!(answer["error"]["code"], 310, "{number}: {answer}");
    }
}

#[test]
fn depth_is_refused_within_five_milliseconds_and_without_memory() {
    let gateway = Gateway::start();
    let mut wire = Wire::open(&gateway.served.url);
    let bodies: Vec<Vec<u8>> = [17, 128, 129, 100_000]
        .into_iter()
        .flat_map(|depth| nested(&gateway.key, depth))
        .collect();
    for body in &bodies {
        let attempts = (0..5).map(|_| refuse_deep(&mut wire, body));
        let fastest = attempts.min().unwrap();
        assert!(
            fastest < Duration::from_millis(5),
            "{} bytes: {fastest:?}",
            body.len()
        );
    }
    let before = resident_kib(gateway.served.id());
    for body in bodies.iter().cycle().take(200) {
        refuse_deep(&mut wire, body);
    }
    let grown = resident_kib(gateway.served.id()).saturating_sub(before);
    assert!(grown < 1024, "{grown} KiB more after 200 deep bodies");
}

/// Arrays and objects, as the whole body, within the parameters, and never closed.
fn nested(key: &str, depth: usize) -> [Vec<u8>; 5] {
    let arrays = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    // No longer than a body may be.
    let members = depth.min(30_000);
    let objects = format!("{}1{}", r#"{"a":"#.repeat(members), "}".repeat(members));
    let call =
        |inner: &str| format!(r#"{{"id":1,"method":"editUser","params":["{key}",1,{inner}]}}"#);
    [
        arrays.clone().into_bytes(),
        objects.clone().into_bytes(),
        "[".repeat(depth).into_bytes(),
        call(&arrays).into_bytes(),
        call(&objects).into_bytes(),
    ]
}

fn refuse_deep(wire: &mut Wire, body: &[u8]) -> Duration {
    let answer = wire.post(VISION6, "application/json", body);
    assert_eq!(answer.status, 200);
    assert!(
        answer.text().contains("more than 16 levels of nesting"),
        "{}",
        answer.text()
    );
    answer.took
}

pub(crate) fn resident_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.unwrap().parse().unwrap()
}

#[test]
fn an_empty_batch_and_one_of_21_get_one_refusal_and_a_nested_one_a_refusal_for_each() {
    let gateway = Gateway::start();
    let mut wire = Wire::open(&gateway.served.url);
    let call = |id: usize| json!({"jsonrpc": "2.0", "id": id, "method": "countUsers", "params": [gateway.key, 1]});
    let empty = wire.vision6(&json!([]));
    assert_eq!(
        (&empty["id"], &empty["error"]["code"]),
        (&Value::Null, &json!(-32600))
    );

    let calls: Vec<Value> = (0..21).map(call).collect();
    let large = wire.vision6(&Value::from(calls.clone()));
    let message = large["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("more than 20 calls in a batch"), "{large}");

    let fits = wire.vision6(&Value::from(calls[..20].to_vec()));
    let ids: Vec<_> = fits
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| answer["id"].clone())
        .collect();
    assert_eq!(ids, (0..20).map(Value::from).collect::<Vec<_>>());

    let nested = wire.vision6(&json!([[call(1)], [], call(2), "call", 3]));
    let codes: Vec<_> = nested
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| answer["error"]["code"].clone())
        .collect();
    assert_eq!(
        codes,
        [
            json!(-32600),
            json!(-32600),
            Value::Null,
            json!(-32600),
            json!(-32600)
        ]
    );
}

#[test]
fn every_call_of_a_batch_is_authenticated_and_authorized_by_itself() {
    let gateway = Gateway::start();
    let id = gateway.add_user("ana");
    let mut create = dragoman(gateway.directory.path());
    let create = create.args(["keys", "create", "--name", "reader", "--scope", "user:read"]);
    let (status, reader, errors) = finish(create);
    assert_eq!(status, Some(0), "{errors}");
    let mut wire = Wire::open(&gateway.served.url);
    // The running gateway looks for new keys from time to time.
    let deadline = Instant::now() + Duration::from_secs(20);
    let count = json!({"id": 1, "method": "countUsers", "params": [reader.trim_end(), 1]});
    while wire.vision6(&count)["result"].is_null() {
        assert!(Instant::now() < deadline, "the new key is not known");
        std::thread::sleep(Duration::from_millis(50));
    }

    let keys = |place: usize| match place {
        7 => "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        13 => reader.trim_end(),
        _ => gateway.key.as_str(),
    };
    let calls: Vec<Value> = (0..20)
        .map(|place| json!({"id": place, "method": "editUser", "params": [keys(place), 1, {"id": id, "fax": format!("{place}")}]}))
        .collect();
    let answers = wire.vision6(&Value::from(calls));
    for (place, answer) in answers.as_array().unwrap().iter().enumerate() {
        let expected = match place {
            7 => (Value::Null, json!(300)),
            13 => (Value::Null, json!(321)),
            _ => (json!(true), Value::Null),
        };
        assert_eq!(
            (answer["result"].clone(), answer["error"]["code"].clone()),
            expected,
            "{answer}"
        );
    }
    assert_eq!(answers.as_array().map(Vec::len), Some(20));
}

//! Forms that are meant to hurt, through the running gateway: each is refused in the dialect, soon,
//! and without much memory, or read as PHP reads it.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::form_target::{BOUNDARY, MULTIPART, Target, assert_grupo_refuses, end, part, raw_part};
use crate::json_limits::resident_kib;
use crate::wire::{GRUPO, URLENCODED, request};

const MIB: usize = 1024 * 1024;

#[test]
fn a_hostile_multipart_form_is_refused_in_the_dialect_within_50_milliseconds() {
    let mut target = Target::new();
    let update = target.update_parts();
    let with = |parts: Vec<u8>| [update.clone(), parts, end()].concat();
    let story = "Content-Disposition: form-data; name=\"phone_number\"";
    let cases: [(&str, Vec<u8>); 19] = [
        ("257 parts", with(part("name=\"a\"", "1").repeat(254))),
        ("1,001 parts", with(part("name=\"a\"", "1").repeat(998))),
        (
            "a name of nearly 1 MiB",
            with(part(&format!("name=\"{}\"", "n".repeat(MIB - 2048)), "1")),
        ),
        (
            "a value of more than 64 KiB",
            with(part("name=\"a\"", &"v".repeat(65_537))),
        ),
        (
            "9 lines of headers",
            with(raw_part(
                &format!("{story}\r\n{}", ["X: y"; 8].join("\r\n")),
                "1",
            )),
        ),
        (
            "nested multipart",
            with(raw_part(
                &format!("{story}\r\nContent-Type: multipart/mixed; boundary=x"),
                "--x\r\n\r\n1\r\n--x--",
            )),
        ),
        ("no last boundary", update.clone()),
        (
            "line feeds alone",
            with(part("name=\"a\"", "1"))
                .iter()
                .copied()
                .filter(|byte| *byte != b'\r')
                .collect(),
        ),
        ("name*", with(part("name*=UTF-8''phone_number", "1"))),
        (
            "two names",
            with(part("name=\"phone_number\"; name=\"user\"", "1")),
        ),
        (
            "an attachment",
            with(raw_part(
                "Content-Disposition: attachment; name=\"phone_number\"",
                "1",
            )),
        ),
        (
            "a charset of a part",
            with(raw_part(
                &format!("{story}\r\nContent-Type: text/plain; charset=utf-16"),
                "1",
            )),
        ),
        (
            "an encoding of a part",
            with(raw_part(
                &format!("{story}\r\nContent-Transfer-Encoding: base64"),
                "MQ==",
            )),
        ),
        (
            "a file",
            with(part("name=\"phone_number\"; filename=\"a.txt\"", "1")),
        ),
        (
            "a file in the place of the user",
            with(part("name=\"user\"; filename=\"a.txt\"", "ana")),
        ),
        ("no name", with(part("x=\"y\"", "1"))),
        ("no Content-Disposition", with(raw_part("X: y", "1"))),
        (
            "blanks behind a boundary",
            with(blank_behind_the_boundary()),
        ),
        (
            "text behind the last boundary",
            [with(Vec::new()), with(part("name=\"a\"", "1"))].concat(),
        ),
    ];
    for (what, body) in &cases {
        target.assert_both_refuse(what, MULTIPART, body);
    }
    assert_eq!(target.read()["phone"], Value::Null, "nothing was changed");
}

#[test]
fn a_multipart_form_without_one_boundary_is_refused_in_the_dialect() {
    let mut target = Target::new();
    let body = [target.update_parts(), end()].concat();
    for (what, content_type) in [
        (
            "a boundary of 71 characters",
            format!("multipart/form-data; boundary={}", "b".repeat(71)),
        ),
        ("no boundary", "multipart/form-data".to_owned()),
        ("two boundaries", format!("{MULTIPART}; boundary=x")),
        (
            "a boundary within another parameter",
            format!("multipart/form-data; xboundary=x; boundary={BOUNDARY}"),
        ),
    ] {
        target.assert_both_refuse(what, &content_type, &body);
    }
}

/// A part with a blank behind its boundary.
fn blank_behind_the_boundary() -> Vec<u8> {
    let mut part = part("name=\"a\"", "1");
    part.insert(BOUNDARY.len() + 2, b' ');
    part
}

#[test]
fn a_hostile_urlencoded_form_is_refused_in_the_dialect_within_50_milliseconds() {
    let mut target = Target::new();
    let update = target.update();
    let long_value = format!("{update}&custom_field_1={}", "%41".repeat(65_537));
    let cases: [(&str, Vec<u8>); 13] = [
        ("1,000,000 fields", "a=1&".repeat(MIB / 4 - 1).into_bytes()),
        (
            "4,000,000 bytes of fields",
            "a=1&".repeat(1_000_000).into_bytes(),
        ),
        (
            "257 fields",
            format!("{update}&{}", ["a=1"; 254].join("&")).into_bytes(),
        ),
        (
            "a name of 129 bytes",
            format!("{update}&{}=1", "n".repeat(129)).into_bytes(),
        ),
        (
            "a name of nearly 1 MiB",
            "%6e".repeat(MIB / 3 - 1).into_bytes(),
        ),
        ("a value of more than 64 KiB", long_value.into_bytes()),
        (
            "a field without a name",
            format!("{update}&=1").into_bytes(),
        ),
        (
            "an array without a name",
            format!("{update}&[a]=1").into_bytes(),
        ),
        ("a percent sign for a key", b"%".to_vec()),
        (
            "bytes that are no UTF-8",
            format!("{update}&phone_number=%ff").into_bytes(),
        ),
        (
            "an overlong slash",
            format!("{update}&phone_number=%C0%AF").into_bytes(),
        ),
        (
            "a surrogate",
            format!("{update}&phone_number=%ED%A0%80").into_bytes(),
        ),
        (
            "arrays 5 deep",
            format!("{update}&a[b][c][d][e][f]=1").into_bytes(),
        ),
    ];
    for (what, body) in &cases {
        if *what == "a percent sign for a key" {
            // To b2evolution it is a field that nobody knows.
            assert_grupo_refuses(what, &target.grupo(URLENCODED, body));
        } else {
            target.assert_both_refuse(what, URLENCODED, body);
        }
    }
    assert_eq!(target.read()["phone"], Value::Null, "nothing was changed");
}

#[test]
fn what_php_makes_of_strange_values_is_what_is_kept() {
    let mut target = Target::new();
    let update = target.update();
    for (sent, kept) in [
        ("%", "%"),
        ("%zz", "%zz"),
        ("%4", "%4"),
        ("a+b", "a b"),
        ("%2B", "+"),
        ("a;b=c", "a;b=c"),
        ("=", "="),
        ("%F0%9F%98%80", "😀"),
    ] {
        let body = format!("{update}&phone_number={sent}");
        let answer = target.grupo(URLENCODED, body.as_bytes());
        assert_eq!(answer.text(), r#"{"success":true}"#, "{sent}");
        assert_eq!(target.read()["phone"], kept, "{sent}");
    }
    let fits = format!("{update}&phone_number={}", "v".repeat(65_536));
    let answer = target.grupo(URLENCODED, fits.as_bytes());
    assert_eq!(answer.text(), r#"{"success":true}"#);
}

#[test]
fn a_boundary_in_the_data_is_data_however_the_body_is_cut_into_packets() {
    let mut target = Target::new();
    let near = format!("-{BOUNDARY}\r\n--x{BOUNDARY}\r\n {BOUNDARY}--");
    let parts = [
        target.update_parts(),
        part("name=\"phone_number\"", &near),
        end(),
    ]
    .concat();
    let whole = request(
        "POST",
        GRUPO,
        &[("Content-Type", MULTIPART), ("Connection", "close")],
        &parts,
    );
    for cuts in [1, 2, 3, 7, 19] {
        let address = target
            .gateway
            .served
            .url
            .strip_prefix("http://")
            .unwrap()
            .to_owned();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let size = whole.len().div_ceil(cuts + 1);
        for packet in whole.chunks(size) {
            stream.write_all(packet).unwrap();
            thread::sleep(Duration::from_millis(4));
        }
        let answer = std::io::read_to_string(stream).unwrap();
        assert!(
            answer.ends_with(r#"{"success":true}"#),
            "{cuts} cuts: {answer}"
        );
        assert_eq!(target.read()["phone"], near.as_str(), "{cuts} cuts");
    }
}

#[test]
fn a_form_takes_no_more_than_four_times_its_size_in_memory() {
    let mut target = Target::new();
    let update = target.update();
    let process = target.gateway.served.id();
    let bodies = [
        "a=1&".repeat(MIB / 4 - 1).into_bytes(),
        format!("{update}&{}", "a[][][][]=%41&".repeat(250)).into_bytes(),
        "%6e".repeat(MIB / 3 - 1).into_bytes(),
        [update.as_bytes(), b"&", "&".repeat(MIB - 1024).as_bytes()].concat(),
    ];
    // The first ones pay for what stays.
    for body in bodies.iter().cycle().take(12) {
        target.grupo(URLENCODED, body);
    }
    for body in &bodies {
        let before = resident_kib(process);
        // Forgets the highest water mark.
        fs::write(format!("/proc/{process}/clear_refs"), "5").unwrap();
        target.grupo(URLENCODED, body);
        let grown = high_water_kib(process).saturating_sub(before);
        let most = 4 * u64::try_from(MIB / 1024).unwrap();
        assert!(
            grown <= most,
            "{grown} KiB more for {} KiB",
            body.len() / 1024
        );
    }
}

fn high_water_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.unwrap().parse().unwrap()
}

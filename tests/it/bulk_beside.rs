//! An import beside a running gateway: both get their turn.

use std::fs;
use std::time::{Duration, Instant};

use crate::bulk_fixture::{done, dragoman};
use crate::process::{Served, curl};

#[test]
fn a_gateway_writes_on_while_users_are_imported() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    Served::start(at).stop();
    let key = done(at, &["keys", "create", "--name", "crm"]);
    let served = Served::start(at);
    let mut csv = "id,username,email\n".to_owned();
    for id in 100..8_100 {
        csv.extend([format!("{id},user{id},user{id}@example.com\n")]);
    }
    fs::write(at.join("u.csv"), csv).unwrap();
    let mut import = dragoman(at, &["users", "import", "u.csv"]).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    let (mut writes, mut slowest) = (0, Duration::ZERO);
    let status = loop {
        let began = Instant::now();
        let answer = curl(&[
            "-d",
            &format!("api_secret_key={}", key.trim()),
            "-d",
            "update=site_users&user=admin",
            "-d",
            &format!("full_name=Name {writes}"),
            &format!("{}/api_request/", served.url),
        ]);
        assert_eq!(answer, r#"{"success":true}"#);
        let running = import.try_wait().unwrap();
        if let Some(status) = running {
            break status;
        }
        writes += 1;
        slowest = slowest.max(began.elapsed());
        assert!(Instant::now() < deadline);
    };
    assert!(status.success());
    assert!(writes > 10, "{writes} writes in all that time");
    assert!(
        slowest < Duration::from_secs(3),
        "one write took {slowest:?}"
    );
    println!("{writes} writes beside the import, the slowest in {slowest:?}");
    assert!(done(at, &["users", "get", "8099"]).contains("user8099"));
}

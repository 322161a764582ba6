//! `[server.tls]` as a whole: what is refused at load, and curl as a caller.

use std::fs;
use std::path::Path;
use std::process::Command;

use rcgen::date_time_ymd;
use tempfile::TempDir;

use crate::process::{Served, curl, dragoman, finish};
use crate::tls_fixture::{Authority, Issued};

/// Two addresses side by side, one of them for TLS, with these tables of certificates.
fn write(directory: &Path, tables: &str) {
    let text = format!("[server]\nlisten = ['https://127.0.0.1:0', '127.0.0.1:0']\n{tables}");
    fs::write(directory.join("routes.toml"), text).unwrap();
}

fn table(name: &str) -> String {
    format!("[server.tls.{name}]\ncertificate_file = '{name}.pem'\nkey_file = '{name}.key'\n")
}

/// A directory with that certificate, and a configuration that has it alone.
fn with_one(issued: &Issued) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    issued.write(directory.path(), "site");
    write(directory.path(), &table("site"));
    directory
}

fn check(directory: &Path) -> (Option<i32>, String, String) {
    let binary = env!("CARGO_BIN_EXE_dragoman");
    finish(Command::new(binary).arg("check").current_dir(directory))
}

/// The process listens where the file says: the environment says nothing of it.
fn serve(directory: &Path) -> Served {
    Served::run(
        dragoman(directory)
            .env_remove("DRAGOMAN__SERVER__LISTEN")
            .arg("serve"),
    )
}

const COUNT: &str = r#"{"id":7,"method":"countUsers","params":["no-key",1]}"#;

#[test]
fn curl_calls_over_http_1_1_and_http_2_and_trusts_the_certificate_by_its_name() {
    let authority = Authority::new();
    let directory = with_one(&authority.issue(&["one.example", "*.sites.example"]));
    let ca = authority.write(directory.path()).display().to_string();
    let served = serve(directory.path());
    let port = served.url.strip_prefix("https://127.0.0.1:").unwrap();
    for (protocol, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
        for host in ["one.example", "blog.sites.example"] {
            let resolve = format!("{host}:{port}:127.0.0.1");
            let url = format!("https://{host}:{port}/api/jsonrpcserver");
            let arguments = [
                protocol,
                "--cacert",
                &ca,
                "--resolve",
                &resolve,
                "-d",
                COUNT,
                "-w",
                " over %{http_version}",
                &url,
                &url,
            ];
            let said = curl(&arguments);
            let answers = said.matches(&format!(" over {version}")).count();
            assert_eq!(answers, 2, "{said}");
            assert_eq!(said.matches(r#""code":300"#).count(), 2, "{said}");
        }
    }
    let resolve = format!("two.example:{port}:127.0.0.1");
    let wrong = format!("https://two.example:{port}/");
    let refused = Command::new("curl")
        .args(["--silent", "--cacert", &ca, "--resolve", &resolve, &wrong])
        .status()
        .unwrap();
    // Its exit code for a certificate that is somebody else's.
    assert_eq!(refused.code(), Some(60));
    let (status, log) = served.stop();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[test]
fn check_says_who_sees_which_certificate_and_until_when() {
    let authority = Authority::new();
    let until = |year| {
        authority.issue_with(&["one.example"], |params| {
            params.not_after = date_time_ymd(year, 5, 1);
        })
    };
    let directory = with_one(&until(2990));
    let (code, said, _) = check(directory.path());
    assert_eq!(code, Some(0));
    let line = "tls: site for one.example, any other host, until 2990-05-01T00:00:00Z\n";
    assert!(said.contains(line), "{said}");

    let directory = with_one(&until(2020));
    let (code, _, warned) = check(directory.path());
    assert_eq!(code, Some(0));
    let warning = "routes.toml: server.tls.site: the certificate expired at 2020-05-01T00:00:00Z";
    assert!(warned.contains(warning), "{warned}");
    let (_, log) = serve(directory.path()).stop();
    assert!(
        log.contains("server.tls.site: the certificate expired"),
        "{log}"
    );
}

#[test]
fn what_cannot_be_shown_is_refused_by_its_key_path() {
    let authority = Authority::new();
    let one = authority.issue(&["one.example", "shared.example"]);
    let two = authority.issue(&["two.example", "shared.example"]);
    let nobody = authority.issue(&[]);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    for (name, issued) in [("one", &one), ("two", &two), ("nobody", &nobody)] {
        issued.write(path, name);
    }
    let crossed = "[server.tls.one]\ncertificate_file = 'one.pem'\nkey_file = 'two.key'\n";
    let swapped = "[server.tls.one]\ncertificate_file = 'one.key'\nkey_file = 'one.key'\n";
    let missing = "[server.tls.one]\ncertificate_file = 'one.pem'\nkey_file = 'none.key'\n";
    let default = "default = true\n";
    for (tables, wanted) in [
        (
            crossed.to_owned(),
            "server.tls.one.key_file: the private key is not that of the certificate",
        ),
        (
            swapped.to_owned(),
            "server.tls.one.certificate_file: there is no certificate in it",
        ),
        (
            missing.to_owned(),
            "server.tls.one.key_file: cannot read none.key: there is no such file",
        ),
        (
            table("one") + &table("two"),
            "server.tls.two.certificate_file: is for shared.example, as that of server.tls.one is",
        ),
        (
            table("nobody") + default + &table("one") + default,
            "server.tls.one.default: is set at server.tls.nobody too",
        ),
        (
            table("nobody") + &table("one"),
            "server.tls.nobody.certificate_file: names no host, so that nobody would see it",
        ),
    ] {
        write(path, &tables);
        let (code, _, said) = check(path);
        assert_eq!(code, Some(64), "{said}");
        assert!(said.contains(&format!("routes.toml: {wanted}")), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    write(path, &(table("nobody") + default + &table("one")));
    assert_eq!(check(path).0, Some(0));
}

#[test]
fn without_secrets_no_certificate_is_read() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), &table("site"));
    let binary = env!("CARGO_BIN_EXE_dragoman");
    let arguments = ["check", "--no-secrets"];
    let (code, _, said) = finish(
        Command::new(binary)
            .args(arguments)
            .current_dir(directory.path()),
    );
    assert_eq!(code, Some(0), "{said}");
}

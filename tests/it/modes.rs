//! `dragoman route`: modes that are given to routes of a running gateway, and what keeps them.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::pass_fixture::RawSite;
use crate::process::{Served, curl, dragoman, finish};
use crate::reload_fixture::{KEY, Reloaded, key};

fn site() -> RawSite {
    RawSite::start(|stream, _| {
        use std::io::Write;
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nthe site";
        stream.write_all(answer).unwrap();
    })
}

/// A Vision6 and a Grupo route before a site; `more` is said of the Vision6 one.
fn routes(site: &RawSite, more: &str) -> String {
    format!(
        "[routes.site]\npass = 'http://{}'\n[routes.gone]\npath = '/gone'\nrespond = {{ status = 410 }}\n\
         [routes.chat]\ndialect = 'grupo'\notherwise = 'site'\n\
         [routes.alone]\ndialect = 'grupo'\npath = '/alone'\n\
         [routes.mail]\ndialect = 'vision6'\notherwise = 'site'\n{more}",
        site.address
    )
}

fn with_store(site: &RawSite, more: &str) -> String {
    key("crm", KEY) + "[store]\nurl = 'sqlite:db'\n" + &routes(site, more)
}

/// Without a store: users go elsewhere, and nobody asks there.
fn without_store(site: &RawSite) -> String {
    let back = "[upstreams.back]\ndialect = 'vision6'\nurl = 'http://127.0.0.1:9/'\nkey = 'of-the-gateway-0123'\naccount = 1\n";
    let route = "[routes.mail]\ndialect = 'vision6'\nuser = 'back'\notherwise = 'site'\n";
    let site = format!("[routes.site]\npass = 'http://{}'\n", site.address);
    key("crm", KEY) + back + &site + route
}

fn route(directory: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    finish(dragoman(directory).arg("route").args(arguments))
}

fn done(directory: &Path, arguments: &[&str]) -> String {
    let (code, said, remarks) = route(directory, arguments);
    assert_eq!(code, Some(0), "{arguments:?}: {remarks}");
    said + &remarks
}

/// The mode of the Vision6 route, as it is asked for.
fn mode(directory: &Path) -> String {
    let line: Value = serde_json::from_str(&done(directory, &["mail", "--json"])).unwrap();
    line["mode"].as_str().unwrap().to_owned()
}

/// Whether a Vision6 call is answered by the site.
fn is_site(served: &Served) -> bool {
    let call = format!(r#"{{"id":1,"method":"countUsers","params":["{KEY}",1]}}"#);
    let url = format!("{}/api/jsonrpcserver", served.url);
    let answer = curl(&["-d", &call, &url]);
    assert!(
        answer == "the site" || answer.starts_with(r#"{"id":1,"#),
        "{answer}"
    );
    answer == "the site"
}

#[test]
fn a_mode_is_in_effect_at_once_and_after_a_restart_and_is_in_the_audit_trail() {
    let site = site();
    let gateway = Reloaded::start(&with_store(&site, ""));
    let at = gateway.path().to_owned();
    assert!(!is_site(&gateway.served));
    assert_eq!(
        done(&at, &["mail", "bypass"]),
        "mail: bypass (was translate)\n"
    );
    assert!(is_site(&gateway.served));
    assert_eq!(
        done(&at, &["mail", "bypass"]),
        "mail: bypass (was bypass)\n"
    );
    let json = done(&at, &["mail", "observe", "--json"]);
    assert_eq!(
        json,
        "{\"route\":\"mail\",\"mode\":\"observe\",\"was\":\"bypass\"}\n"
    );

    let Reloaded { directory, served } = gateway;
    let (_, log) = served.stop();
    assert!(
        log.contains(
            r#""message":"the route has another mode","route.name":"mail","route.mode":"bypass""#
        ),
        "{log}"
    );
    assert!(
        log.contains(r#""call.route":"mail","http.status":200"#),
        "{log}"
    );
    let served = Served::start(&at);
    assert!(is_site(&served) && mode(&at) == "observe");
    assert_eq!(
        done(&at, &["mail", "translate"]),
        "mail: translate (was observe)\n"
    );
    assert!(!is_site(&served));

    let audit = [
        "audit",
        "list",
        "--oldest",
        "--json",
        "--action",
        "route.mode",
    ];
    let (code, said, _) = finish(dragoman(&at).args(audit));
    assert_eq!(code, Some(0));
    let records: Vec<Value> = said
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    let modes: Vec<_> = records
        .iter()
        .map(|it| it["reason"].as_str().unwrap())
        .collect();
    assert_eq!(modes, ["bypass", "observe", "translate"]);
    let named = |it: &Value| it["principal"] == "command line" && it["route"] == "mail";
    assert!(records.iter().all(named), "{said}");
    let (_, table, _) = finish(dragoman(&at).args(["audit", "list"]));
    let line = table.lines().find(|line| line.contains("route.mode"));
    assert!(line.unwrap().contains("route:mail"), "{table}");
    let (code, _, failed) = finish(dragoman(&at).args(["audit", "verify"]));
    assert_eq!(code, Some(0), "{failed}");
    drop((served, directory));
}

#[test]
fn without_a_store_a_mode_is_kept_beside_the_control_socket() {
    let site = site();
    let gateway = Reloaded::start(&without_store(&site));
    let at = gateway.path().to_owned();
    done(&at, &["mail", "bypass"]);
    let file = at.join("control.sock.modes");
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        "{\"mail\":{\"instead_of\":\"translate\",\"mode\":\"bypass\"}}\n"
    );
    let Reloaded {
        directory,
        mut served,
    } = gateway;
    served.signal("KILL");
    served.wait(Duration::from_secs(20));
    let served = Served::start(&at);
    assert!(is_site(&served));
    done(&at, &["mail", "translate"]);
    assert!(!file.exists());

    // In effect although it cannot be kept: that is the more urgent half.
    fs::create_dir(at.join("control.sock.modes.next")).unwrap();
    let (code, _, said) = route(&at, &["mail", "bypass"]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("mail: bypass is in effect, and will not be after a restart: "),
        "{said}"
    );
    assert!(is_site(&served));

    // Said again it is no success before it is kept.
    assert_eq!(route(&at, &["mail", "bypass"]).0, Some(1));
    fs::remove_dir(at.join("control.sock.modes.next")).unwrap();
    done(&at, &["mail", "bypass"]);
    assert!(file.exists(), "it is kept now");
    drop(served);

    fs::write(&file, "no modes").unwrap();
    let (code, _, said) = finish(dragoman(&at).arg("serve"));
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("control.sock.modes has no modes of routes: remove it"),
        "{said}"
    );
    drop(directory);
}

#[test]
fn a_mode_stays_over_reloads_until_the_file_says_another_one() {
    let site = site();
    let gateway = Reloaded::start(&with_store(&site, ""));
    let at = gateway.path().to_owned();
    done(&at, &["mail", "bypass"]);
    let said = gateway.becomes(&with_store(&site, "in_flight = 7\n"));
    assert!(!said.contains("mail"), "{said}");
    assert_eq!(mode(&at), "bypass");
    assert!(is_site(&gateway.served));

    let said = gateway.becomes(&with_store(&site, "mode = 'observe'\n"));
    assert!(
        said.contains("mail: observe as in the configuration\n"),
        "{said}"
    );
    assert_eq!(mode(&at), "observe");
    // What was forgotten does not come back with what the file said then.
    gateway.becomes(&with_store(&site, ""));
    assert_eq!(mode(&at), "translate");
    assert!(!is_site(&gateway.served));

    // The same while no gateway is running; and without its site a mode is none.
    done(&at, &["mail", "observe"]);
    done(&at, &["chat", "bypass"]);
    let Reloaded { directory, served } = gateway;
    drop(served);
    let text = with_store(&site, "mode = 'bypass'\n")
        .replace("'grupo'\notherwise = 'site'\n", "'grupo'\n");
    let text = format!("[admin]\ncontrol = 'control.sock'\n{text}");
    fs::write(at.join("routes.toml"), text).unwrap();
    let _served = Served::start(&at);
    assert_eq!(mode(&at), "bypass");
    let table = done(&at, &[]);
    let lines: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let expected: [&[&str]; 6] = [
        &["ROUTE", "KIND", "HOST", "PATH", "MODE", "SITE"],
        &["alone", "grupo", "any", "/alone", "translate", "-"],
        &["chat", "grupo", "any", "/api_request", "translate", "-"],
        &[
            "mail",
            "vision6",
            "any",
            "/api/jsonrpcserver",
            "bypass",
            "site",
        ],
        &["site", "pass", "any", "/", "-", "-"],
        &["gone", "fixed", "any", "/gone", "-", "-"],
    ];
    assert_eq!(lines, expected, "{table}");
    done(&at, &["mail", "translate"]);
    let table = done(&at, &["mail"]);
    assert!(
        table.contains("translate (the file says bypass)"),
        "{table}"
    );
    drop(directory);
}

/// The file of a secret is a pipe here, into which nobody writes for a while.
#[test]
fn a_reload_that_hangs_holds_no_change_of_a_mode_up() {
    let site = site();
    let gateway = Reloaded::start(&with_store(&site, ""));
    let at = gateway.path().to_owned();
    let pipe = at.join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    gateway.write(&(with_store(&site, "") + "[keys.late]\nvalue_file = 'pipe'\n"));
    gateway.served.signal("HUP");
    // Opening it for writing succeeds once the gateway has it open for reading.
    let mut writer = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    done(&at, &["mail", "bypass"]);
    assert!(is_site(&gateway.served));
    std::io::Write::write_all(&mut writer, b"another-key-0123456789").unwrap();
    drop(writer);
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        // What was read takes effect all the same.
        let call = r#"{"id":1,"method":"countUsers","params":["another-key-0123456789",1]}"#;
        done(&at, &["mail", "translate"]);
        let url = format!("{}/api/jsonrpcserver", gateway.served.url);
        if curl(&["-d", call, &url]).contains(r#""error":null"#) {
            break;
        }
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(300));
    }
}

#[test]
fn what_cannot_be_is_refused_and_says_what_to_do() {
    let site = site();
    let gateway = Reloaded::start(&with_store(&site, ""));
    let at = gateway.path().to_owned();
    for (arguments, code, wanted) in [
        (
            &["mial", "bypass"][..],
            1,
            "there is no route \"mial\" (known: alone, chat, mail)",
        ),
        (&["mial"], 1, "there is no route \"mial\""),
        (
            &["site", "bypass"],
            1,
            "site has no dialect, and so no mode",
        ),
        (
            &["alone", "observe"],
            1,
            "name a pass route in routes.alone.otherwise, and reload",
        ),
        (&["mail", "off"], 64, "observe, translate or bypass"),
        (&["mail", "bypass", "now"], 64, "unexpected argument"),
    ] {
        let (found, said, failed) = route(&at, arguments);
        assert_eq!(found, Some(code), "{arguments:?}: {said}{failed}");
        assert!(failed.contains(wanted), "{failed}");
    }
    assert_eq!(
        done(&at, &["alone", "translate"]),
        "alone: translate (was translate)\n"
    );
    let Reloaded { directory, served } = gateway;
    drop(served);
    let (code, _, failed) = route(&at, &[]);
    assert_eq!(code, Some(1));
    assert!(failed.contains("no gateway answers at"), "{failed}");

    let check = |text: &str| {
        fs::write(at.join("routes.toml"), text).unwrap();
        finish(dragoman(&at).arg("check"))
    };
    let (code, _, failed) = check("[routes.a]\ndialect = 'grupo'\nmode = 'observe'\n");
    assert_eq!(code, Some(64));
    assert!(
        failed.contains("routes.a.mode: observe hands requests on to the site, and there is none"),
        "{failed}"
    );
    let (code, _, failed) = check(&routes(&site, "mode = 'bypas'\n"));
    assert_eq!(code, Some(64));
    assert!(
        failed.contains("unknown mode \"bypas\" (known: observe, translate, bypass); did you mean"),
        "{failed}"
    );
    let (code, said, failed) = check(&routes(&site, "mode = 'observe'\n"));
    assert_eq!(code, Some(0), "{failed}");
    assert!(
        said.contains("  all of it goes to site, and is looked at (observe)\n"),
        "{said}"
    );
    let (code, _, failed) = route(&at, &[]);
    assert_eq!(code, Some(64));
    assert!(
        failed.contains("admin.control: there is no control socket"),
        "{failed}"
    );
    drop(directory);
}

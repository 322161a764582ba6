//! The command line, as a shell sees it: usage, help, `check` and `health`.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

fn dragoman(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dragoman"))
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .output()
        .unwrap()
}

fn directory(routes: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("routes.toml"), routes).unwrap();
    directory
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn check_says_what_it_serves() {
    let directory = directory(
        "[routes.chat]\nhost = 'Chat.Example.com'\ndialect = 'grupo'\n[routes.site]\ndialect = 'b2evolution'\npath = '/'",
    );
    let checked = dragoman(directory.path(), &["check"]);
    assert_eq!(checked.status.code(), Some(0));
    assert_eq!(text(&checked.stderr), "");
    assert_eq!(
        text(&checked.stdout),
        "routes.toml: no faults\n\
         chat: grupo at /api_request of chat.example.com\n\
         site: b2evolution at / of any host\n"
    );
}

#[test]
fn check_does_not_promise_to_relay_what_callers_with_numbers_of_their_own_are_refused() {
    let routes = |options: &str| {
        directory(&format!(
            "[store]\nurl = 'sqlite:db'\n[upstreams.mail]\ndialect = 'vision6'\nurl = 'http://127.0.0.1:1/'\n\
             key_file = 'missing'\n{options}[routes.front]\ndialect = 'vision6'\nuser = 'mail'\n"
        ))
    };
    for (options, is_relayed) in [("", true), ("own_ids = ['vision6']\n", false)] {
        let directory = routes(options);
        let checked = dragoman(directory.path(), &["check", "--no-secrets"]);
        assert_eq!(text(&checked.stderr), "");
        let said = text(&checked.stdout);
        assert!(said.contains("users go to mail"), "{said}");
        assert_eq!(said.contains("are relayed to mail"), is_relayed, "{said}");
    }
}

const FORWARDING: &str = "[keys.crm]\nvalue_file = 'missing'\n[upstreams.blog]\ndialect = 'b2evolution'\n\
     url = 'http://127.0.0.1:1/'\nlogin = 'admin'\npassword_file = 'missing'\n\
     [routes.mail]\ndialect = 'vision6'\nuser = 'blog'\n[routes.mail.loss]\n'phone' = 'drop'\n\
     [routes.chat]\ndialect = 'grupo'\nuser = 'blog'\n";

#[test]
fn check_says_what_an_upstream_has_no_place_for() {
    let directory = directory(FORWARDING);
    let checked = dragoman(directory.path(), &["check", "--no-secrets"]);
    assert_eq!(text(&checked.stderr), "");
    assert_eq!(
        text(&checked.stdout),
        "routes.toml: no faults\n\
         chat: grupo at /api_request of any host, users go to blog\n  \
         blog has no place for phone (reject), timezone (reject), picture_url (reject)\n\
         mail: vision6 at /api/jsonrpcserver of any host, users go to blog\n  \
         blog has no place for email_verified (reject), phone (drop), mobile (reject), fax (reject), \
         title (reject), timezone (reject), read_only (reject), notify (reject), \
         vision6.receives_promotional (reject)\n\
         blog: an update may empty fields that b2evolution does not show, and the log says so \
         (identity_unknown = \"warn\")\n"
    );
}

#[test]
fn check_says_which_routes_relay_and_whose_callers_are_judged_elsewhere() {
    let directory = directory(
        "[upstreams.forum]\ndialect = 'grupo'\nurl = 'http://127.0.0.1:1/'\nkey = 'x'\n\
         [routes.open]\ndialect = 'grupo'\npath = '/open'\nuser = 'forum'\ngroup = 'forum'\n\
         auth = 'upstream'\nnative = ['add=message', 'load=x']\n\
         [routes.plain]\ndialect = 'grupo'\npath = '/plain'\nuser = 'forum'\ngroup = 'forum'\n",
    );
    let checked = dragoman(directory.path(), &["check"]);
    assert_eq!(text(&checked.stderr), "");
    assert_eq!(
        text(&checked.stdout),
        "routes.toml: no faults\n\
         open: grupo at /open of any host, users go to forum, groups go to forum\n  \
         callers are judged by forum, which is shown their credentials\n  \
         add=message, load=x are relayed to forum\n\
         plain: grupo at /plain of any host, users go to forum, groups go to forum\n  \
         native operations are relayed to forum, each for keys with its scope native.OPERATION\n"
    );
}

#[test]
fn check_suggests_lines_that_can_be_pasted() {
    let directory = directory(&FORWARDING.replace("[routes.mail.loss]\n'phone' = 'drop'\n", ""));
    let suggested = dragoman(directory.path(), &["check", "--no-secrets", "--suggest"]);
    let lines = text(&suggested.stdout);
    assert!(
        lines.contains("[routes.mail.loss]\n\"email_verified\" = \"keep\"\n"),
        "{lines}"
    );
    let file = directory.path().join("routes.toml");
    let pasted = format!("{}\n{lines}", std::fs::read_to_string(&file).unwrap());
    std::fs::write(&file, pasted).unwrap();
    let checked = dragoman(directory.path(), &["check", "--no-secrets"]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    assert!(!text(&checked.stdout).contains("(reject)"), "{checked:?}");
    let again = dragoman(directory.path(), &["check", "--no-secrets", "--suggest"]);
    assert_eq!(text(&again.stdout), "");
    assert!(text(&again.stderr).starts_with("There is nothing to suggest"));
}

#[test]
fn check_says_what_is_kept_here() {
    let keeping = FORWARDING.replace("'phone' = 'drop'", "'phone' = 'keep'")
        + "[routes.site]\ndialect = 'b2evolution'\nuser = 'blog'\non_loss = 'keep'\n";
    let directory = directory(&keeping);
    let checked = dragoman(directory.path(), &["check", "--no-secrets"]);
    assert_eq!(text(&checked.stderr), "");
    let said = text(&checked.stdout);
    assert!(said.contains("phone (keep), mobile (reject)"), "{said}");
    assert!(
        said.contains("  blog does not show nickname, locale, organizations, kept here too\n"),
        "{said}"
    );
}

#[test]
fn check_reads_no_secret_only_if_it_is_told_so() {
    let directory = directory(FORWARDING);
    let checked = dragoman(directory.path(), &["check"]);
    assert_eq!(checked.status.code(), Some(64));
    let faults = text(&checked.stderr);
    assert!(
        faults.contains("keys.crm.value_file: cannot read"),
        "{faults}"
    );
    assert!(
        faults.contains("upstreams.blog.password_file: cannot read"),
        "{faults}"
    );
}

#[test]
fn a_gateway_without_a_store_has_no_keys_to_manage() {
    let routes = FORWARDING.replace("dialect = 'grupo'", "dialect = 'grupo'\ngroup = 'blog'");
    let directory = directory(&routes);
    std::fs::write(directory.path().join("missing"), "0123456789abcdef").unwrap();
    let listed = dragoman(directory.path(), &["keys", "create", "--name", "x"]);
    assert_eq!(listed.status.code(), Some(64), "{listed:?}");
    assert!(
        text(&listed.stderr).contains("store.url: there is no store"),
        "{listed:?}"
    );
    let kept = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(kept, 2);
}

#[test]
fn check_without_a_file_checks_the_built_in_copy_and_touches_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let checked = dragoman(directory.path(), &["check"]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn check_prints_every_fault_on_standard_error_and_exits_with_64() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = "tests/golden/config/22-many-at-once";
    let checked = dragoman(golden, &["check", "--config", &format!("{file}.toml")]);
    assert_eq!(checked.status.code(), Some(64));
    assert_eq!(text(&checked.stdout), "");
    let wanted = std::fs::read_to_string(format!("{file}.txt")).unwrap();
    assert_eq!(text(&checked.stderr), wanted);
}

#[test]
fn check_names_the_flag_that_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let checked = dragoman(directory.path(), &["check", "--store", "mysql:x"]);
    assert_eq!(checked.status.code(), Some(64));
    assert!(text(&checked.stderr).starts_with("--store: store.url: "));
}

#[test]
fn check_fails_when_the_database_has_lost_its_pepper() {
    let directory = directory("[store]\nurl = 'sqlite:dragoman.db'");
    std::fs::write(directory.path().join("dragoman.db"), "").unwrap();
    let checked = dragoman(directory.path(), &["check"]);
    assert_eq!(checked.status.code(), Some(64));
    assert!(text(&checked.stderr).contains("is lost"), "{checked:?}");
    std::fs::write(directory.path().join("pepper"), "0".repeat(64)).unwrap();
    assert_eq!(
        dragoman(directory.path(), &["check"]).status.code(),
        Some(0)
    );
}

#[test]
fn what_kubernetes_puts_into_the_environment_changes_nothing() {
    let directory = directory("");
    let mut command = Command::new(env!("CARGO_BIN_EXE_dragoman"));
    let command = command
        .arg("check")
        .current_dir(directory.path())
        .env_clear();
    let without = command.output().unwrap();
    let with = command
        .env("DRAGOMAN_PORT", "tcp://1.2.3.4:5")
        .output()
        .unwrap();
    assert_eq!(with, without);
    assert_eq!(with.status.code(), Some(0));
    let ours = command
        .env("DRAGOMAN__PORT", "tcp://1.2.3.4:5")
        .output()
        .unwrap();
    assert_eq!(ours.status.code(), Some(64));
}

#[test]
fn a_wrong_command_line_exits_with_64_and_help_with_0() {
    let directory = tempfile::tempdir().unwrap();
    for wrong in [
        &["chekc"][..],
        &["check", "--confg", "x"],
        &["--listen", "127.0.0.1:0", "check"],
        &["--store", "sqlite:x", "keys", "list"],
        &["keys"],
        &["keys", "create"],
        &["keys", "create", "--name", ""],
        &["keys", "create", "--name", "a b"],
        &["keys", "create", "--name", "a", "--scope", "user:rite"],
        &["keys", "create", "--name", "a", "--account", "0"],
        &["keys", "create", "--name", "a", "--expires", "soon"],
        &["keys", "create", "--name", "a", "--expires", "-3d"],
        &["health", "--admin", "localhost"],
    ] {
        let refused = dragoman(directory.path(), wrong);
        assert_eq!(refused.status.code(), Some(64), "{wrong:?}");
        assert!(
            refused.stdout.is_empty() && !refused.stderr.is_empty(),
            "{wrong:?}"
        );
    }
    let version = dragoman(directory.path(), &["--version"]);
    assert_eq!(version.status.code(), Some(0));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn every_help_has_exit_codes_and_no_colour_off_a_terminal() {
    let directory = tempfile::tempdir().unwrap();
    for subcommand in [
        &[][..],
        &["serve"],
        &["check"],
        &["explain"],
        &["keys"],
        &["keys", "create"],
        &["keys", "import"],
        &["keys", "list"],
        &["keys", "revoke"],
        &["health"],
        &["reload"],
    ] {
        let help = dragoman(directory.path(), &[subcommand, &["--help"]].concat());
        assert_eq!(help.status.code(), Some(0), "{subcommand:?}");
        let said = text(&help.stdout);
        assert!(said.contains("Exit codes:"), "{said}");
        assert!(said.contains("Examples:"), "{said}");
        assert!(!said.contains('\x1b'), "{said}");
    }
}

#[test]
fn health_is_1_where_nobody_answers() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let directory = directory(&format!("[admin]\nlisten = '{address}'"));
    let asked = [
        dragoman(directory.path(), &["health"]),
        dragoman(directory.path(), &["health", "--admin", &address]),
    ];
    for health in asked {
        assert_eq!(health.status.code(), Some(1));
        assert!(text(&health.stderr).contains(&address), "{health:?}");
    }
}

#[test]
fn health_is_1_where_the_configuration_is_broken() {
    let directory = directory("[admin]\nlisten = 'nowhere'");
    let health = dragoman(directory.path(), &["health"]);
    assert_eq!(health.status.code(), Some(1));
    assert!(text(&health.stderr).contains("admin.listen"));
}

#[test]
fn a_reason_is_given_once_and_a_file_by_its_name() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    let served = dragoman(directory.path(), &["--listen", &address]);
    let said = text(&served.stderr);
    assert_eq!(said.matches("os error").count(), 1, "{said}");

    drop(taken);
    let asked = dragoman(directory.path(), &["health", "--admin", &address]);
    let said = text(&asked.stderr);
    assert_eq!(said.matches("os error").count(), 1, "{said}");

    let admin = "[admin]\nlisten = '127.0.0.1:0'\n";
    std::fs::write(directory.path().join("routes.toml"), admin).unwrap();
    let arguments = ["--listen", "127.0.0.1:0", "--pid-file", "missing/pid"];
    let served = dragoman(directory.path(), &arguments);
    assert_eq!(served.status.code(), Some(1));
    let said = text(&served.stderr);
    assert!(said.contains("cannot write missing/pid"), "{said}");
}

//! What stands over what: built-in defaults, file, environment, flags.

use std::net::SocketAddr;
use std::path::Path;

use dragoman::config::{self, Config, Faults, Sources};
use dragoman::secret::Secret;
use dragoman::server::Address;
use proptest::prelude::*;

fn tcp(address: &str) -> Address {
    address.parse::<SocketAddr>().unwrap().into()
}

fn directory(routes: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("routes.toml"), routes).unwrap();
    directory
}

fn load(file: &str, environment: &[(&str, &str)]) -> Result<Config, Faults> {
    let directory = directory(file);
    let sources = Sources::new(None).in_directory(directory.path());
    config::load(&sources.with_environment(environment.iter().copied()))
}

fn faults(file: &str, environment: &[(&str, &str)]) -> Vec<String> {
    let faults = load(file, environment).unwrap_err();
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn without_a_file_the_built_in_copy_is_used() {
    let directory = tempfile::tempdir().unwrap();
    let config = config::load(&Sources::new(None).in_directory(directory.path())).unwrap();
    assert_eq!(config.file, "routes.toml (built in)");
    assert_eq!(config.server.listen, [tcp("127.0.0.1:8080")]);
    assert_eq!(config.admin.listen, "127.0.0.1:9901".parse().unwrap());
    let routes: Vec<_> = config
        .routes
        .iter()
        .map(|route| (route.name.as_str(), route.path.prefix.as_str()))
        .collect();
    assert_eq!(
        routes,
        [
            ("b2evolution", "/api/v1"),
            ("grupo", "/api_request"),
            ("vision6", "/api/jsonrpcserver")
        ]
    );
}

#[test]
fn a_named_file_that_is_missing_is_a_fault() {
    let sources = Sources::new(Some("nowhere/routes.toml".into()));
    assert_eq!(
        config::load(&sources).unwrap_err().to_string(),
        "nowhere/routes.toml: cannot read it: there is no such file: create it or correct the path"
    );
}

#[test]
fn a_flag_stands_over_the_environment_and_that_over_the_file() {
    let file = "[server]\nlisten = ['127.0.0.1:1']\nworkers = 1\n[store]\naccount = 1";
    let directory = directory(file);
    let environment = [
        ("DRAGOMAN__SERVER__LISTEN", "127.0.0.1:2"),
        ("DRAGOMAN__SERVER__WORKERS", "2"),
    ];
    let sources = Sources::new(None)
        .in_directory(directory.path())
        .with_environment(environment)
        .with_flag("--listen", ["server", "listen"], "127.0.0.1:3".to_owned());
    let config = config::load(&sources).unwrap();
    assert_eq!(config.server.listen, [tcp("127.0.0.1:3")]);
    assert_eq!(config.server.workers, 2);
    assert_eq!(config.store.account.id().value(), 1);
}

#[test]
fn a_route_of_the_file_replaces_the_built_in_ones_and_the_environment_changes_one_option_of_it() {
    let file = "[routes.chat]\ndialect = 'grupo'\nin_flight = 7";
    let config = load(file, &[("DRAGOMAN__ROUTES__CHAT__PATH", "/chat")]).unwrap();
    let [route] = config.routes.as_slice() else {
        panic!("one route");
    };
    assert_eq!(route.path.prefix, "/chat");
    assert_eq!(route.limits.in_flight, 7);
}

#[test]
fn the_environment_changes_a_built_in_route() {
    let config = load("", &[("DRAGOMAN__ROUTES__GRUPO__KEY_IN_QUERY", "true")]).unwrap();
    let open: Vec<_> = config
        .routes
        .iter()
        .filter(|route| route.policy.key_in_query)
        .map(|route| route.name.as_str())
        .collect();
    assert_eq!(open, ["grupo"]);
    assert_eq!(config.routes.len(), 3);
}

#[test]
fn names_with_a_single_underscore_are_not_ours() {
    let foreign = [
        ("DRAGOMAN_PORT", "tcp://1.2.3.4:5"),
        ("DRAGOMAN_SERVICE_HOST", "1.2.3.4"),
        ("DRAGOMAN", "x"),
        ("PATH", "/bin"),
    ];
    let file = "[log]\nformat = 'json'";
    let directory = directory(file);
    let sources = Sources::new(None).in_directory(directory.path());
    let without = config::load(&sources).unwrap();
    assert_eq!(
        config::load(&sources.with_environment(foreign)).unwrap(),
        without
    );
}

#[test]
fn an_unknown_variable_is_a_fault_that_names_it() {
    let unknown = [
        ("DRAGOMAN__SERVER__LISEN", "127.0.0.1:1"),
        ("DRAGOMAN__WEBHOOKS__URL", "x"),
        ("DRAGOMAN__SERVER", "x"),
        ("DRAGOMAN____LISTEN", "x"),
        ("DRAGOMAN__store__url", "sqlite:x"),
    ];
    assert_eq!(
        faults("", &unknown),
        [
            "DRAGOMAN__SERVER: names no option; write DRAGOMAN__SECTION__KEY",
            "DRAGOMAN____LISTEN: names no option; write DRAGOMAN__SECTION__KEY",
            "DRAGOMAN__store__url: write the name in upper case",
            "DRAGOMAN__WEBHOOKS__URL: webhooks: unknown section (known: server, admin, store, auth, notify, log, observe, keys, upstreams, ready, routes)",
            "DRAGOMAN__SERVER__LISEN: server.lisen: unknown key (known here: listen, socket_mode, workers, buffered_bodies, proxy_protocol, tls, limits, drain); did you mean `listen`?",
        ]
    );
}

#[test]
fn a_variable_is_text_that_is_read_as_its_option_needs() {
    let environment = [
        ("DRAGOMAN__KEYS__CRM__VALUE", "0412312312041231"),
        ("DRAGOMAN__KEYS__CRM__ACCOUNTS", "7, 8"),
        ("DRAGOMAN__KEYS__CRM__SCOPES", "user:read,user.role"),
        ("DRAGOMAN__SERVER__LISTEN", "127.0.0.1:1,[::1]:2"),
        ("DRAGOMAN__SERVER__LIMITS__IDLE", "90s"),
        ("DRAGOMAN__SERVER__LIMITS__CONNECTIONS", "9"),
        ("DRAGOMAN__AUTH__TRUSTED_PROXIES", ""),
        ("DRAGOMAN__ROUTES__GRUPO__BODY_BYTES", "4096"),
        ("DRAGOMAN__ROUTES__GRUPO__ROLES__2", "administrator"),
    ];
    let config = load("[auth]\ntrusted_proxies = ['10.0.0.0/8']", &environment).unwrap();
    let key = &config.keys[0];
    assert_eq!(key.secret.reveal(), "0412312312041231");
    assert_eq!(key.accounts.len(), 2);
    assert!(key.scopes.grants("user.role") && !key.scopes.grants("user:write"));
    assert_eq!(config.server.listen.len(), 2);
    assert_eq!(config.server.limits.idle.as_secs(), 90);
    assert_eq!(config.server.limits.connections, 9);
    assert!(config.auth.trusted_proxies.is_empty());
    let grupo = &config.routes[1];
    assert_eq!(grupo.limits.body_bytes, 4096);
    assert!(grupo.policy.role("2").unwrap().is_administrator());
}

#[test]
fn a_fault_in_a_variable_or_flag_is_blamed_on_it() {
    let sources = Sources::new(Some("routes.toml".into()))
        .with_environment([
            ("DRAGOMAN__LOG__FORMAT", "xml"),
            ("DRAGOMAN__ROUTES__SHOP__PATH", "/"),
        ])
        .with_flag("--listen", ["server", "listen"], "8080,9090".to_owned());
    let said = config::load(&sources).unwrap_err().to_string();
    assert_eq!(
        said,
        "--listen: server.listen: \"8080\" is no address: write IP:PORT, e.g. \"127.0.0.1:8080\" or \"[::1]:8080\", \"https://IP:PORT\" for TLS, or \"unix:/SOCKET\"; \
         \"9090\" is no address: write IP:PORT, e.g. \"127.0.0.1:8080\" or \"[::1]:8080\", \"https://IP:PORT\" for TLS, or \"unix:/SOCKET\"\n\
         DRAGOMAN__LOG__FORMAT: log.format: unknown format \"xml\" (known: auto, human, json)\n\
         DRAGOMAN__ROUTES__SHOP__PATH: routes.shop: names no dialect: add `dialect = \"…\"`, one of grupo, vision6, b2evolution"
    );
}

#[test]
fn relative_paths_are_relative_to_the_file_and_those_of_flags_to_the_working_directory() {
    let file = "[keys.crm]\nvalue_file = 'secrets/crm'";
    let directory = directory(file);
    std::fs::create_dir(directory.path().join("secrets")).unwrap();
    std::fs::write(directory.path().join("secrets/crm"), "0123456789abcdef\n").unwrap();
    let sources = Sources::new(Some(directory.path().join("routes.toml")));
    let config = config::load(&sources).unwrap();
    assert_eq!(
        config.store.database,
        directory.path().join("data/dragoman.db")
    );
    assert_eq!(
        config.auth.pepper_file,
        directory.path().join("data/pepper")
    );
    assert_eq!(config.keys[0].secret.reveal(), "0123456789abcdef");

    let flagged = sources.with_flag("--store", ["store", "url"], "sqlite:here.db".to_owned());
    let config = config::load(&flagged).unwrap();
    assert_eq!(config.store.database, Path::new("here.db"));
    assert_eq!(config.auth.pepper_file, Path::new("pepper"));
}

#[test]
fn one_newline_at_the_end_of_a_secret_file_is_not_part_of_it() {
    for (text, secret) in [
        ("0123456789abcdef\n", Some("0123456789abcdef")),
        ("0123456789abcdef\r\n", Some("0123456789abcdef")),
        ("0123456789abcdef", Some("0123456789abcdef")),
        ("0123456789abcdef\n\n", None),
        ("0123456789abcde\n", None),
    ] {
        let directory = directory("[keys.crm]\nvalue_file = 'crm'");
        std::fs::write(directory.path().join("crm"), text).unwrap();
        let loaded = config::load(&Sources::new(None).in_directory(directory.path()));
        let found = loaded.ok().map(|config| config.keys[0].secret.clone());
        assert_eq!(found.as_ref().map(Secret::reveal), secret, "{text:?}");
    }
}

proptest! {
    #[test]
    fn no_environment_makes_it_panic(
        names in prop::collection::vec(
            "DRAGOMAN__(SERVER|STORE|ROUTES|KEYS|[A-Z_.]{0,6})__[A-Z0-9_.]{0,10}",
            1..4,
        ),
        value in any::<String>(),
    ) {
        let variables = names.into_iter().map(|name| (name, value.clone()));
        let sources = Sources::new(Some("routes.toml".into()));
        let loaded = config::load(&sources.with_environment(variables));
        if let Err(faults) = loaded {
            prop_assert!(faults.iter().all(|fault| fault.to_string().contains(": ")));
        }
    }

    #[test]
    fn no_file_makes_it_panic(text in "(\\[[a-z.]{1,8}\\]\n|[a-z_]{1,8} = [\\[\"{0-9a-z}\\]]{0,8}\n){0,6}") {
        let loaded = load(&text, &[]);
        prop_assert!(loaded.is_ok() || !loaded.unwrap_err().is_empty());
    }
}

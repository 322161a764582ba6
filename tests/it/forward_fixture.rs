//! A gateway in memory in front of upstreams, as a configuration file says.

use std::sync::Arc;

use bytes::Bytes;
use dragoman::auth::api_key::Pepper;
use dragoman::auth::keys::KeyRing;
use dragoman::auth::sign_in;
use dragoman::clock::Clock;
use dragoman::config::{self, Config, Sources};
use dragoman::forward::pass::Sites;
use dragoman::forward::{Forward, Upstreams};
use dragoman::stack;
use dragoman::store::Store;
use dragoman::store::sqlite::{Parameters, SqliteStore};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use tempfile::TempDir;
use tower::ServiceExt;

use crate::php_upstream::{KEY, LOGIN, PASSWORD, PhpUpstream};
use crate::store_fixture::seal;

/// The caller's key: no sensitive scope.
pub(crate) const CALLERS_KEY: &str = "callers-key-0123456789abcdef";
/// The gateway's own key at every upstream that takes one.
pub(crate) const OWN_KEY: &str = "gateways-key-0123456789abcdef";

pub(crate) struct Front {
    service: stack::Gateway<Full<Bytes>>,
    pub(crate) forward: Forward,
    pub(crate) store: Option<Arc<SqliteStore>>,
    pub(crate) directory: TempDir,
}

#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) lost: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

pub(crate) fn load(text: &str) -> Config {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    config::load(&Sources::new(Some(file.path().to_owned())))
        .unwrap_or_else(|faults| panic!("{faults}"))
}

impl Front {
    /// The routes and upstreams of the text, with a key for the callers.
    pub(crate) fn new(text: &str) -> Self {
        Self::within(tempfile::tempdir().unwrap(), text)
    }

    /// The whole configuration, without a key that is not in it.
    pub(crate) fn bare(text: &str) -> Self {
        Self::over(tempfile::tempdir().unwrap(), text)
    }

    /// The same as after a restart: with another configuration over the same store.
    pub(crate) async fn again(self, text: &str) -> Self {
        if let Some(store) = &self.store {
            store.close().await.unwrap();
        }
        Self::within(self.directory, text)
    }

    /// The same with the store of that directory, if there is one.
    pub(crate) fn within(directory: TempDir, text: &str) -> Self {
        let keyed = format!("[keys.crm]\nvalue = '{CALLERS_KEY}'\n{text}");
        Self::over(directory, &keyed)
    }

    fn over(directory: TempDir, text: &str) -> Self {
        Self::timed(directory, text, Clock::system())
    }

    /// The same by another clock.
    pub(crate) fn by_clock(text: &str, clock: Clock) -> Self {
        let keyed = format!("[keys.crm]\nvalue = '{CALLERS_KEY}'\n{text}");
        Self::timed(tempfile::tempdir().unwrap(), &keyed, clock)
    }

    fn timed(directory: TempDir, text: &str, clock: Clock) -> Self {
        let config = load(text);
        let store = config.has_store.then(|| {
            let database = directory.path().join("db");
            Arc::new(SqliteStore::open(&database, &Parameters::default(), seal()).unwrap())
        });
        let pepper = Pepper::new(&[7; 32]);
        let beside = config.beside();
        let keys = config.keys.into_iter().map(|key| key.into_key(&pepper));
        let keys = keys.collect();
        let commands = store.clone().map(|store| -> Arc<dyn Store> { store });
        let upstreams = Upstreams::new(config.upstreams).unwrap();
        let forward = stack::forward(upstreams, commands.as_ref(), clock.clone());
        let service = stack::gateway(stack::Parts {
            beside,
            sites: Sites::new(config.sites.iter().cloned()).unwrap(),
            routes: config.routes,
            trusted_proxies: Vec::new(),
            store: commands,
            forward: forward.clone(),
            keys: Arc::new(KeyRing::new(pepper, keys)),
            account: config.store.account,
            body_budget: 64 << 20,
            sign_in: sign_in::Parameters::default(),
            hashes_at_once: 1,
            tap: None,
            notifies: false,
            clock,
        });
        Self {
            service,
            forward,
            store,
            directory,
        }
    }

    /// A Vision6 route in front of one upstream. Both texts are further options.
    pub(crate) fn vision6(upstream: &str, route: &str) -> Self {
        Self::new(&format!(
            "[upstreams.back]\n{upstream}\n[routes.front]\ndialect = 'vision6'\nuser = 'back'\n{route}"
        ))
    }

    pub(crate) async fn ask(&self, request: Request<Bytes>) -> Answered {
        let response = self.service.clone().oneshot(request.map(Full::new)).await;
        let (head, body) = response.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let lost = head.headers.get("x-dragoman-lost");
        Answered {
            status: head.status,
            lost: lost.map(|names| names.to_str().unwrap().to_owned()),
            headers: head.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// Calls a method of Vision6 with the parameters behind the key, as JSON.
    pub(crate) async fn call(&self, method: &str, parameters: &str) -> Answered {
        let separator = if parameters.is_empty() { "" } else { "," };
        let body = format!(
            r#"{{"id":1,"method":"{method}","params":["{CALLERS_KEY}"{separator}{parameters}]}}"#
        );
        self.ask(
            Request::post("/api/jsonrpcserver")
                .body(Bytes::from(body))
                .unwrap(),
        )
        .await
    }

    /// A number out of the store.
    pub(crate) fn number(&self, sql: &str) -> i64 {
        let database = rusqlite::Connection::open(self.directory.path().join("db")).unwrap();
        database.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Lines of the audit trail: what, about which user, and what became of it.
    pub(crate) fn trail(&self) -> Vec<(String, Option<i64>, String)> {
        let database = rusqlite::Connection::open(self.directory.path().join("db")).unwrap();
        let mut statement = database
            .prepare("SELECT action, user_id, outcome FROM audit ORDER BY id")
            .unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        rows.unwrap().map(Result::unwrap).collect()
    }
}

/// The options of a Vision6 upstream there.
pub(crate) fn vision6_at(address: std::net::SocketAddr) -> String {
    format!("dialect = 'vision6'\nurl = 'http://{address}'\nkey = '{OWN_KEY}'")
}

/// The options of a b2evolution upstream there.
pub(crate) fn b2evolution_at(address: std::net::SocketAddr) -> String {
    format!(
        "dialect = 'b2evolution'\nurl = 'http://{address}'\nlogin = 'admin'\npassword = 'own-password'"
    )
}

/// The options of a PHP upstream of a dialect.
pub(crate) fn php_at(dialect: &str, upstream: &PhpUpstream) -> String {
    let credentials = match dialect {
        "grupo" => format!("key = '{KEY}'"),
        "vision6" => format!("key = '{KEY}'\naccount = 123456"),
        _ => format!("login = '{LOGIN}'\npassword = \"{PASSWORD}\""),
    };
    let address = upstream.address();
    format!("dialect = '{dialect}'\nurl = 'http://{address}'\n{credentials}\n")
}

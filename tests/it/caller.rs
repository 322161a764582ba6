//! A caller of the built binary: from an address of its own, in any dialect, with any credential.

use std::fmt::Write;
use std::net::IpAddr;
use std::path::Path;

use bytes::Bytes;
use dragoman::command::Dialect;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// The key of every gateway here, from its configuration.
pub(crate) const KEY: &str = "a-key-that-the-configuration-names";

/// Writes a configuration of one route a dialect with [`KEY`], and more in front.
pub(crate) fn configure(directory: &Path, more: &str) {
    let mut text = format!("{more}\n[keys.app]\nvalue = \"{KEY}\"\nscopes = [\"user:*\"]\n");
    for dialect in Dialect::ALL {
        writeln!(text, "[routes.{dialect}]\ndialect = \"{dialect}\"").unwrap();
    }
    std::fs::write(directory.join("routes.toml"), text).unwrap();
}

/// What a caller presents.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Credential<'a> {
    Key(&'a str),
    Basic(&'a str, &'a str),
}

#[derive(Clone)]
pub(crate) struct Caller {
    client: Client<HttpConnector, Full<Bytes>>,
    url: String,
    /// Header lines of every request.
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Caller {
    /// A caller of the gateway at `url` from a local address.
    pub(crate) fn new(url: &str, from: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_local_address(Some(from.parse::<IpAddr>().unwrap()));
        connector.set_nodelay(true);
        Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            url: url.to_owned(),
            headers: Vec::new(),
        }
    }

    /// Reads the administrator, or renames it in a dialect that reads nobody; status and body.
    pub(crate) async fn call(&self, dialect: Dialect, credential: Credential<'_>) -> (u16, String) {
        let (path, kind, body) = match (dialect, credential) {
            (Dialect::Grupo, Credential::Key(key)) => {
                let form = format!("api_secret_key={key}&update=site_users&user=admin&full_name=A");
                ("/api_request/", "application/x-www-form-urlencoded", form)
            }
            (Dialect::Vision6, Credential::Key(key)) => {
                let call = format!(r#"{{"id":1,"method":"getUserById","params":["{key}",1,1]}}"#);
                ("/api/jsonrpcserver", "application/json", call)
            }
            (Dialect::B2evolution, _) => ("/api/v1/users/1", "", String::new()),
            (_, Credential::Basic(..)) => panic!("{dialect} knows no logins"),
        };
        let mut request = Request::builder().uri(format!("{}{path}", self.url));
        if !body.is_empty() {
            request = request.method("POST").header(CONTENT_TYPE, kind);
        }
        match (dialect, credential) {
            (Dialect::B2evolution, Credential::Key(key)) => {
                request = request.header("x-api-key", key);
            }
            (_, Credential::Basic(login, password)) => {
                request = request.header(AUTHORIZATION, basic(login, password));
            }
            _ => {}
        }
        self.send(request.body(Full::from(body)).unwrap()).await
    }

    pub(crate) async fn send(&self, mut request: Request<Full<Bytes>>) -> (u16, String) {
        for (name, value) in &self.headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        let response = self.client.request(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}

fn basic(login: &str, password: &str) -> String {
    use base64::Engine;
    let pair = format!("{login}:{password}");
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
    format!("Basic {encoded}")
}

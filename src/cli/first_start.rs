//! The first start: one API key, one administrator, and three lines to paste.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::keys::hint;
use super::say;
use crate::auth::api_key::{self, Pepper};
use crate::auth::keys::{Key, KeyRecord};
use crate::auth::password::PasswordHasherPool;
use crate::auth::scope::Scopes;
use crate::clock::Clock;
use crate::command::Dialect;
use crate::command::name::Username;
use crate::config::Config;
use crate::journal::{Act, Entry};
use crate::route::Route;
use crate::secret::Secret;
use crate::server::Address;
use crate::server::tls::Certificate;
use crate::store::Store;

const KEY_NAME: &str = "first";
const ADMINISTRATOR: &str = "admin";

/// Gives an empty store a key with every scope but native ones, and an administrator.
///
/// Both secrets are shown on a terminal. Without one they go to a file that only its owner can
/// read, and the log names the file. A store that has keys or users is left as it is.
pub(super) async fn run(
    config: &Config,
    store: &dyn Store,
    pepper: &Pepper,
    clock: &Clock,
    addresses: &[Address],
) -> Result<(), Failure> {
    if !store.list_keys().await.map_err(failed)?.is_empty() {
        return Ok(());
    }
    let secrets = Secrets {
        key: api_key::generate(clock),
        password: password(clock),
    };
    let text = secrets.text(config, addresses);
    if io::stdout().is_terminal() {
        if make(config, store, pepper, clock, &secrets).await? {
            say(&text)?;
        }
        return Ok(());
    }
    // Written first: secrets that could not be written down would be lost for good.
    let file = note(&config.store.database, &text)
        .map_err(|error| Failure::failed("cannot note the first key", error))?;
    if make(config, store, pepper, clock, &secrets).await? {
        let file = file.display().to_string();
        tracing::info!(
            file,
            "first start: the API key and the administrator's password are in the file"
        );
        return Ok(());
    }
    fs::remove_file(&file).map_err(|error| Failure::failed("cannot remove a useless note", error))
}

struct Secrets {
    key: Secret,
    password: Secret,
}

async fn make(
    config: &Config,
    store: &dyn Store,
    pepper: &Pepper,
    clock: &Clock,
    secrets: &Secrets,
) -> Result<bool, Failure> {
    let username = Username::parse(ADMINISTRATOR)
        .ok_or_else(|| Failure::Failed("no name for the administrator".to_owned()))?;
    let hash = PasswordHasherPool::new(1)
        .hash(secrets.password.clone())
        .await
        .map_err(failed)?;
    let key = Key {
        name: KEY_NAME.to_owned(),
        digest: pepper.digest(&secrets.key),
        scopes: Scopes::full(),
        accounts: Vec::new(),
        routes: Vec::new(),
        expires_at: None,
    };
    let record = KeyRecord::new(key, hint(&secrets.key), clock.now());
    let entry = Entry {
        at: clock.now(),
        principal: "first start".to_owned(),
        action: Act::CreateKey,
        account: config.store.account,
        source: None,
        route: None,
        request_id: String::new(),
        not_done: None,
        event: None,
        tries: None,
        once: None,
    };
    store
        .bootstrap(record, username, hash, entry)
        .await
        .map_err(failed)
}

fn failed(error: impl std::error::Error) -> Failure {
    Failure::failed("cannot prepare the empty store", error)
}

/// Twenty characters of `[a-z0-9]`: over 100 bits.
fn password(clock: &Clock) -> Secret {
    let key = api_key::generate(clock);
    Secret::from(key.reveal().chars().skip(20).take(20).collect::<String>())
}

fn note(database: &Path, text: &str) -> io::Result<PathBuf> {
    let file = database.with_file_name("first-start.txt");
    match fs::remove_file(&file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut note = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&file)?;
    note.write_all(text.as_bytes())?;
    note.sync_all()?;
    Ok(file)
}

impl Secrets {
    fn text(&self, config: &Config, addresses: &[Address]) -> String {
        let mut text = format!(
            "\nAn API key and an administrator were made for the empty store. They are shown this once.\n\n  \
             API key        {}\n  Administrator  {ADMINISTRATOR}\n  Password       {}\n\nTo try each dialect, \
             one after the other:\n",
            self.key.reveal(),
            self.password.reveal(),
        );
        // One that curl takes without being told whom to trust, if there is any.
        let is_plain = |address: &&Address| !matches!(address, Address::Tls(_));
        let address = addresses.iter().find(is_plain).or(addresses.first());
        for dialect in Dialect::ALL {
            let route = config.routes.iter().find(|route| route.dialect == dialect);
            if let (Some(route), Some(address)) = (route, address) {
                // Writing to a string cannot fail.
                let _ = write!(text, "\n{}\n", self.example(config, route, address));
            }
        }
        text.push('\n');
        text
    }

    /// One line to paste. The administrator is user 1, so the user that Grupo's line makes is 2;
    /// where nothing speaks Grupo there is the administrator only.
    fn example(&self, config: &Config, route: &Route, address: &Address) -> String {
        let speaks_grupo = |route: &Route| route.dialect == Dialect::Grupo;
        let user = if config.routes.iter().any(speaks_grupo) {
            2
        } else {
            1
        };
        let (socket, origin) = reachable(address, config);
        let host = route
            .host
            .as_ref()
            .map(|host| format!(" -H 'Host: {host}'"))
            .unwrap_or_default();
        let url = format!("{origin}{}", route.path.prefix);
        let key = self.key.reveal();
        match route.dialect {
            Dialect::Grupo => format!(
                "curl{socket}{host} {url}/ -d api_secret_key={key} -d add=site_users -d 'full_name=Ada Lovelace' \
                 -d username=ada -d email_address=ada@example.com -d password=analytical-engine"
            ),
            Dialect::Vision6 => format!(
                "curl{socket}{host} '{url}?version=3.3' -d '{{\"id\":1,\"method\":\"editUser\",\"params\":\
                 [\"{key}\",{},{{\"id\":{user},\"position\":\"Analyst\"}}]}}'",
                config.store.account.id()
            ),
            Dialect::B2evolution => format!(
                "curl{socket}{host} -u {ADMINISTRATOR}:{} {url}/users/{user} -d identity_form=1 -d edited_user_nickname=ada",
                self.password.reveal()
            ),
        }
    }
}

/// What curl needs to connect there, and the origin to ask for: a listener on every address is
/// reached by loopback, and one for TLS by a name that a certificate is for.
fn reachable(address: &Address, config: &Config) -> (String, String) {
    let address = match address {
        Address::Tcp(address) => address,
        Address::Tls(address) => {
            let port = address.port();
            let mut names = config.server.tls.iter().flat_map(Certificate::names);
            let name = names.find(|name| !name.starts_with('*'));
            let host = name.map_or_else(|| address.ip().to_string(), Clone::clone);
            return (String::new(), format!("https://{host}:{port}"));
        }
        Address::Unix { path, .. } => {
            let socket = format!(" --unix-socket '{}'", path.display());
            return (socket, "http://localhost".to_owned());
        }
    };
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        named @ (IpAddr::V4(_) | IpAddr::V6(_)) => named,
    };
    let address = SocketAddr::new(ip, address.port());
    (String::new(), format!("http://{address}"))
}

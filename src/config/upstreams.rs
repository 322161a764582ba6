//! `[upstreams.NAME]`: the systems that commands are forwarded to.

use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use super::fault::Faults;
use super::place::Place;
use super::route_tables::Names;
use super::routes::{DialectName, role_table, usual_roles};
use super::secret_file::SecretFiles;
use super::suggest::did_you_mean;
use super::upstream_address::{EndpointList, Version, check};
use super::upstream_health::{BreakerSection, CheckSection, StickyName};
use super::upstream_retry::RetrySection;
use super::upstream_url::Address;
use super::value::{Given, List, Size, Span, from_scalar};
use crate::auth::Credentials;
use crate::client::{self, Client, TlsParameters};
use crate::command::{AccountId, Dialect, Id};
use crate::dialect::exchange::{Terms, Unknown};
use crate::forward::{Parameters, crosswalk, endpoints};
use crate::route::number_table::NumberTable;
use crate::route::profile::Profile;
use crate::route::{FormLimits, JsonLimits, Policy};

/// `[upstreams.NAME]` as it is written. What is absent is the default.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct UpstreamSection {
    /// `grupo`, `vision6` or `b2evolution`.
    pub(super) dialect: Option<DialectName>,
    /// `http://`, `https://` or `unix:/path/of/socket`; without a path, where the vendor's server has
    /// its interface.
    pub(super) url: Option<String>,
    /// Several of them instead, with weights.
    pub(super) endpoints: Option<EndpointList>,
    /// `Host` of every request, where it is not the one of the URL.
    pub(super) host: Option<String>,
    /// The gateway's own API key there.
    key: Option<Given>,
    /// A file with it.
    key_file: Option<PathBuf>,
    /// The gateway's own login there.
    login: Option<String>,
    /// The password of it.
    password: Option<Given>,
    /// A file with that.
    password_file: Option<PathBuf>,
    /// The account that its users belong to: calls for another find nobody there.
    account: Option<i64>,
    /// For how long the number that a name was found to have is remembered; 0 turns that off.
    remember_users: Option<Span>,
    /// Dialects whose callers have numbers of their own for its users, which are imported.
    own_ids: List<DialectName>,
    /// Grupo and b2evolution: ids of roles there, and what they stand for.
    roles: Option<Names>,
    /// b2evolution only: whether an update is refused that would empty fields nobody can read there.
    identity_unknown: Option<OnUnknown>,
    /// `1.1` or `2`.
    pub(super) http_version: Option<Version>,
    /// Certificates of the authorities to trust instead of the system's.
    ca_file: Option<PathBuf>,
    /// The certificate to show, with `certificate_key_file`.
    certificate_file: Option<PathBuf>,
    /// Its private key.
    certificate_key_file: Option<PathBuf>,
    /// The name on the upstream's certificate, where it is not the host's.
    server_name: Option<String>,
    /// Connections at once.
    pub(super) connections: Option<usize>,
    /// How long a connection rests before it is closed.
    pub(super) idle: Option<Span>,
    /// How old a connection becomes.
    pub(super) lifetime: Option<Span>,
    /// How old the addresses of a name become before it is looked up again.
    pub(super) resolve: Option<Span>,
    /// To resolve the name and connect.
    pub(super) connect_timeout: Option<Span>,
    /// To the last byte of an answer's head.
    pub(super) head_timeout: Option<Span>,
    /// All that one command takes there.
    pub(super) timeout: Option<Span>,
    /// Bytes of an answer's head.
    pub(super) head_bytes: Option<Size>,
    /// Bytes of an answer.
    pub(super) response_bytes: Option<Size>,
    /// For how long the share of an endpoint grows that is new or back.
    slow_start: Option<Span>,
    /// What calls stick to an endpoint by.
    sticky: Option<StickyName>,
    breaker: Option<BreakerSection>,
    check: Option<CheckSection>,
    retry: Option<RetrySection>,
}

impl UpstreamSection {
    /// Parses and checks the parts; paths are relative to the directory of `files`.
    pub(super) fn build(
        mut self,
        name: &str,
        files: SecretFiles<'_>,
        place: Place<'_>,
        faults: &mut Faults,
    ) -> Option<Parameters> {
        let Some(DialectName(dialect)) = self.dialect else {
            if !place.has("dialect") {
                let message = "names no dialect: add `dialect = \"…\"`";
                faults.push(place.fault("", message));
            }
            return None;
        };
        refuse_ineffective(dialect, place, faults);
        let addresses = self.addresses(dialect, place, faults);
        let credentials = self.credentials(dialect, files, place, faults);
        let tls = self.tls(files, place, faults);
        let terms = self.terms(dialect, place, faults);
        let anywhere = self.weighted(&Address::anywhere(), 1, TlsParameters::default());
        check(&anywhere.client, place, faults);
        let breaker = self.breaker.take().unwrap_or_default();
        let rules = breaker.build(place, faults);
        let known = credentials.as_ref().unwrap_or(&Credentials::None);
        let check = self.check.take();
        let check = check.and_then(|check| check.build(known, place, faults));
        let retry = self.retry.take().unwrap_or_default().build(place, faults);
        let (addresses, tls) = (addresses?, tls?);
        let mut endpoints = addresses
            .iter()
            .map(|(address, weight)| self.weighted(address, *weight, tls.clone()));
        let first = endpoints.next()?;
        let endpoints = endpoints::Parameters {
            name: name.to_owned(),
            first,
            others: endpoints.collect(),
            slow_start: self.slow_start.unwrap_or(Span::seconds(10)).0,
            rules,
            check,
            sticky: self.sticky.map(|name| name.0),
        };
        if endpoints.others.is_empty() {
            refuse_without_others(place, faults);
        }
        // With parameters that are out of range it would say so in other words.
        if faults.is_empty()
            && let Some(error) = endpoints
                .all()
                .find_map(|it| Client::new(it.client.clone()).err())
        {
            faults.push(place.fault("", format!("cannot be used: {error}")));
        }
        let (mut terms, credentials) = (terms?, credentials?);
        let path = addresses
            .into_iter()
            .next()
            .map(|(address, _)| address.path);
        terms.policy.base_path = path.unwrap_or_default();
        let secret_file = self.key_file.or(self.password_file);
        Some(Parameters {
            name: name.to_owned(),
            dialect,
            endpoints,
            credentials,
            secret_file: secret_file.map(|path| files.directory.join(path)),
            terms,
            crosswalk: crosswalk::Parameters {
                remember: self.remember_users.unwrap_or(Span::seconds(600)).0,
                own_ids: self.own_ids.0.iter().map(|name| name.0).collect(),
            },
            keeps_host: self.host.is_none(),
            retry,
        })
    }

    /// A key, or for b2evolution a login and its password.
    fn credentials(
        &self,
        dialect: Dialect,
        files: SecretFiles<'_>,
        place: Place<'_>,
        faults: &mut Faults,
    ) -> Option<Credentials> {
        let mut secret = |key: &str, value: &Option<Given>, file: &Option<PathBuf>| {
            let file_key = format!("{key}_file");
            if place.has(key) && place.has(&file_key) {
                let message = format!("is there beside {file_key}: keep one of the two");
                faults.push(place.fault(key, message));
                return None;
            }
            match (value, file) {
                (Some(value), _) => Some(value.0.clone()),
                (None, Some(path)) => files
                    .read_or_blank(path)
                    .map_err(|message| faults.push(place.fault(&file_key, message)))
                    .ok(),
                // What was given and could not be read has its fault already.
                (None, None) if place.has(key) || place.has(&file_key) => None,
                (None, None) => {
                    let message = format!("has no {key}: give it a {key} or a {file_key}");
                    faults.push(place.fault("", message));
                    None
                }
            }
        };
        // Where the callers' own are passed on there need not be any: `judge` knows.
        let written = ["key", "key_file", "login", "password", "password_file"];
        if !written.iter().any(|key| place.has(key)) {
            return Some(Credentials::None);
        }
        match dialect {
            Dialect::Grupo | Dialect::Vision6 => {
                secret("key", &self.key, &self.key_file).map(Credentials::Key)
            }
            Dialect::B2evolution => {
                let password = secret("password", &self.password, &self.password_file);
                let Some(login) = self.login.clone().filter(|login| !login.contains(':')) else {
                    let (key, message) = match self.login {
                        None => ("", "has no login: add `login = \"…\"`"),
                        Some(_) => ("login", "must not have a colon in it: choose another user"),
                    };
                    faults.push(place.fault(key, message));
                    return None;
                };
                let password = password?;
                Some(Credentials::Basic { login, password })
            }
        }
    }

    fn terms(&self, dialect: Dialect, place: Place<'_>, faults: &mut Faults) -> Option<Terms> {
        let account = match self.account {
            None => None,
            Some(number) => {
                let account = Id::new(number).map(AccountId::new);
                if account.is_none() {
                    let message = format!("{number} is no account: use 1 or more");
                    faults.push(place.fault("account", message));
                }
                account
            }
        };
        let roles = self.roles.clone();
        let roles = roles.map_or_else(|| Ok(usual_roles(dialect)), role_table);
        let roles = roles
            .map_err(|(role, message)| {
                faults.push(place.fault(&format!("roles.{role}"), message));
            })
            .ok()?;
        let bytes = self.response_bytes();
        Some(Terms {
            policy: Policy {
                base_path: String::new(),
                key_in_query: false,
                anonymous: false,
                roles,
                group_roles: NumberTable::default(),
                group_categories: NumberTable::default(),
                profile: Profile::default(),
                form: FormLimits::default(),
                // The size of an answer is limited as a whole; a list may be as long as that.
                json: JsonLimits {
                    members: bytes,
                    string_bytes: bytes,
                    ..JsonLimits::default()
                },
            },
            account,
            unknown: self.identity_unknown.unwrap_or_default().0,
        })
    }

    fn tls(
        &self,
        files: SecretFiles<'_>,
        place: Place<'_>,
        faults: &mut Faults,
    ) -> Option<TlsParameters> {
        let mut read = |key: &str, path: &Option<PathBuf>| {
            let path = path.as_ref()?;
            files
                .read(path)
                .map_err(|message| faults.push(place.fault(key, message)))
                .ok()?
        };
        let ca = read("ca_file", &self.ca_file);
        let certificate = read("certificate_file", &self.certificate_file);
        let key = read("certificate_key_file", &self.certificate_key_file);
        if self.certificate_file.is_some() != self.certificate_key_file.is_some() {
            let message = "needs the other: certificate_file and certificate_key_file go together";
            let given = if self.certificate_file.is_some() {
                "certificate_file"
            } else {
                "certificate_key_file"
            };
            faults.push(place.fault(given, message));
            return None;
        }
        let identity = certificate
            .zip(key)
            .map(|(certificate, key)| client::Identity {
                certificate: certificate.reveal().as_bytes().to_vec(),
                key,
            });
        Some(TlsParameters {
            ca: ca.map(|ca| ca.reveal().as_bytes().to_vec()),
            identity,
            server_name: self.server_name.clone(),
        })
    }
}

/// Refuses what is said of a choice where there is none.
fn refuse_without_others(place: Place<'_>, faults: &mut Faults) {
    for key in ["slow_start", "sticky"] {
        if place.has(key) {
            let message =
                "means nothing of one endpoint: remove it, or write several as `endpoints`";
            faults.push(place.fault(key, message));
        }
    }
}

/// Refuses what is spelled right and would change nothing.
fn refuse_ineffective(dialect: Dialect, place: Place<'_>, faults: &mut Faults) {
    let with_key: &[Dialect] = &[Dialect::Grupo, Dialect::Vision6];
    let with_login: &[Dialect] = &[Dialect::B2evolution];
    let options: [(&str, &[Dialect]); 7] = [
        ("key", with_key),
        ("key_file", with_key),
        ("login", with_login),
        ("password", with_login),
        ("password_file", with_login),
        ("roles", &[Dialect::Grupo, Dialect::B2evolution]),
        ("identity_unknown", with_login),
    ];
    for (key, effective) in options {
        if place.has(key) && !effective.contains(&dialect) {
            let message = format!("means nothing to {dialect}: remove it");
            faults.push(place.fault(key, message));
        }
    }
}

/// `warn` or `reject`.
#[derive(Clone, Copy, Debug, Default)]
struct OnUnknown(Unknown);

impl FromStr for OnUnknown {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "warn" => Ok(Self(Unknown::Warn)),
            "reject" => Ok(Self(Unknown::Reject)),
            _ => Err(format!(
                "unknown answer {text:?} (known: warn, reject){}",
                did_you_mean(text, &["warn", "reject"])
            )),
        }
    }
}

impl<'de> Deserialize<'de> for OnUnknown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_scalar(deserializer)
    }
}

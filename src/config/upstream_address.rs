//! Where an upstream is: `url` or `endpoints` of `[upstreams.NAME]`, and what connections to it are like.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::fault::Faults;
use super::place::Place;
use super::routes::usual_path;
use super::suggest::did_you_mean;
use super::upstream_url::{Address, parse};
use super::upstreams::UpstreamSection;
use super::value::{Size, Span, from_scalar};
use crate::client::{self, HttpVersion, TlsParameters};
use crate::command::Dialect;
use crate::forward::endpoints::{HEAVIEST, MOST, Weighted};

/// `["http://a:1", { url = "http://b:2", weight = 3 }]`, or URLs with commas, as the environment writes it.
#[derive(Clone, Debug, Default)]
pub(super) struct EndpointList(Vec<EndpointSection>);

/// One of them.
#[derive(Clone, Debug)]
struct EndpointSection {
    url: String,
    weight: u32,
}

/// `1.1` or `2`, as the text that it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Version(pub(super) HttpVersion);

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "1.1" => Ok(Self(HttpVersion::Http1)),
            "2" => Ok(Self(HttpVersion::Http2)),
            _ => Err(format!(
                "unknown version {text:?} (known: 1.1, 2){}",
                did_you_mean(text, &["1.1", "2"])
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_scalar(deserializer)
    }
}

impl UpstreamSection {
    /// The addresses, with their weights: at least one.
    pub(super) fn addresses(
        &self,
        dialect: Dialect,
        place: Place<'_>,
        faults: &mut Faults,
    ) -> Option<Vec<(Address, u32)>> {
        let before = faults.len();
        let (key, written) = self.written(place, faults)?;
        let mut addresses = Vec::new();
        for EndpointSection { url, weight } in written {
            match parse(&url) {
                Ok(mut address) => {
                    if address.path.is_empty() {
                        usual_path(dialect).clone_into(&mut address.path);
                    }
                    addresses.push((address, weight));
                }
                Err(message) => faults.push(place.fault(key, message)),
            }
            if !(1..=HEAVIEST).contains(&weight) {
                let message = format!("weight {weight} of {url} is out of range: 1 to {HEAVIEST}");
                faults.push(place.fault(key, message));
            }
        }
        let path = addresses.first().map(|(first, _)| first.path.clone());
        for (index, (address, _)) in addresses.iter().enumerate() {
            let endpoint = &address.endpoint;
            if Some(&address.path) != path.as_ref() {
                let message = format!("{endpoint} has another path than the first: write the same");
                faults.push(place.fault(key, message));
            }
            let earlier = addresses.iter().take(index);
            if earlier.into_iter().any(|(it, _)| it.endpoint == *endpoint) {
                let message = format!("{endpoint} is there twice: give it a weight instead");
                faults.push(place.fault(key, message));
            }
        }
        if let Some(host) = &self.host {
            if let Ok(host) = host.parse::<http::HeaderValue>() {
                for (address, _) in &mut addresses {
                    address.host = host.clone();
                }
            } else {
                let message = format!("{host:?} is no host: write e.g. \"blog.example.com\"");
                faults.push(place.fault("host", message));
            }
        }
        if !addresses.is_empty() && !addresses.iter().any(|(address, _)| address.is_tls()) {
            for key in ["ca_file", "certificate_file", "server_name"] {
                if place.has(key) {
                    let message = "means nothing without https: remove it, or correct the url";
                    faults.push(place.fault(key, message));
                }
            }
        }
        (faults.len() == before).then_some(addresses)
    }

    /// What is written, and under which key.
    fn written(
        &self,
        place: Place<'_>,
        faults: &mut Faults,
    ) -> Option<(&'static str, Vec<EndpointSection>)> {
        match (&self.url, &self.endpoints) {
            (Some(_), Some(_)) => {
                let message = "is there beside url: keep one of the two";
                faults.push(place.fault("endpoints", message));
                None
            }
            (Some(url), None) => {
                let (url, weight) = (url.clone(), 1);
                Some(("url", vec![EndpointSection { url, weight }]))
            }
            (None, Some(list)) if (1..=MOST).contains(&list.0.len()) => {
                Some(("endpoints", list.0.clone()))
            }
            (None, Some(_)) => {
                let message = format!("must have 1 to {MOST} URLs");
                faults.push(place.fault("endpoints", message));
                None
            }
            (None, None) => {
                if !place.has("url") && !place.has("endpoints") {
                    let message = "has no address: add `url = \"http://…\"`";
                    faults.push(place.fault("", message));
                }
                None
            }
        }
    }

    pub(super) fn weighted(&self, address: &Address, weight: u32, tls: TlsParameters) -> Weighted {
        let client = self.client(address, tls);
        Weighted { client, weight }
    }

    fn client(&self, address: &Address, tls: TlsParameters) -> client::Parameters {
        let span = |given: Option<Span>, usual: u64| given.unwrap_or(Span::seconds(usual)).0;
        client::Parameters {
            endpoint: address.endpoint.clone(),
            host: address.host.clone(),
            http_version: self.http_version.unwrap_or_default().0,
            tls,
            connections: self.connections.unwrap_or(32),
            idle: span(self.idle, 4),
            lifetime: span(self.lifetime, 300),
            resolve: span(self.resolve, 2),
            connect: span(self.connect_timeout, 5),
            head: span(self.head_timeout, 20),
            total: span(self.timeout, 25),
            head_bytes: self.head_bytes.unwrap_or(Size(16 << 10)).0,
            response_bytes: self.response_bytes(),
        }
    }

    pub(super) fn response_bytes(&self) -> usize {
        self.response_bytes.unwrap_or(Size(4 << 20)).0
    }
}

/// Checks what is the same for all endpoints.
pub(super) fn check(client: &client::Parameters, place: Place<'_>, faults: &mut Faults) {
    let positive = [
        ("lifetime", !client.lifetime.is_zero()),
        ("resolve", !client.resolve.is_zero()),
        ("connect_timeout", !client.connect.is_zero()),
        ("head_timeout", !client.head.is_zero()),
        ("timeout", !client.total.is_zero()),
        ("response_bytes", client.response_bytes > 0),
    ];
    for (key, holds) in positive {
        if !holds {
            faults.push(place.fault(key, "must be more than 0"));
        }
    }
    if !(1..=10_000).contains(&client.connections) {
        let message = format!("{} is out of range: 1 to 10000", client.connections);
        faults.push(place.fault("connections", message));
    }
    if client.response_bytes > 64 << 20 {
        let message = "is too large: at most \"64MiB\", since an answer is held in memory";
        faults.push(place.fault("response_bytes", message));
    }
    if client.head_bytes < client::Parameters::SMALLEST_HEAD || client.head_bytes > 1 << 20 {
        let message = "is out of range: \"8KiB\" to \"1MiB\"";
        faults.push(place.fault("head_bytes", message));
    }
}

impl<'de> Deserialize<'de> for EndpointList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;

        impl<'de> Visitor<'de> for Items {
            type Value = Vec<EndpointSection>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of URLs")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                let urls = text.split(',').map(str::trim).filter(|url| !url.is_empty());
                Ok(urls.map(EndpointSection::from).collect())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(list)
            }
        }

        deserializer.deserialize_any(Items).map(Self)
    }
}

impl From<&str> for EndpointSection {
    fn from(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            weight: 1,
        }
    }
}

impl<'de> Deserialize<'de> for EndpointSection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Item;

        impl<'de> Visitor<'de> for Item {
            type Value = EndpointSection;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a URL, or { url = \"http://…\", weight = 3 }")
            }

            fn visit_str<E: Error>(self, url: &str) -> Result<EndpointSection, E> {
                Ok(url.into())
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut entries: A,
            ) -> Result<EndpointSection, A::Error> {
                let (mut url, mut weight) = (None::<String>, 1);
                while let Some(key) = entries.next_key::<String>()? {
                    match key.as_str() {
                        "url" => url = Some(entries.next_value()?),
                        "weight" => weight = entries.next_value()?,
                        _ => return Err(A::Error::unknown_field(&key, &["url", "weight"])),
                    }
                }
                let url = url.ok_or_else(|| A::Error::missing_field("url"))?;
                Ok(EndpointSection { url, weight })
            }
        }

        deserializer.deserialize_any(Item)
    }
}

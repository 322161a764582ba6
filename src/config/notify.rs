//! `[notify]`: who is told of users whom Vision6's `email_user` is about.

use std::path::PathBuf;

use serde::Deserialize;

use super::fault::Faults;
use super::place::Place;
use super::secret_file::SecretFiles;
use super::value::{Days, Given, Span};
use crate::notify::retry::Retry;
use crate::notify::signature::SigningKey;
use crate::notify::url::Url;
use crate::notify::webhook::Target;
use crate::secret::Secret;

/// Who is told, and how often that is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// The webhook.
    pub webhook: Target,
    /// The attempts.
    pub retry: Retry,
}

/// `[notify]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct NotifySection {
    /// How long an attempt may take, from connecting to the receiver's answer; at most 5 min.
    timeout: Span,
    /// The wait after the first attempt that failed; each further one is twice as long.
    first_retry: Span,
    /// The longest wait. What the receiver asks for with `Retry-After` may be longer.
    longest_retry: Span,
    /// For how long it is tried; the first failure after that is the last.
    give_up: Days,
    /// The receiver.
    webhook: WebhookSection,
}

/// `[notify.webhook]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct WebhookSection {
    /// Where notifications are posted.
    url: Option<String>,
    /// What they are signed with, as Standard Webhooks has it: `whsec_` and 24 to 64 bytes in base64.
    secret: Option<Given>,
    /// A file with it; one newline at its end is not part of it.
    secret_file: Option<PathBuf>,
}

impl Default for NotifySection {
    fn default() -> Self {
        let usual = Retry::default();
        Self {
            timeout: Span::seconds(15),
            first_retry: Span(usual.first),
            longest_retry: Span(usual.longest),
            give_up: Days(usual.give_up),
            webhook: WebhookSection::default(),
        }
    }
}

impl NotifySection {
    /// Reads the secret. Nothing where there is no receiver, or where secrets are not read.
    pub(super) fn build(
        self,
        files: SecretFiles<'_>,
        place: Place<'_>,
        faults: &mut Faults,
    ) -> Option<Notify> {
        let (timeout, retry) = self.times(place, faults);
        if !place.has("webhook") {
            return None;
        }
        let (url, key) = self.webhook.build(files, place, faults)?;
        Some(Notify {
            webhook: Target { url, key, timeout },
            retry,
        })
    }

    fn times(&self, place: Place<'_>, faults: &mut Faults) -> (std::time::Duration, Retry) {
        if self.timeout.0.is_zero() || self.timeout.0 > Span::seconds(300).0 {
            faults.push(place.fault("timeout", "must be more than 0 and at most 5m"));
        }
        if self.first_retry.0.is_zero() {
            faults.push(place.fault("first_retry", "must be more than 0"));
        }
        if self.longest_retry.0 < self.first_retry.0 {
            let message = "is shorter than first_retry: make it as long or longer";
            faults.push(place.fault("longest_retry", message));
        }
        let retry = Retry {
            first: self.first_retry.0,
            longest: self.longest_retry.0,
            give_up: self.give_up.0,
        };
        (self.timeout.0, retry)
    }
}

impl WebhookSection {
    fn build(
        self,
        files: SecretFiles<'_>,
        place: Place<'_>,
        faults: &mut Faults,
    ) -> Option<(Url, SigningKey)> {
        let place = place.at("notify.webhook");
        let url = self.url.as_deref().and_then(Url::parse);
        if url.is_none() {
            let message = "must be the address of a receiver, without a user and a password, e.g. \
                           \"https://hooks.example.com/users\"";
            faults.push(place.fault("url", message));
        }
        let secret = choose((self.secret, self.secret_file), files, place, faults)?;
        let source = if place.has("secret") {
            "secret"
        } else {
            "secret_file"
        };
        let key = SigningKey::parse(&secret)
            .map_err(|error| faults.push(place.fault(source, error.to_string())))
            .ok();
        Some((url?, key?))
    }
}

/// The secret, or the one in the file; neither or both is a fault.
fn choose(
    (given, file): (Option<Given>, Option<PathBuf>),
    files: SecretFiles<'_>,
    place: Place<'_>,
    faults: &mut Faults,
) -> Option<Secret> {
    if place.has("secret") && place.has("secret_file") {
        let message = "is there beside secret_file: keep one of the two";
        faults.push(place.fault("secret", message));
        return None;
    }
    if let Some(given) = given {
        return Some(given.0);
    }
    if let Some(path) = file {
        return files
            .read(&path)
            .map_err(|message| faults.push(place.fault("secret_file", message)))
            .ok()
            .flatten();
    }
    // The fault of what is there and could not be read is noted already.
    if !place.has("secret") && !place.has("secret_file") {
        faults.push(place.fault("secret", "is missing: add it, or secret_file"));
    }
    None
}

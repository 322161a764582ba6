//! What must not be printed, and what stands in its place.

use std::fmt::Write;

use crate::auth::{Call, Credentials};
use crate::command::text::Text;
use crate::command::{Command, Dialect, Edit};
use crate::config::Config;
use crate::forward::Parameters;
use crate::secret::Secret;

/// What is shown of a secret.
const SHOWN: &str = "***";

/// Stands for a secret while a request is written: no encoding changes it, and no rule for passwords
/// or keys refuses it.
const MARK: &str = "dragoman0secret0dragoman0secret0dragoman0secret0dragoman0secret0";

/// A run of letters and digits that is as long may be a key in a place that is not meant for one.
const LONGEST_WORD: usize = 40;

/// The secrets of the configuration and of the request.
pub(super) struct Redaction(Vec<Secret>);

impl Redaction {
    /// Those of the configuration.
    pub(super) fn of_config(config: &Config) -> Self {
        let keys = config.keys.iter().map(|key| key.secret.clone());
        let mut this = Self(keys.collect());
        for upstream in &config.upstreams {
            this.0.extend(of_credentials(&upstream.credentials));
        }
        this
    }

    /// And those of a call.
    pub(super) fn learn(&mut self, call: &Call) {
        self.learn_credentials(&call.credentials);
        if let Some(change) = call.command.user_change() {
            let passwords = [&change.password, &change.current_password];
            self.0.extend(passwords.into_iter().flatten().cloned());
        }
        if let Command::CreateGroup(change) | Command::UpdateGroup(_, change) = &call.command {
            self.0.extend(change.password.value().cloned());
        }
        if let Command::Native(native) = &call.command {
            let fields = native.fields.iter().map(|(_, value)| value.clone());
            self.0.extend(fields);
            let files = native.files.iter();
            self.0
                .extend(files.map(|file| file.filename.as_str().into()));
        }
    }

    /// And those of a call that cannot be read.
    pub(super) fn learn_credentials(&mut self, credentials: &Credentials) {
        self.0.extend(of_credentials(credentials));
    }

    /// The text without any of them, and without what looks like a key.
    pub(super) fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.0 {
            // A short one occurs by chance in every text, where it says nothing of the secret.
            if secret.reveal().chars().count() >= 4 {
                text = text.replace(secret.reveal(), SHOWN);
            }
        }
        without_long_words(&text)
    }
}

fn of_credentials(credentials: &Credentials) -> Option<Secret> {
    match credentials {
        Credentials::None => None,
        Credentials::Key(secret)
        | Credentials::Basic {
            password: secret, ..
        } => Some(secret.clone()),
    }
}

fn without_long_words(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut word = String::new();
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() {
            word.push(letter);
            continue;
        }
        end_word(&mut word, &mut shown);
        shown.push(letter);
    }
    end_word(&mut word, &mut shown);
    shown
}

fn end_word(word: &mut String, shown: &mut String) {
    if word.len() >= LONGEST_WORD {
        shown.push_str(SHOWN);
    } else {
        shown.push_str(word);
    }
    word.clear();
}

/// The upstream with marks for the gateway's own credentials.
pub(super) fn masked_upstream(upstream: &Parameters) -> Parameters {
    let credentials = match &upstream.credentials {
        Credentials::None => Credentials::None,
        Credentials::Key(_) => Credentials::Key(MARK.into()),
        Credentials::Basic { login, .. } => Credentials::Basic {
            login: login.clone(),
            password: MARK.into(),
        },
    };
    Parameters {
        credentials,
        ..upstream.clone()
    }
}

/// The command with marks for its secrets.
pub(super) fn masked_command(mut command: Command) -> Command {
    if let Command::CreateUser(change) | Command::UpdateUser(_, change) = &mut command {
        let passwords = [&mut change.password, &mut change.current_password];
        for secret in passwords.into_iter().flatten() {
            *secret = MARK.into();
        }
    } else if let Command::CreateGroup(change) | Command::UpdateGroup(_, change) = &mut command {
        if let Edit::Set(secret) = &mut change.password {
            *secret = MARK.into();
        }
    } else if let Command::Native(native) = &mut command {
        let is_list = native.dialect == Dialect::Vision6;
        for (_, secret) in &mut native.fields {
            *secret = if is_list {
                format!("[\"{MARK}\"]").into()
            } else {
                MARK.into()
            };
        }
        for file in &mut native.files {
            file.contents = MARK.into();
            if let Ok(mark) = Text::parse(MARK) {
                file.filename = mark;
            }
        }
    }
    command
}

/// A request that was written with marks, as it is shown; its length is the real one's.
pub(super) fn wire(bytes: &[u8], length: usize) -> String {
    let text = String::from_utf8_lossy(bytes).replace(MARK, SHOWN);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut shown = String::with_capacity(text.len());
    // Writing to a string cannot fail.
    for line in head.split("\r\n") {
        match line.split_once(": ") {
            // Its password is in there in base64.
            Some(("authorization", value)) => {
                let scheme = value.split(' ').next().unwrap_or_default();
                let _ = write!(shown, "authorization: {scheme} {SHOWN}");
            }
            Some(("content-length", _)) => {
                let _ = write!(shown, "content-length: {length}");
            }
            Some(_) | None => shown.push_str(line),
        }
        shown.push_str("\r\n");
    }
    shown.push_str("\r\n");
    shown.push_str(body);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_what_looks_like_a_key_are_not_shown() {
        let redaction = Redaction(vec!["hunter2".into(), "a".into()]);
        let key = "k3".repeat(32);
        let shown = redaction.apply(&format!("a user hunter2, {key}."));
        assert_eq!(shown, "a user ***, ***.");
    }

    #[test]
    fn a_password_in_base64_is_not_shown_and_the_length_is_the_real_one() {
        let written = format!(
            "POST / HTTP/1.1\r\nauthorization: Basic YTpi\r\ncontent-length: 99\r\n\r\np={MARK}"
        );
        assert_eq!(
            wire(written.as_bytes(), 7),
            "POST / HTTP/1.1\r\nauthorization: Basic ***\r\ncontent-length: 7\r\n\r\np=***"
        );
    }
}

//! What must not be printed of a configuration and of what would be sent, and what stands in its place.

use std::fmt::Write;

use crate::auth::Credentials;
use crate::command::text::Text;
use crate::command::{Command, Dialect, Edit};
use crate::config::Config;
use crate::forward::Parameters;
use crate::observe::Redaction;

/// What is shown of a secret.
const SHOWN: &str = "***";

/// Stands for a secret while a request is written: no encoding changes it, and no rule for passwords
/// or keys refuses it.
const MARK: &str = "dragoman0secret0dragoman0secret0dragoman0secret0dragoman0secret0";

/// The secrets of the configuration.
pub(super) fn of_config(config: &Config) -> Redaction {
    let keys = config.keys.iter().map(|key| key.secret.clone());
    let mut redaction = Redaction::of(keys.collect());
    for upstream in &config.upstreams {
        redaction.learn_credentials(&upstream.credentials);
    }
    redaction
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

//! What must not be shown of a request, and what stands in its place.

use crate::auth::{Call, Credentials};
use crate::command::Command;
use crate::secret::Secret;

/// What is shown of a secret.
const SHOWN: &str = "***";

/// A run of letters and digits that is as long may be a key in a place that is not meant for one.
const LONGEST_WORD: usize = 40;

/// Secrets that are taken out of texts.
#[derive(Debug)]
pub struct Redaction(Vec<Secret>);

impl Redaction {
    /// These to begin with.
    pub const fn of(secrets: Vec<Secret>) -> Self {
        Self(secrets)
    }

    /// And those of a call.
    pub fn learn(&mut self, call: &Call) {
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
    pub fn learn_credentials(&mut self, credentials: &Credentials) {
        self.0.extend(secret(credentials));
    }

    /// The text without any of them, and without what looks like a key.
    pub fn apply(&self, text: &str) -> String {
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

/// What of credentials is secret.
fn secret(credentials: &Credentials) -> Option<Secret> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_what_looks_like_a_key_are_not_shown() {
        let redaction = Redaction::of(vec!["hunter2".into(), "a".into()]);
        let key = "k3".repeat(32);
        let shown = redaction.apply(&format!("a user hunter2, {key}."));
        assert_eq!(shown, "a user ***, ***.");
    }
}

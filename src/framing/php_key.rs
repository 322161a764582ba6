//! Names of fields, taken apart the way PHP takes them apart.
//!
//! PHP turns names into variables and array keys and mangles what cannot be one: `api.secret_key`,
//! ` api_secret_key` and `api[secret_key` all are `api_secret_key` to it. Whoever does not read
//! them the same way does not see what a PHP application would have acted on.

use std::borrow::Cow;

use crate::framing::bytes::{self, Class};

/// How many arrays may lie inside one another.
pub(super) const MAX_DEPTH: usize = 4;

/// A field's name in parts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Key<'a> {
    /// The variable.
    pub(super) name: Cow<'a, str>,
    /// The array keys that follow; nothing for `[]`, which appends.
    pub(super) path: Vec<Option<Cow<'a, str>>>,
    /// Whether PHP reads the name differently from how it is spelled.
    pub(super) mangled: bool,
}

/// Why a name cannot be taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyFault {
    /// There is no name in front of the array keys. PHP drops such fields.
    Empty,
    /// More than [`MAX_DEPTH`] arrays inside one another.
    TooDeep,
}

impl<'a> Key<'a> {
    /// Takes a decoded name apart.
    pub(super) fn parse(sent: Cow<'a, str>) -> Result<Self, KeyFault> {
        if bytes::find(&*sent, Class::Mangled).is_none() {
            return Self::plain(sent, false);
        }
        match sent {
            Cow::Borrowed(sent) => Self::take_apart(sent),
            Cow::Owned(sent) => Key::take_apart(&sent).map(Key::into_owned),
        }
    }

    fn plain(name: Cow<'a, str>, mangled: bool) -> Result<Self, KeyFault> {
        if name.is_empty() {
            return Err(KeyFault::Empty);
        }
        Ok(Self {
            name,
            path: Vec::new(),
            mangled,
        })
    }

    fn take_apart(sent: &'a str) -> Result<Self, KeyFault> {
        // A C string ends at its first NUL.
        let text = sent.split('\0').next().unwrap_or_default();
        let text = text.trim_start_matches(' ');
        let cut = text.len() != sent.len();
        let Some((variable, keys)) = text.split_once('[') else {
            let name = mangle(text);
            let mangled = cut || matches!(name, Cow::Owned(_));
            return Self::plain(name, mangled);
        };
        if !variable.is_empty() && is_unmatched(keys) {
            return Self::plain(mangle(text), true);
        }
        let name = mangle(variable);
        let mangled = cut || matches!(name, Cow::Owned(_));
        Self::plain(name, mangled)?.with_path(keys)
    }

    /// Adds the array keys; `keys` starts behind the first `[`.
    fn with_path(mut self, mut keys: &'a str) -> Result<Self, KeyFault> {
        loop {
            let Some((key, rest)) = split_key(keys) else {
                // An unmatched bracket behind a matched one: PHP forgets what it opens.
                self.mangled = true;
                return Ok(self);
            };
            if self.path.len() == MAX_DEPTH {
                return Err(KeyFault::TooDeep);
            }
            self.mangled |= key.is_none() && !keys.starts_with(']');
            self.path.push(key.map(Cow::Borrowed));
            let Some(deeper) = rest.strip_prefix('[') else {
                self.mangled |= !rest.is_empty();
                return Ok(self);
            };
            keys = deeper;
        }
    }

    fn into_owned<'o>(self) -> Key<'o> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Key {
            name: owned(self.name),
            path: self.path.into_iter().map(|key| key.map(owned)).collect(),
            mangled: self.mangled,
        }
    }
}

fn is_unmatched(keys: &str) -> bool {
    split_key(keys).is_none()
}

/// One array key and what follows its bracket. PHP takes one white space for no key at all.
fn split_key(keys: &str) -> Option<(Option<&str>, &str)> {
    let unspaced = keys.strip_prefix([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    let empty = unspaced.unwrap_or(keys).strip_prefix(']');
    if let Some(rest) = empty {
        return Some((None, rest));
    }
    let (key, rest) = keys.split_once(']')?;
    Some((Some(key), rest))
}

/// Makes a variable's name of it.
fn mangle(name: &str) -> Cow<'_, str> {
    if name.contains([' ', '.', '[']) {
        Cow::Owned(name.replace([' ', '.', '['], "_"))
    } else {
        Cow::Borrowed(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_cut_or_changed_is_mangled_and_so_is_one_with_keys_behind_it() {
        let is_mangled = |sent: &'static str| Key::parse(sent.into()).unwrap().mangled;
        for sent in ["user", "user[]", "user[a]", "user[a][b]"] {
            assert!(!is_mangled(sent), "{sent}");
        }
        for sent in [
            " user",
            "us.er",
            " user[a]",
            "us.er[a]",
            "user\0[a]",
            "user\0x",
        ] {
            assert!(is_mangled(sent), "{sent}");
        }
    }
}

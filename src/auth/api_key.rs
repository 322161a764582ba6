//! The form of API keys, and what is stored of them.

use std::fmt;
use std::hash::{Hash, Hasher};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::secret::Secret;

const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const PREFIX: &str = "drg";
const RANDOM_CHARACTERS: usize = 53;
const CHECKSUM_CHARACTERS: usize = 8;

/// Makes a key: `drg`, 53 random characters of `[a-z0-9]` (274 bits, the first ten of which name
/// it), and 8 characters of checksum, 64 in all.
///
/// Published Vision6 clients refuse keys of any other length or alphabet.
pub fn generate(clock: &Clock) -> Secret {
    let mut key = String::with_capacity(PREFIX.len() + RANDOM_CHARACTERS + CHECKSUM_CHARACTERS);
    key.push_str(PREFIX);
    while key.len() < PREFIX.len() + RANDOM_CHARACTERS {
        let random = clock.random::<64>();
        // 252 is the largest multiple of 36 a byte can hold: what is above would favour some letters.
        let letters = random
            .iter()
            .filter(|byte| **byte < 252)
            .filter_map(|byte| letter(u32::from(*byte)));
        key.extend(letters.take(PREFIX.len() + RANDOM_CHARACTERS - key.len()));
    }
    let checksum = checksum(&key);
    key.push_str(&checksum);
    Secret::from(key)
}

/// Whether the text has the form of a key made by [`generate`], checksum included.
pub fn is_well_formed(text: &str) -> bool {
    let body_length = PREFIX.len() + RANDOM_CHARACTERS;
    text.len() == body_length + CHECKSUM_CHARACTERS
        && text.bytes().all(|byte| ALPHABET.contains(&byte))
        && text.starts_with(PREFIX)
        && text
            .split_at_checked(body_length)
            .is_some_and(|(body, sum)| checksum(body) == sum)
}

fn checksum(body: &str) -> String {
    let digest = Sha256::digest(body.as_bytes());
    digest
        .iter()
        .take(CHECKSUM_CHARACTERS)
        .filter_map(|byte| letter(u32::from(*byte)))
        .collect()
}

fn letter(value: u32) -> Option<char> {
    char::from_digit(value % 36, 36)
}

/// HMAC-SHA-256 of a key under the server's pepper: all that is kept of it.
#[derive(Clone, Eq)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// A digest as it was stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest to store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Half of the digest, to look the other half up by. Nobody without the pepper can choose it,
    /// so what a look-up takes tells nothing of the digests that are there.
    pub fn index(&self) -> u128 {
        let half = self.0.first_chunk().copied().unwrap_or_default();
        u128::from_le_bytes(half)
    }
}

impl PartialEq for KeyDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Hash for KeyDigest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest(…)")
    }
}

/// The server's own secret that key digests are made with: without it a stolen database gives no
/// way to try keys.
#[derive(Clone)]
pub struct Pepper(Hmac<Sha256>);

impl Pepper {
    /// A pepper from its file's bytes.
    pub fn new(bytes: &[u8; 32]) -> Self {
        // RFC 2104 section 2 pads a short key with zeros to the length of a block.
        let mut block = Zeroizing::new([0; 64]);
        for (padded, byte) in block.iter_mut().zip(bytes) {
            *padded = *byte;
        }
        Self(Hmac::new((&*block).into()))
    }

    /// The digest of a key.
    pub fn digest(&self, key: &Secret) -> KeyDigest {
        let mac = self.0.clone().chain_update(key.reveal().as_bytes());
        KeyDigest(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_key_has_64_characters_that_vision6_clients_accept() {
        let key = generate(&Clock::system());
        assert_eq!(key.reveal().len(), 64);
        assert!(is_well_formed(key.reveal()));
    }

    #[test]
    fn a_typo_is_noticed_by_the_checksum() {
        let key = generate(&Clock::system()).reveal().to_owned();
        let other = if key.ends_with('a') { 'b' } else { 'a' };
        let mut typo = key;
        typo.pop();
        typo.push(other);
        assert!(!is_well_formed(&typo));
    }
}

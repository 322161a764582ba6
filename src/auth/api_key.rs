//! The form of API keys, and what is stored of them.

use std::fmt;
use std::hash::{Hash, Hasher};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::journal::seal::Seal;
use crate::secret::Secret;

const PREFIX: &str = "drg";
const RANDOM_CHARACTERS: usize = 53;
const CHECKSUM_CHARACTERS: usize = 8;

/// Makes a key: `drg`, 53 random characters of `[a-z0-9]` (274 bits, the first ten of which name
/// it), and 8 characters of checksum, 64 in all. By prefix and checksum a scanner for secrets tells a
/// key from other text.
///
/// Published Vision6 clients refuse keys of any other length or alphabet.
pub fn generate(clock: &Clock) -> Secret {
    let mut key = String::with_capacity(PREFIX.len() + RANDOM_CHARACTERS + CHECKSUM_CHARACTERS);
    key.push_str(PREFIX);
    while key.len() < PREFIX.len() + RANDOM_CHARACTERS {
        let random = clock.random::<64>();
        let letters = random.iter().copied().filter_map(random_letter);
        key.extend(letters.take(PREFIX.len() + RANDOM_CHARACTERS - key.len()));
    }
    let checksum = checksum(&key);
    key.push_str(&checksum);
    Secret::from(key)
}

/// 252 is the largest multiple of 36 a byte can hold: what is above would favour some letters.
fn random_letter(byte: u8) -> Option<char> {
    (byte < 252).then(|| letter(u32::from(byte))).flatten()
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

    /// The beginning of a digest of a key or of a login, which nothing but the pepper makes.
    pub fn fingerprint(&self, name: &str) -> [u8; 4] {
        let mac = self.0.clone().chain_update(b"\0dragoman caller ");
        let digest: [u8; 32] = mac.chain_update(name).finalize().into_bytes().into();
        let [a, b, c, d, ..] = digest;
        [a, b, c, d]
    }

    /// What the audit trail is sealed with: keys of its own, so that nothing in the trail tells
    /// anything of this one.
    pub fn seal(&self) -> Seal {
        Seal::new(self.derive("contents").0, self.derive("chain").0)
    }

    /// No API key can begin with this label: a key has no blanks and no control characters.
    fn derive(&self, purpose: &str) -> Self {
        let mac = self.0.clone().chain_update(b"\0dragoman audit ");
        let derived = mac.chain_update(purpose).finalize();
        Self::new(&Zeroizing::new(derived.into_bytes().into()))
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
        let key = key.reveal();
        assert_eq!(key.len(), 64);
        let is_accepted = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        assert!(key.bytes().all(is_accepted), "{key}");
    }

    #[test]
    fn a_random_byte_favours_no_letter() {
        let letters: Vec<char> = (0..=255).filter_map(random_letter).collect();
        for letter in ('0'..='9').chain('a'..='z') {
            let bytes = letters.iter().filter(|found| **found == letter).count();
            assert_eq!(bytes, 7, "{letter}");
        }
    }

    #[test]
    fn a_made_key_can_be_told_by_its_prefix_and_its_checksum() {
        let key = generate(&Clock::system());
        let (body, sum) = key.reveal().split_at(56);
        assert!(body.starts_with(PREFIX));
        // The same, from the description: of each of the first eight bytes the remainder by 36.
        let digest = Sha256::digest(body.as_bytes());
        let letters = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let expected: Vec<u8> = digest[..8]
            .iter()
            .map(|byte| letters[usize::from(byte % 36)])
            .collect();
        assert_eq!(sum.as_bytes(), expected);
    }
}

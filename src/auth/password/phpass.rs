//! Portable hashes of phpass: `$P$` of `WordPress` and its bridges, `$H$` of `phpBB`.
//!
//! `$P$`, one character for the number of rounds, eight of salt, 22 of hash, all in phpass's own
//! alphabet. The hash is MD5 of salt and password, and then as often as the rounds say of the hash
//! so far and the password.

use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

use super::scheme::HashFault;

const NAME: &str = "phpass";
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The exponents that phpass itself takes begin at 7 and end at 30; that would be minutes.
const ROUNDS_LOG2: std::ops::RangeInclusive<usize> = 7..=20;

/// A portable hash.
#[derive(Debug)]
pub(super) struct Phpass {
    rounds: u32,
    salt: [u8; 8],
    hash: [u8; 22],
}

impl Phpass {
    /// Nothing if it does not begin like one.
    pub(super) fn parse(text: &str) -> Option<Result<Self, HashFault>> {
        let rest = text
            .strip_prefix("$P$")
            .or_else(|| text.strip_prefix("$H$"))?;
        Some(split(rest.as_bytes()))
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let round = |first: &[u8]| {
            let digest: [u8; 16] = Md5::new_with_prefix(first)
                .chain_update(password)
                .finalize()
                .into();
            digest
        };
        let hash = (0..self.rounds).fold(round(&self.salt), |hash, _| round(&hash));
        encode(hash).ct_eq(&self.hash).into()
    }
}

fn split(rest: &[u8]) -> Result<Phpass, HashFault> {
    let malformed = HashFault::Malformed(NAME);
    let [log2, rest @ ..] = rest else {
        return Err(malformed);
    };
    let (salt, hash) = rest.split_first_chunk().ok_or(malformed)?;
    let hash: [u8; 22] = hash.try_into().map_err(|_| malformed)?;
    let position = |byte: &u8| ALPHABET.iter().position(|own| own == byte);
    let log2 = position(log2).ok_or(malformed)?;
    if log2 > *ROUNDS_LOG2.end() {
        return Err(HashFault::TooCostly);
    }
    if !ROUNDS_LOG2.contains(&log2) || hash.iter().any(|byte| position(byte).is_none()) {
        return Err(malformed);
    }
    Ok(Phpass {
        rounds: 1 << log2,
        salt: *salt,
        hash,
    })
}

/// Three bytes in four characters, the lowest bits first.
fn encode(hash: [u8; 16]) -> [u8; 22] {
    let mut text = [0; 22];
    let characters = hash.chunks(3).flat_map(|bytes| {
        let number = bytes
            .iter()
            .rev()
            .fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
        (0..=bytes.len()).map(move |sextet| (number >> (6 * sextet)) & 0x3f)
    });
    for (place, sextet) in text.iter_mut().zip(characters) {
        let index = usize::try_from(sextet).unwrap_or_default();
        *place = ALPHABET.get(index).copied().unwrap_or_default();
    }
    text
}

//! MD5 once, with a salt before the password or without: what old b2evolution users have.
//!
//! Written as b2evolution's `user_pass_driver`, `user_salt` and `user_pass`, joined by `$`:
//! `evo$salted$SALT$MD5` and `evo$md5$MD5`, the MD5 in hexadecimal digits.

use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

use super::scheme::HashFault;

const NAME: &str = "b2evolution";

/// The longest `user_salt` that the column takes.
const LONGEST_SALT: usize = 32;

/// A hash of one round.
#[derive(Debug)]
pub(super) struct PlainMd5 {
    salt: String,
    hash: [u8; 16],
}

impl PlainMd5 {
    /// Nothing if it does not begin like one.
    pub(super) fn parse(text: &str) -> Option<Result<Self, HashFault>> {
        let rest = text.strip_prefix("evo$")?;
        Some(split(rest).ok_or(HashFault::Malformed(NAME)))
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let digest = Md5::new_with_prefix(&self.salt)
            .chain_update(password)
            .finalize();
        digest.as_slice().ct_eq(&self.hash).into()
    }
}

fn split(rest: &str) -> Option<PlainMd5> {
    let (salt, hash) = match rest.strip_prefix("md5$") {
        Some(hash) => ("", hash),
        None => rest
            .strip_prefix("salted$")?
            .rsplit_once('$')
            .filter(|(salt, _)| !salt.is_empty())?,
    };
    if salt.len() > LONGEST_SALT || hash.len() != 32 {
        return None;
    }
    let mut bytes = [0; 16];
    for (place, digits) in bytes.iter_mut().zip(hash.as_bytes().chunks(2)) {
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let digits = std::str::from_utf8(digits).ok()?;
        *place = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(PlainMd5 {
        salt: salt.to_owned(),
        hash: bytes,
    })
}

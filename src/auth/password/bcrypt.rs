//! bcrypt as PHP's `password_hash` and b2evolution write it: `$2y$10$` SALT HASH.

use base64::Engine;
use base64::alphabet::BCRYPT;
use base64::engine::general_purpose::NO_PAD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::scheme::HashFault;

const NAME: &str = "bcrypt";
const COSTS: std::ops::RangeInclusive<u32> = 4..=15;

/// What bcrypt reads of a password, and of the NUL after it.
const KEY_LENGTH: usize = 72;

/// b2evolution keeps the salt apart from the hash and with bits that bcrypt does not read; `crypt`
/// would have cleared them.
const BITS: GeneralPurposeConfig = NO_PAD.with_decode_allow_trailing_bits(true);
const BASE_64: GeneralPurpose = GeneralPurpose::new(&BCRYPT, BITS);

/// A bcrypt hash.
#[derive(Debug)]
pub(super) struct Bcrypt {
    cost: u32,
    salt: [u8; 16],
    hash: [u8; 23],
}

impl Bcrypt {
    /// Nothing if it does not begin like one. `$2x$` is refused: it marks hashes of a faulty
    /// implementation.
    pub(super) fn parse(text: &str) -> Option<Result<Self, HashFault>> {
        let rest = ["$2y$", "$2a$", "$2b$"]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix))?;
        let Some(parts) = split(rest) else {
            return Some(Err(HashFault::Malformed(NAME)));
        };
        if COSTS.contains(&parts.cost) {
            return Some(Ok(parts));
        }
        Some(Err(if parts.cost > *COSTS.end() {
            HashFault::TooCostly
        } else {
            HashFault::Malformed(NAME)
        }))
    }

    /// As in PHP, only the first 72 bytes of a password count.
    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let mut key = Zeroizing::new(Vec::with_capacity(KEY_LENGTH));
        key.extend(password.iter().take(KEY_LENGTH));
        if key.len() < KEY_LENGTH {
            key.push(0);
        }
        let [hash @ .., _] = ::bcrypt::bcrypt(self.cost, self.salt, &key);
        hash.ct_eq(&self.hash).into()
    }
}

/// `COST$`, 22 characters of salt and 31 of hash.
fn split(rest: &str) -> Option<Bcrypt> {
    let (cost, rest) = rest.split_once('$')?;
    let (salt, hash) = rest.split_at_checked(22)?;
    let is_cost = cost.len() == 2 && cost.bytes().all(|byte| byte.is_ascii_digit());
    Some(Bcrypt {
        cost: cost.parse().ok().filter(|_| is_cost)?,
        salt: BASE_64.decode(salt).ok()?.try_into().ok()?,
        hash: BASE_64.decode(hash).ok()?.try_into().ok()?,
    })
}

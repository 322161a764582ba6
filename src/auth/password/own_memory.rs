//! argon2 in memory that each thread keeps for the next hash.
//!
//! An allocator that is asked for 19 MiB on a boundary of 64 bytes again and again, with other things
//! between, comes to hold many times that: glibc's grew to over 300 MiB in a minute of hashing.

use std::cell::RefCell;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{CustomizedPasswordHasher, Error, PasswordHasher, Result};
use argon2::{Algorithm, Argon2, Block, Params, Version};

/// Blocks of 1 KiB that a thread keeps: what a hash of ours takes. One of another system that takes
/// more has memory of its own.
const MOST_KEPT: usize = 19 * 1024;

thread_local! {
    static MEMORY: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

/// An argon2 of certain parameters. A hash that is verified brings its own.
#[derive(Clone, Debug)]
pub(super) struct OwnMemory(pub(super) Params);

impl PasswordHasher<PasswordHash> for OwnMemory {
    fn hash_password_with_salt(&self, password: &[u8], salt: &[u8]) -> Result<PasswordHash> {
        self.hash_password_customized(password, salt, None, None, self.0.clone())
    }
}

impl CustomizedPasswordHasher<PasswordHash> for OwnMemory {
    type Params = Params;

    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<u32>,
        params: Params,
    ) -> Result<PasswordHash> {
        let algorithm: Algorithm = algorithm
            .map(TryFrom::try_from)
            .transpose()?
            .unwrap_or_default();
        let version: Version = version
            .map(TryFrom::try_from)
            .transpose()?
            .unwrap_or_default();
        let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        let mut buffer = [0; Output::MAX_LENGTH];
        let output = buffer.get_mut(..length).ok_or(Error::OutputSize)?;
        let blocks = params.block_count();
        let argon2 = Argon2::new(algorithm, version, params.clone());
        with_blocks(blocks, |memory| {
            argon2.hash_password_into_with_memory(password, salt, output, memory)
        })?;
        let output = Output::new(output)?;
        Ok(PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: ParamsString::try_from(&params)?,
            salt: Some(Salt::new(salt)?),
            hash: Some(output),
        })
    }
}

/// Lends memory of so many blocks: that of the thread, unless it is more than our own hashes take.
fn with_blocks<T>(blocks: usize, work: impl FnOnce(&mut [Block]) -> T) -> T {
    if blocks > MOST_KEPT {
        return work(&mut vec![Block::new(); blocks]);
    }
    MEMORY.with_borrow_mut(|memory| {
        if memory.len() < blocks {
            memory.resize(blocks, Block::new());
        }
        work(memory)
    })
}

#[cfg(test)]
mod tests {
    use argon2::PasswordVerifier;

    use super::*;

    #[test]
    fn hashes_are_those_of_argon2_itself_whatever_the_memory_held_before() {
        for (memory, passes) in [(64, 1), (32, 3), (128, 2), (64, 1)] {
            let params = Params::new(memory, passes, 1, None).unwrap();
            let own = OwnMemory(params.clone());
            let usual = Argon2::new(Algorithm::default(), Version::default(), params);
            let hash = own
                .hash_password_with_salt(b"password", b"salt of 16 bytes")
                .unwrap();
            let expected = usual.hash_password_with_salt(b"password", b"salt of 16 bytes");
            assert_eq!(hash, expected.unwrap());
            usual.verify_password(b"password", &hash).unwrap();
            own.verify_password(b"password", &hash).unwrap();
            assert!(own.verify_password(b"passwort", &hash).is_err());
        }
    }

    #[test]
    fn memory_for_a_larger_hash_than_ours_is_not_kept() {
        let kept = || MEMORY.with_borrow(Vec::len);
        for (memory, expected) in [(64, 64), (20 * 1024, 64), (128, 128)] {
            let own = OwnMemory(Params::new(memory, 1, 1, None).unwrap());
            let salt = b"salt of 16 bytes";
            own.hash_password_with_salt(b"password", salt).unwrap();
            assert_eq!(kept(), expected);
        }
    }

    #[test]
    fn memory_for_a_hash_of_ours_is_kept() {
        let ours = usize::try_from(super::super::MEMORY_KIB).unwrap();
        with_blocks(ours, |_| {});
        assert_eq!(MEMORY.with_borrow(Vec::len), ours);
    }

    #[test]
    fn a_hash_of_other_parameters_is_verified_by_its_own() {
        let params = Params::new(256, 2, 2, Some(24)).unwrap();
        let other = Argon2::new(Algorithm::Argon2i, Version::V0x10, params);
        let hash = other
            .hash_password_with_salt(b"password", b"salt of 16 bytes")
            .unwrap();
        let own = OwnMemory(Params::default());
        own.verify_password(b"password", &hash).unwrap();
    }
}

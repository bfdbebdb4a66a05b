//! Passwords of affiliates: generated, and kept as Argon2id hashes alone.

use argon2::{Argon2, password_hash::PasswordHasher};
use rand::distr::{Alphanumeric, SampleString as _};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

/// Letters and digits of a generated password: 95 bits.
const GENERATED_LENGTH: usize = 16;
/// Hashing is meant to be slow and takes 19 MiB: no more than these at a time, whoever asks.
static HASHING: Semaphore = Semaphore::const_new(2);

/// A password could not be hashed.
#[derive(Debug, thiserror::Error)]
#[error("a password could not be hashed: {0}")]
pub struct HashError(String);

/// A password for somebody who sent none.
pub fn generate() -> SecretString {
    Alphanumeric
        .sample_string(&mut rand::rng(), GENERATED_LENGTH)
        .into()
}

/// The hash of a password, with a salt of its own, in PHC form.
///
/// # Errors
/// When there is no randomness or no memory.
pub async fn hash(password: SecretString) -> Result<String, HashError> {
    let _permit = HASHING
        .acquire()
        .await
        .map_err(|closed| HashError(closed.to_string()))?;
    let hashing = tokio::task::spawn_blocking(move || {
        let hash = Argon2::default().hash_password(password.expose_secret().as_bytes());
        hash.map(|hash| hash.to_string())
    });
    let hash = hashing.await.map_err(|stopped| HashError(stopped.to_string()))?;
    hash.map_err(|error| HashError(error.to_string()))
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordVerifier as _, password_hash::phc::PasswordHash};

    use super::*;

    #[tokio::test]
    async fn a_hash_is_of_its_password_alone() {
        let password = generate();
        assert_eq!(password.expose_secret().len(), GENERATED_LENGTH);
        let (one, other) = (
            hash(password.clone()).await.unwrap(),
            hash(password.clone()).await.unwrap(),
        );
        assert!(one.starts_with("$argon2id$") && one != other, "{one} {other}");
        let parsed = PasswordHash::new(&one).unwrap();
        let is_of = |text: &str| {
            Argon2::default()
                .verify_password(text.as_bytes(), &parsed)
                .is_ok()
        };
        assert!(is_of(password.expose_secret()) && !is_of("password1234"));
    }
}

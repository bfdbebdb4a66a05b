//! Values of the installation itself.

use secrecy::SecretString;
use sqlx::PgExecutor;

use super::DbError;

/// The secret with which event ids prove themselves.
///
/// # Errors
/// When the database does not answer, or has not been migrated.
pub async fn receipt_secret(executor: impl PgExecutor<'_>) -> Result<SecretString, DbError> {
    let value = sqlx::query_scalar!("SELECT value FROM settings WHERE name = 'receipt_secret'")
        .fetch_one(executor)
        .await
        .map_err(|error| DbError::new("settings.receipt_secret", error))?;
    Ok(SecretString::from(value))
}

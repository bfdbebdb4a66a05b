//! One change of an organisation's catalog by a request: a transaction in which nobody else changes that catalog, with what the
//! audit trail is to say of it and what is answered when the request comes again.
//!
//! A file per resource beside this one has the statements. Money is never changed here: that is `apply`'s.

pub mod affiliate;
pub mod affiliate_groups;
pub mod affiliation;
mod error;
pub mod group_of;
pub mod keys;
pub mod meta_data_of;
pub mod notes;
pub mod parent_of;
pub mod payout_methods;
pub mod pixel_keys;
pub mod program_lists;
pub mod prospects;
mod referral_code;
mod slug;
#[cfg(test)]
mod tests;
pub mod things;

use serde_json::Value;

pub use error::ChangeError;

pub use crate::db::{
    audit::{Actor, Author},
    idempotent_answers::Answer,
};
use crate::{
    db::{
        self, Connection, DbError, Pool, Transaction,
        audit::{self, Note},
        idempotent_answers::{self, KeyUse},
        locks,
    },
    domain::{Idempotency, OrgId},
};

/// What becomes of a request that is to change something.
#[derive(Debug)]
pub enum Begun {
    /// It is new: [`Changeset::finish`] ends it.
    Fresh(Changeset),
    /// It came before under the same `Idempotency-Key`: the first answer again.
    Repeated(Answer),
}

/// A change under way. Dropped, nothing of it holds.
#[derive(Debug)]
pub struct Changeset {
    transaction: Transaction,
    pub author: Author,
    idempotency: Option<Idempotency>,
    notes: Vec<Note>,
}

/// Has the catalog of `org` changed by nobody else until the transaction ends.
///
/// # Errors
/// Contention, when somebody changes it for too long.
pub(super) async fn lock(connection: &mut Connection, org: OrgId) -> Result<(), DbError> {
    locks::lock_keys(connection, &[locks::key("catalog", Some(org), "")]).await
}

/// Begins a change, or finds that it has been made.
///
/// # Errors
/// [`ChangeError::ReusedKey`], or when the database does not answer.
pub async fn begin(
    pool: &Pool,
    author: Author,
    idempotency: Option<Idempotency>,
) -> Result<Begun, ChangeError> {
    let mut transaction = db::begin(pool).await?;
    if let Some(used) = &idempotency {
        // The lock that events with this key take, too. Before the catalog's, which no event takes.
        let key = locks::key("idempotency", Some(author.org), &used.key);
        locks::lock_keys(&mut transaction, &[key]).await?;
    }
    lock(&mut transaction, author.org).await?;
    if let Some(used) = &idempotency {
        match idempotent_answers::find(&mut transaction, author.org, used).await? {
            KeyUse::Unused => {}
            KeyUse::Same(answer) => return Ok(Begun::Repeated(answer)),
            KeyUse::Other => return Err(ChangeError::ReusedKey),
        }
    }
    Ok(Begun::Fresh(Changeset {
        transaction,
        author,
        idempotency,
        notes: Vec::new(),
    }))
}

impl Changeset {
    /// The transaction's connection.
    pub fn connection(&mut self) -> &mut Connection {
        &mut self.transaction
    }

    /// Whose catalog it is.
    pub fn org(&self) -> OrgId {
        self.author.org
    }

    /// Notes for the audit trail what was changed: `action` such as `affiliate.create`, `subject` such as
    /// `affiliate/janejameson`. What is equal before and after is no change and is not noted.
    pub fn note(&mut self, action: &str, subject: &str, before: Option<Value>, after: Option<Value>) {
        if before == after {
            return;
        }
        self.notes.push(Note {
            action: action.to_owned(),
            subject: subject.to_owned(),
            before,
            after,
            event: None,
        });
    }

    /// Makes the change hold, with its audit and the answer that the same request gets when it comes again: `answer` has no
    /// secret in it.
    ///
    /// # Errors
    /// When the database does not answer: then nothing holds.
    pub async fn finish(mut self, answer: &Answer) -> Result<(), ChangeError> {
        let now = self.author.now;
        if let Some(used) = &self.idempotency {
            idempotent_answers::insert(&mut self.transaction, self.author.org, used, answer, now).await?;
        }
        audit::append(&mut self.transaction, &self.author, &self.notes).await?;
        db::commit(self.transaction).await?;
        Ok(())
    }
}

//! Least privilege: a role of the database for each process, and what it may do. `commissary grants` prints it as SQL,
//! `commissary migrate --grants` runs that, `commissary doctor` compares it with what a role has.
//!
//! What must never live here: a password, and a privilege that no statement needs.

mod inspect;
mod privileges;
mod role;
mod statements;
#[cfg(test)]
mod tests;

pub use inspect::{RoleReport, inspect};
pub use role::{DatabaseRole, RoleNames};
pub use statements::{grant, statements};

//! The operations, one table per dialect.

mod affitor;
mod affy;
mod native;
mod operations;
mod pixel;
mod postback;
mod rest;
mod yaplet;

use super::operation::Table;

pub(super) const TABLES: &[Table] = &[
    yaplet::TABLE,
    postback::TABLE,
    rest::TABLE,
    affitor::TABLE,
    affy::TABLE,
    pixel::TABLE,
    native::TABLE,
    operations::TABLE,
];

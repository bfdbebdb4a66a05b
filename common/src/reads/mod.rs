//! What is shown and never decides: lists and rows for REST, receipts, explanations, statements.
//!
//! Nothing here writes, and nothing that decides reads from here.

pub mod affitor;
pub mod affy;
pub mod audit;
pub mod explain;
pub mod receipts;
pub mod rejections;
pub mod rest;
pub mod statement;

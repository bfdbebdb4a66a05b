//! Tapfiliate's dialects: Postback 1.7 here; REST 1.6 shares its errors, keys and headers.

pub mod postback;

use crate::dialect::DialectErrors;

const ERRORS: DialectErrors = DialectErrors::Tapfiliate;

//! Affitor's tracking API: a visitor's click, the lead that names the customer, the sale, its refund.
//!
//! Reading order: `route`, a file per call, `test_mode` and `test_event`, `answer`, `errors` with every text.

mod answer;
mod click;
mod details;
mod errors;
mod lead;
mod refund;
mod route;
mod sale;
mod test_event;
mod test_mode;

pub use route::routes;
pub use test_event::CHAINS_PER_HOUR;

use common::http::DialectErrors;

const ERRORS: DialectErrors = DialectErrors::Affitor;

/// What a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Click,
    Lead,
    Sale,
    Refund,
}

/// Which names the fields have: those of the older paths are taken beside today's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    Current,
    Legacy,
}

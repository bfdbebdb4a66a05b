//! Commissary's own way in: many events in one request, one JSON object a line, the fields those of a postback.
//!
//! Imports of files read their lines with the same code.

mod answer;
mod batch;
mod fields;
mod line;
mod record;
mod spreadsheet;

pub use batch::{MAX_BATCH_BYTES, MAX_LINES};
pub use fields::{FIELDS, MAX_LINE_BYTES, column, is_prose, line_fields, row_fields};
pub use line::parse_line;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Ingest;

pub fn routes() -> OpenApiRouter<Ingest> {
    OpenApiRouter::default().routes(routes!(record::events))
}

//! A program as its own resource shows it (seed: REST 1.6).

use common::reads::rest::programs::ProgramDetails;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

pub(super) const PROGRAM_EXAMPLE: &str = include_str!("../examples/program.json");

#[derive(Serialize, ToSchema)]
#[schema(as = rest::Program)]
pub(super) struct Program<'a> {
    id: &'a str,
    /// ISO 4217
    currency: &'a str,
    title: &'a str,
    /// Days that a click counts.
    cookie_time: i32,
    #[schema(required)]
    default_landing_page_url: Option<&'a str>,
    recurring: bool,
    #[schema(required)]
    recurring_cap: Option<i32>,
    #[schema(required)]
    recurring_period_days: Option<i32>,
    /// As the catalog declares it.
    #[schema(required, value_type = Option<Object>)]
    #[serde(rename = "program_category")]
    category: Option<Value>,
    #[schema(required)]
    currency_symbol: Option<&'a str>,
}

impl<'a> From<&'a ProgramDetails> for Program<'a> {
    fn from(program: &'a ProgramDetails) -> Self {
        let category = program.category.as_deref();
        Self {
            id: &program.slug,
            currency: program.currency.code(),
            title: &program.title,
            cookie_time: program.cookie_time,
            default_landing_page_url: program.landing_page.as_deref(),
            recurring: program.recurring,
            recurring_cap: program.recurring_cap,
            recurring_period_days: program.recurring_period_days,
            category: category.and_then(|category| serde_json::from_str(category).ok()),
            currency_symbol: program.currency_symbol.as_deref(),
        }
    }
}

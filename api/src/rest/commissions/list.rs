//! `GET /1.6/commissions/`

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use common::{
    db::keys::ApiKey,
    domain::ProgramId,
    http::openapi::example,
    reads::rest::commissions::{self, CommissionFilter, CommissionStatus},
    tapfiliate_json::{COMMISSION_EXAMPLE, Commission},
};
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{
    Api, Problem,
    rest::{
        pages::{PageParams, PageRequest},
        params::{Params, flag, text},
    },
};

/// What a list may be restricted to (seed: REST 1.6).
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct Filter {
    #[serde(deserialize_with = "status")]
    #[param(inline, example = "approved")]
    status: Option<CommissionStatus>,
    /// Whether a payment covers it.
    #[serde(deserialize_with = "flag")]
    #[param(example = false)]
    paid: Option<bool>,
    /// The affiliate who earns.
    #[serde(deserialize_with = "text")]
    #[param(example = "janejameson")]
    affiliate_id: Option<String>,
}

fn status<'de, D: Deserializer<'de>>(value: D) -> Result<Option<CommissionStatus>, D::Error> {
    match CommissionStatus::parse(&String::deserialize(value)?) {
        Some(status) => Ok(Some(status)),
        None => Err(D::Error::custom("must be approved, disapproved or pending")),
    }
}

impl Filter {
    /// Within the program that the key is bound to.
    fn within(self, scope: Option<ProgramId>) -> CommissionFilter {
        CommissionFilter {
            scope,
            affiliate: self.affiliate_id,
            status: self.status,
            paid: self.paid,
        }
    }
}

/// List commissions
// Latest first, 25 a page.
#[utoipa::path(
    get,
    path = "/1.6/commissions",
    tag = "rest",
    security(("XApiKey" = [])),
    params(PageParams, Filter),
    responses((
        status = 200,
        body = Vec<Commission<'_>>,
        headers(("Link" = String, description = "The pages `next`, `last`, `first` and `prev`, where there are any.")),
        example = json!([example(COMMISSION_EXAMPLE)])
    ))
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    request: PageRequest,
    Params(filter): Params<Filter>,
) -> Result<Response, Problem> {
    let mut conn = api.connection().await?;
    let filter = filter.within(key.program);
    let page = commissions::list(&mut conn, key.org, &filter, request.number).await?;
    Ok(request.answer(&page, Commission::from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::params::read;

    #[test]
    fn status_and_paid_are_closed_words() {
        let filter = |query: &str| read::<Filter>(&format!("/1.6/commissions/?{query}").parse().unwrap());
        for (word, want) in [
            ("approved", Some(CommissionStatus::Approved)),
            ("disapproved", Some(CommissionStatus::Disapproved)),
            ("pending", Some(CommissionStatus::Pending)),
            ("", None),
        ] {
            assert_eq!(filter(&format!("status={word}")).unwrap().status, want, "{word}");
        }
        for (word, want) in [
            ("1", Some(true)),
            ("0", Some(false)),
            ("False", Some(false)),
            ("", None),
        ] {
            assert_eq!(filter(&format!("paid={word}")).unwrap().paid, want, "{word}");
        }
        let message = |query: &str| filter(query).unwrap_err().message().to_owned();
        assert_eq!(
            message("status=nonsense"),
            "status must be approved, disapproved or pending"
        );
        assert_eq!(message("paid=2"), "paid must be true or false");
    }
}

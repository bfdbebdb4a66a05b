//! `POST /1.6/affiliate-prospects/`

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use common::{
    catalog::change::prospects::{self, NewProspect},
    domain::{
        country::{country_code, country_name},
        prospect::{ProspectAddress, ProspectCompany, ProspectCountry, ProspectProfile},
    },
    http::{
        openapi::example,
        request::{Fields, IdempotencyKey, Invalid, MAX_ID, MAX_NAME, MAX_NOTES},
    },
    reads::rest::prospects::find,
};
use utoipa::ToSchema;

use super::prospect::{PROSPECT_EXAMPLE, Prospect};
use crate::{
    Api, Problem,
    rest::bodies::fields_of,
    write::{Call, Change, begin, finish},
};

#[derive(ToSchema)]
#[schema(as = rest::NewProspect)]
#[expect(dead_code, reason = "describes what `prospect` reads")]
struct ProspectBody {
    firstname: String,
    lastname: String,
    /// No other prospect has it.
    email: Option<String>,
    company: Option<CompanyBody>,
    address: Option<AddressBody>,
    /// The default program where there is none.
    program_id: Option<String>,
    affiliate_group_id: Option<String>,
}

#[derive(ToSchema)]
#[schema(as = rest::NewProspectCompany)]
#[expect(dead_code, reason = "describes what `company` reads")]
struct CompanyBody {
    name: Option<String>,
    description: Option<String>,
}

#[derive(ToSchema)]
#[schema(as = rest::NewProspectAddress)]
#[expect(dead_code, reason = "describes what `address` reads")]
struct AddressBody {
    address: String,
    address_two: Option<String>,
    postal_code: String,
    city: String,
    state: Option<String>,
    country: CountryBody,
}

#[derive(ToSchema)]
#[schema(as = rest::NewProspectCountry)]
#[expect(dead_code, reason = "describes what `country` reads")]
struct CountryBody {
    /// ISO 3166-1
    code: String,
}

/// Create an affiliate prospect
// Its id is made of its names, and a referral code is made for it.
#[utoipa::path(
    post,
    path = "/1.6/affiliate-prospects",
    operation_id = "create_prospect",
    tag = "rest",
    security(("XApiKey" = [])),
    params(IdempotencyKey),
    request_body(content = ProspectBody, example = json!(example(include_str!("../examples/new_prospect.json")))),
    responses((status = 200, body = Prospect<'_>, example = json!(example(PROSPECT_EXAMPLE))))
)]
pub(super) async fn create(State(api): State<Arc<Api>>, call: Call) -> Result<Response, Problem> {
    let new = prospect(&fields_of(&call.received)?)?;
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    let id = prospects::create(&mut change, call.key.program, &new).await?;
    let org = change.org();
    let view = find(change.connection(), org, call.key.program, &id).await?;
    let view = view.ok_or_else(Problem::not_found)?;
    finish(change, StatusCode::OK, Some(&Prospect::from(&view))).await
}

/// # Errors
/// Names the field that is missing or wrong.
fn prospect(fields: &Fields) -> Result<NewProspect, Invalid> {
    let company = given(fields.nested("company")?);
    let address = given(fields.nested("address")?);
    Ok(NewProspect {
        firstname: required(fields, "firstname")?,
        lastname: required(fields, "lastname")?,
        email: fields.email("email")?,
        profile: ProspectProfile {
            company: company.as_ref().map(self::company).transpose()?,
            address: address.as_ref().map(self::address).transpose()?,
        },
        program: fields.text("program_id", MAX_ID)?,
        group: fields.text("affiliate_group_id", MAX_ID)?,
    })
}

/// An object in which something is: forms send empty ones.
fn given(fields: Option<Fields>) -> Option<Fields> {
    fields.filter(|fields| !fields.values().is_empty())
}

fn required(fields: &Fields, name: &str) -> Result<String, Invalid> {
    let text = fields.prose(name, MAX_NAME)?;
    text.ok_or_else(|| fields.required(name))
}

fn company(fields: &Fields) -> Result<ProspectCompany, Invalid> {
    Ok(ProspectCompany {
        name: fields.prose("name", MAX_NAME)?,
        description: fields.prose("description", MAX_NOTES)?,
    })
}

fn address(fields: &Fields) -> Result<ProspectAddress, Invalid> {
    let country = fields
        .nested("country")?
        .ok_or_else(|| fields.required("country"))?;
    Ok(ProspectAddress {
        line: required(fields, "address")?,
        second_line: fields.prose("address_two", MAX_NAME)?,
        postal_code: required(fields, "postal_code")?,
        city: required(fields, "city")?,
        state: fields.prose("state", MAX_NAME)?,
        country: self::country(&country)?,
    })
}

fn country(fields: &Fields) -> Result<ProspectCountry, Invalid> {
    let sent = fields.required_text("code", MAX_ID)?;
    let code = country_code(&sent);
    let (Some(code), Some(name)) = (code, country_name(&sent)) else {
        return Err(fields.wrong("code", "must be a country's code by ISO 3166-1"));
    };
    Ok(ProspectCountry {
        code: code.to_owned(),
        name: name.to_owned(),
    })
}

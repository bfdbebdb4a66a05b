//! `POST /1.6/affiliates/`

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode, response::Response};
use common::{
    catalog::{
        change::affiliate::{self, NewAffiliate},
        password,
    },
    domain::{
        affiliate::{Address, Company, Country, Profile},
        country::country_code,
    },
    http::{
        openapi::example,
        request::{Fields, IdempotencyKey, Invalid, MAX_ID, MAX_NAME, MAX_NOTES},
    },
    reads::rest::affiliates,
    tapfiliate_json::{AFFILIATE_EXAMPLE, AffiliateProfile, CreatedAffiliate},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    Api, Problem,
    auth::needs_whole_organisation,
    rest::bodies::fields_of,
    write::{Call, Change, begin, finish, not_stored},
};

#[derive(ToSchema)]
#[schema(as = rest::NewAffiliate)]
#[expect(dead_code, reason = "describes what `read` reads")]
struct Body {
    firstname: String,
    lastname: String,
    /// No other affiliate's.
    email: Option<String>,
    /// One is generated and answered where none is sent.
    password: Option<String>,
    company: Option<NewCompany>,
    address: Option<NewAddress>,
    /// By the ids of the organisation's custom fields.
    #[schema(value_type = Option<Object>)]
    custom_fields: Option<Value>,
}

#[derive(ToSchema)]
#[schema(as = rest::NewCompany)]
#[expect(dead_code, reason = "describes what `company` reads")]
struct NewCompany {
    name: Option<String>,
    description: Option<String>,
}

#[derive(ToSchema)]
#[schema(as = rest::NewAddress)]
#[expect(dead_code, reason = "describes what `address` reads")]
struct NewAddress {
    address: String,
    address_two: Option<String>,
    postal_code: String,
    city: String,
    state: Option<String>,
    country: NewCountry,
}

#[derive(ToSchema)]
#[schema(as = rest::NewCountry)]
#[expect(dead_code, reason = "describes what `country` reads")]
struct NewCountry {
    /// ISO 3166-1
    code: String,
}

/// Create an affiliate
// Of no program yet. Its id is made of its names. A generated password is answered this once, and never when the request is repeated.
#[utoipa::path(
    post,
    path = "/1.6/affiliates",
    tag = "rest",
    security(("XApiKey" = [])),
    params(IdempotencyKey),
    request_body(content = Body, example = json!(example(include_str!("../examples/new_affiliate.json")))),
    responses((status = 200, body = CreatedAffiliate<'_>, example = json!(created_example())))
)]
pub(super) async fn create(State(api): State<Arc<Api>>, call: Call) -> Result<Response, Problem> {
    needs_whole_organisation(&call.key)?;
    let fields = fields_of(&call.received)?;
    let sent = fields.prose("password", MAX_NAME)?.map(SecretString::from);
    let mut new = read(&fields)?;
    let generated = sent.is_none().then(password::generate);
    if let Some(password) = sent.as_ref().or(generated.as_ref()) {
        // Before the catalog is locked: it takes its time.
        new.password_hash = password::hash(password.clone()).await.map_err(|error| {
            tracing::error!(%error, "an affiliate cannot be created");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
        })?;
    }
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(not_stored(answer)),
    };
    let (org, id) = (change.org(), affiliate::create(&mut change, &new).await?);
    let found = affiliates::find(change.connection(), org, None, &id).await?;
    let found = found.ok_or_else(Problem::not_found)?;
    let shown = CreatedAffiliate {
        affiliate: AffiliateProfile::from(&found),
        password: None,
    };
    let answer = finish(change, StatusCode::OK, Some(&shown)).await?;
    Ok(match &generated {
        None => not_stored(answer),
        Some(password) => {
            let password = Some(password.expose_secret());
            not_stored(Json(CreatedAffiliate { password, ..shown }))
        }
    })
}

/// # Errors
/// Names the field that is missing or wrong.
fn read(fields: &Fields) -> Result<NewAffiliate, Invalid> {
    let custom_fields = fields.object("custom_fields")?;
    Ok(NewAffiliate {
        firstname: fields.required_text("firstname", MAX_NAME)?,
        lastname: fields.required_text("lastname", MAX_NAME)?,
        email: fields.email("email")?,
        password_hash: String::new(),
        profile: Profile {
            company: company(fields)?,
            address: address(fields)?,
            custom_fields: custom_fields.filter(|fields| !fields.is_empty()).map(Into::into),
            ..Profile::default()
        },
    })
}

fn company(fields: &Fields) -> Result<Option<Company>, Invalid> {
    let Some(fields) = fields.nested("company")? else {
        return Ok(None);
    };
    let company = Company {
        name: fields.text("name", MAX_NAME)?,
        description: fields.prose("description", MAX_NOTES)?,
    };
    Ok(Some(company).filter(|company| *company != Company::default()))
}

/// What has no value in it is no address; what has some has all that is required.
fn address(fields: &Fields) -> Result<Option<Address>, Invalid> {
    let Some(fields) = fields.nested("address")? else {
        return Ok(None);
    };
    if fields.values().values().all(is_blank) {
        return Ok(None);
    }
    Ok(Some(Address {
        line: Some(fields.required_text("address", MAX_NAME)?),
        second_line: fields.text("address_two", MAX_NAME)?,
        postal_code: Some(fields.required_text("postal_code", MAX_ID)?),
        city: Some(fields.required_text("city", MAX_NAME)?),
        state: fields.text("state", MAX_NAME)?,
        country: Some(country(&fields)?),
    }))
}

fn country(fields: &Fields) -> Result<Country, Invalid> {
    let fields = fields
        .nested("country")?
        .ok_or_else(|| fields.required("country"))?;
    let code = fields.required_text("code", MAX_ID)?;
    let code = country_code(&code).ok_or_else(|| fields.wrong("code", "must be an ISO 3166-1 code"))?;
    Ok(Country {
        code: code.to_owned(),
        name: None,
    })
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.iter().all(is_blank),
        Value::Object(fields) => fields.values().all(is_blank),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn created_example() -> Value {
    let mut created = example(AFFILIATE_EXAMPLE);
    if let Some(fields) = created.as_object_mut() {
        fields.insert("password".to_owned(), Value::Null);
    }
    created
}

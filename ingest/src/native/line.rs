//! One line: an object with the fields of a postback, and a `type` that says what is asked for.

use chrono::{DateTime, Utc};
use common::domain::{Body, Chargeback, Currency, CustomerAction, CustomerTarget, Refund, UpdateCustomer};
use utoipa::ToSchema;

use super::spreadsheet::refuse_damaged;
use crate::{
    tapfiliate::postback::{create_conversion, create_customer, update_conversion},
    told_time::timestamp,
};
use common::db::keys::Timezone;
use common::http::{
    openapi::{Amount, MetaData, Moment},
    request::{Fields, Invalid},
};

/// One event. Which fields it takes is a matter of its type: those of a postback, and what else is said here.
#[derive(ToSchema)]
#[schema(as = native::Line)]
#[expect(dead_code, reason = "describes what `parse_line` reads")]
pub(super) struct Line {
    r#type: Option<LineType>,
    /// The order's id: of all types but those of customers.
    external_id: Option<String>,
    /// Of a refund: how much is given back; by default all.
    amount: Option<Amount>,
    currency: Option<Currency>,
    coupon: Option<String>,
    referral_code: Option<String>,
    click_id: Option<String>,
    /// Counts together with `source_id`.
    asset_id: Option<String>,
    source_id: Option<String>,
    /// The merchant's own id of the customer.
    customer_id: Option<String>,
    meta_data: Option<MetaData>,
    /// When the conversion or the change was: of two changes of a field the later counts. A refund and a new customer have none.
    timestamp: Option<Moment>,
    status: Option<LineWord>,
    /// Of a refund: tells it from another of the same amount. Without one two equal refunds of an order are one.
    refund_id: Option<String>,
    user_agent: Option<String>,
    ip: Option<String>,
}

#[derive(ToSchema)]
#[schema(as = native::LineType, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what `parse_line` reads")]
enum LineType {
    Conversion,
    Update,
    Refund,
    Chargeback,
    ChargebackReversal,
    Customer,
    CustomerUpdate,
}

/// Of an update, of a customer, and of a customer's update.
#[derive(ToSchema)]
#[schema(as = native::LineWord, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes the words of three types")]
enum LineWord {
    Approved,
    Disapproved,
    New,
    Trial,
    Lead,
    Canceled,
    Active,
}

/// What the fields of one line ask for. Without a `type` they are a conversion. A time without an offset is one of `timezone`.
///
/// # Errors
/// Names the field that is missing or wrong.
pub fn parse_line(fields: &Fields, now: DateTime<Utc>, timezone: Timezone) -> Result<Body, Invalid> {
    let kind = fields.word("type")?;
    refuse_damaged(fields, names(kind.as_deref()))?;
    match kind.as_deref() {
        None | Some("conversion") => conversion(fields, now, timezone),
        Some("update") => update_conversion::parse(fields, now, timezone),
        Some("refund") => {
            fields.ignore_time("a refund counts whenever it was");
            Ok(Body::Refund(Refund {
                external_id: order(fields)?,
                amount: fields.amount_in("amount", fields.currency("currency")?)?,
                refund_id: fields.distinct_id("refund_id")?,
                minor_units: None,
            }))
        }
        Some("chargeback") => chargeback(fields, false, now, timezone),
        Some("chargeback_reversal") => chargeback(fields, true, now, timezone),
        Some("customer") => create_customer::parse(fields),
        Some("customer_update") => customer_update(fields, now, timezone),
        Some(_) => Err(fields.wrong(
            "type",
            "must be conversion, update, refund, chargeback, chargeback_reversal, customer or customer_update",
        )),
    }
}

/// The ids and codes that a type of line has.
fn names(kind: Option<&str>) -> &'static [&'static str] {
    const CONVERSION: [&str; 7] = [
        "external_id",
        "customer_id",
        "coupon",
        "referral_code",
        "click_id",
        "asset_id",
        "source_id",
    ];
    let [_order, customer @ ..] = &CONVERSION;
    match kind {
        None | Some("conversion") => &CONVERSION,
        Some("customer") => customer,
        Some("customer_update") => &["customer_id"],
        Some("refund") => &["external_id", "refund_id"],
        Some(_) => &["external_id"],
    }
}

fn conversion(fields: &Fields, now: DateTime<Utc>, timezone: Timezone) -> Result<Body, Invalid> {
    let mut body = create_conversion::parse(fields)?;
    // Who brings many events at once often brings old ones.
    if let Body::CreateConversion(create) = &mut body {
        create.occurred_at = timestamp(fields, now, timezone)?;
    }
    Ok(body)
}

fn chargeback(
    fields: &Fields,
    reversed: bool,
    now: DateTime<Utc>,
    timezone: Timezone,
) -> Result<Body, Invalid> {
    Ok(Body::Chargeback(Chargeback {
        external_id: order(fields)?,
        reversed,
        occurred_at: timestamp(fields, now, timezone)?,
    }))
}

fn customer_update(fields: &Fields, now: DateTime<Utc>, timezone: Timezone) -> Result<Body, Invalid> {
    let action = match fields.word("status")?.as_deref() {
        None => None,
        Some("canceled") => Some(CustomerAction::Cancel),
        Some("active") => Some(CustomerAction::Resume),
        Some(_) => return Err(fields.wrong("status", "must be canceled or active")),
    };
    Ok(Body::UpdateCustomer(UpdateCustomer {
        customer: CustomerTarget::Id(fields.required_customer_id("customer_id")?),
        customer_id: None,
        meta_data: fields.free_object("meta_data"),
        meta_change: None,
        action,
        occurred_at: timestamp(fields, now, timezone)?,
    }))
}

fn order(fields: &Fields) -> Result<String, Invalid> {
    fields.required_order_id("external_id")
}

#[cfg(test)]
mod tests {
    use common::domain::CustomerLifecycle;

    use super::*;
    use crate::native::{fields::line_fields, row_fields};

    fn read(text: &str) -> Result<Body, String> {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let fields = line_fields(text);
        let body = fields.and_then(|fields| parse_line(&fields, now, Timezone::default()));
        body.map_err(|invalid| invalid.0)
    }

    #[test]
    fn every_type_becomes_its_body() {
        for (text, kind) in [
            (r#"{"external_id":"1","coupon":"C"}"#, "create_conversion"),
            (
                r#"{"type":"conversion","external_id":"1","coupon":"C"}"#,
                "create_conversion",
            ),
            (
                r#"{"type":"update","external_id":"1","amount":2}"#,
                "update_conversion",
            ),
            (r#"{"type":"Refund","external_id":"1"}"#, "refund"),
            (r#"{"type":"chargeback","external_id":"1"}"#, "chargeback"),
            (
                r#"{"type":"chargeback_reversal","external_id":"1"}"#,
                "chargeback",
            ),
            (
                r#"{"type":"customer","customer_id":"c","coupon":"C"}"#,
                "create_customer",
            ),
            (
                r#"{"type":"customer_update","customer_id":"c"}"#,
                "update_customer",
            ),
        ] {
            assert_eq!(read(text).unwrap().kind().name(), kind, "{text}");
        }
    }

    #[test]
    fn details_of_a_type_are_kept() {
        let refund = read(r#"{"type":"refund","external_id":"1","amount":"2.50","refund_id":"r"}"#).unwrap();
        let want = Refund {
            external_id: "1".to_owned(),
            amount: Some("2.5".parse().unwrap()),
            refund_id: Some("r".to_owned()),
            minor_units: None,
        };
        assert_eq!(refund, Body::Refund(want));
        let Body::Chargeback(won) = read(r#"{"type":"chargeback_reversal","external_id":"1"}"#).unwrap()
        else {
            panic!("not a chargeback");
        };
        assert!(won.reversed);
        let Body::CreateCustomer(trial) =
            read(r#"{"type":"customer","customer_id":"c","click_id":"k","status":"trial"}"#).unwrap()
        else {
            panic!("not a customer");
        };
        assert_eq!(
            (trial.lifecycle, trial.attribution.click_id.as_deref()),
            (CustomerLifecycle::Trial, Some("k"))
        );
        let Body::CreateConversion(sale) =
            read(r#"{"external_id":"1","coupon":"C","timestamp":1640995200}"#).unwrap()
        else {
            panic!("not a sale");
        };
        assert_eq!(sale.occurred_at.unwrap().timestamp(), 1_640_995_200);
        let Body::CreateConversion(dated) =
            read(r#"{"external_id":"1","coupon":"C","timestamp":"2022-01-01T01:00:00+01:00"}"#).unwrap()
        else {
            panic!("not a sale");
        };
        assert_eq!(dated.occurred_at.unwrap().timestamp(), 1_640_995_200);
        for (word, action) in [
            ("Canceled", CustomerAction::Cancel),
            ("active", CustomerAction::Resume),
        ] {
            let text = format!(r#"{{"type":"customer_update","customer_id":"c","status":"{word}"}}"#);
            let Body::UpdateCustomer(update) = read(&text).unwrap() else {
                panic!("not an update");
            };
            assert_eq!(update.action, Some(action));
        }
    }

    #[test]
    fn sales_and_changes_have_times_of_their_own() {
        let time = |body: &Body| match body {
            Body::CreateConversion(create) => create.occurred_at,
            Body::UpdateConversion(update) => update.occurred_at,
            Body::Chargeback(chargeback) => chargeback.occurred_at,
            Body::UpdateCustomer(update) => update.occurred_at,
            _ => None,
        };
        for (line, is_taken) in [
            (r#""coupon":"C""#, true),
            (r#""type":"update""#, true),
            (r#""type":"chargeback""#, true),
            (r#""type":"chargeback_reversal""#, true),
            (r#""type":"customer_update","customer_id":"c""#, true),
            (r#""type":"refund""#, false),
            (r#""type":"customer","customer_id":"c","coupon":"C""#, false),
        ] {
            for (sent, is_sent) in [
                ("1640995200", true),
                (r#""2022-01-01T01:00:00+01:00""#, true),
                (r#"" ""#, false),
                ("null", false),
                ("[]", false),
            ] {
                let text = format!(r#"{{"external_id":"1",{line},"timestamp":{sent}}}"#);
                let fields = line_fields(&text).unwrap();
                let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
                let body = parse_line(&fields, now, Timezone::default()).unwrap();
                let want = DateTime::from_timestamp(1_640_995_200, 0).filter(|_| is_taken && is_sent);
                assert_eq!(time(&body), want, "{text}");
                let warned = fields.warnings();
                assert_eq!(
                    warned.len(),
                    usize::from(is_sent && !is_taken),
                    "{text}: {warned:?}"
                );
                assert!(
                    warned
                        .iter()
                        .all(|told| told.starts_with("timestamp is ignored: "))
                );
            }
        }
        for line in [
            r#""type":"update""#,
            r#""type":"customer_update","customer_id":"c""#,
        ] {
            let ahead = format!(r#"{{"external_id":"1",{line},"timestamp":1790172801}}"#);
            assert_eq!(
                read(&ahead).unwrap_err(),
                "timestamp is more than a day in the future"
            );
        }
    }

    #[test]
    fn a_row_is_read_like_a_line() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let row = |cells: &[(&str, &str)]| {
            let fields = row_fields(cells.iter().copied());
            fields
                .and_then(|fields| parse_line(&fields, now, Timezone::default()))
                .map_err(|invalid| invalid.0)
        };
        let cells = [
            ("external_id", "1"),
            ("coupon", "C"),
            ("amount", "1.5"),
            ("customer_id", " "),
            ("meta_data[x]", "y"),
            ("meta_data[z]", "w"),
        ];
        let line = r#"{"external_id":"1","coupon":"C","amount":1.5,"meta_data":{"x":"y","z":"w"}}"#;
        assert_eq!(row(&cells), read(line));
        assert_eq!(
            row(&[("external_id", "1")]).unwrap_err(),
            read(r#"{"external_id":"1"}"#).unwrap_err()
        );
        let twice = row(&[("external_id", "1"), ("coupon", "C"), ("coupon", "D")]).unwrap_err();
        assert_eq!(twice, "coupon is sent twice");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, want) in [
            (r#"{"type":"sale"}"#, "type must be"),
            (r#"{"coupon":"C"}"#, "external_id is required"),
            (r#"{"type":"refund","amount":1}"#, "external_id is required"),
            (
                r#"{"type":"refund","external_id":"1","amount":-1}"#,
                "amount must not be negative",
            ),
            (r#"{"type":"customer","coupon":"C"}"#, "customer_id is required"),
            (r#"{"type":"customer","customer_id":"c"}"#, "one of coupon"),
            (
                r#"{"type":"customer","customer_id":"c","coupon":"C","status":"won"}"#,
                "status must be new",
            ),
            (
                r#"{"type":"customer_update","customer_id":"c","status":"gone"}"#,
                "status must be canceled",
            ),
            (
                r#"{"external_id":"1.23457E+12","coupon":"C"}"#,
                "external_id is 1.23457E+12, a number that a spreadsheet has shortened",
            ),
            (
                r#"{"type":"refund","external_id":"1","refund_id":"1E+12"}"#,
                "refund_id is 1E+12",
            ),
            (
                r#"{"external_id":"1","coupon":"C","timestamp":"11/29/2025"}"#,
                "timestamp must be a date",
            ),
            ("[]", "must be a JSON object"),
            ("x", "must be a JSON object"),
            ("{", "malformed JSON"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(want), "{text}: {error}");
        }
    }
}

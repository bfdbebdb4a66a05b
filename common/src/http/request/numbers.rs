//! Fields that are amounts, currencies and times.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;

use super::{
    Fields, Invalid, MAX_ID, invisible::is_blank, macros::contains_macro, number, timestamp::timestamp,
};
use crate::domain::{
    Currency,
    money::{CurrencyError, unambiguous},
};

impl Fields {
    /// An exact amount from 0 to [`crate::domain::MAX_AMOUNT`], as a number or a text. A parameter without a value is none.
    ///
    /// # Errors
    /// When it is empty, no number, negative, too large, ambiguous, or an unresolved macro.
    pub fn amount(&self, name: &str) -> Result<Option<Decimal>, Invalid> {
        self.amount_in(name, None)
    }

    /// An amount with all of its decimals: see [`number::exact_amount`].
    ///
    /// # Errors
    /// As [`Fields::amount`].
    pub fn exact_amount(&self, name: &str) -> Result<Option<Decimal>, Invalid> {
        let text = self.number_text(name)?;
        text.map(|text| number::exact_amount(&text).map_err(|wrong| self.wrong(name, &wrong)))
            .transpose()
    }

    /// As [`Fields::amount`], in a currency that the request names.
    ///
    /// # Errors
    /// As [`Fields::amount`], and for three digits behind the point where the currency has no decimals: a separator of
    /// thousands. Other fractions are taken there with a warning.
    pub fn amount_in(&self, name: &str, currency: Option<Currency>) -> Result<Option<Decimal>, Invalid> {
        let Some(text) = self.number_text(name)? else {
            return Ok(None);
        };
        let mut amount = number::amount(&text).map_err(|wrong| self.wrong(name, &wrong))?;
        if let Some(currency) = currency {
            amount = unambiguous(amount, currency).map_err(|what| self.wrong(name, &what))?;
            if currency.scale() == 0 && !amount.fract().is_zero() {
                self.warn(name, &format!("has decimals, and {currency} has none"));
            }
        }
        Ok(Some(amount))
    }

    /// Money that leaves: what the currency can express, as it is never rounded.
    ///
    /// # Errors
    /// As [`Fields::amount_in`], when there is none, and for a digit that the currency has not, however small.
    pub fn required_money(&self, name: &str, currency: Currency) -> Result<Decimal, Invalid> {
        let amount = self.required_amount_in(name, Some(currency))?;
        let text = self.number_text(name)?.unwrap_or_default();
        let decimals = number::decimals(&text).map_err(|wrong| self.wrong(name, wrong))?;
        let scale = currency.scale();
        if u32::try_from(decimals).is_ok_and(|decimals| decimals <= scale) {
            return Ok(amount);
        }
        Err(self.wrong(name, &format!("has more decimals than the {scale} of {currency}")))
    }

    /// # Errors
    /// As [`Fields::amount`], and when there is none.
    pub fn required_amount(&self, name: &str) -> Result<Decimal, Invalid> {
        self.required_amount_in(name, None)
    }

    /// # Errors
    /// As [`Fields::amount_in`], and when there is none.
    pub fn required_amount_in(&self, name: &str, currency: Option<Currency>) -> Result<Decimal, Invalid> {
        if matches!(self.value(name)?, Some(Value::String(text)) if is_blank(text)) {
            return Err(self.required(name));
        }
        self.amount_in(name, currency)?.ok_or_else(|| self.required(name))
    }

    /// A number without a fraction, before any rounding.
    ///
    /// # Errors
    /// When it is empty, something else, or an unresolved macro.
    pub fn whole_number(&self, name: &str) -> Result<Option<i64>, Invalid> {
        let text = self.number_text(name)?;
        text.map(|text| number::whole(&text).map_err(|wrong| self.wrong(name, wrong)))
            .transpose()
    }

    /// # Errors
    /// When it is no code of ISO 4217 with a minor unit.
    pub fn currency(&self, name: &str) -> Result<Option<Currency>, Invalid> {
        let code = self.text(name, MAX_ID)?;
        let currency = code.map(|code| code.parse()).transpose();
        currency.map_err(|wrong| match wrong {
            CurrencyError::Unknown(_) => self.wrong(name, "must be an ISO 4217 code"),
            CurrencyError::NoMinorUnit(_) => self.wrong(name, "must be an ISO 4217 code with a minor unit"),
        })
    }

    /// Seconds or milliseconds since 1970, of a time that makes sense at `now`.
    ///
    /// # Errors
    /// When it is no number or no such time.
    pub fn timestamp(&self, name: &str, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Invalid> {
        if self.value(name)?.is_some_and(super::fields::is_nothing) {
            return Ok(None);
        }
        let text = self.number_text(name)?;
        text.map(|text| {
            number::decimal(&text)
                .and_then(|value| timestamp(value, now))
                .map_err(|wrong| self.wrong(name, wrong))
        })
        .transpose()
    }

    /// Says that a `timestamp` was sent where none is taken. `why` says what counts instead.
    pub fn ignore_time(&self, why: &str) {
        const NAME: &str = "timestamp";
        let sent = self.values().get(NAME);
        if sent.is_some_and(|sent| !super::fields::is_nothing(sent)) {
            self.warn(NAME, &format!("is ignored: {why}"));
        }
    }

    fn number_text(&self, name: &str) -> Result<Option<String>, Invalid> {
        let text = match self.value(name)? {
            None => return Ok(None),
            Some(Value::Number(number)) => number.as_str().to_owned(),
            Some(Value::String(text)) if is_blank(text) && self.is_unsaid(name) => return Ok(None),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
                return Err(self.wrong(name, "must be a number"));
            }
        };
        if contains_macro(&text) {
            return Err(self.wrong(name, "is an unresolved macro"));
        }
        Ok(Some(text))
    }
}

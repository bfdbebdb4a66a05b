//! Fields that name something: orders, customers and clicks, codes. What names nobody (a placeholder, an unresolved macro) is an
//! error of an order, which must be told from all others, and of the rest as good as not sent.

use serde_json::Value;

use super::{
    Fields, Invalid, MAX_ID,
    fields::tidied,
    invisible::{first_invisible, is_blank, trimmed},
    macros::contains_macro,
    number::id_of_number,
    placeholder::{is_nobodys_address, is_placeholder},
    separators::glued_name,
};
use crate::domain::spelling::composed;

impl Fields {
    /// The id of an order, a transaction: a text or a number. Null is none. Space around it is a slip of a template or a
    /// spreadsheet, and would make another order of it.
    ///
    /// # Errors
    /// When it is empty, something else, too long, a placeholder, an unresolved macro, or has signs that nobody sees.
    pub fn order_id(&self, name: &str) -> Result<Option<String>, Invalid> {
        let text = match self.value(name)? {
            None => return Ok(None),
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => id_of_number(number.as_str()),
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
                return Err(self.wrong(name, "must be a string"));
            }
        };
        if is_blank(&text) {
            return Err(self.wrong(name, "is empty"));
        }
        if trimmed(&text).len() != text.len() {
            let sign = first_invisible(&text).map_or(0, u32::from);
            let what = format!("begins or ends with a sign that nobody sees (U+{sign:04X})");
            return Err(self.wrong(name, &what));
        }
        self.of_its_own(name, text).map(Some)
    }

    /// # Errors
    /// As [`Fields::order_id`], and when there is none.
    pub fn required_order_id(&self, name: &str) -> Result<String, Invalid> {
        let blank = matches!(self.value(name)?, Some(Value::String(text)) if is_blank(text));
        let id = if blank { None } else { self.order_id(name)? };
        id.ok_or_else(|| self.required(name))
    }

    /// An id that tells one thing from another, and need not be there: that of a refund.
    ///
    /// # Errors
    /// As [`Fields::order_id`], but that nothing is none.
    pub fn distinct_id(&self, name: &str) -> Result<Option<String>, Invalid> {
        let text = self.any_text(name)?.map(tidied);
        text.map(|text| self.of_its_own(name, text)).transpose()
    }

    fn of_its_own(&self, name: &str, text: String) -> Result<String, Invalid> {
        let text = self.visible(name, text, MAX_ID)?;
        if contains_macro(&text) {
            return Err(self.wrong(name, "is an unresolved macro"));
        }
        if is_placeholder(&text) {
            return Err(self.wrong(name, &format!("is a placeholder ({text}) and no id")));
        }
        if let Some(other) = glued_name(&text) {
            return Err(self.wrong(
                name,
                &format!("has what looks like another parameter in it ({other}=)"),
            ));
        }
        Ok(text)
    }

    /// Who or what came: a customer, a click, a session. What names nobody counts as not sent, with a warning.
    ///
    /// # Errors
    /// When it is no text, too long, or has signs within that nobody sees.
    pub fn identity(&self, name: &str) -> Result<Option<String>, Invalid> {
        let Some(text) = self.any_text(name)? else {
            return Ok(None);
        };
        self.identity_of(name, text)
    }

    /// The merchant's own id of a customer, as an identity. One that is an e-mail address is the same in any case.
    ///
    /// # Errors
    /// As [`Fields::identity`].
    pub fn customer_id(&self, name: &str) -> Result<Option<String>, Invalid> {
        Ok(self.identity(name)?.map(folded_customer))
    }

    /// # Errors
    /// As [`Fields::identity`], and when there is none.
    pub fn required_customer_id(&self, name: &str) -> Result<String, Invalid> {
        self.customer_id(name)?.ok_or_else(|| self.required(name))
    }

    /// As [`Fields::identity`], of a text that has been found.
    ///
    /// # Errors
    /// As [`Fields::identity`].
    pub fn identity_of(&self, name: &str, text: String) -> Result<Option<String>, Invalid> {
        let text = tidied(text);
        if is_placeholder(&text) || (text.contains('@') && is_nobodys_address(&text)) {
            self.warn(name, &format!("is a placeholder ({text}) and counts as not sent"));
            return Ok(None);
        }
        self.filled_in(name, text)
    }

    /// A code by which something is found: a coupon, an asset, a commission type. A macro counts as not sent, with a warning.
    ///
    /// # Errors
    /// When it is no text, too long, or has signs within that nobody sees.
    pub fn code(&self, name: &str) -> Result<Option<String>, Invalid> {
        let text = self.any_text(name)?.map(|text| composed(tidied(text)));
        Ok(text.map(|text| self.filled_in(name, text)).transpose()?.flatten())
    }

    /// The code of an affiliate's link, without the slash that ends the link's path.
    ///
    /// # Errors
    /// As [`Fields::code`].
    pub fn referral_code(&self, name: &str) -> Result<Option<String>, Invalid> {
        let text = self.any_text(name)?;
        Ok(text
            .map(|text| self.link_code(name, &text))
            .transpose()?
            .flatten())
    }

    /// As [`Fields::referral_code`], of a text that stood in a link.
    ///
    /// # Errors
    /// As [`Fields::code`].
    pub fn link_code(&self, name: &str, text: &str) -> Result<Option<String>, Invalid> {
        let code = composed(trimmed(text).trim_end_matches('/').to_owned());
        if code.is_empty() {
            Ok(None)
        } else {
            self.filled_in(name, code)
        }
    }

    /// # Errors
    /// As [`Fields::referral_code`], and when there is none.
    pub fn required_referral_code(&self, name: &str) -> Result<String, Invalid> {
        self.referral_code(name)?.ok_or_else(|| self.required(name))
    }

    /// `text`, which stood elsewhere than in a field, as a code may be.
    pub(super) fn tidy_text(&self, name: &str, text: &str) -> Result<String, Invalid> {
        let text = trimmed(text);
        if text.is_empty() {
            return Err(self.required(name));
        }
        self.visible(name, text.to_owned(), MAX_ID)
    }

    fn filled_in(&self, name: &str, text: String) -> Result<Option<String>, Invalid> {
        if contains_macro(&text) {
            self.warn(name, "is an unresolved macro and counts as not sent");
            return Ok(None);
        }
        self.visible(name, text, MAX_ID).map(Some)
    }
}

/// A customer's id as it is recorded and looked for.
pub fn folded_customer(id: String) -> String {
    let sides = id.split_once('@');
    let is_address = sides.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if is_address { id.to_lowercase() } else { id }
}

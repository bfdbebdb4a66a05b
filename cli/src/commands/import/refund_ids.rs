//! Refunds without an id of their own. A mended file brings the lines that were imported before once more, and a partial
//! refund must not count twice, so such a refund is known by its line.

use std::collections::{BTreeMap, HashMap};

use common::domain::Body;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// How often each line has been there: equal lines of one file are refunds of their own.
#[derive(Debug, Default)]
pub(super) struct RefundIds {
    seen: HashMap<Vec<u8>, u32>,
}

impl RefundIds {
    /// Gives a refund without an id one that the same line has in every file: made of `fields`, and of how many equal
    /// lines came before.
    pub(super) fn give(&mut self, body: &mut Body, fields: &Map<String, Value>) {
        let Body::Refund(refund) = body else {
            return;
        };
        if refund.refund_id.is_some() {
            return;
        }
        let hash = Sha256::digest(canonical(fields)).to_vec();
        let name = hex::encode(&hash);
        let count = self.seen.entry(hash).or_default();
        *count += 1;
        refund.refund_id = Some(format!("import:{name}:{count}"));
    }
}

/// The fields by name. In a table everything is text, so numbers count as their text.
fn canonical(fields: &Map<String, Value>) -> String {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), |text| text.trim().to_owned())
    };
    let sorted: BTreeMap<&str, String> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), text(value)))
        .collect();
    json!(sorted).to_string()
}

#[cfg(test)]
mod tests {
    use common::domain::Refund;

    use super::*;

    fn id(ids: &mut RefundIds, fields: &Value, own: Option<&str>) -> String {
        let mut body = Body::Refund(Refund {
            refund_id: own.map(str::to_owned),
            ..Refund::default()
        });
        ids.give(&mut body, fields.as_object().unwrap());
        let Body::Refund(refund) = body else {
            panic!("{body:?}");
        };
        refund.refund_id.unwrap()
    }

    #[test]
    fn a_line_is_the_same_refund_in_every_file() {
        let (mut first, mut mended) = (RefundIds::default(), RefundIds::default());
        let line = json!({"type": "refund", "external_id": "1", "amount": 10});
        let row = json!({"external_id": "1", "amount": "10", "type": "refund"});
        let other = json!({"type": "refund", "external_id": "1", "amount": 11});
        let first_line = id(&mut first, &line, None);
        assert_eq!(id(&mut mended, &other, None), id(&mut first, &other, None));
        assert_eq!(id(&mut mended, &row, None), first_line);
        let second_line = id(&mut first, &line, None);
        assert_ne!(
            first_line, second_line,
            "the second equal line is a second refund"
        );
        assert_eq!(id(&mut mended, &line, None), second_line);
        assert_eq!(id(&mut first, &line, Some("r1")), "r1");
    }
}

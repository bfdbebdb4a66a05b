//! Spellings of one text: composed or not, with signs that nobody sees or without. What looks alike must be one code.

use unicode_normalization::UnicodeNormalization as _;

/// Unicode's control characters, and those of its format characters and fillers that have no shape.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// In Unicode's form C: an é is one sign, whether it came as one or as an e with an accent behind it. Macs send the latter.
pub fn composed(text: String) -> String {
    if text.is_ascii() {
        text
    } else {
        text.nfc().collect()
    }
}

/// Coupons are compared without case, spaces and signs that nobody sees, in any spelling of their letters.
pub fn fold_coupon(coupon: &str) -> String {
    coupon
        .chars()
        .filter(|c| !c.is_whitespace() && !is_invisible(*c))
        .flat_map(char::to_lowercase)
        .nfc()
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_spellings_of_a_coupon_are_one() {
        for coupon in [
            "CAFÉ 10",
            "cafe\u{301}10",
            "Cafe\u{301} 1\u{200b}0",
            "\u{feff}CAFÉ10\u{2060}",
            "CAFE\u{301}1\u{ad}0",
        ] {
            assert_eq!(fold_coupon(coupon), "café10", "{coupon:?}");
        }
        assert_ne!(fold_coupon("CAFE10"), fold_coupon("CAFÉ10"), "an accent is seen");
        assert_eq!(composed("nwj\u{fc}n".into()), composed("nwju\u{308}n".into()));
    }

    proptest! {
        #[test]
        fn what_is_folded_stays_as_it_is(text in any::<String>()) {
            let folded = fold_coupon(&text);
            let decomposed: String = text.nfd().collect();
            prop_assert_eq!(fold_coupon(&decomposed), folded.clone());
            prop_assert_eq!(composed(folded.clone()), folded);
        }
    }
}

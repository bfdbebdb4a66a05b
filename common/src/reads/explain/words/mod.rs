//! An explanation in sentences, for the person who asks. Pure.

mod afterwards;
mod attempt;
mod attribution;
mod commission;
mod decision;
mod in_short;
mod phrases;

use super::explanation::{Chapter, Explanation};
use {
    afterwards::afterwards, attempt::attempt, commission::commission_chapter, decision::decision,
    in_short::in_short,
};

/// In short; then each conversion with its commissions and what came later; then what had no effect.
pub(super) fn story(explanation: &Explanation) -> Vec<Chapter> {
    let mut chapters = vec![Chapter {
        title: format!("Order {:?} of {}, in short", explanation.order, explanation.org),
        lines: in_short(explanation),
    }];
    for sale in &explanation.conversions {
        chapters.push(decision(sale));
        let commissions = sale.commissions.iter();
        chapters.extend(commissions.map(|commission| commission_chapter(commission, sale)));
        chapters.push(afterwards(sale));
    }
    chapters.extend(explanation.attempts.iter().map(attempt));
    chapters.retain(|chapter| !chapter.lines.is_empty());
    chapters
}

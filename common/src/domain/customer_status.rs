//! Where a customer stands, in the words of its track (WIRE: customers and statuses).

use super::Track;

/// The facts that a status follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub track: Track,
    pub canceled: bool,
    pub capped: bool,
    pub has_bought: bool,
}

/// The status: canceled before capped, capped before bought.
pub fn status(standing: Standing) -> &'static str {
    let Standing {
        track,
        canceled,
        capped,
        has_bought,
    } = standing;
    match (track, canceled, capped, has_bought) {
        (Track::New, true, _, _) => "stopped",
        (Track::Trial, true, _, _) => "canceled",
        (Track::Lead, true, _, _) => "lost",
        (_, false, true, _) => "capped",
        (Track::New, false, false, true) => "active",
        (Track::Trial, false, false, true) => "paying",
        (Track::Lead, false, false, true) => "won",
        (Track::New, false, false, false) => "new",
        (Track::Trial, false, false, false) => "trial",
        (Track::Lead, false, false, false) => "lead",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_track_has_its_words() {
        for (track, words) in [
            (Track::New, ["new", "active", "capped", "stopped"]),
            (Track::Trial, ["trial", "paying", "capped", "canceled"]),
            (Track::Lead, ["lead", "won", "capped", "lost"]),
        ] {
            let steps = [
                (false, false, false),
                (false, false, true),
                (false, true, true),
                (true, true, true),
            ];
            let said = steps.map(|(canceled, capped, has_bought)| {
                status(Standing {
                    track,
                    canceled,
                    capped,
                    has_bought,
                })
            });
            assert_eq!(said, words);
        }
    }
}

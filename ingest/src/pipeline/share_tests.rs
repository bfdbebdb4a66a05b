use proptest::prelude::*;

use super::*;

const EXPRESS: TrafficClass = TrafficClass::Express;
const BULK: TrafficClass = TrafficClass::Bulk;

fn group(org: i64) -> Group {
    Group {
        org: Some(OrgId(org)),
        authenticated: true,
    }
}

/// How many of `events` that come one by one go express.
fn express(shares: &mut Shares, group: Group, events: usize, awaited: bool, now: Instant) -> usize {
    let went = (0..events).map(|_| shares.begin(group, 1, awaited, now));
    went.filter(|class| *class == EXPRESS).count()
}

#[test]
fn alone_an_organisation_may_await_everything() {
    let (mut shares, now) = (Shares::default(), Instant::now());
    assert_eq!(express(&mut shares, group(1), 5_000, true, now), 5_000);
    assert_eq!(
        express(&mut shares, group(2), 1, true, now),
        1,
        "a newcomer is within its share"
    );
    assert_eq!(
        express(&mut shares, group(1), 10, true, now),
        0,
        "now it has others"
    );
}

#[test]
fn those_who_have_work_share_what_is_awaited() {
    let (mut shares, now) = (Shares::default(), Instant::now());
    shares.begin(group(1), 1, true, now);
    assert_eq!(express(&mut shares, group(2), 100, true, now), AWAITED / 2);
    shares.end(group(2), Counted::Awaited, true, now);
    assert_eq!(
        express(&mut shares, group(2), 100, true, now),
        1,
        "what is answered makes room"
    );
    for org in 3..1_000 {
        let went = express(&mut shares, group(org), 100, true, now);
        assert!(went >= LEAST_AWAITED, "{org}: {went}");
    }
    let strangers = Group {
        authenticated: false,
        ..group(1)
    };
    assert_eq!(express(&mut shares, strangers, 9, true, now), LEAST_AWAITED);
    assert_eq!(
        express(&mut shares, group(1), 1, true, now),
        1,
        "they take nothing of the key holder's"
    );
}

#[test]
fn who_has_no_work_any_more_leaves_its_part() {
    let (mut shares, now) = (Shares::default(), Instant::now());
    shares.begin(group(1), 1, true, now);
    shares.begin(group(2), 1, true, now);
    shares.end(group(1), Counted::Awaited, true, now);
    let later = now + HAS_WORK + HAS_WORK;
    assert_eq!(express(&mut shares, group(2), 500, true, later), 500);
    assert_eq!(shares.most_loaded(9), [(Some(OrgId(2)), 501)]);
}

#[test]
fn what_nobody_awaits_goes_express_by_the_second_even_alone() {
    let (mut shares, now) = (Shares::default(), Instant::now());
    assert_eq!(express(&mut shares, group(1), 5_000, false, now), 100);
    let later = now + Duration::from_secs(1);
    assert_eq!(express(&mut shares, group(1), 5_000, false, later), 50);
    assert_eq!(
        express(&mut shares, group(2), 1, false, later),
        1,
        "another has its own"
    );
    let of_all: usize = (10..100)
        .map(|org| express(&mut shares, group(org), 100, false, later))
        .sum();
    assert!(of_all <= 400, "{of_all}: and all together");
}

#[test]
fn more_than_a_few_events_of_one_call_are_bulk() {
    let (mut shares, now) = (Shares::default(), Instant::now());
    for awaited in [true, false] {
        assert_eq!(shares.begin(group(1), MOST_LINES, awaited, now), EXPRESS);
        assert_eq!(shares.begin(group(1), MOST_LINES + 1, awaited, now), BULK);
    }
}

#[test]
fn who_hangs_up_makes_no_room_at_once() {
    let (mut shares, now) = (Shares::default(), Instant::now());
    shares.begin(group(1), 1, true, now);
    let share = express(&mut shares, group(2), 100, true, now);
    for _ in 0..share {
        shares.end(group(2), Counted::Awaited, false, now);
    }
    assert_eq!(express(&mut shares, group(2), 100, true, now), 0);
    let later = now + LINGERS;
    assert_eq!(express(&mut shares, group(2), 100, true, later), share);
}

proptest! {
    /// Whatever comes and ends in whatever order: who is not alone has no more in express than its share, and nothing is lost count of.
    #[test]
    fn a_share_is_never_exceeded(steps in proptest::collection::vec((0..4_i64, 1..14_usize, any::<bool>(), any::<bool>(), 0..900_u64), 1..300)) {
        let (mut shares, mut now) = (Shares::default(), Instant::now());
        let mut under_way: Vec<(Group, Counted)> = Vec::new();
        shares.begin(group(99), 1, false, now);
        for (org, events, awaited, ends, millis) in steps {
            now += Duration::from_millis(millis);
            let class = shares.begin(group(org), events, awaited, now);
            let counted = if awaited && class == EXPRESS { Counted::Awaited } else { Counted::Not };
            prop_assert!(class == BULK || events <= MOST_LINES);
            under_way.extend(std::iter::repeat_n((group(org), counted), events));
            let awaited = under_way.iter().filter(|(of, counted)| *of == group(org) && *counted == Counted::Awaited).count();
            prop_assert!(awaited <= AWAITED / 2, "{awaited}: one more has work all the time");
            if ends && let Some((of, counted)) = under_way.pop() {
                shares.end(of, counted, true, now);
            }
        }
        let all: usize = shares.most_loaded(99).iter().map(|(_, under_way)| under_way).sum();
        prop_assert_eq!(all, under_way.len() + 1);
    }
}

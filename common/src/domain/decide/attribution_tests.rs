//! Who earns, by what, and for how long: one example for each rule.

use chrono::TimeDelta;

use super::examples::{
    PROGRAM, conversion, customer, edited, in_dialect, named, of_customer, unauthenticated, with_affiliate,
    with_click, with_customer, with_program,
};
use super::tests::{ORG, catalog_mut, decide_finally, decimal, event, now, sale, statuses, update, world};
use super::*;
use crate::domain::{
    AffiliateId, AttributionFields, ClickId, CreateConversion, CustomerId, Dialect, Identity, ProgramId,
    Reason,
    attribution::{AttributionMethod, methods},
    catalog::{Approval, Program, Recurrence},
    click_name::click_code,
    entities::ScheduleKind,
    trace::Verdict,
};

const ELSEWHERE: ProgramId = ProgramId(2);
/// As the programs of [`world`] say.
const WINDOW: TimeDelta = TimeDelta::days(45);

fn by_click(n: u128, order: &str, click: &str) -> Incoming {
    edited(sale(n, order, "", "100"), |create| {
        create.attribution = AttributionFields {
            click_id: Some(click.into()),
            ..AttributionFields::default()
        };
    })
}

/// Who earned an order, as `affiliate by method`.
fn earner(decided: &Decisions, order: &str) -> String {
    let sold = conversion(decided, order);
    let catalog = &decided.world.catalogs[&ORG];
    let slug = &catalog.affiliate(sold.affiliate).unwrap().slug;
    format!("{slug} by {}", sold.attributed_by)
}

/// One affiliate for each method, who bears the method's name, in a program without lifetime.
fn one_for_each_rank() -> World {
    let mut world = with_program(world(), |program| program.terms.first.recurring = false);
    let affiliations: [(i64, AttributionMethod); 7] = [
        (11, AttributionMethod::Customer),
        (12, AttributionMethod::Coupon),
        (13, AttributionMethod::Click),
        (14, AttributionMethod::ReferralCode),
        (15, AttributionMethod::Source),
        (16, AttributionMethod::Tracking),
        (17, AttributionMethod::Session),
    ];
    for (id, method) in affiliations {
        with_affiliate(
            &mut world,
            PROGRAM,
            id,
            method.name(),
            |affiliation| match method {
                AttributionMethod::Coupon => affiliation.coupon_folded = Some("save10".into()),
                AttributionMethod::ReferralCode => affiliation.referral_code = Some("ref".into()),
                AttributionMethod::Source => {
                    (affiliation.asset_id, affiliation.source_id) =
                        (Some("asset".into()), Some("source".into()));
                }
                _ => {}
            },
        );
    }
    with_customer(&mut world, "c1", 11, |_| {});
    for (id, affiliate) in [(13, 13), (16, 16), (17, 17)] {
        with_click(&mut world, id, affiliate, TimeDelta::days(1));
    }
    world.sessions.insert((ORG, "session".into()), ClickId(17));
    world
}

fn all_evidence() -> CreateConversion {
    let at = now() - TimeDelta::days(1);
    CreateConversion {
        external_id: Some("o1".into()),
        amount: decimal("100"),
        customer: Some(named("c1")),
        attribution: AttributionFields {
            coupon: Some(" Save 10".into()),
            click_id: Some(click_code(ClickId(13), at)),
            tracking_id: Some(click_code(ClickId(16), at)),
            session: Some("session".into()),
            referral_code: Some("ref".into()),
            asset_id: Some("asset".into()),
            source_id: Some("source".into()),
        },
        ..CreateConversion::default()
    }
}

/// Makes what is sent at a method unknown.
fn spoil(create: &mut CreateConversion, method: AttributionMethod) {
    let nobody = || Some("nobody".to_owned());
    match method {
        AttributionMethod::Customer => create.customer = Some(named("nobody")),
        AttributionMethod::Coupon => create.attribution.coupon = nobody(),
        AttributionMethod::Click => create.attribution.click_id = nobody(),
        AttributionMethod::ReferralCode => create.attribution.referral_code = nobody(),
        AttributionMethod::Source => create.attribution.asset_id = nobody(),
        AttributionMethod::Tracking => create.attribution.tracking_id = nobody(),
        AttributionMethod::Session => create.attribution.session = nobody(),
    }
}

#[test]
fn each_dialect_has_its_order_and_what_is_unknown_falls_through() {
    use AttributionMethod::{Click, Coupon, Customer, ReferralCode, Session, Source, Tracking};
    let postback: &[AttributionMethod] = &[Coupon, Click, ReferralCode, Source];
    let table: [(Dialect, &[AttributionMethod], Reason); 7] = [
        (Dialect::Yaplet, &[Coupon], Reason::NotAttributed),
        (Dialect::Postback, postback, Reason::NotAttributed),
        (Dialect::Pixel, postback, Reason::NotAttributed),
        (Dialect::Native, postback, Reason::NotAttributed),
        (
            Dialect::Rest,
            &[Customer, Coupon, ReferralCode, Click, Source, Tracking],
            Reason::NotAttributed,
        ),
        (Dialect::Affitor, &[Customer, Click], Reason::UnknownCustomer),
        (Dialect::Affy, &[Click, Session], Reason::UnknownClick),
    ];
    for (dialect, order, refusal) in table {
        assert_eq!(methods(dialect), order);
        let mut create = all_evidence();
        for &method in order {
            let incoming = in_dialect(
                event(1, Body::CreateConversion(Box::new(create.clone()))),
                dialect,
            );
            let decided = decide(vec![incoming], one_for_each_rank()).unwrap();
            assert_eq!(
                earner(&decided, "o1"),
                format!("{0} by {0}", method.name()),
                "{dialect:?}"
            );
            let candidates = &conversion(&decided, "o1").trace.candidates;
            let (chosen, passed) = candidates.split_last().unwrap();
            assert_eq!(chosen.verdict, Verdict::Chosen);
            assert!(
                passed
                    .iter()
                    .all(|candidate| candidate.verdict == Verdict::Unknown)
            );
            spoil(&mut create, method);
        }
        let incoming = in_dialect(event(1, Body::CreateConversion(Box::new(create))), dialect);
        let decided = decide_finally(vec![incoming], one_for_each_rank());
        assert_eq!(statuses(&decided), [refusal.code()], "{dialect:?}");
    }
}

#[test]
fn who_is_not_approved_is_passed_over_and_named_where_nobody_else_is_found() {
    let mut world = world();
    for (id, slug, approved) in [(8, "pending", None), (9, "refused", Some(false))] {
        with_affiliate(&mut world, PROGRAM, id, slug, |affiliation| {
            affiliation.coupon_folded = Some(slug.into());
            affiliation.approved = approved;
        });
    }
    for coupon in ["pending", "refused"] {
        let decided = decide(vec![sale(1, "o1", coupon, "100")], world.clone()).unwrap();
        assert_eq!(statuses(&decided), ["partner_not_approved"]);
        let other = edited(sale(2, "o2", coupon, "100"), |create| {
            create.attribution.referral_code = Some("second".into());
        });
        let decided = decide(vec![other], world.clone()).unwrap();
        assert_eq!(earner(&decided, "o2"), "second by referral_code");
    }
}

#[test]
fn a_key_of_one_program_sees_no_other() {
    let mut world = world();
    let catalog = catalog_mut(&mut world);
    let program = Program {
        id: ELSEWHERE,
        is_default: false,
        ..catalog.program(PROGRAM).unwrap().clone()
    };
    catalog.add_program(program);
    with_customer(&mut world, "c1", 1, |_| {});
    let scoped = |dialect, scope| {
        let mut incoming = of_customer(in_dialect(sale(1, "o1", "first", "100"), dialect), "c1");
        incoming.event.program_scope = Some(scope);
        statuses(&decide(vec![incoming], world.clone()).unwrap()).join("")
    };
    assert_eq!(scoped(Dialect::Rest, PROGRAM), "applied");
    assert_eq!(scoped(Dialect::Rest, ELSEWHERE), "unknown_partner");
    assert_eq!(scoped(Dialect::Affitor, PROGRAM), "applied");
    assert_eq!(scoped(Dialect::Affitor, ELSEWHERE), "customer_elsewhere");
}

#[test]
fn a_click_counts_for_the_days_of_the_program_and_not_a_millisecond_longer() {
    let over = WINDOW + TimeDelta::milliseconds(1);
    // dialect, age, lifetime, any age, by the customer's own click; what becomes of it
    let table = [
        (Dialect::Rest, WINDOW, false, false, false, "applied"),
        (Dialect::Rest, over, false, false, false, "window_expired"),
        (Dialect::Rest, over, true, false, false, "window_expired"),
        (Dialect::Rest, over, false, true, false, "applied"),
        (Dialect::Rest, over, false, false, true, "applied"),
        (Dialect::Affitor, WINDOW, false, false, true, "applied"),
        (Dialect::Affitor, over, false, false, true, "window_expired"),
        (Dialect::Affitor, over, true, false, true, "applied"),
        (Dialect::Affy, WINDOW, false, false, false, "applied"),
        (Dialect::Affy, over, false, false, false, "window_expired"),
    ];
    for row in table {
        let (dialect, age, lifetime, any_age, of_customer, outcome) = row;
        let mut world = with_program(world(), |program| program.terms.first.recurring = lifetime);
        let click = with_click(&mut world, 50, 2, age);
        with_customer(&mut world, "c1", 2, |customer| {
            customer.own.click = Some(ClickId(50));
        });
        let incoming = edited(by_click(1, "o1", &click), |create| {
            create.override_max_cookie_time = any_age;
            if of_customer {
                create.attribution.click_id = None;
                create.customer = Some(named("c1"));
            }
        });
        let decided = decide(vec![in_dialect(incoming, dialect)], world).unwrap();
        assert_eq!(statuses(&decided), [outcome], "{row:?}");
    }
}

#[test]
fn a_click_too_old_falls_through_and_the_refusal_tells_its_age() {
    let mut world = world();
    let click = with_click(&mut world, 50, 1, WINDOW + TimeDelta::days(30));
    let other = edited(by_click(1, "o1", &click), |create| {
        create.attribution.referral_code = Some("second".into());
    });
    let decided = decide(vec![other, by_click(2, "o2", &click)], world).unwrap();
    assert_eq!(earner(&decided, "o1"), "second by referral_code");
    let Outcome::Refused(refusal) = &decided.decisions[1].outcome else {
        panic!("{decided:?}")
    };
    let candidate = &refusal.trace.as_ref().unwrap().candidates[0];
    assert_eq!(candidate.verdict, Verdict::Expired);
    assert_eq!(
        (candidate.click_age_days, candidate.window_days),
        (Some(75), Some(45))
    );
}

#[test]
fn a_click_over_an_hour_after_the_sale_does_not_count_in_any_dialect() {
    let hour = TimeDelta::hours(1);
    let over = hour + TimeDelta::milliseconds(1);
    // dialect, how long after the sale the click was, any age, by the customer's own click; what becomes of it
    let table = [
        (Dialect::Postback, hour, false, false, "applied"),
        (Dialect::Postback, over, false, false, "window_expired"),
        (Dialect::Native, over, false, false, "window_expired"),
        (Dialect::Rest, over, true, false, "window_expired"),
        (Dialect::Affitor, hour, false, true, "applied"),
        (Dialect::Affitor, over, false, true, "window_expired"),
        (Dialect::Affy, over, false, false, "window_expired"),
        // Who brought the customer does not hang on a click.
        (Dialect::Rest, over, false, true, "applied"),
    ];
    for row in table {
        let (dialect, after, any_age, of_customer, outcome) = row;
        let mut world = with_program(world(), |program| program.terms.first.recurring = false);
        let click = with_click(&mut world, 50, 2, TimeDelta::zero());
        with_customer(&mut world, "c1", 2, |customer| {
            customer.own.click = Some(ClickId(50));
        });
        let incoming = edited(by_click(1, "o1", &click), |create| {
            create.occurred_at = Some(now() - after);
            create.override_max_cookie_time = any_age;
            if of_customer {
                create.attribution.click_id = None;
                create.customer = Some(named("c1"));
            }
        });
        let decided = decide(vec![in_dialect(incoming, dialect)], world).unwrap();
        assert_eq!(statuses(&decided), [outcome], "{row:?}");
    }
}

#[test]
fn a_click_after_the_sale_falls_through_unless_the_visitor_was_there_before() {
    let early = |n, order, click: &str| {
        edited(by_click(n, order, click), |create| {
            create.occurred_at = Some(now() - TimeDelta::hours(2));
        })
    };
    let mut world = world();
    let late = with_click(&mut world, 50, 1, TimeDelta::zero());
    let again = with_click(&mut world, 51, 1, TimeDelta::days(3));
    world.clicks.get_mut(&ClickId(51)).unwrap().clicked_at = now();
    let other = edited(early(1, "o1", &late), |create| {
        create.attribution.referral_code = Some("second".into());
    });
    let same = edited(early(2, "o2", &late), |create| {
        create.attribution.referral_code = Some("first".into());
    });
    let events = vec![other, same, early(3, "o3", &late), early(4, "o4", &again)];
    let decided = decide(events, world).unwrap();
    assert_eq!(earner(&decided, "o1"), "second by referral_code");
    assert_eq!(conversion(&decided, "o2").click, None, "it brought nobody");
    assert_eq!(earner(&decided, "o4"), "first by click_id");
    let Outcome::Refused(refusal) = &decided.decisions[2].outcome else {
        panic!("{decided:?}")
    };
    assert_eq!(
        refusal.trace.as_ref().unwrap().candidates[0].verdict,
        Verdict::AfterSale
    );
    assert_eq!(
        refusal.detail,
        "the click found by click_id came more than an hour after the sale"
    );
}

#[test]
fn a_time_that_is_told_counts_only_of_an_authenticated_sale() {
    let told = now() - TimeDelta::days(10);
    let mut world = world();
    let click = with_click(&mut world, 50, 1, WINDOW + TimeDelta::days(5));
    let old = |n, order| {
        edited(by_click(n, order, &click), |create| {
            create.occurred_at = Some(told);
        })
    };
    let decided = decide(vec![old(1, "o1"), unauthenticated(old(2, "o2"))], world).unwrap();
    assert_eq!(statuses(&decided), ["applied", "window_expired"]);
    assert_eq!(conversion(&decided, "o1").created_at, told);
}

#[test]
fn the_first_affiliate_keeps_the_customer_only_with_lifetime_approval_and_trust() {
    // lifetime, first affiliate approved, binding authenticated, sale authenticated; who earns
    let table = [
        (true, true, true, true, "second by customer_id"),
        (true, true, true, false, "second by customer_id"),
        (true, true, false, false, "second by customer_id"),
        (true, true, false, true, "first by coupon"),
        (true, false, true, true, "first by coupon"),
        (false, true, true, true, "first by coupon"),
    ];
    for row in table {
        let (lifetime, approved, bound, authenticated, who) = row;
        let mut world = with_program(world(), |program| program.terms.first.recurring = lifetime);
        with_affiliate(&mut world, PROGRAM, 2, "second", |affiliation| {
            affiliation.approved = Some(approved);
        });
        with_customer(&mut world, "c1", 2, |customer| customer.own.authenticated = bound);
        let mut incoming = of_customer(sale(1, "o1", "first", "100"), "c1");
        incoming.event.authenticated = authenticated;
        let decided = decide(vec![incoming], world).unwrap();
        assert_eq!(earner(&decided, "o1"), who, "{row:?}");
        let kept_by = conversion(&decided, "o1").trace.kept_by.as_deref();
        assert_eq!(kept_by, who.starts_with("second").then_some("second"), "{row:?}");
        let customer = &decided.world.customers[&(ORG, Identity::Id("c1".into()))];
        let rebound = authenticated && !bound;
        assert_eq!(customer.own.affiliate.0, if rebound { 1 } else { 2 }, "{row:?}");
        assert_eq!(customer.own.authenticated, bound || rebound);
    }
}

#[test]
fn an_unauthenticated_binding_yields_to_what_an_authenticated_sale_sends_and_counts_where_it_sends_nothing_else()
 {
    let mut world = with_program(world(), |program| {
        program.terms.first.approval = Approval::Immediate;
    });
    with_customer(&mut world, "c1", 2, |customer| customer.own.authenticated = false);
    let rest = |n, order, coupon| of_customer(in_dialect(sale(n, order, coupon, "100"), Dialect::Rest), "c1");
    let decided = decide(vec![rest(1, "o1", "nobody")], world.clone()).unwrap();
    assert_eq!(earner(&decided, "o1"), "second by customer_id");
    assert_eq!(
        conversion(&decided, "o1").commissions[0].approved,
        None,
        "the binding is unauthenticated"
    );
    let decided = decide(vec![rest(1, "o1", "first")], world).unwrap();
    assert_eq!(earner(&decided, "o1"), "first by coupon");
    assert_eq!(conversion(&decided, "o1").commissions[0].approved, Some(true));
}

#[test]
fn commissions_start_as_the_program_says_if_all_is_authenticated() {
    let held = now() + TimeDelta::days(15);
    // approval, sale authenticated; approved, when by itself
    let table = [
        (Approval::Manual, true, None, None),
        (Approval::Immediate, true, Some(true), None),
        (Approval::Immediate, false, None, None),
        (Approval::Hold(15), true, None, Some(held)),
        (Approval::Hold(15), false, None, None),
    ];
    for (approval, authenticated, approved, finalised_at) in table {
        let world = with_program(world(), |program| program.terms.first.approval = approval);
        let mut incoming = sale(1, "o1", "second", "100");
        incoming.event.authenticated = authenticated;
        let decided = decide(vec![incoming], world).unwrap();
        let sold = conversion(&decided, "o1");
        assert_eq!(
            (sold.commissions[0].approved, sold.commissions[0].finalised_at),
            (approved, finalised_at)
        );
        let holds: Vec<_> = decided
            .effects
            .schedules
            .iter()
            .map(|schedule| (schedule.what, schedule.subject, schedule.period, schedule.due_at))
            .collect();
        let want: Vec<_> = finalised_at
            .map(|due| (ScheduleKind::Hold, sold.id.0, 0, due))
            .into_iter()
            .collect();
        assert_eq!(holds, want, "{approval:?}");
    }
}

#[test]
fn a_commission_comes_again_only_for_a_customer() {
    let world = with_program(world(), |program| {
        program.types[0].recurrence = Recurrence::Monthly;
    });
    let events = vec![
        sale(1, "o1", "second", "100"),
        of_customer(sale(2, "o2", "second", "100"), "c1"),
    ];
    let decided = decide(events, world).unwrap();
    let [schedule] = decided.effects.schedules.as_slice() else {
        panic!("{:?}", decided.effects.schedules)
    };
    let sold = conversion(&decided, "o2");
    assert_eq!(
        (schedule.conversion, schedule.subject),
        (sold.id, sold.commissions[0].id.0)
    );
    assert_eq!((schedule.what, schedule.period), (ScheduleKind::Recurrence, 1));
}

#[test]
fn a_deleted_customer_is_nobody_and_the_id_is_free() {
    let mut world = world();
    with_customer(&mut world, "c1", 2, |customer| {
        customer.identity = Identity::Deleted(customer.id);
        customer.deleted_at = Some(now());
        customer.own.first_sale_at = Some(now());
    });
    let old = CustomerId(900);
    let decided = decide(vec![of_customer(sale(1, "o1", "first", "100"), "c1")], world).unwrap();
    assert_eq!(earner(&decided, "o1"), "first by coupon");
    let new = customer(&decided, "c1");
    assert_ne!(new.id, old);
    assert_eq!(new.own.affiliate, AffiliateId(1));
    assert!(decided.world.customer(ORG, old).unwrap().deleted_at.is_some());
}

#[test]
fn a_renewal_is_the_first_affiliates_though_its_click_has_aged() {
    // dialect, lifetime, binding authenticated, sale authenticated; who earns
    let table = [
        (Dialect::Postback, true, true, true, "second by customer_id"),
        (Dialect::Native, true, true, true, "second by customer_id"),
        (Dialect::Postback, false, true, true, "window_expired"),
        (Dialect::Postback, true, false, true, "window_expired"),
        (Dialect::Pixel, true, true, false, "second by customer_id"),
        // seed: Yaplet: the code in the path is the only one.
        (Dialect::Yaplet, true, true, true, "unknown_partner"),
    ];
    for row in table {
        let (dialect, lifetime, bound, authenticated, want) = row;
        let mut world = with_program(world(), |program| program.terms.first.recurring = lifetime);
        let click = with_click(&mut world, 50, 2, WINDOW + TimeDelta::days(30));
        with_customer(&mut world, "c1", 2, |customer| customer.own.authenticated = bound);
        let mut renewal = in_dialect(of_customer(by_click(1, "o1", &click), "c1"), dialect);
        renewal.event.authenticated = authenticated;
        let decided = decide(vec![renewal], world).unwrap();
        let is_applied = statuses(&decided) == ["applied"];
        let got = if is_applied {
            earner(&decided, "o1")
        } else {
            statuses(&decided)[0].to_owned()
        };
        assert_eq!(got, want, "{row:?}");
    }
}

#[test]
fn a_click_sent_beside_a_code_of_its_affiliate_is_kept_for_reports() {
    for (affiliate, kept) in [(1, Some(ClickId(50))), (2, None)] {
        let mut world = world();
        let click = with_click(&mut world, 50, affiliate, WINDOW + TimeDelta::days(30));
        let incoming = edited(sale(1, "o1", "first", "100"), |create| {
            create.attribution.click_id = Some(click.clone());
        });
        let decided = decide(vec![in_dialect(incoming, Dialect::Rest)], world).unwrap();
        assert_eq!(earner(&decided, "o1"), "first by coupon");
        assert_eq!(
            conversion(&decided, "o1").click,
            kept,
            "it changes nothing for who earns"
        );
    }
}

#[test]
fn who_may_not_see_an_order_learns_only_that_its_id_is_taken() {
    for (scope, shown) in [(None, true), (Some(PROGRAM), true), (Some(ELSEWHERE), false)] {
        let mut again = sale(2, "o1", "second", "7");
        again.event.program_scope = scope;
        let decided = decide(vec![sale(1, "o1", "first", "100"), again], world()).unwrap();
        assert_eq!(statuses(&decided), ["applied", "duplicate_order"]);
        let Outcome::Refused(refusal) = &decided.decisions[1].outcome else {
            panic!("{decided:?}")
        };
        assert_eq!(refusal.first.is_some(), shown, "{scope:?}");
    }
}

#[test]
fn an_order_that_the_key_does_not_see_is_not_waited_for() {
    let mut late = update(2, "o1", Some("5"), None);
    late.event.program_scope = Some(ELSEWHERE);
    let decided = decide(vec![sale(1, "o1", "first", "100"), late], world()).unwrap();
    assert_eq!(statuses(&decided), ["applied", "unknown_order"]);
}

#[test]
fn a_refusal_names_what_was_sent() {
    let refused = |sale: Incoming| {
        let decided = decide_finally(vec![sale], world());
        let Outcome::Refused(refusal) = &decided.decisions[0].outcome else {
            panic!("{decided:?}")
        };
        refusal.detail.clone()
    };
    let by = |coupon: &str, customer: Option<&str>| {
        edited(sale(1, "o1", "", "100"), |create| {
            create.attribution.coupon = Some(coupon.to_owned()).filter(|coupon| !coupon.is_empty());
            create.customer = customer.map(named);
        })
    };
    for (dialect, sale, want) in [
        (Dialect::Rest, by("", Some("c-9")), "customer_id \"c-9\""),
        (
            Dialect::Rest,
            by("NOPE", Some("c-9")),
            "customer_id \"c-9\", coupon \"NOPE\"",
        ),
        (Dialect::Postback, by("NOPE", Some("c-9")), "coupon \"NOPE\""),
        (Dialect::Postback, by("", Some("c-9")), "customer_id \"c-9\""),
        (Dialect::Postback, by("", None), "what was sent: it names nobody"),
    ] {
        let detail = refused(in_dialect(sale, dialect));
        assert_eq!(detail, format!("no affiliate is known by {want}"));
    }
}

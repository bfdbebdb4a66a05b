//! What falls due by itself, on a real database: each thing happens once, however many workers look.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, helpers included"
)]

use chrono::{DateTime, TimeDelta, Utc};
use common::{
    db::{self, events},
    domain::{
        AttributionFields, Body, CancelPayment, Chargeback, CommissionId, CreateConversion, CustomerAction,
        CustomerRef, CustomerTarget, Dialect, EditCommission, Event, Identity, Incoming, Pay, PaymentId,
        PaymentOrder, Refund, UpdateCustomer,
    },
    message::EventIds,
    runtime::Clock,
    testing::{TestDatabase, database},
};
use rust_decimal::Decimal;
use worker::{
    BatchApplier,
    maintenance::{TURN_BONUSES, TURN_SCHEDULES, close_months, queue_due, recount_bonuses},
};

/// More than a test makes due at once.
const ALL: i64 = 1000;

struct World {
    database: TestDatabase,
    clock: Clock,
    ids: EventIds,
}

impl World {
    async fn new() -> Self {
        Self {
            database: database().await,
            clock: Clock::default(),
            ids: EventIds::new(&"test".into()).unwrap(),
        }
    }

    fn event(&self, body: Body) -> Incoming {
        let event = Event {
            id: self.ids.issue(self.database.org, self.clock.now()),
            org: Some(self.database.org),
            dialect: Dialect::Postback,
            received_at: self.clock.now(),
            authenticated: true,
            program_scope: None,
            idempotency: None,
            wait_until: None,
            request_id: None,
            trace: None,
            warnings: Vec::new(),
            body,
        };
        Incoming { event, queued: false }
    }

    async fn apply(&self, events: &[Incoming]) -> Vec<String> {
        let applier = BatchApplier::new(self.database.pool.clone(), self.clock.clone());
        let decisions = applier.run(events).await.unwrap();
        let said = decisions.iter().map(|decision| {
            decision
                .outcome
                .reason()
                .unwrap_or(decision.outcome.status().name())
                .to_owned()
        });
        said.collect()
    }

    async fn sell(&self, order: &str, coupon: &str) {
        let create = CreateConversion {
            external_id: Some(order.to_owned()),
            attribution: AttributionFields {
                coupon: Some(coupon.to_owned()),
                ..Default::default()
            },
            amount: Decimal::from(100),
            customer: Some(CustomerRef {
                identity: Identity::Id(order.to_owned()),
                external_id: Some(order.to_owned()),
                email: None,
                name: None,
                meta_data: serde_json::Map::new().into(),
            }),
            ..Default::default()
        };
        let event = self.event(Body::CreateConversion(Box::new(create)));
        assert_eq!(self.apply(&[event]).await, ["applied"]);
    }

    async fn queued(&self) -> Vec<Incoming> {
        let mut transaction = db::begin(&self.database.pool).await.unwrap();
        let due = events::due(&mut transaction, self.clock.now(), ALL)
            .await
            .unwrap();
        db::rollback(transaction).await.unwrap();
        due.events
            .into_iter()
            .map(|event| Incoming { event, queued: true })
            .collect()
    }

    /// What one worker does in a turn.
    async fn turn(&self) -> Vec<String> {
        queue_due(&self.database.pool, &self.ids, self.clock.now())
            .await
            .unwrap();
        self.apply(&self.queued().await).await
    }

    /// What one worker does for bonuses whose month has changed.
    async fn recount(&self) -> Vec<String> {
        recount_bonuses(&self.database.pool, &self.ids, self.clock.now())
            .await
            .unwrap();
        self.apply(&self.queued().await).await
    }

    /// Something happens, and is all right in the books before the bonuses are calculated again and after.
    async fn happens(&self, body: Body) {
        assert_eq!(self.apply(&[self.event(body)]).await, ["applied"]);
        self.database.prove().await;
        assert_eq!(self.recount().await, ["applied"]);
        self.database.prove().await;
    }

    /// The one bonus in cents.
    async fn bonus(&self) -> i64 {
        self.database
            .count("SELECT (amount * 100)::bigint FROM commissions WHERE kind = 'bonus'")
            .await
    }

    fn wait(&self, days: i64) {
        self.clock.shift(TimeDelta::days(days));
    }

    fn wait_until(&self, moment: DateTime<Utc>) {
        self.clock.shift(moment - self.clock.now());
    }
}

const APPROVED: &str = "SELECT count(*) FROM commissions WHERE approved";
const RECURRING: &str = "SELECT count(*) FROM commissions WHERE kind = 'recurring'";
const SCHEDULES: &str = "SELECT count(*) FROM schedules";

#[tokio::test]
async fn a_hold_ends_once_though_two_workers_look_at_once() {
    let world = World::new().await;
    world
        .database
        .run("UPDATE programs SET approval = 'hold', hold_days = 14")
        .await;
    world.sell("o1", "PETER10").await;
    assert_eq!(world.database.count(SCHEDULES).await, 1);
    world.wait(13);
    assert_eq!(world.turn().await, [""; 0], "not yet");
    world.wait(2);
    let (pool, now) = (&world.database.pool, world.clock.now());
    let (one, other) = tokio::join!(queue_due(pool, &world.ids, now), queue_due(pool, &world.ids, now));
    assert!(!one.unwrap() && !other.unwrap());
    let queued = world.queued().await;
    assert_eq!(queued.len(), 1);
    let both = tokio::join!(world.apply(&queued), world.apply(&queued));
    assert_eq!(both, (vec!["applied".to_owned()], vec!["applied".to_owned()]));
    assert_eq!(world.database.count(APPROVED).await, 1);
    assert_eq!(world.database.count("SELECT count(*) FROM transfers").await, 2);
    assert_eq!(world.database.count(SCHEDULES).await, 0);
    world.database.prove().await;
}

#[tokio::test]
async fn a_commission_comes_again_once_a_month_until_the_customer_is_cancelled() {
    let world = World::new().await;
    world
        .database
        .run("UPDATE commission_types SET recurrence = 'monthly' WHERE identifier = 'standard'")
        .await;
    world.sell("o1", "PETER10").await;
    assert_eq!(world.turn().await, [""; 0]);
    for month in 1..=3 {
        world.wait(31);
        assert_eq!(world.turn().await, ["applied"]);
        assert_eq!(world.turn().await, [""; 0], "only once");
        assert_eq!(world.database.count(RECURRING).await, month);
    }
    let cancel = world.event(Body::UpdateCustomer(UpdateCustomer {
        customer: CustomerTarget::Id("o1".to_owned()),
        customer_id: None,
        meta_data: None,
        meta_change: None,
        action: Some(CustomerAction::Cancel),
        occurred_at: None,
    }));
    assert_eq!(world.apply(&[cancel]).await, ["applied"]);
    world.wait(31);
    assert_eq!(world.turn().await, ["recurrence_ended"]);
    world.wait(62);
    assert_eq!(world.turn().await, [""; 0], "nothing comes after it");
    assert_eq!(world.database.count(RECURRING).await, 3);
    world.database.prove().await;
}

#[tokio::test]
async fn what_was_missed_in_an_outage_comes_period_by_period() {
    let world = World::new().await;
    world
        .database
        .run("UPDATE commission_types SET recurrence = 'weekly' WHERE identifier = 'standard'")
        .await;
    world.sell("o1", "PETER10").await;
    world.wait(22);
    for _ in 0..3 {
        assert_eq!(world.turn().await, ["applied"]);
    }
    assert_eq!(world.turn().await, [""; 0]);
    assert_eq!(world.database.count(RECURRING).await, 3);
}

#[tokio::test]
async fn a_turn_takes_so_many_schedules_and_says_that_there_are_more() {
    let world = World::new().await;
    world
        .database
        .run(
            "INSERT INTO schedules (org_id, what, subject, period, conversion_id, due_at)
             SELECT 1, 'hold', n, 0, n, '2026-01-01' FROM generate_series(1, 201) n",
        )
        .await;
    assert_eq!(TURN_SCHEDULES, 200);
    let (pool, now) = (&world.database.pool, world.clock.now());
    assert!(queue_due(pool, &world.ids, now).await.unwrap());
    assert_eq!(world.database.count(SCHEDULES).await, 1);
    assert!(!queue_due(pool, &world.ids, now).await.unwrap());
    assert_eq!(world.queued().await.len(), 201);
}

#[tokio::test]
async fn a_month_is_evaluated_once_and_its_bonus_is_given_once() {
    let world = World::new().await;
    world
        .database
        .run("UPDATE program_bonuses SET definition = definition || '{\"target\": 2}'")
        .await;
    world.wait_until("2027-03-10T00:00:00Z".parse().unwrap());
    for (order, coupon) in [("o1", "PETER10"), ("o2", "PETER10"), ("o3", "JANE10OFF")] {
        world.sell(order, coupon).await;
    }
    let (pool, ids) = (&world.database.pool, &world.ids);
    world.wait_until("2027-04-01T23:59:00Z".parse().unwrap());
    assert_eq!(
        close_months(pool, ids, world.clock.now()).await.unwrap(),
        0,
        "late sales may come"
    );
    world.wait_until("2027-04-02T00:01:00Z".parse().unwrap());
    let now = world.clock.now();
    let (one, other) = tokio::join!(close_months(pool, ids, now), close_months(pool, ids, now));
    assert_eq!(one.unwrap() + other.unwrap(), 1, "peter reached it, once");
    assert_eq!(close_months(pool, ids, now).await.unwrap(), 0);
    let queued = world.queued().await;
    assert_eq!(world.apply(&queued).await, ["applied"]);
    assert_eq!(world.apply(&queued).await, ["applied"], "known");
    let bonuses =
        "SELECT count(*) FROM commissions WHERE kind = 'bonus' AND conversion_id IS NULL AND amount = 10";
    assert_eq!(world.database.count(bonuses).await, 1);
    assert_eq!(world.database.count("SELECT count(*) FROM bonus_awards").await, 1);
    // The same month once more, as if the record of its evaluation were lost: the award still stands.
    world.database.run("DELETE FROM bonus_months").await;
    assert_eq!(close_months(pool, ids, now).await.unwrap(), 1);
    assert_eq!(world.apply(&world.queued().await).await, ["applied"]);
    assert_eq!(world.database.count(bonuses).await, 1);
    // That of an earlier version, which did not keep what it gave.
    world
        .database
        .run("DELETE FROM bonus_months; UPDATE bonus_awards SET definition = NULL, commission_ids = NULL")
        .await;
    assert_eq!(close_months(pool, ids, now).await.unwrap(), 1);
    assert_eq!(world.apply(&world.queued().await).await, ["target_missed"]);
    world.database.prove().await;
}

#[tokio::test]
async fn a_bonus_follows_its_month_until_it_is_paid() {
    let world = World::new().await;
    let (pool, ids) = (&world.database.pool, &world.ids);
    let definition = "UPDATE program_bonuses SET definition = definition || '{\"target\": 2}'";
    world.database.run(definition).await;
    world.wait_until("2027-03-10T00:00:00Z".parse().unwrap());
    for order in ["o1", "o2"] {
        world.sell(order, "PETER10").await;
    }
    world.wait_until("2027-04-02T00:01:00Z".parse().unwrap());
    assert_eq!(close_months(pool, ids, world.clock.now()).await.unwrap(), 1);
    assert_eq!(world.apply(&world.queued().await).await, ["applied"]);
    assert_eq!(world.bonus().await, 1_000, "5 % of 200");
    assert_eq!(
        world.recount().await,
        ["applied"],
        "the month may have changed while it was given"
    );
    assert_eq!(world.recount().await, [""; 0]);

    // Sales of a month that goes on are no matter of bonuses.
    world.sell("april", "PETER10").await;
    assert_eq!(world.recount().await, [""; 0]);
    // The bonus is another one now: what was given goes by what held then.
    world
        .database
        .run("UPDATE program_bonuses SET definition = definition || '{\"target\": 9, \"value\": \"50\"}'")
        .await;
    let refund = |amount: Option<i64>| {
        Body::Refund(Refund {
            external_id: "o2".to_owned(),
            amount: amount.map(Decimal::from),
            minor_units: None,
            refund_id: None,
        })
    };
    let chargeback = |reversed| {
        Body::Chargeback(Chargeback {
            external_id: "o1".to_owned(),
            reversed,
            occurred_at: None,
        })
    };
    world.happens(refund(Some(40))).await;
    assert_eq!(world.bonus().await, 800, "5 % of 160");
    world.happens(chargeback(false)).await;
    assert_eq!(world.bonus().await, 0, "one sale is no target of two");
    world.happens(chargeback(true)).await;
    assert_eq!(world.bonus().await, 800);

    let number = world
        .database
        .count("SELECT commission_id FROM commissions WHERE kind = 'bonus'")
        .await;
    let approve = Body::EditCommission(EditCommission {
        approved: Some(true),
        ..EditCommission::of(CommissionId(number))
    });
    assert_eq!(world.apply(&[world.event(approve)]).await, ["applied"]);
    let pay = Body::Pay(Pay {
        payments: vec![PaymentOrder {
            affiliate: "peterpeterson".to_owned(),
            amount: Decimal::from(8),
            currency: "USD".parse().unwrap(),
        }],
    });
    assert_eq!(world.apply(&[world.event(pay)]).await, ["applied"]);
    world.happens(refund(None)).await;
    assert_eq!(world.bonus().await, 800, "what is paid is paid");
    world
        .happens(Body::CancelPayment(CancelPayment {
            payment: PaymentId(1),
        }))
        .await;
    assert_eq!(world.bonus().await, 0, "it is not paid after all");
}

#[tokio::test]
async fn a_refund_before_a_bonus_and_one_after_it_end_alike() {
    let mut ends = Vec::new();
    for is_early in [true, false] {
        let world = World::new().await;
        let (pool, ids) = (&world.database.pool, &world.ids);
        let definition = "UPDATE program_bonuses SET definition = definition || '{\"target\": 1}'";
        world.database.run(definition).await;
        world.wait_until("2027-03-10T00:00:00Z".parse().unwrap());
        for order in ["o1", "o2"] {
            world.sell(order, "PETER10").await;
        }
        let refund = || {
            Body::Refund(Refund {
                external_id: "o2".to_owned(),
                amount: Some("33.33".parse().unwrap()),
                minor_units: None,
                refund_id: None,
            })
        };
        world.wait_until("2027-04-02T00:01:00Z".parse().unwrap());
        if is_early {
            assert_eq!(world.apply(&[world.event(refund())]).await, ["applied"]);
            assert_eq!(world.recount().await, [""; 0], "nothing was given");
        }
        assert_eq!(close_months(pool, ids, world.clock.now()).await.unwrap(), 1);
        assert_eq!(world.apply(&world.queued().await).await, ["applied"]);
        if !is_early {
            world.happens(refund()).await;
        }
        assert_eq!(world.recount().await.len(), usize::from(is_early));
        world.database.prove().await;
        ends.push(world.bonus().await);
    }
    assert_eq!(ends, [833, 833], "5 % of 166.67");
}

#[tokio::test]
async fn a_turn_takes_so_many_bonuses_and_two_workers_take_each_once() {
    let world = World::new().await;
    world
        .database
        .run(
            "INSERT INTO bonus_recounts (org_id, program_id, bonus_id, affiliate_id, month)
             SELECT 1, 1, 'sales-bonus', n, '2027-03-01' FROM generate_series(1, 201) n",
        )
        .await;
    assert_eq!(TURN_BONUSES, 200);
    let (pool, now) = (&world.database.pool, world.clock.now());
    let (one, other) = tokio::join!(
        recount_bonuses(pool, &world.ids, now),
        recount_bonuses(pool, &world.ids, now)
    );
    assert!(one.unwrap() || other.unwrap());
    while recount_bonuses(pool, &world.ids, now).await.unwrap() {}
    assert_eq!(world.queued().await.len(), 201);
}

#[tokio::test]
async fn a_bonus_counts_months_that_end_after_it_was_declared() {
    let world = World::new().await;
    let (pool, ids) = (&world.database.pool, &world.ids);
    let declared = "SELECT count(*) FROM program_bonuses WHERE declared_at <= now() AND declared_at > now() - interval '1 hour'";
    assert_eq!(world.database.count(declared).await, 1);
    let late =
        "UPDATE program_bonuses SET definition = definition || '{\"target\": 1}', declared_at = '2027-04-01'";
    world.database.run(late).await;
    world.wait_until("2027-03-10T00:00:00Z".parse().unwrap());
    world.sell("o1", "PETER10").await;
    world.wait_until("2027-04-10T00:00:00Z".parse().unwrap());
    assert_eq!(
        close_months(pool, ids, world.clock.now()).await.unwrap(),
        0,
        "March had ended"
    );
    world.sell("o2", "PETER10").await;
    world.wait_until("2027-05-10T00:00:00Z".parse().unwrap());
    assert_eq!(close_months(pool, ids, world.clock.now()).await.unwrap(), 1);
    assert_eq!(world.apply(&world.queued().await).await, ["applied"]);
    assert_eq!(world.bonus().await, 500);
}

/// Of what was sold in a month only that counts which brings its seller money, with what is left of it.
#[tokio::test]
async fn a_bonus_is_for_sales_that_earn() {
    let world = World::new().await;
    let (pool, ids) = (&world.database.pool, &world.ids);
    let definition = "UPDATE program_bonuses SET definition = definition || '{\"target\": 2}'";
    world.database.run(definition).await;
    world.wait_until("2027-03-10T00:00:00Z".parse().unwrap());
    for order in [
        "good",
        "part",
        "disapproved",
        "refunded",
        "charged back",
        "unsigned",
        "deleted",
    ] {
        world.sell(order, "PETER10").await;
    }
    // As if the orders had been changed, told without a secret, or deleted.
    for change in [
        "UPDATE conversions SET refunded = 40 WHERE external_id = 'part'",
        "UPDATE commissions SET approved = false, pending = 0 WHERE conversion_id = (SELECT conversion_id FROM conversions WHERE external_id = 'disapproved')",
        "UPDATE conversions SET fully_refunded = true WHERE external_id = 'refunded'",
        "UPDATE conversions SET charged_back = true WHERE external_id = 'charged back'",
        "UPDATE conversions SET trusted = false WHERE external_id = 'unsigned'",
        "UPDATE conversions SET deleted_at = created_at WHERE external_id = 'deleted'",
    ] {
        world.database.run(change).await;
    }
    world.wait_until("2027-04-02T00:01:00Z".parse().unwrap());
    assert_eq!(close_months(pool, ids, world.clock.now()).await.unwrap(), 1);
    assert_eq!(world.apply(&world.queued().await).await, ["applied"]);
    let bonus = "SELECT (amount * 100)::bigint FROM commissions WHERE kind = 'bonus'";
    assert_eq!(
        world.database.count(bonus).await,
        800,
        "5 % of 100 and of the 60 that are left"
    );
}

#[tokio::test]
async fn months_in_which_a_bonus_was_off_are_over() {
    let world = World::new().await;
    let (pool, ids) = (&world.database.pool, &world.ids);
    let off = r#"UPDATE program_bonuses SET definition = definition || '{"target": 1, "active": false}'"#;
    let on = r#"UPDATE program_bonuses SET definition = definition || '{"active": true}'"#;
    world.database.run(off).await;
    world.wait_until("2027-03-10T00:00:00Z".parse().unwrap());
    world.sell("o1", "PETER10").await;
    world.wait_until("2027-04-10T00:00:00Z".parse().unwrap());
    assert_eq!(close_months(pool, ids, world.clock.now()).await.unwrap(), 0);
    world.database.run(on).await;
    assert_eq!(
        close_months(pool, ids, world.clock.now()).await.unwrap(),
        0,
        "March is over"
    );
    world.sell("o2", "PETER10").await;
    world.wait_until("2027-05-10T00:00:00Z".parse().unwrap());
    assert_eq!(close_months(pool, ids, world.clock.now()).await.unwrap(), 1);
}

#[tokio::test]
async fn months_since_the_last_evaluated_one_are_made_up_for_but_no_more_than_a_year() {
    let world = World::new().await;
    let (pool, ids) = (&world.database.pool, &world.ids);
    let months = "SELECT count(*) FROM bonus_months";
    world.wait_until("2027-03-10T00:00:00Z".parse().unwrap());
    close_months(pool, ids, world.clock.now()).await.unwrap();
    assert_eq!(
        world.database.count(months).await,
        1,
        "of a new bonus only the last month"
    );
    world.wait_until("2027-06-10T00:00:00Z".parse().unwrap());
    close_months(pool, ids, world.clock.now()).await.unwrap();
    assert_eq!(world.database.count(months).await, 4);
    world.wait_until("2030-06-10T00:00:00Z".parse().unwrap());
    close_months(pool, ids, world.clock.now()).await.unwrap();
    assert_eq!(world.database.count(months).await, 16);
}

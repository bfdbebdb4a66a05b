//! Events of one order or one customer that reach different workers at the same time.

use commissary_tests::{Queue, World, envelope};
use common::domain::{AttributionFields, Body, CreateConversion, CustomerRef, Identity, MetaData, Refund};

on_both_queues!(a_sale_and_its_early_refund, a_customers_first_two_orders);

const ORDERS: usize = 40;

fn sale(order: &str, coupon: &str, customer: Option<&str>) -> Body {
    Body::CreateConversion(Box::new(CreateConversion {
        external_id: Some(order.to_owned()),
        attribution: AttributionFields {
            coupon: Some(coupon.to_owned()),
            ..AttributionFields::default()
        },
        amount: "100".parse().unwrap(),
        customer: customer.map(|id| CustomerRef {
            identity: Identity::Id(id.to_owned()),
            external_id: Some(id.to_owned()),
            email: None,
            name: None,
            meta_data: MetaData::new(),
        }),
        ..CreateConversion::default()
    }))
}

/// Publishes two lists of events at the same time, an envelope for each.
async fn publish_both(world: &World, one: Vec<Body>, other: Vec<Body>) {
    let mut lists = Vec::new();
    for bodies in [one, other] {
        let events = world.events(bodies).await;
        lists.push(
            events
                .into_iter()
                .map(|event| envelope(&[event]))
                .collect::<Vec<_>>(),
        );
    }
    let (mut first, mut second) = (world.publisher().await, world.publisher().await);
    tokio::join!(first.publish(&lists[0]), second.publish(&lists[1]));
    world.drained(0).await;
}

async fn a_sale_and_its_early_refund(queue: Queue) {
    let world = World::of(queue).workers(2).start().await;
    let refund = |order: String| {
        Body::Refund(Refund {
            external_id: order,
            amount: None,
            minor_units: None,
            refund_id: None,
        })
    };
    let orders = || (0..ORDERS).map(|number| format!("order-{number}"));
    let sell = |order: String| {
        sale(
            &order,
            if order.ends_with('7') {
                "JANE10OFF"
            } else {
                "PARTNER_CODE"
            },
            None,
        )
    };
    // Every other sale is published after its refund.
    let one = orders().enumerate().map(|(number, order)| {
        if number % 2 == 0 {
            sell(order)
        } else {
            refund(order)
        }
    });
    let other = orders().enumerate().map(|(number, order)| {
        if number % 2 == 0 {
            refund(order)
        } else {
            sell(order)
        }
    });
    publish_both(&world, one.collect(), other.collect()).await;

    world
        .until(&format!(
            "(SELECT count(*) FROM events WHERE status = 'applied') = {}",
            2 * ORDERS
        ))
        .await;
    let refunded = world
        .count("SELECT count(*) FROM conversions WHERE fully_refunded")
        .await;
    assert_eq!(refunded, 40);
    for positions in [
        "SELECT count(*) FROM commissions WHERE pending <> 0 OR payable <> 0 OR amount <> 0",
        "SELECT count(*) FROM balances WHERE pending <> 0 OR payable <> 0 OR paid <> 0",
    ] {
        assert_eq!(world.count(positions).await, 0, "{positions}");
    }
    world.finish().await;
}

async fn a_customers_first_two_orders(queue: Queue) {
    let world = World::of(queue).workers(2).start().await;
    let orders = |coupon: &'static str| {
        (0..ORDERS).map(move |number| {
            sale(
                &format!("{coupon}-{number}"),
                coupon,
                Some(&format!("customer-{number}")),
            )
        })
    };
    publish_both(
        &world,
        orders("JANE10OFF").collect(),
        orders("PETER10").rev().collect(),
    )
    .await;

    world
        .until(&format!("(SELECT count(*) FROM conversions) = {}", 2 * ORDERS))
        .await;
    assert_eq!(world.count("SELECT count(*) FROM customers").await, 40);
    let split = "SELECT count(*) FROM (SELECT 1 FROM conversions GROUP BY customer_id
                 HAVING count(*) <> 2 OR count(DISTINCT affiliate_id) <> 1) x";
    assert_eq!(world.count(split).await, 0, "a customer belongs to one affiliate");
    world.finish().await;
}

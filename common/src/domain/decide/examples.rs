//! What the examples are built from: clicks, customers and affiliates in a world, and variations of events.

use chrono::TimeDelta;

use super::tests::{ORG, catalog_mut, now};
use super::*;
use crate::domain::{
    AffiliateId, ClickId, CreateConversion, CustomerId, CustomerLifecycle, CustomerRef, Dialect, Identity,
    ProgramId,
    catalog::{Affiliate, Affiliation, OwnRate, Program},
    click_name::click_code,
    entities::{Change, Click, Conversion, Customer, Standing},
    versions::Versions,
};

pub(super) const PROGRAM: ProgramId = ProgramId(1);
pub(super) const SECOND: ProgramId = ProgramId(2);

pub(super) fn with_program(mut world: World, edit: impl FnOnce(&mut Program)) -> World {
    let catalog = catalog_mut(&mut world);
    let mut program = catalog.program(PROGRAM).unwrap().clone();
    edit(&mut program);
    catalog.add_program(program);
    world
}

/// With a second program like the first, in which the codes of the same two end in `-2`.
pub(super) fn with_second(mut world: World, edit: impl FnOnce(&mut Program)) -> World {
    let catalog = catalog_mut(&mut world);
    let mut program = Program {
        id: SECOND,
        slug: "second-program".into(),
        is_default: false,
        ..catalog.program(PROGRAM).unwrap().clone()
    };
    edit(&mut program);
    catalog.add_program(program);
    for (id, coupon) in [(1, "first-2"), (2, "second-2")] {
        let affiliation = Affiliation {
            program: SECOND,
            coupon_folded: Some(coupon.into()),
            referral_code: Some(coupon.into()),
            ..catalog.affiliation(PROGRAM, AffiliateId(id)).unwrap().clone()
        };
        catalog.add_affiliation(affiliation);
    }
    world
}

pub(super) fn with_affiliate(
    world: &mut World,
    program: ProgramId,
    id: i64,
    slug: &str,
    edit: impl FnOnce(&mut Affiliation),
) {
    let mut affiliation = Affiliation {
        program,
        affiliate: AffiliateId(id),
        approved: Some(true),
        coupon_folded: None,
        referral_code: None,
        asset_id: None,
        source_id: None,
        rates: Versions::always(OwnRate::default()),
    };
    edit(&mut affiliation);
    let catalog = catalog_mut(world);
    catalog.add_affiliate(Affiliate {
        id: AffiliateId(id),
        slug: slug.into(),
        firstname: slug.into(),
        lastname: String::new(),
        parent: None,
        groups: Versions::always(None),
        is_deleted: false,
    });
    catalog.add_affiliation(affiliation);
}

/// A click that was recorded `age` ago, and its name.
pub(super) fn with_click(world: &mut World, id: i64, affiliate: i64, age: TimeDelta) -> String {
    with_click_in(world, PROGRAM, id, affiliate, age)
}

pub(super) fn with_click_in(
    world: &mut World,
    program: ProgramId,
    id: i64,
    affiliate: i64,
    age: TimeDelta,
) -> String {
    let at = now() - age;
    world.add_click(Click {
        change: Change::None,
        org: ORG,
        id: ClickId(id),
        name: None,
        program,
        affiliate: AffiliateId(affiliate),
        referral_code: "code".into(),
        customer: None,
        customer_authenticated: false,
        event: EventId(uuid::Uuid::nil()),
        dialect: Dialect::Rest,
        authenticated: true,
        referrer: None,
        landing_page: None,
        meta_data: serde_json::Map::new().into(),
        details: serde_json::Map::new().into(),
        created_at: at,
        clicked_at: at,
    });
    click_code(ClickId(id), at)
}

pub(super) fn with_customer(world: &mut World, name: &str, affiliate: i64, edit: impl FnOnce(&mut Customer)) {
    let mut customer = Customer {
        change: Change::None,
        org: ORG,
        id: CustomerId(900 + i64::try_from(world.customers.len()).unwrap()),
        identity: Identity::Id(name.into()),
        external_id: Some(name.into()),
        email: None,
        name: None,
        own: Standing {
            program: PROGRAM,
            affiliate: AffiliateId(affiliate),
            click: None,
            authenticated: true,
            counted_towards_cap: 0,
            first_sale_at: None,
            capped: false,
        },
        elsewhere: Vec::new(),
        event: None,
        status: "new".into(),
        lifecycle: CustomerLifecycle::New,
        canceled: false,
        canceled_by: None,
        meta_by: None,
        meta_data: serde_json::Map::new().into(),
        details: serde_json::Map::new().into(),
        created_at: now(),
        deleted_at: None,
    };
    edit(&mut customer);
    world.add_customer(customer);
}

pub(super) fn named(name: &str) -> CustomerRef {
    CustomerRef {
        identity: Identity::Id(name.into()),
        external_id: Some(name.into()),
        email: None,
        name: None,
        meta_data: serde_json::Map::new().into(),
    }
}

pub(super) fn edited(mut incoming: Incoming, edit: impl FnOnce(&mut CreateConversion)) -> Incoming {
    let Body::CreateConversion(create) = &mut incoming.event.body else {
        panic!("a sale")
    };
    edit(create);
    incoming
}

pub(super) fn of_customer(incoming: Incoming, name: &str) -> Incoming {
    edited(incoming, |create| create.customer = Some(named(name)))
}

pub(super) fn in_dialect(mut incoming: Incoming, dialect: Dialect) -> Incoming {
    incoming.event.dialect = dialect;
    incoming
}

pub(super) fn unauthenticated(mut incoming: Incoming) -> Incoming {
    incoming.event.authenticated = false;
    incoming
}

pub(super) fn conversion<'a>(decided: &'a Decisions, order: &str) -> &'a Conversion {
    decided.world.conversion_of(ORG, order).unwrap()
}

pub(super) fn customer<'a>(decided: &'a Decisions, name: &str) -> &'a Customer {
    &decided.world.customers[&(ORG, Identity::Id(name.into()))]
}

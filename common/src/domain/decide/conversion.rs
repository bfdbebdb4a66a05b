//! A sale becomes a conversion with its commissions, or is refused with a reason.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::{
    Context, Effects, Stop,
    approval::{InitialApproval, hold},
    calendar::first_repetition,
    change::post_change,
    commission::new_commission,
    customer_of_sale::{customer_of_sale, upsert_customer},
    customer_record::change_customer,
    limits::{cap, is_capped_by},
    supersede::{inherit, supersede},
    view,
};
use crate::domain::{
    Applied, CreateConversion, CustomerId, Event, First, MAX_AMOUNT, Outcome, Reason, Refusal, World,
    attribution::{Attribution, AttributionMethod, AttributionQuery, attribute, methods},
    catalog::Program,
    commission::{Line, lines},
    entities::{Change, Conversion},
    trace::{Candidate, Trace, Verdict},
    world::{IdPool, PoolExhausted},
};

pub(super) fn create_conversion(
    context: &Context<'_>,
    create: &CreateConversion,
    world: &mut World,
    effects: &mut Effects,
) -> Result<Applied, Stop> {
    let Context { event, catalog, .. } = *context;
    refuse_duplicate(context, create, world)?;
    refuse_too_large(create)?;
    let at = time_of_sale(event, create);
    let known = customer_of_sale(context, create, world);
    let query = AttributionQuery {
        org: context.org,
        dialect: event.dialect,
        methods: methods(event.dialect),
        sent: &create.attribution,
        scope: event.program_scope,
        customer: known,
        customer_name: create.customer_name(),
        at,
        any_age: create.override_max_cookie_time,
        authenticated: event.authenticated,
    };
    let known = known.map(|customer| customer.id);
    let (found, mut trace) = attribute(&query, world, catalog)?;
    let currency = create.currency.unwrap_or(found.program.currency);
    let mut lines = lines(create, found.affiliation, found.program, catalog, at, currency)?;

    // Before the limits are looked at: the unauthenticated sale of the same order counts towards them no more.
    let superseded = supersede(context, create, world, effects);
    let customer = known.and_then(|known| world.customer(context.org, known));
    let standing = customer.and_then(|customer| customer.in_program(found.program.id));
    trace.cap = cap(standing, found.program, at);
    let is_capped = trace.cap.as_ref().is_some_and(|cap| cap.reached);
    // An unauthenticated sale does not count towards the cap: it would take commissions from authenticated ones.
    let counts = event.authenticated && !is_capped && lines.iter().any(|line| line.counts_towards_cap);
    let mut warnings = event.warnings.clone();
    if is_capped {
        lines.clear();
        warnings.push("the customer has reached the program's limit: no commission".to_owned());
    }
    trace.unauthenticated_binding = event.authenticated && !found.authenticated;
    trace.rules = lines.iter().map(|line| line.rule.clone()).collect();

    let customer = upsert_customer(context, create, &found, known, world)?;
    // The days of the limits begin with an authenticated sale, and only such a one makes somebody a buyer.
    if let Some(customer) = customer.filter(|_| event.authenticated) {
        count_sale(context, customer, found.program, at, counts, world);
    }
    let mut conversion = new_conversion(context, create, &found, trace, &mut world.ids)?;
    conversion.customer = customer;
    conversion.currency = currency;
    conversion.counts_towards_cap = i32::from(counts && customer.is_some());
    conversion.warnings = warnings;
    let approval = InitialApproval::new(found.program, found.authenticated, at);
    add_commissions(context, &mut conversion, lines, approval, &mut world.ids, effects)?;
    if let Some(superseded) = superseded {
        inherit(context, &mut conversion, &superseded, &mut world.ids, effects)?;
    }
    let view = post_change(context, &mut conversion, world, effects)?;
    world.add_conversion(conversion);
    Ok(Applied::Conversion(Box::new(view)))
}

/// The order's id is taken, unless by an unauthenticated conversion and this sale is authenticated.
fn refuse_duplicate(context: &Context<'_>, create: &CreateConversion, world: &World) -> Result<(), Refusal> {
    let event = context.event;
    let Some(order) = create.external_id.as_deref() else {
        return Ok(());
    };
    let Some(conversion) = world.conversion_of(context.org, order) else {
        return Ok(());
    };
    if event.authenticated && !conversion.authenticated {
        return Ok(());
    }
    // Who may not see it learns only that the id is taken.
    let first = event.sees(conversion.program).then(|| {
        let view = view::conversion(conversion, world, context.catalog);
        let outcome = view.map(|view| Outcome::Applied(Applied::Conversion(Box::new(view))));
        Box::new(First {
            coupon: coupon_of(conversion),
            ..First::new(conversion.event, outcome)
        })
    });
    Err(Refusal {
        first,
        ..duplicate_order(order)
    })
}

/// The coupon that was sent, where that led to the affiliate.
fn coupon_of(conversion: &Conversion) -> Option<String> {
    let by_coupon = |candidate: &&Candidate| {
        candidate.verdict == Verdict::Chosen && candidate.method == AttributionMethod::Coupon.name()
    };
    let chosen = conversion.trace.candidates.iter().find(by_coupon);
    chosen.map(|candidate| candidate.sent.clone())
}

pub(super) fn duplicate_order(order: &str) -> Refusal {
    let detail = format!("a conversion with external_id {order:?} already exists");
    Refusal::new(Reason::DuplicateOrder, detail)
}

fn refuse_too_large(create: &CreateConversion) -> Result<(), Refusal> {
    if create.amount > MAX_AMOUNT {
        let detail = format!("amount {} is above {MAX_AMOUNT}", create.amount);
        return Err(Refusal::new(Reason::AmountOutOfRange, detail));
    }
    Ok(())
}

/// Without its commissions.
fn new_conversion(
    context: &Context<'_>,
    create: &CreateConversion,
    found: &Attribution<'_>,
    trace: Trace,
    ids: &mut IdPool,
) -> Result<Conversion, PoolExhausted> {
    let event = context.event;
    Ok(Conversion {
        change: Change::Insert,
        org: context.org,
        id: ids.conversion()?,
        external_id: create.external_id.clone(),
        program: found.program.id,
        affiliate: found.affiliation.affiliate,
        customer: None,
        event: event.id,
        dialect: event.dialect,
        authenticated: event.authenticated,
        attributed_by: found.method.name().to_owned(),
        click: found.click,
        original_amount: create.amount.normalize(),
        amount: create.amount.normalize(),
        currency: found.program.currency,
        refunded: Decimal::ZERO,
        fully_refunded: false,
        meta_data: create.meta_data.clone(),
        details: create.details.clone(),
        created_at: time_of_sale(event, create),
        amount_by: None,
        status: None,
        status_by: None,
        meta_by: None,
        charged_back: false,
        chargeback_by: None,
        counts_towards_cap: 0,
        warnings: Vec::new(),
        trace,
        deleted_at: None,
        superseded_by: None,
        commissions: Vec::new(),
        refunds: Vec::new(),
    })
}

/// Gives a new conversion its commissions, and puts on the calendar what falls due of them.
fn add_commissions(
    context: &Context<'_>,
    conversion: &mut Conversion,
    lines: Vec<Line>,
    approval: InitialApproval,
    ids: &mut IdPool,
    effects: &mut Effects,
) -> Result<(), PoolExhausted> {
    let at = conversion.created_at;
    for line in lines {
        let recurrence = line.recurrence;
        let commission = new_commission(line, approval, at, ids)?;
        effects
            .schedules
            .extend(first_repetition(context, conversion, &commission, recurrence));
        conversion.commissions.push(commission);
    }
    if let Some(due_at) = approval
        .finalised_at
        .filter(|_| !conversion.commissions.is_empty())
    {
        effects.schedules.push(hold(context, conversion.id, due_at));
    }
    Ok(())
}

/// Notes an authenticated sale with its customer in the sale's program: when the first one was, how many have counted, whether
/// the cap is reached.
fn count_sale(
    context: &Context<'_>,
    customer: CustomerId,
    program: &Program,
    at: DateTime<Utc>,
    counts: bool,
    world: &mut World,
) {
    let seen = context.event.received_at;
    change_customer(world, context.org, customer, |customer| {
        if let Some(standing) = customer.in_program_mut(program.id) {
            standing.first_sale_at = Some(standing.first_sale_at.map_or(at, |first| first.min(at)));
            standing.counted_towards_cap += i64::from(counts);
            standing.capped = is_capped_by(standing, program, seen, at);
        }
    });
}

/// The client's time counts where the event is authenticated.
fn time_of_sale(event: &Event, create: &CreateConversion) -> DateTime<Utc> {
    let told = create.occurred_at.filter(|_| event.authenticated);
    told.unwrap_or(event.received_at)
}

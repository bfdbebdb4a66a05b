//! Payments to affiliates, and their cancellation.

use rust_decimal::Decimal;

use super::{Context, Effects, Stop};
use crate::domain::{
    AffiliateId, Applied, CancelPayment, MAX_AMOUNT, Money, Pay, PaymentId, PaymentOrder, PaymentView,
    Reason, Refusal, World,
    catalog::Affiliate,
    entities::{Change, Payment},
    ledger::{Account, Transfer, TransferCode},
};

/// Payments in one event. More are refused, so that one request cannot hold the balances for long.
pub const MAX_PAYMENTS: usize = 1000;

/// All of the payments, or none.
pub(super) fn pay(
    context: &Context<'_>,
    pay: &Pay,
    world: &mut World,
    effects: &mut Effects,
) -> Result<Applied, Stop> {
    refuse_too_many(pay)?;
    let orders = pay.payments.iter().map(|order| checked(context, order));
    let orders: Vec<(&Affiliate, Money)> = orders.collect::<Result<_, _>>()?;
    let mut views = Vec::with_capacity(orders.len());
    for (affiliate, money) in orders {
        let payment = Payment {
            change: Change::Insert,
            org: context.org,
            id: world.ids.payment()?,
            affiliate: affiliate.id,
            amount: money.amount(),
            currency: money.currency(),
            event: context.event.id,
            created_at: context.event.received_at,
            canceled_at: None,
        };
        let paid = transfer(
            context,
            &payment,
            Account::Payable,
            Account::Paid,
            TransferCode::Payout,
        );
        effects.transfers.push(paid);
        views.push(view(&payment, affiliate));
        world.payments.insert(payment.id, payment);
    }
    Ok(Applied::Payments(views))
}

fn refuse_too_many(pay: &Pay) -> Result<(), Refusal> {
    let count = pay.payments.len();
    if count > MAX_PAYMENTS {
        let detail = format!("{count} payments are more than {MAX_PAYMENTS} at once");
        return Err(Refusal::new(Reason::TooMany, detail));
    }
    Ok(())
}

pub(super) fn cancel_payment(
    context: &Context<'_>,
    cancel: &CancelPayment,
    world: &mut World,
    effects: &mut Effects,
) -> Result<Applied, Stop> {
    let id = cancel.payment;
    let payment = world.payments.get_mut(&id);
    let payment = payment
        .filter(|payment| is_visible(context, payment))
        .ok_or_else(|| Refusal::new(Reason::UnknownPayment, format!("payment {id} is not known")))?;
    let affiliate = context.catalog.affiliate(payment.affiliate).ok_or_else(|| {
        let detail = format!("the affiliate of payment {id} has been removed");
        Refusal::new(Reason::UnknownAffiliate, detail)
    })?;
    payment.canceled_at = Some(context.now);
    payment.change.touch();
    let taken_back = transfer(
        context,
        payment,
        Account::Paid,
        Account::Payable,
        TransferCode::PayoutReversal,
    );
    effects.transfers.push(taken_back);
    Ok(Applied::Payments(vec![view(payment, affiliate)]))
}

/// A living payment as its caller may see it, who may not see all.
pub(super) fn shown(context: &Context<'_>, id: PaymentId, world: &World) -> Option<PaymentView> {
    let payment = world.payments.get(&id)?;
    let affiliate = context.catalog.affiliate(payment.affiliate)?;
    is_visible(context, payment).then(|| view(payment, affiliate))
}

fn is_visible(context: &Context<'_>, payment: &Payment) -> bool {
    payment.org == context.org && payment.canceled_at.is_none() && is_payee(context, payment.affiliate)
}

/// Money is owed across programs: a key that is bound to one has to do with those affiliates who are in it.
fn is_payee(context: &Context<'_>, affiliate: AffiliateId) -> bool {
    let scope = context.event.program_scope;
    scope.is_none_or(|program| context.catalog.affiliation(program, affiliate).is_some())
}

fn transfer(
    context: &Context<'_>,
    payment: &Payment,
    debit: Account,
    credit: Account,
    code: TransferCode,
) -> Transfer {
    Transfer {
        org: context.org,
        affiliate: payment.affiliate,
        debit,
        credit,
        amount: payment.amount,
        currency: payment.currency,
        code,
        commission: None,
        event: context.event.id,
        recorded_at: context.now,
    }
}

/// To whom, and how much. What the currency cannot express is refused, as money that leaves is never rounded.
fn checked<'a>(context: &Context<'a>, order: &PaymentOrder) -> Result<(&'a Affiliate, Money), Refusal> {
    let affiliate = context.catalog.affiliate_by_slug(&order.affiliate);
    let affiliate = affiliate.filter(|affiliate| is_payee(context, affiliate.id));
    let affiliate = affiliate.ok_or_else(|| {
        let detail = format!("affiliate {:?} is not known", order.affiliate);
        Refusal::new(Reason::UnknownAffiliate, detail)
    })?;
    let PaymentOrder { amount, currency, .. } = *order;
    let money = Money::rounded(amount, currency);
    let detail = if amount <= Decimal::ZERO || amount > MAX_AMOUNT {
        format!("amount {amount} is not above 0 and at most {MAX_AMOUNT}")
    } else if money.amount() != amount {
        let scale = currency.scale();
        format!("amount {amount} has more decimals than the {scale} of {currency}")
    } else {
        return Ok((affiliate, money));
    };
    Err(Refusal::new(Reason::AmountOutOfRange, detail))
}

fn view(payment: &Payment, affiliate: &Affiliate) -> PaymentView {
    PaymentView {
        id: payment.id,
        created_at: payment.created_at,
        affiliate: affiliate.view(),
        amount: payment.amount,
        currency: payment.currency,
    }
}

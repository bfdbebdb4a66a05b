//! Payments to affiliates, and their cancellation.

use rust_decimal::Decimal;

use super::{Decisions, PoolExhausted};
use crate::domain::{
    Applied, CancelPayment, Event, MAX_AMOUNT, Money, Pay, PaymentOrder, PaymentView, Reason, Refusal,
    catalog::{Affiliate, OrgCatalog},
    entities::{Change, Payment},
    ledger::{Account, Transfer},
};

/// Payments in one event. More are refused, so that one request cannot hold the balances for long.
pub const MAX_PAYMENTS: usize = 1000;

impl Decisions {
    /// All of the payments, or none.
    pub(super) fn pay(
        &mut self,
        event: &Event,
        pay: &Pay,
    ) -> Result<Result<Applied, Refusal>, PoolExhausted> {
        if pay.payments.len() > MAX_PAYMENTS {
            let detail = format!(
                "{} payments are more than {MAX_PAYMENTS} at once",
                pay.payments.len()
            );
            return Ok(Err(Refusal::new(Reason::TooMany, detail)));
        }
        self.with_catalog(event, |this, catalog| this.pay_with(event, pay, catalog))
    }

    fn pay_with(
        &mut self,
        event: &Event,
        pay: &Pay,
        catalog: &OrgCatalog,
    ) -> Result<Result<Applied, Refusal>, PoolExhausted> {
        let orders = pay.payments.iter().map(|order| checked(order, catalog));
        let orders = match orders.collect::<Result<Vec<_>, _>>() {
            Ok(orders) => orders,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut views = Vec::with_capacity(orders.len());
        for (affiliate, money) in orders {
            let payment = Payment {
                change: Change::Insert,
                org: event.org,
                id: self.world.ids.payment().ok_or(PoolExhausted)?,
                affiliate: affiliate.id,
                amount: money.amount(),
                currency: money.currency(),
                event: event.id,
                created_at: event.received_at,
                canceled_at: None,
            };
            self.move_payment(event, &payment, Account::Payable, Account::Paid, "pay");
            views.push(view(&payment, affiliate));
            self.world.payments.insert(payment.id, payment);
        }
        Ok(Ok(Applied::Payments(views)))
    }

    pub(super) fn cancel_payment(
        &mut self,
        event: &Event,
        cancel: &CancelPayment,
    ) -> Result<Applied, Refusal> {
        let id = cancel.payment;
        let unknown = || Refusal::new(Reason::UnknownPayment, format!("payment {id} is not known"));
        let payment = self.world.payments.get(&id);
        let payment = payment.filter(|payment| payment.org == event.org && payment.canceled_at.is_none());
        let mut payment = payment.cloned().ok_or_else(unknown)?;
        let catalog = self.world.catalog.get(&event.org);
        let affiliate = catalog.and_then(|catalog| catalog.affiliate(payment.affiliate));
        let view = affiliate
            .map(|affiliate| view(&payment, affiliate))
            .ok_or_else(|| {
                let detail = format!("the affiliate of payment {id} has been removed");
                Refusal::new(Reason::UnknownAffiliate, detail)
            })?;
        payment.canceled_at = Some(self.world.now);
        payment.change.touch();
        self.move_payment(event, &payment, Account::Paid, Account::Payable, "unpay");
        self.world.payments.insert(id, payment);
        Ok(Applied::Payments(vec![view]))
    }

    fn move_payment(
        &mut self,
        event: &Event,
        payment: &Payment,
        debit: Account,
        credit: Account,
        code: &'static str,
    ) {
        self.transfers.push(Transfer {
            org: payment.org,
            affiliate: payment.affiliate,
            debit,
            credit,
            amount: payment.amount,
            currency: payment.currency,
            code,
            commission: None,
            event: event.id,
            recorded_at: self.world.now,
        });
    }
}

/// To whom, and how much. What the currency cannot express is refused, as money that leaves is never rounded.
fn checked<'a>(order: &PaymentOrder, catalog: &'a OrgCatalog) -> Result<(&'a Affiliate, Money), Refusal> {
    let affiliate = catalog.affiliate_by_slug(&order.affiliate).ok_or_else(|| {
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

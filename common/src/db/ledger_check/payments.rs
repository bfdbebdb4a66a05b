//! Payments and bonuses.

use super::check::{Check, Row, check};

pub(super) const CHECKS: &[Check] = &[
    check!(
        "payment_transfers",
        "every payment has its one transfer, every cancelled one its one back, and no other money is paid",
        // Payments of the same amount to the same affiliate in one event are told apart by their number only; which
        // event cancelled a payment is not recorded.
        "SELECT org_id, format('affiliate %s, %s %s%s', affiliate_id, trim_scale(amount), currency,
                               CASE WHEN event_id IS NULL THEN ', cancelled' ELSE format(' by event %s', event_id) END) AS subject,
                CASE WHEN payments <> transfers THEN format('%s payments, %s transfers', payments, transfers) END AS detail
           FROM (SELECT org_id, affiliate_id, currency, amount, event_id, sum(payment) AS payments, sum(transfer) AS transfers
                   FROM (SELECT org_id, affiliate_id, currency, amount, event_id, 1 AS payment, 0 AS transfer FROM payments
                          UNION ALL
                         SELECT org_id, affiliate_id, currency, amount, NULL, 1, 0 FROM payments WHERE canceled_at IS NOT NULL
                          UNION ALL
                         SELECT org_id, affiliate_id, currency, amount, event_id, 0, 1 FROM transfers WHERE code = 'pay'
                          UNION ALL
                         SELECT org_id, affiliate_id, currency, amount, NULL, 0, 1 FROM transfers WHERE code = 'unpay') each_one
                  GROUP BY org_id, affiliate_id, currency, amount, event_id) paired"
    ),
    check!(
        "payment_balances",
        "what every affiliate has been paid is the sum of its living payments",
        "SELECT org_id, format('affiliate %s %s', affiliate_id, currency) AS subject,
                CASE WHEN coalesce(b.paid, 0) <> coalesce(p.paid, 0)
                     THEN format('balance has paid %s; payments make %s', trim_scale(coalesce(b.paid, 0)),
                                 trim_scale(coalesce(p.paid, 0)))
                END AS detail
           FROM balances b
           FULL JOIN (SELECT org_id, affiliate_id, currency, sum(amount) AS paid FROM payments
                       WHERE canceled_at IS NULL GROUP BY org_id, affiliate_id, currency) p
          USING (org_id, affiliate_id, currency)"
    ),
    check!(
        "payment_events",
        "every payment was ordered by an applied event, while events are kept",
        "SELECT p.org_id, format('payment %s', p.payment_id) AS subject,
                CASE WHEN e.event_id IS NULL THEN format('event %s does not exist', p.event_id)
                     WHEN e.status <> 'applied' OR e.kind <> 'pay'
                     THEN format('event %s is a %s, %s', p.event_id, e.kind, e.status)
                END AS detail
           FROM payments p
           LEFT JOIN events e ON e.event_id = p.event_id AND e.org_id = p.org_id
          WHERE p.event_id >= (SELECT since FROM retained)"
    ),
    check!(
        "event_payments",
        "every applied order to pay has all of its payments, once",
        "SELECT e.org_id, format('event %s', e.event_id) AS subject,
                CASE WHEN json_array_length(e.body -> 'pay' -> 'payments') <> coalesce(p.payments, 0)
                     THEN format('it orders %s payments and has %s', json_array_length(e.body -> 'pay' -> 'payments'),
                                 coalesce(p.payments, 0))
                END AS detail
           FROM events e
           LEFT JOIN (SELECT org_id, event_id, count(*) AS payments FROM payments GROUP BY org_id, event_id) p
                  ON p.org_id = e.org_id AND p.event_id = e.event_id
          WHERE e.status = 'applied' AND e.kind = 'pay'"
    ),
    check!(
        "payment_references",
        "every payment's affiliate exists, and so does a living payment for every commission that is marked as paid",
        "SELECT p.org_id, format('payment %s', p.payment_id) AS subject,
                CASE WHEN a.affiliate_id IS NULL THEN format('affiliate %s does not exist', p.affiliate_id) END AS detail
           FROM payments p
           LEFT JOIN affiliates a ON a.org_id = p.org_id AND a.affiliate_id = p.affiliate_id
          UNION ALL
         SELECT m.org_id, format('commission %s', m.commission_id),
                CASE WHEN p.payment_id IS NULL THEN format('payment %s does not exist', m.payment_id)
                     WHEN p.canceled_at IS NOT NULL THEN format('payment %s is cancelled', m.payment_id)
                     WHEN (p.affiliate_id, p.currency) <> (m.affiliate_id, m.currency)
                     THEN format('payment %s went to affiliate %s in %s', m.payment_id, p.affiliate_id, p.currency)
                END
           FROM commissions m
           LEFT JOIN payments p ON p.org_id = m.org_id AND p.payment_id = m.payment_id
          WHERE m.payment_id IS NOT NULL"
    ),
    check!(
        "payment_covers",
        "no payment covers commissions that were worth more than it when it was made",
        // A sale that grows later makes its paid commission larger. What a commission was worth then is the sum of its
        // transfers before the payment's own. Payments meet their transfers by a sort: of a join on five columns the planner
        // expects one row, and compares all with all.
        "SELECT org_id, format('payment %s', payment_id) AS subject,
                CASE WHEN sum(payable) > amount
                     THEN format('%s covers commissions of %s', trim_scale(amount), trim_scale(sum(payable))) END AS detail
           FROM (SELECT p.org_id, p.payment_id, p.amount, m.commission_id,
                        coalesce(sum(CASE 'payable' WHEN t.credit_account THEN t.amount
                                                    WHEN t.debit_account THEN -t.amount ELSE 0 END), 0) AS payable
                   FROM (SELECT org_id, amount, payment_id,
                                max(transfer_id) OVER (PARTITION BY org_id, affiliate_id, currency, amount, event_id) AS transfer_id
                           FROM (SELECT org_id, affiliate_id, currency, amount, event_id, payment_id, NULL::bigint AS transfer_id
                                   FROM payments
                                  UNION ALL
                                 SELECT org_id, affiliate_id, currency, amount, event_id, NULL, transfer_id
                                   FROM transfers WHERE code = 'pay') each_one) p
                   JOIN commissions m ON m.org_id = p.org_id AND m.payment_id = p.payment_id
                   LEFT JOIN transfers t ON t.org_id = m.org_id AND t.commission_id = m.commission_id
                                        AND t.transfer_id < p.transfer_id
                  WHERE p.transfer_id IS NOT NULL
                  GROUP BY p.org_id, p.payment_id, p.amount, m.commission_id) covered
          GROUP BY org_id, payment_id, amount"
    ),
    check!(
        "bonus_amounts",
        "every bonus that is not paid is what the sales of its month make now, unless it is about to be calculated again",
        // By the definition that held when it was given. What somebody has set by hand follows its month no more.
        "SELECT w.org_id, format('commission %s', m.commission_id) AS subject,
                CASE WHEN w.definition ->> 'form' = 'percentage' AND m.sub_amount <> CASE WHEN is_.reached THEN s.sold ELSE 0 END
                     THEN format('it is of %s; the sales of %s make %s', trim_scale(m.sub_amount), w.month,
                                 trim_scale(CASE WHEN is_.reached THEN s.sold ELSE 0 END))
                     WHEN w.definition ->> 'form' = 'fixed'
                          AND m.exact_gross <> CASE WHEN is_.reached THEN (w.definition ->> 'value')::numeric ELSE 0 END
                     THEN format('it is %s; the sales of %s make %s', trim_scale(m.exact_gross), w.month,
                                 trim_scale(CASE WHEN is_.reached THEN (w.definition ->> 'value')::numeric ELSE 0 END))
                END AS detail
           FROM bonus_awards w
           JOIN commissions m ON m.org_id = w.org_id AND m.commission_id = ANY (w.commission_ids)
           JOIN programs p ON p.org_id = w.org_id AND p.program_id = w.program_id
          CROSS JOIN LATERAL (
              SELECT count(*) AS sales, coalesce(sum(c.amount) FILTER (WHERE c.currency = p.currency), 0) AS own,
                     coalesce(sum(c.amount) FILTER (WHERE c.currency = m.currency), 0) AS sold
                FROM earning_sales c
               WHERE (c.org_id, c.program_id, c.affiliate_id) = (w.org_id, w.program_id, w.affiliate_id)
                 AND c.created_at >= w.month::timestamp AT TIME ZONE 'UTC'
                 AND c.created_at < (w.month + interval '1 month') AT TIME ZONE 'UTC') s
          CROSS JOIN LATERAL (
              SELECT CASE w.definition ->> 'target_type' WHEN 'conversion_count' THEN s.sales ELSE s.own END
                     >= (w.definition ->> 'target')::numeric AS reached) is_
          WHERE m.payment_id IS NULL AND m.part IS NOT NULL
            AND NOT EXISTS (SELECT FROM bonus_recounts r
                             WHERE (r.org_id, r.program_id, r.bonus_id, r.affiliate_id, r.month)
                                 = (w.org_id, w.program_id, w.bonus_id, w.affiliate_id, w.month))
            AND NOT EXISTS (SELECT FROM events e
                             WHERE e.org_id = w.org_id AND e.status = 'queued' AND e.kind = 'scheduled'
                               AND e.body #>> '{scheduled,bonus,bonus}' = w.bonus_id
                               AND e.body #>> '{scheduled,bonus,affiliate}' = w.affiliate_id::text
                               AND e.body #>> '{scheduled,bonus,program}' = w.program_id::text
                               AND e.body #>> '{scheduled,bonus,month}' = w.month::text)"
    ),
    check!(
        "bonus_awards",
        "every bonus was given by an applied event, while events are kept",
        "SELECT b.org_id, format('bonus %s of affiliate %s for %s', b.bonus_id, b.affiliate_id, b.month) AS subject,
                CASE WHEN e.event_id IS NULL THEN format('event %s does not exist', b.event_id)
                     WHEN e.status <> 'applied' OR e.kind <> 'scheduled'
                     THEN format('event %s is a %s, %s', b.event_id, e.kind, e.status)
                END AS detail
           FROM bonus_awards b
           LEFT JOIN events e ON e.event_id = b.event_id AND e.org_id = b.org_id
          WHERE b.event_id >= (SELECT since FROM retained)"
    ),
];

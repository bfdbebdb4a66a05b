//! Commissions: their amounts, their places in the ledger, their references.

use super::check::{Check, Row, check};

pub(super) const CHECKS: &[Check] = &[
    check!(
        "commission_positions",
        "every commission's pending and payable are the sums of its own transfers",
        // Payments move payable to paid for an affiliate, not for a commission: they name none.
        "SELECT m.org_id, format('commission %s', m.commission_id) AS subject,
                CASE WHEN (m.pending, m.payable) <> (coalesce(t.pending, 0), coalesce(t.payable, 0))
                     THEN format('position is pending %s, payable %s; transfers make %s, %s',
                                 trim_scale(m.pending), trim_scale(m.payable),
                                 trim_scale(coalesce(t.pending, 0)), trim_scale(coalesce(t.payable, 0)))
                END AS detail
           FROM commissions m
           LEFT JOIN (SELECT org_id, commission_id,
                             sum(moved) FILTER (WHERE account = 'pending') AS pending,
                             sum(moved) FILTER (WHERE account = 'payable') AS payable
                        FROM transfers
                       CROSS JOIN LATERAL (VALUES (debit_account, -amount), (credit_account, amount)) entry (account, moved)
                       WHERE commission_id IS NOT NULL
                       GROUP BY org_id, commission_id) t
          USING (org_id, commission_id)"
    ),
    check!(
        "commission_amounts",
        "every commission's amount lies between zero and its gross, and stands where its approval says",
        "SELECT org_id, format('commission %s', commission_id) AS subject,
                CASE WHEN amount < 0 OR amount > gross
                     THEN format('amount %s is not within 0 and %s', trim_scale(amount), trim_scale(gross))
                     WHEN pending <> CASE WHEN approved IS NULL THEN amount ELSE 0 END
                       OR payable <> CASE WHEN approved THEN amount ELSE 0 END
                     THEN format('amount %s with approved %s stands as pending %s, payable %s', trim_scale(amount),
                                 coalesce(approved::text, 'null'), trim_scale(pending), trim_scale(payable))
                END AS detail
           FROM commissions"
    ),
    check!(
        "commission_references",
        "every commission's affiliate and conversion exist",
        // A bonus belongs to no conversion.
        "SELECT m.org_id, format('commission %s', m.commission_id) AS subject,
                CASE WHEN a.affiliate_id IS NULL THEN format('affiliate %s does not exist', m.affiliate_id)
                     WHEN m.conversion_id IS NOT NULL AND c.conversion_id IS NULL
                     THEN format('conversion %s does not exist', m.conversion_id)
                END AS detail
           FROM commissions m
           LEFT JOIN affiliates a ON a.org_id = m.org_id AND a.affiliate_id = m.affiliate_id
           LEFT JOIN conversions c ON c.org_id = m.org_id AND c.conversion_id = m.conversion_id"
    ),
    check!(
        "commission_grosses",
        "every commission's gross is its rate of its sub amount, or the amount that was said, rounded once",
        // Rows of earlier versions tell an edited amount from a calculated one only while they follow their sale; and a process
        // of such a version, at work beside this one, leaves alone what this one calculates from.
        "SELECT w.org_id, format('commission %s', w.commission_id) AS subject,
                CASE WHEN w.part IS NOT NULL AND w.amount_by IS NULL AND w.sub_amount <> w.part
                     THEN format('sub amount is %s; its part of the sale is %s', trim_scale(w.sub_amount), trim_scale(w.part))
                     WHEN (w.settled_on IS NOT NULL OR (w.part IS NOT NULL AND w.rate IS NOT NULL)) AND w.gross * w.unit <> due.gross
                          AND NOT EXISTS (SELECT FROM unnest(edited.amounts) said (amount)
                                           WHERE round(said.amount * w.unit) = w.gross * w.unit)
                     THEN format('gross is %s; %s makes %s', trim_scale(w.gross),
                                 CASE WHEN w.exact_gross IS NOT NULL THEN format('%s as it was said', trim_scale(w.exact_gross))
                                      ELSE format('%s %% of %s', trim_scale(w.rate), trim_scale(w.sub_amount)) END,
                                 trim_scale(due.gross / w.unit))
                END AS detail
           FROM worths w
          CROSS JOIN LATERAL (SELECT div(2 * w.numerator * w.unit + w.denominator, 2 * w.denominator) AS gross) due
           LEFT JOIN (SELECT org_id, (body -> 'edit_commission' ->> 'commission')::bigint AS commission_id,
                             array_agg((body -> 'edit_commission' ->> 'amount')::numeric) AS amounts
                        FROM events WHERE kind = 'edit_commission' AND status = 'applied'
                       GROUP BY 1, 2) edited
                  ON edited.org_id = w.org_id AND edited.commission_id = w.commission_id"
    ),
    check!(
        "commission_rules",
        "every commission's rate, and its fixed amount while it follows its sale, is that of the rule by which it was decided",
        // The trace has a rule for each commission, in their order; rows of earlier versions have none.
        "SELECT org_id, format('commission %s', commission_id) AS subject,
                CASE WHEN rule IS NULL OR rule ->> 'commission_type' <> commission_type THEN NULL
                     WHEN rate IS DISTINCT FROM round((rule ->> 'percent')::numeric, 6)
                     THEN format('rate is %s; the rule says %s', coalesce(trim_scale(rate)::text, 'null'),
                                 coalesce(rule ->> 'percent', 'null'))
                     WHEN rate IS NULL AND part IS NOT NULL AND settled_on IS NOT NULL
                          AND exact_gross IS DISTINCT FROM (rule ->> 'exact')::numeric
                     THEN format('it is exactly %s; the rule says %s', coalesce(trim_scale(exact_gross)::text, 'null'), rule ->> 'exact')
                END AS detail
           FROM (SELECT org_id, commission_id, commission_type, rate, part, settled_on, exact_gross,
                        trace -> 'rules' -> (row_number() OVER (PARTITION BY org_id, conversion_id ORDER BY commission_id) - 1)::integer
                            AS rule
                   FROM worths WHERE conversion_id IS NOT NULL) ruled"
    ),
    check!(
        "commission_currencies",
        "every percentage is paid in the currency of its sale, and every fixed rate in that of the rule by which it was decided",
        // A fixed rate of an earlier version was paid in the currency of its sale; its rule names none.
        "SELECT org_id, format('commission %s', commission_id) AS subject,
                CASE WHEN rate IS NOT NULL AND currency <> sale_currency
                     THEN format('%s %% of a sale in %s is paid in %s', trim_scale(rate), sale_currency, currency)
                     WHEN rule ->> 'commission_type' = commission_type AND rule ->> 'currency' <> currency
                     THEN format('it is paid in %s; the rule says %s', currency, rule ->> 'currency')
                END AS detail
           FROM (SELECT m.org_id, m.commission_id, m.commission_type, m.rate, m.currency, c.currency AS sale_currency,
                        c.trace -> 'rules' -> (row_number() OVER (PARTITION BY m.org_id, m.conversion_id
                                                                  ORDER BY m.commission_id) - 1)::integer AS rule
                   FROM commissions m
                   JOIN conversions c ON c.org_id = m.org_id AND c.conversion_id = m.conversion_id) ruled"
    ),
    check!(
        "commission_nets",
        "every commission's amount is what the refunds of its living conversion leave of its exact gross, rounded once",
        // With whole numbers, as a quotient would be rounded before it is rounded: half a unit goes up. Commissions of
        // later periods and bonuses are touched by no refund. An earlier version went out from the rounded gross.
        "SELECT org_id, format('commission %s', commission_id) AS subject,
                CASE WHEN decimals IS NULL THEN format('currency %s is not known', currency)
                     WHEN amount * unit <> net THEN format('amount is %s; gross %s and the refunds make %s',
                          trim_scale(amount), trim_scale(gross), trim_scale(net / unit))
                END AS detail
           FROM (SELECT w.*,
                        CASE WHEN w.kind IN ('bonus', 'recurring') THEN whole.gross
                             WHEN w.charged_back OR w.fully_refunded OR (w.refunded >= w.sale AND (w.refunded > 0 OR EXISTS (
                                      SELECT FROM refunds r WHERE r.org_id = w.org_id AND r.conversion_id = w.conversion_id))) THEN 0
                             WHEN w.refunded = 0 THEN whole.gross
                             WHEN w.settled_on = w.sale - w.refunded
                             THEN div(2 * w.numerator * w.unit * w.settled_on + w.denominator * w.sale, 2 * w.denominator * w.sale)
                             ELSE div(2 * whole.gross * (w.sale - w.refunded) + w.sale, 2 * w.sale)
                        END AS net
                   FROM worths w
                  CROSS JOIN LATERAL (SELECT round(w.gross * w.unit) AS gross) whole
                  WHERE w.deleted_at IS NULL AND (w.sale IS NOT NULL OR w.kind = 'bonus')) settled"
    ),
    check!(
        "deleted_commissions",
        "no commission of a deleted or superseded conversion holds money",
        "SELECT m.org_id, format('commission %s', m.commission_id) AS subject,
                CASE WHEN (m.pending, m.payable) <> (0, 0)
                     THEN format('conversion %s is deleted; pending %s, payable %s', m.conversion_id,
                                 trim_scale(m.pending), trim_scale(m.payable))
                END AS detail
           FROM conversions c
           JOIN commissions m ON m.org_id = c.org_id AND m.conversion_id = c.conversion_id
          WHERE c.deleted_at IS NOT NULL"
    ),
];

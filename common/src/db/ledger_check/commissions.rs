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
        "commission_nets",
        "every commission's amount is what the refunds of its living conversion leave of its gross, rounded once",
        // With whole numbers, as a quotient would be rounded before it is rounded: half a unit goes up. Commissions of
        // later periods and bonuses are touched by no refund.
        "SELECT org_id, format('commission %s', commission_id) AS subject,
                CASE WHEN decimals IS NULL THEN format('currency %s is not known', currency)
                     WHEN amount * unit <> net THEN format('amount is %s; gross %s and the refunds make %s',
                          trim_scale(amount), trim_scale(gross), trim_scale(net / unit))
                END AS detail
           FROM (SELECT m.org_id, m.commission_id, m.amount, m.gross, m.currency, u.decimals, u.unit,
                        CASE WHEN m.kind IN ('bonus', 'recurring') THEN full_.gross
                             WHEN c.charged_back OR c.fully_refunded OR (c.refunded >= c.amount AND (c.refunded > 0 OR EXISTS (
                                      SELECT FROM refunds r WHERE r.org_id = c.org_id AND r.conversion_id = c.conversion_id))) THEN 0
                             WHEN c.refunded = 0 THEN full_.gross
                             ELSE div(2 * full_.gross * (c.amount - c.refunded) + c.amount, 2 * c.amount)
                        END AS net
                   FROM commissions m
                   LEFT JOIN conversions c ON c.org_id = m.org_id AND c.conversion_id = m.conversion_id
                   LEFT JOIN (SELECT currency, decimals, power(10::numeric, decimals) AS unit FROM minor_units) u
                          ON u.currency = m.currency
                  CROSS JOIN LATERAL (SELECT round(m.gross * u.unit) AS gross) full_
                  WHERE c.deleted_at IS NULL AND (c.conversion_id IS NOT NULL OR m.kind = 'bonus')) settled"
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

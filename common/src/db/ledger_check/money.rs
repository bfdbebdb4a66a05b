//! The ledger: transfers and balances.

use super::check::{Check, Row, check};

pub(super) const CHECKS: &[Check] = &[
    check!(
        "balances",
        "every balance is the sum of its transfers",
        // Each transfer counts twice: it takes from the account that it debits and adds to the one that it credits.
        // The full join finds transfers without a balance and balances without transfers; what is missing is zero.
        "SELECT org_id, format('affiliate %s %s', affiliate_id, currency) AS subject,
                CASE WHEN (coalesce(b.pending, 0), coalesce(b.payable, 0), coalesce(b.paid, 0))
                       <> (coalesce(t.pending, 0), coalesce(t.payable, 0), coalesce(t.paid, 0))
                     THEN format('balance is pending %s, payable %s, paid %s; transfers make %s, %s, %s',
                                 trim_scale(coalesce(b.pending, 0)), trim_scale(coalesce(b.payable, 0)),
                                 trim_scale(coalesce(b.paid, 0)), trim_scale(coalesce(t.pending, 0)),
                                 trim_scale(coalesce(t.payable, 0)), trim_scale(coalesce(t.paid, 0)))
                END AS detail
           FROM balances b
           FULL JOIN (SELECT org_id, affiliate_id, currency,
                             sum(moved) FILTER (WHERE account = 'pending') AS pending,
                             sum(moved) FILTER (WHERE account = 'payable') AS payable,
                             sum(moved) FILTER (WHERE account = 'paid') AS paid
                        FROM transfers
                       CROSS JOIN LATERAL (VALUES (debit_account, -amount), (credit_account, amount)) entry (account, moved)
                       GROUP BY org_id, affiliate_id, currency) t
          USING (org_id, affiliate_id, currency)"
    ),
    check!(
        "accounts",
        "expense, pending, payable and paid sum to zero in every organisation and currency",
        // The expense comes from the transfers, the other three from the balances: two ways to the same money.
        "SELECT org_id, currency AS subject,
                CASE WHEN sum(held) <> 0 THEN format('the four accounts sum to %s', trim_scale(sum(held))) END AS detail
           FROM (SELECT org_id, currency, pending + payable + paid AS held FROM balances
                  UNION ALL
                 SELECT org_id, currency, CASE 'expense' WHEN credit_account THEN amount ELSE -amount END
                   FROM transfers WHERE 'expense' IN (debit_account, credit_account)) account
          GROUP BY org_id, currency"
    ),
    check!(
        "transfer_references",
        "every transfer's affiliate exists, and its commission does and has that affiliate and currency",
        "SELECT t.org_id, format('transfer %s', t.transfer_id) AS subject,
                CASE WHEN a.affiliate_id IS NULL THEN format('affiliate %s does not exist', t.affiliate_id)
                     WHEN t.commission_id IS NULL THEN NULL
                     WHEN m.commission_id IS NULL THEN format('commission %s does not exist', t.commission_id)
                     WHEN (m.affiliate_id, m.currency) <> (t.affiliate_id, t.currency)
                     THEN format('posted to affiliate %s in %s, but commission %s is for affiliate %s in %s',
                                 t.affiliate_id, t.currency, m.commission_id, m.affiliate_id, m.currency)
                END AS detail
           FROM transfers t
           LEFT JOIN affiliates a ON a.org_id = t.org_id AND a.affiliate_id = t.affiliate_id
           LEFT JOIN commissions m ON m.org_id = t.org_id AND m.commission_id = t.commission_id"
    ),
    check!(
        "transfer_events",
        "every transfer's event is applied, while events are kept",
        "SELECT t.org_id, format('transfer %s', t.transfer_id) AS subject,
                CASE WHEN e.event_id IS NULL THEN format('event %s does not exist', t.event_id)
                     WHEN e.status <> 'applied' THEN format('event %s is %s', t.event_id, e.status)
                END AS detail
           FROM transfers t
           LEFT JOIN events e ON e.event_id = t.event_id AND e.org_id = t.org_id
          WHERE t.event_id >= (SELECT since FROM retained)"
    ),
    check!(
        "transfer_codes",
        "every transfer's code fits its accounts, and only payments name no commission",
        "SELECT org_id, format('transfer %s', transfer_id) AS subject,
                CASE WHEN (code, debit_account, credit_account) NOT IN (
                         ('accrue', 'expense', 'pending'), ('accrue', 'expense', 'payable'),
                         ('approve', 'pending', 'payable'), ('unapprove', 'payable', 'pending'),
                         ('reverse', 'pending', 'expense'), ('reverse', 'payable', 'expense'),
                         ('pay', 'payable', 'paid'), ('unpay', 'paid', 'payable'))
                     THEN format('code %s from %s to %s', code, debit_account, credit_account)
                     WHEN (commission_id IS NULL) <> (code IN ('pay', 'unpay'))
                     THEN format('code %s with commission %s', code, coalesce(commission_id::text, 'null'))
                END AS detail
           FROM transfers"
    ),
];

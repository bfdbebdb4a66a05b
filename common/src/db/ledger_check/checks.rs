//! The checks as SQL. Each gathers `facts` (org_id, subject, detail), one row for each thing that it looks at; the detail
//! says what is wrong and is null where nothing is.

/// One statement of the proof.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Stable: operators and scripts know it.
    pub name: &'static str,
    /// What holds when it finds nothing.
    pub proves: &'static str,
    pub(super) operation: &'static str,
    pub(super) sql: &'static str,
}

/// Counts the facts and shows the first $1 that are wrong. $2 is the least id of events that must still have a row.
macro_rules! check {
    ($name:literal, $proves:literal, $facts:literal) => {
        Check {
            name: $name,
            proves: $proves,
            operation: concat!("ledger.", $name),
            sql: concat!(
                "WITH retained AS (SELECT $2::uuid AS since),
                      facts AS MATERIALIZED (",
                $facts,
                "),
                      counts AS (SELECT count(*) AS checked, count(detail) AS total FROM facts)
                 SELECT counts.checked, counts.total, coalesce(o.slug, wrong.org_id::text) AS org,
                        wrong.subject, wrong.detail
                   FROM counts
                   LEFT JOIN (SELECT * FROM facts WHERE detail IS NOT NULL ORDER BY org_id, subject LIMIT $1) wrong ON true
                   LEFT JOIN orgs o ON o.org_id = wrong.org_id
                  ORDER BY wrong.org_id, wrong.subject"
            ),
        }
    };
}

/// All of the proof, in the order in which it runs.
pub const CHECKS: &[Check] = &[
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
        "conversion_references",
        "every conversion's program, affiliate and customer exist",
        "SELECT c.org_id, format('conversion %s', c.conversion_id) AS subject,
                CASE WHEN p.program_id IS NULL THEN format('program %s does not exist', c.program_id)
                     WHEN a.affiliate_id IS NULL THEN format('affiliate %s does not exist', c.affiliate_id)
                     WHEN c.customer_id IS NOT NULL AND u.customer_id IS NULL
                     THEN format('customer %s does not exist', c.customer_id)
                END AS detail
           FROM conversions c
           LEFT JOIN programs p ON p.org_id = c.org_id AND p.program_id = c.program_id
           LEFT JOIN affiliates a ON a.org_id = c.org_id AND a.affiliate_id = c.affiliate_id
           LEFT JOIN customers u ON u.org_id = c.org_id AND u.customer_id = c.customer_id"
    ),
    check!(
        "conversion_events",
        "every conversion was created by an applied event, while events are kept",
        "SELECT c.org_id, format('conversion %s', c.conversion_id) AS subject,
                CASE WHEN e.event_id IS NULL THEN format('event %s does not exist', c.event_id)
                     WHEN e.status <> 'applied' OR e.kind <> 'create_conversion'
                     THEN format('event %s is a %s, %s', c.event_id, e.kind, e.status)
                END AS detail
           FROM conversions c
           LEFT JOIN events e ON e.event_id = c.event_id AND e.org_id = c.org_id
          WHERE c.event_id >= (SELECT since FROM retained)"
    ),
    check!(
        "event_conversions",
        "every applied create_conversion has exactly one conversion, and no two have the same",
        // A conversion names one event, so one each way is a pairing: two events cannot share a conversion.
        "SELECT e.org_id, format('event %s', e.event_id) AS subject,
                CASE WHEN coalesce(c.conversions, 0) <> 1
                     THEN format('it has %s conversions', coalesce(c.conversions, 0)) END AS detail
           FROM events e
           LEFT JOIN (SELECT org_id, event_id, count(*) AS conversions FROM conversions GROUP BY org_id, event_id) c
                  ON c.org_id = e.org_id AND c.event_id = e.event_id
          WHERE e.status = 'applied' AND e.kind = 'create_conversion'"
    ),
    check!(
        "refund_references",
        "every refund's conversion exists",
        "SELECT r.org_id, format('refund %s of conversion %s', r.refund_key, r.conversion_id) AS subject,
                CASE WHEN c.conversion_id IS NULL THEN 'the conversion does not exist' END AS detail
           FROM refunds r
           LEFT JOIN conversions c ON c.org_id = r.org_id AND c.conversion_id = r.conversion_id"
    ),
];

//! Clicks, sessions and customers.

use super::check::{Check, Row, check};

pub(super) const CHECKS: &[Check] = &[
    check!(
        "click_references",
        "every click's program, affiliate and customer exist",
        "SELECT k.org_id, format('click %s', k.click_id) AS subject,
                CASE WHEN p.program_id IS NULL THEN format('program %s does not exist', k.program_id)
                     WHEN a.affiliate_id IS NULL THEN format('affiliate %s does not exist', k.affiliate_id)
                     WHEN k.customer_id IS NOT NULL AND u.customer_id IS NULL
                     THEN format('customer %s does not exist', k.customer_id)
                END AS detail
           FROM clicks k
           LEFT JOIN programs p ON p.org_id = k.org_id AND p.program_id = k.program_id
           LEFT JOIN affiliates a ON a.org_id = k.org_id AND a.affiliate_id = k.affiliate_id
           LEFT JOIN customers u ON u.org_id = k.org_id AND u.customer_id = k.customer_id"
    ),
    check!(
        "click_events",
        "every click's event is applied, while events are kept",
        // A click without a key may have come before its organisation was known.
        "SELECT k.org_id, format('click %s', k.click_id) AS subject,
                CASE WHEN e.event_id IS NULL THEN format('event %s does not exist', k.event_id)
                     WHEN e.status <> 'applied' THEN format('event %s is %s', k.event_id, e.status)
                END AS detail
           FROM clicks k
           LEFT JOIN events e ON e.event_id = k.event_id
          WHERE k.event_id >= (SELECT since FROM retained)"
    ),
    check!(
        "session_references",
        "every session's click exists",
        "SELECT s.org_id, format('session %s', s.session) AS subject,
                CASE WHEN k.click_id IS NULL THEN format('click %s does not exist', s.click_id) END AS detail
           FROM sessions s
           LEFT JOIN clicks k ON k.org_id = s.org_id AND k.click_id = s.click_id"
    ),
    check!(
        "customer_references",
        "every customer's program, affiliate and click exist",
        "SELECT u.org_id, format('customer %s', u.customer_id) AS subject,
                CASE WHEN p.program_id IS NULL THEN format('program %s does not exist', u.program_id)
                     WHEN a.affiliate_id IS NULL THEN format('affiliate %s does not exist', u.affiliate_id)
                     WHEN u.click_id IS NOT NULL AND k.click_id IS NULL
                     THEN format('click %s does not exist', u.click_id)
                END AS detail
           FROM customers u
           LEFT JOIN programs p ON p.org_id = u.org_id AND p.program_id = u.program_id
           LEFT JOIN affiliates a ON a.org_id = u.org_id AND a.affiliate_id = u.affiliate_id
           LEFT JOIN clicks k ON k.org_id = u.org_id AND k.click_id = u.click_id"
    ),
    check!(
        "customer_statuses",
        "every customer's status follows from its track, its end, and its cap and first sale in its own program",
        "SELECT org_id, format('customer %s', customer_id) AS subject,
                CASE WHEN status <> due
                     THEN format('status is %s, but track %s, canceled %s, capped %s, first sale %s make it %s', status,
                                 track, canceled, capped, coalesce(first_sale_at::text, 'null'), due)
                END AS detail
           FROM (SELECT *, CASE WHEN canceled THEN CASE track WHEN 'new' THEN 'stopped' WHEN 'trial' THEN 'canceled'
                                                              ELSE 'lost' END
                                WHEN capped THEN 'capped'
                                WHEN first_sale_at IS NULL THEN track
                                ELSE CASE track WHEN 'new' THEN 'active' WHEN 'trial' THEN 'paying' ELSE 'won' END
                           END AS due
                   FROM customers) standing"
    ),
    check!(
        "customer_counts",
        "what every customer counts towards a program's cap is its living conversions there that count, and recurring commissions",
        "SELECT org_id, format('customer %s in program %s', customer_id, program_id) AS subject,
                CASE WHEN coalesce(k.counted, 0) <> coalesce(c.counted, 0)
                     THEN format('it counts %s; its living conversions there count %s', coalesce(k.counted, 0),
                                 coalesce(c.counted, 0))
                END AS detail
           FROM (SELECT org_id, customer_id, program_id, counted FROM customers
                 UNION ALL
                 SELECT p.org_id, p.customer_id, p.program_id, p.counted
                   FROM customer_programs p
                   JOIN customers u ON (u.org_id, u.customer_id) = (p.org_id, p.customer_id) AND u.program_id <> p.program_id) k
           FULL JOIN (SELECT org_id, customer_id, conversions.program_id, sum(conversions.counted) AS counted
                        FROM conversions JOIN customers USING (org_id, customer_id)
                       WHERE conversions.deleted_at IS NULL
                       GROUP BY org_id, customer_id, conversions.program_id) c
          USING (org_id, customer_id, program_id)"
    ),
    check!(
        "customer_program_references",
        "of every customer in a program beside its own, customer, program, affiliate and click exist, and the customer says so",
        "SELECT s.org_id, format('customer %s in program %s', s.customer_id, s.program_id) AS subject,
                CASE WHEN u.customer_id IS NULL THEN format('customer %s does not exist', s.customer_id)
                     WHEN p.program_id IS NULL THEN format('program %s does not exist', s.program_id)
                     WHEN a.affiliate_id IS NULL THEN format('affiliate %s does not exist', s.affiliate_id)
                     WHEN s.click_id IS NOT NULL AND k.click_id IS NULL
                     THEN format('click %s does not exist', s.click_id)
                     WHEN u.program_id <> s.program_id AND NOT u.several_programs
                     THEN 'the customer does not say that it has been in several programs'
                END AS detail
           FROM customer_programs s
           LEFT JOIN customers u ON u.org_id = s.org_id AND u.customer_id = s.customer_id
           LEFT JOIN programs p ON p.org_id = s.org_id AND p.program_id = s.program_id
           LEFT JOIN affiliates a ON a.org_id = s.org_id AND a.affiliate_id = s.affiliate_id
           LEFT JOIN clicks k ON k.org_id = s.org_id AND k.click_id = s.click_id"
    ),
];

//! Conversions, their events and their refunds.

use super::check::{Check, Row, check};

pub(super) const CHECKS: &[Check] = &[
    check!(
        "conversion_references",
        "every conversion's program, affiliate, customer, click and successor exist",
        "SELECT c.org_id, format('conversion %s', c.conversion_id) AS subject,
                CASE WHEN p.program_id IS NULL THEN format('program %s does not exist', c.program_id)
                     WHEN a.affiliate_id IS NULL THEN format('affiliate %s does not exist', c.affiliate_id)
                     WHEN c.customer_id IS NOT NULL AND u.customer_id IS NULL
                     THEN format('customer %s does not exist', c.customer_id)
                     WHEN c.click_id IS NOT NULL AND k.click_id IS NULL
                     THEN format('click %s does not exist', c.click_id)
                     WHEN c.superseded_by IS NOT NULL AND s.conversion_id IS NULL
                     THEN format('conversion %s, which superseded it, does not exist', c.superseded_by)
                     WHEN c.superseded_by IS NOT NULL AND c.deleted_at IS NULL
                     THEN format('superseded by conversion %s, but not deleted', c.superseded_by)
                END AS detail
           FROM conversions c
           LEFT JOIN programs p ON p.org_id = c.org_id AND p.program_id = c.program_id
           LEFT JOIN affiliates a ON a.org_id = c.org_id AND a.affiliate_id = c.affiliate_id
           LEFT JOIN customers u ON u.org_id = c.org_id AND u.customer_id = c.customer_id
           LEFT JOIN clicks k ON k.org_id = c.org_id AND k.click_id = c.click_id
           LEFT JOIN conversions s ON s.org_id = c.org_id AND s.conversion_id = c.superseded_by"
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
        "conversion_amounts",
        "every conversion's amount is what its create said, or the last event that set it, while events are kept",
        "SELECT c.org_id, format('conversion %s', c.conversion_id) AS subject,
                CASE WHEN c.amount_by IS NULL AND c.amount <> c.base_amount
                     THEN format('amount is %s, and nothing has changed it from %s', trim_scale(c.amount), trim_scale(c.base_amount))
                     -- A commission's part of the sale that was changed changes the sale by the difference.
                     WHEN e.kind <> 'edit_commission' AND round((e.body -> e.kind ->> 'amount')::numeric, 6) <> said.amount
                     THEN format('amount is %s; event %s says %s', trim_scale(said.amount), e.event_id, e.body -> e.kind ->> 'amount')
                END AS detail
           FROM conversions c
          CROSS JOIN LATERAL (VALUES (c.event_id, coalesce(c.base_amount, c.amount)), (c.amount_by, c.amount)) said (event_id, amount)
           LEFT JOIN events e ON e.event_id = said.event_id AND e.org_id = c.org_id
          WHERE said.event_id IS NOT NULL"
    ),
    check!(
        "conversion_commissions",
        "every conversion has a commission for each rule by which one was decided",
        "SELECT c.org_id, format('conversion %s', c.conversion_id) AS subject,
                CASE WHEN jsonb_array_length(c.trace -> 'rules') > coalesce(m.commissions, 0)
                     THEN format('it has %s commissions; by its rules %s', coalesce(m.commissions, 0),
                                 jsonb_array_length(c.trace -> 'rules'))
                END AS detail
           FROM conversions c
           LEFT JOIN (SELECT org_id, conversion_id, count(*) AS commissions FROM commissions GROUP BY org_id, conversion_id) m
          USING (org_id, conversion_id)"
    ),
    check!(
        "event_commissions",
        "every commission that an applied event reports exists, with the conversion that it was reported of",
        // OFFSET 0: an outcome is parsed once, not once for each of its commissions and names.
        "SELECT e.org_id, format('commission %s', reported.number) AS subject,
                CASE WHEN m.commission_id IS NULL THEN format('event %s reports it; it does not exist', e.event_id)
                     WHEN m.conversion_id <> reported.conversion
                     THEN format('event %s reports it of conversion %s', e.event_id, reported.conversion)
                END AS detail
           FROM (SELECT org_id, event_id, outcome::jsonb -> 'applied' AS applied FROM events
                  WHERE status = 'applied' AND org_id IS NOT NULL OFFSET 0) e
          CROSS JOIN LATERAL (SELECT coalesce(e.applied -> 'conversion', e.applied -> 'refund' -> 'conversion') AS conversion
                              OFFSET 0) shown
          CROSS JOIN LATERAL jsonb_array_elements(coalesce(shown.conversion -> 'commissions', e.applied -> 'commissions',
                         CASE WHEN e.applied ? 'commission' THEN jsonb_build_array(e.applied -> 'commission') END)) each_one
          CROSS JOIN LATERAL (SELECT (each_one ->> 'id')::bigint AS number,
                                     coalesce(shown.conversion ->> 'id', each_one ->> 'conversion')::bigint AS conversion) reported
           LEFT JOIN commissions m ON m.org_id = e.org_id AND m.commission_id = reported.number"
    ),
    check!(
        "refund_references",
        "every refund's conversion exists",
        "SELECT r.org_id, format('refund %s of conversion %s', r.refund_key, r.conversion_id) AS subject,
                CASE WHEN c.conversion_id IS NULL THEN 'the conversion does not exist' END AS detail
           FROM refunds r
           LEFT JOIN conversions c ON c.org_id = r.org_id AND c.conversion_id = r.conversion_id"
    ),
    check!(
        "conversion_changes",
        "every event that set a conversion's amount, status, data or chargeback is applied, while events are kept",
        "SELECT c.org_id, format('conversion %s', c.conversion_id) AS subject,
                CASE WHEN e.event_id IS NULL THEN format('event %s of its %s does not exist', change.event_id, change.field)
                     WHEN e.status <> 'applied'
                     THEN format('event %s of its %s is %s', change.event_id, change.field, e.status)
                END AS detail
           FROM conversions c
          CROSS JOIN LATERAL (VALUES ('amount', c.amount_by), ('status', c.status_by), ('meta_data', c.meta_by),
                                     ('chargeback', c.chargeback_by)) change (field, event_id)
           LEFT JOIN events e ON e.event_id = change.event_id AND e.org_id = c.org_id
          WHERE change.event_id >= (SELECT since FROM retained)"
    ),
    check!(
        "refund_sums",
        "what every conversion counts as refunded is the sum of its refunds",
        // Above the largest amount further refunds have no effect.
        "SELECT c.org_id, format('conversion %s', c.conversion_id) AS subject,
                CASE WHEN c.refunded <> least(coalesce(r.refunded, 0), 1000000000000)
                       OR c.fully_refunded <> coalesce(r.all_of_it, false)
                     THEN format('refunded %s, all of it: %s; its refunds make %s, %s', trim_scale(c.refunded),
                                 c.fully_refunded, trim_scale(coalesce(r.refunded, 0)), coalesce(r.all_of_it, false))
                END AS detail
           FROM conversions c
           LEFT JOIN (SELECT org_id, conversion_id, coalesce(sum(amount), 0) AS refunded,
                             bool_or(amount IS NULL) AS all_of_it
                        FROM refunds GROUP BY org_id, conversion_id) r
          USING (org_id, conversion_id)"
    ),
    check!(
        "refund_events",
        "every refund was brought by an applied event, while events are kept",
        "SELECT r.org_id, format('refund %s of conversion %s', r.refund_key, r.conversion_id) AS subject,
                CASE WHEN e.event_id IS NULL THEN format('event %s does not exist', r.event_id)
                     WHEN e.status <> 'applied' OR e.kind <> 'refund'
                     THEN format('event %s is a %s, %s', r.event_id, e.kind, e.status)
                END AS detail
           FROM refunds r
           LEFT JOIN events e ON e.event_id = r.event_id AND e.org_id = r.org_id
          WHERE r.event_id >= (SELECT since FROM retained)"
    ),
    check!(
        "event_refunds",
        "every applied refund is recorded once, or repeats the id or the amount of another",
        // Those of an unauthenticated sale go on with the authenticated one that took its place.
        "SELECT e.org_id, format('event %s', e.event_id) AS subject,
                CASE WHEN coalesce(r.refunds, 0) > 1 OR (r.refunds IS NULL AND e.body -> 'refund' ->> 'refund_id' IS NULL
                          AND e.outcome #>> '{applied,refund,is_repeat}' IS DISTINCT FROM 'true')
                     THEN format('it has %s refunds', coalesce(r.refunds, 0)) END AS detail
           FROM events e
           LEFT JOIN (SELECT r.org_id, r.event_id, count(*) AS refunds
                        FROM refunds r
                        LEFT JOIN conversions c ON c.org_id = r.org_id AND c.conversion_id = r.conversion_id
                       WHERE c.superseded_by IS NULL
                       GROUP BY r.org_id, r.event_id) r
                  ON r.org_id = e.org_id AND r.event_id = e.event_id
          WHERE e.status = 'applied' AND e.kind = 'refund'"
    ),
    check!(
        "schedule_references",
        "everything that falls due belongs to a conversion, and recurs for a commission of it",
        // What falls due for a conversion that was deleted meanwhile is refused then.
        "SELECT s.org_id, format('%s %s, period %s', s.what, s.subject, s.period) AS subject,
                CASE WHEN c.conversion_id IS NULL THEN format('conversion %s does not exist', s.conversion_id)
                     WHEN s.what = 'hold' AND s.subject <> s.conversion_id
                     THEN format('it is for conversion %s', s.conversion_id)
                     WHEN s.what = 'recurrence' AND m.commission_id IS NULL
                     THEN format('conversion %s has no such commission', s.conversion_id)
                END AS detail
           FROM schedules s
           LEFT JOIN conversions c ON c.org_id = s.org_id AND c.conversion_id = s.conversion_id
           LEFT JOIN commissions m ON m.org_id = s.org_id AND m.commission_id = s.subject
                                  AND m.conversion_id = s.conversion_id"
    ),
];

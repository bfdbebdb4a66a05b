-- Two organisations; in the first: a sale of 100 by jane, whose commission is pending, and that of her parent approved;
-- an older sale in euro that was paid out and refunded; and an event in each of the states of failure.
INSERT INTO orgs (org_id, slug, title) VALUES (1, 'demo', 'Demo'), (2, 'other', 'Other');
INSERT INTO programs (org_id, program_id, slug, title, currency, is_default)
VALUES (1, 1, 'johns', 'John''s program', 'USD', true), (1, 2, 'partner', 'Partner program', 'USD', false),
       (2, 3, 'other-program', 'Other', 'USD', true);
INSERT INTO affiliates (org_id, affiliate_id, slug, firstname, lastname)
VALUES (1, 1, 'jane', 'Jane', 'Jameson'), (1, 2, 'sandra', 'Sandra', 'Sanderson'), (1, 3, 'peter', 'Peter', 'Peterson');
INSERT INTO affiliations (org_id, program_id, affiliate_id, approved) VALUES (1, 1, 1, true), (1, 1, 2, true);

INSERT INTO events (event_id, org_id, kind, dialect, status, reason, order_key, received_at, applied_at, due_at, trusted, body, outcome)
VALUES
    ('01a1f8d3-ea00-7000-8000-000000000001', 1, 'create_conversion', 'rest', 'applied', NULL, 'ORD1',
     '2026-11-20 12:00:00Z', '2026-11-20 12:00:01Z', NULL, true, '{"create_conversion":{"external_id":"ORD1","amount":"100.5"}}', NULL),
    ('01a1f8d3-ea00-7000-8000-000000000002', 1, 'update_conversion', 'postback', 'applied', NULL, 'ORD1',
     '2026-11-20 12:00:00Z', '2026-11-20 12:00:01Z', NULL, true, '{"update_conversion":{"external_id":"ORD1"}}', NULL),
    ('01a1f8d3-ea00-7000-8000-000000000003', 1, 'create_conversion', 'rest', 'refused', 'unknown_partner', 'ORD3',
     '2026-11-20 12:00:00Z', NULL, NULL, true, '{"create_conversion":{"external_id":"ORD3","amount":"1.10"}}',
     '{"refused":{"reason":"unknown_partner","detail":"coupon \"NO\" is not known"}}'),
    ('01a1f8d3-ea00-7000-8000-000000000004', 1, 'create_conversion', 'rest', 'refused', 'duplicate_order', 'ORD1',
     '2026-11-20 12:00:00Z', NULL, NULL, true, '{"create_conversion":{"external_id":"ORD1","amount":"100"}}',
     '{"refused":{"reason":"duplicate_order","detail":"external_id \"ORD1\" has been recorded"}}'),
    ('01a1f8d3-ea00-7000-8000-000000000005', 1, 'create_conversion', 'yaplet', 'dead', 'data_error', 'ORD5',
     '2026-11-20 12:00:00Z', NULL, NULL, true, '{"create_conversion":{"external_id":"ORD5","amount":"1"}}', '{"dead":"data_error"}'),
    ('01a1f8d3-ea00-7000-8000-000000000006', 1, 'refund', 'rest', 'parked', NULL, 'ORD6',
     '2026-11-20 12:00:00Z', NULL, '2026-11-21 12:00:00Z', true, '{"refund":{"external_id":"ORD6"}}', '"parked"'),
    ('01a1f8d3-ea00-7000-8000-000000000007', NULL, 'undecodable', 'native', 'dead', 'undecodable', NULL,
     '2026-11-20 12:00:00Z', NULL, NULL, false, 'null', '{"dead":"undecodable"}');
INSERT INTO event_failures (event_id, org_id, code, detail, fingerprint, original, first_at, last_at)
VALUES
    ('01a1f8d3-ea00-7000-8000-000000000005', 1, 'data_error', 'numeric field overflow', 'f1', NULL, '2026-11-20 12:00:00Z', '2026-11-20 12:00:01Z'),
    ('01a1f8d3-ea00-7000-8000-000000000007', NULL, 'undecodable', 'not an envelope', 'f2', '\x7b22', '2026-11-20 12:00:00Z', '2026-11-20 12:00:00Z');

INSERT INTO customers (org_id, customer_id, identity, external_id, program_id, affiliate_id, status, trusted, created_at,
                       counted, first_sale_at)
VALUES (1, 1, 'id:USER1', 'USER1', 1, 1, 'active', true, '2026-11-20 12:00:00Z', 1, '2026-11-20 12:00:00Z');
-- The euro sale's event is older than events are kept.
INSERT INTO conversions (org_id, conversion_id, external_id, program_id, affiliate_id, customer_id, event_id, dialect, trusted,
                         attributed_by, amount, currency, refunded, meta_data, created_at, counted)
VALUES (1, 1, 'OLD', 1, 1, NULL, '01a05cd7-2a00-7000-8000-000000000001', 'rest', true, 'coupon', 35, 'EUR', 35, '{}', '2026-09-01 12:00:00Z', 0),
       (1, 2, 'ORD1', 1, 1, 1, '01a1f8d3-ea00-7000-8000-000000000001', 'rest', true, 'coupon', 100.5, 'USD', 0, '{"foo": 1.10}', '2026-11-20 12:00:00Z', 1);
INSERT INTO refunds (org_id, conversion_id, refund_key, event_id, amount, created_at)
VALUES (1, 1, 'id:R1', '01a05cd7-2a00-7000-8000-000000000001', 35, '2026-09-01 12:00:00Z');
INSERT INTO payments (org_id, payment_id, affiliate_id, amount, currency, event_id, created_at)
VALUES (1, 1, 1, 3.5, 'EUR', '01a05cd7-2a00-7000-8000-000000000001', '2026-09-01 12:00:00Z');
INSERT INTO commissions (org_id, commission_id, conversion_id, affiliate_id, kind, commission_type, commission_name, rate, sub_amount,
                         gross, amount, currency, approved, pending, payable, created_at)
VALUES (1, 1, 1, 1, 'regular', 'standard', 'standard', 10, 35, 3.5, 0, 'EUR', true, 0, 0, '2026-09-01 12:00:00Z'),
       (1, 2, 2, 1, 'regular', 'standard', 'standard', 10, 100.5, 10.05, 10.05, 'USD', NULL, 10.05, 0, '2026-11-20 12:00:00Z'),
       (1, 3, 2, 2, 'level', 'level-2', 'Level 2', 5, 100.5, 5, 5, 'USD', true, 0, 5, '2026-11-20 12:00:00Z');
INSERT INTO transfers (org_id, affiliate_id, debit_account, credit_account, amount, currency, code, commission_id, event_id, recorded_at)
VALUES (1, 1, 'expense', 'payable', 3.5, 'EUR', 'accrue', 1, '01a05cd7-2a00-7000-8000-000000000001', '2026-09-01 12:00:00Z'),
       (1, 1, 'payable', 'paid', 3.5, 'EUR', 'pay', NULL, '01a05cd7-2a00-7000-8000-000000000001', '2026-09-01 12:00:00Z'),
       (1, 1, 'payable', 'expense', 3.5, 'EUR', 'reverse', 1, '01a05cd7-2a00-7000-8000-000000000001', '2026-09-01 12:00:00Z'),
       (1, 1, 'expense', 'pending', 10.05, 'USD', 'accrue', 2, '01a1f8d3-ea00-7000-8000-000000000001', '2026-11-20 12:00:00Z'),
       (1, 2, 'expense', 'pending', 5, 'USD', 'accrue', 3, '01a1f8d3-ea00-7000-8000-000000000001', '2026-11-20 12:00:00Z'),
       (1, 2, 'pending', 'payable', 5, 'USD', 'approve', 3, '01a1f8d3-ea00-7000-8000-000000000002', '2026-11-20 12:00:00Z');
INSERT INTO balances (org_id, affiliate_id, currency, pending, payable, paid)
VALUES (1, 1, 'EUR', 0, -3.5, 3.5), (1, 1, 'USD', 10.05, 0, 0), (1, 2, 'USD', 0, 5, 0), (1, 3, 'USD', 0, 0, 0);

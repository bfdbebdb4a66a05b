-- What comes later, over `fixture.sql`: a click, its unsigned sale ORD7 superseded by a signed one, which a hold approved,
-- which was paid, refunded in part and came again; ORD8 charged back; ORD9 deleted; a bonus; a payment that was cancelled.
INSERT INTO events (event_id, org_id, kind, dialect, status, reason, order_key, received_at, applied_at, trusted, body, outcome)
SELECT ('01a1f8d3-ea00-7000-8000-0000000000' || number)::uuid, 1, kind, dialect, status, reason, order_key,
       timestamptz '2026-11-20 12:00:00Z' + number::integer * interval '1 minute',
       CASE status WHEN 'applied' THEN timestamptz '2026-11-20 12:00:01Z' + number::integer * interval '1 minute' END,
       dialect <> 'pixel', body::json, outcome::json
FROM (VALUES
    ('10', 'click', 'rest', 'applied', NULL, NULL, '{"click":{}}', NULL),
    ('11', 'create_conversion', 'pixel', 'applied', NULL, 'ORD7', '{"create_conversion":{}}', NULL),
    ('12', 'create_conversion', 'rest', 'applied', NULL, 'ORD7', '{"create_conversion":{}}', NULL),
    ('13', 'create_conversion', 'rest', 'applied', NULL, 'ORD8', '{"create_conversion":{}}', NULL),
    ('14', 'chargeback', 'affitor', 'applied', NULL, 'ORD8', '{"chargeback":{"external_id":"ORD8"}}', NULL),
    ('15', 'pay', 'rest', 'applied', NULL, NULL, '{"pay":{"payments":[{},{}]}}', NULL),
    ('16', 'cancel_payment', 'rest', 'applied', NULL, NULL, '{"cancel_payment":{"payment":3}}', NULL),
    ('17', 'scheduled', 'internal', 'applied', NULL, NULL,
     '{"scheduled":{"recur":{"conversion":4,"commission":5,"period":1,"due":"2026-11-20T12:17:00Z"}}}', NULL),
    ('18', 'scheduled', 'internal', 'applied', NULL, NULL,
     '{"scheduled":{"bonus":{"program":1,"bonus":"ten","affiliate":1,"month":"2026-10-01"}}}', NULL),
    ('20', 'scheduled', 'internal', 'applied', NULL, NULL, '{"scheduled":{"hold_ends":{"conversion":4}}}', NULL),
    ('21', 'refund', 'rest', 'applied', NULL, 'ORD7', '{"refund":{"external_id":"ORD7","amount":"50"}}', NULL),
    ('22', 'create_conversion', 'rest', 'applied', NULL, 'ORD9', '{"create_conversion":{}}', NULL),
    ('23', 'edit_conversion', 'rest', 'applied', NULL, NULL, '{"edit_conversion":{"conversion":6,"delete":true}}', NULL),
    ('24', 'create_conversion', 'affitor', 'refused', 'window_expired', 'ORD10', '{"create_conversion":{"external_id":"ORD10"}}',
     '{"refused":{"reason":"window_expired","detail":"the click found by click_id is 50 days old; the program lets 45 days count","trace":{"candidates":[{"rank":"click_id","sent":"c1","verdict":"expired","affiliate":"jane","click_age_days":50,"window_days":45}]}}}')
) event (number, kind, dialect, status, reason, order_key, body, outcome);

INSERT INTO clicks (org_id, click_id, program_id, affiliate_id, referral_code, customer_id, event_id, dialect, trusted, created_at, clicked_at)
VALUES (1, 1, 1, 1, 'jane', 2, '01a1f8d3-ea00-7000-8000-000000000010', 'rest', true, '2026-11-17 12:00:00Z', '2026-11-17 12:00:00Z');
INSERT INTO sessions (session, org_id, click_id) VALUES ('s1', 1, 1);
INSERT INTO customers (org_id, customer_id, identity, external_id, program_id, affiliate_id, status, trusted, created_at, counted,
                       first_sale_at, click_id)
VALUES (1, 2, 'id:USER2', 'USER2', 1, 1, 'active', true, '2026-11-20 12:11:00Z', 2, '2026-11-20 12:11:00Z', 1);
UPDATE customers SET several_programs = true WHERE customer_id = 2;
INSERT INTO customer_programs (org_id, customer_id, program_id, affiliate_id, trusted, counted, capped, event_id, created_at)
VALUES (1, 2, 2, 3, true, 0, false, '01a1f8d3-ea00-7000-8000-000000000012', '2026-11-20 12:12:00Z');

INSERT INTO conversions (org_id, conversion_id, external_id, program_id, affiliate_id, customer_id, event_id, dialect, trusted,
                         attributed_by, amount, currency, refunded, created_at, click_id, base_amount, charged_back, chargeback_by,
                         counted, warnings, deleted_at, superseded_by, trace)
VALUES (1, 3, 'ORD7', 1, 1, 2, '01a1f8d3-ea00-7000-8000-000000000011', 'pixel', false, 'click_id', 200, 'USD', 0,
        '2026-11-20 12:11:00Z', 1, 200, false, NULL, 0, '{}', '2026-11-20 12:12:01Z', 4, '{}'),
       (1, 4, 'ORD7', 1, 1, 2, '01a1f8d3-ea00-7000-8000-000000000012', 'rest', true, 'click_id', 200, 'USD', 50,
        '2026-11-20 12:12:00Z', 1, 200, false, NULL, 2, '{}', NULL, NULL,
        '{"candidates":[{"rank":"coupon","sent":"NO","verdict":"unknown"},
                        {"rank":"click_id","sent":"c1","verdict":"chosen","affiliate":"jane","click_age_days":3,"window_days":45}],
          "rules":[{"source":"type","commission_type":"standard","percent":"10","exact":"20.004"}],
          "cap":{"counted":0,"limit":12,"reached":false}}'),
       (1, 5, 'ORD8', 1, 1, NULL, '01a1f8d3-ea00-7000-8000-000000000013', 'rest', true, 'coupon', 50, 'USD', 0,
        '2026-11-20 12:13:00Z', NULL, 50, true, '01a1f8d3-ea00-7000-8000-000000000014', 0, '{}', NULL, NULL, '{}'),
       (1, 6, 'ORD9', 1, 1, NULL, '01a1f8d3-ea00-7000-8000-000000000022', 'rest', true, 'coupon', 30, 'USD', 0,
        '2026-11-20 12:22:00Z', NULL, 30, false, NULL, 0, '{}', '2026-11-20 12:23:01Z', NULL, '{}');
INSERT INTO refunds (org_id, conversion_id, refund_key, event_id, amount, created_at)
VALUES (1, 4, 'event:01a1f8d3-ea00-7000-8000-000000000021', '01a1f8d3-ea00-7000-8000-000000000021', 50, '2026-11-20 12:21:00Z');
INSERT INTO payments (org_id, payment_id, affiliate_id, amount, currency, event_id, created_at, canceled_at)
VALUES (1, 2, 1, 20, 'USD', '01a1f8d3-ea00-7000-8000-000000000015', '2026-11-20 12:15:00Z', NULL),
       (1, 3, 2, 5, 'USD', '01a1f8d3-ea00-7000-8000-000000000015', '2026-11-20 12:15:00Z', '2026-11-20 12:16:01Z');
INSERT INTO commissions (org_id, commission_id, conversion_id, affiliate_id, kind, commission_type, commission_name, rate, sub_amount,
                         part, gross, amount, currency, approved, pending, payable, final_at, payment_id, created_at)
VALUES (1, 4, 3, 1, 'regular', 'standard', 'standard', 10, 200, 200, 20, 20, 'USD', false, 0, 0, NULL, NULL, '2026-11-20 12:11:00Z'),
       (1, 5, 4, 1, 'regular', 'standard', 'standard', 10, 200, 200, 20, 15, 'USD', true, 0, 15, '2026-11-20 12:14:00Z', 2, '2026-11-20 12:12:00Z'),
       (1, 6, 5, 1, 'regular', 'standard', 'standard', 10, 50, 50, 5, 0, 'USD', NULL, 0, 0, NULL, NULL, '2026-11-20 12:13:00Z'),
       (1, 7, 4, 1, 'recurring', 'standard', 'standard', 10, 200, NULL, 20, 20, 'USD', NULL, 20, 0, '2026-12-20 12:17:00Z', NULL, '2026-11-20 12:17:00Z'),
       (1, 8, NULL, 1, 'bonus', 'ten', 'Ten sales', NULL, 0, NULL, 7.5, 7.5, 'USD', true, 0, 7.5, NULL, NULL, '2026-11-20 12:18:00Z'),
       (1, 9, 6, 1, 'regular', 'standard', 'standard', 10, 30, 30, 3, 3, 'USD', false, 0, 0, NULL, NULL, '2026-11-20 12:22:00Z');
INSERT INTO transfers (org_id, affiliate_id, debit_account, credit_account, amount, currency, code, commission_id, event_id, recorded_at)
SELECT 1, affiliate, debit, credit, amount, 'USD', code, commission, ('01a1f8d3-ea00-7000-8000-0000000000' || event)::uuid,
       timestamptz '2026-11-20 12:00:01Z' + event * interval '1 minute'
FROM (VALUES
    (1, 'expense', 'pending', 20, 'accrue', 4, 11),
    (1, 'pending', 'expense', 20, 'reverse', 4, 12),
    (1, 'expense', 'pending', 20, 'accrue', 5, 12),
    (1, 'expense', 'pending', 5, 'accrue', 6, 13),
    (1, 'pending', 'expense', 5, 'reverse', 6, 14),
    (1, 'pending', 'payable', 20, 'approve', 5, 20),
    (1, 'payable', 'paid', 20, 'pay', NULL, 15),
    (2, 'payable', 'paid', 5, 'pay', NULL, 15),
    (2, 'paid', 'payable', 5, 'unpay', NULL, 16),
    (1, 'expense', 'pending', 20, 'accrue', 7, 17),
    (1, 'expense', 'payable', 7.5, 'accrue', 8, 18),
    (1, 'payable', 'expense', 5, 'reverse', 5, 21),
    (1, 'expense', 'pending', 3, 'accrue', 9, 22),
    (1, 'pending', 'expense', 3, 'reverse', 9, 23)) moved (affiliate, debit, credit, amount, code, commission, event);
UPDATE balances SET (pending, payable, paid) = (30.05, 2.5, 20) WHERE affiliate_id = 1 AND currency = 'USD';
INSERT INTO schedules (org_id, what, subject, period, conversion_id, due_at) VALUES (1, 'recurrence', 5, 2, 4, '2027-01-20 12:12:00Z');
INSERT INTO bonus_awards (org_id, program_id, bonus_id, affiliate_id, month, event_id, definition, commission_ids)
VALUES (1, 1, 'ten', 1, '2026-10-01', '01a1f8d3-ea00-7000-8000-000000000018',
        '{"title":"Ten sales","target_type":"conversion_count","target":0,"form":"fixed","value":"7.5","active":true}', '{8}');
UPDATE commissions SET exact_gross = 7.5, part = 0 WHERE commission_id = 8;

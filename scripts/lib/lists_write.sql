-- What scripts/list-bench measures the cost of indexes with: 100 batches of 500 sales of the organisation `demo`, in the form in which
-- a worker writes them, with random order ids and customers and affiliates as they come.
CREATE FUNCTION pg_temp.write() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first    bigint;
    org      bigint := (SELECT org_id FROM orgs WHERE slug = 'demo');
    program  bigint := (SELECT program_id FROM programs WHERE org_id = org AND is_default);
    sellers  bigint[] := ARRAY(SELECT affiliate_id FROM affiliates WHERE org_id = org ORDER BY random());
    numbers  bigint[];
    orders   text[];
    seller   bigint[];
BEGIN
    FOR batch IN 1 .. 100 LOOP
        first := 1000000000 + batch * 500;
        numbers := ARRAY(SELECT first + n FROM generate_series(1, 500) n);
        orders := ARRAY(SELECT gen_random_uuid()::text FROM generate_series(1, 500));
        seller := ARRAY(SELECT sellers[1 + (first + n) * 7919 % cardinality(sellers)] FROM generate_series(1, 500) n);
        INSERT INTO clicks (org_id, click_id, program_id, affiliate_id, referral_code, event_id, dialect, trusted, created_at, clicked_at)
        SELECT org, number, program, affiliate, 'code', gen_random_uuid(), 'rest', true, now(), now()
        FROM unnest(numbers, seller) new (number, affiliate);
        INSERT INTO customers (org_id, customer_id, identity, external_id, program_id, affiliate_id, status, trusted, created_at, event_id)
        SELECT org, number, 'id:' || name, name, program, affiliate, 'new', true, now(), gen_random_uuid()
        FROM unnest(numbers, seller, orders) new (number, affiliate, name);
        INSERT INTO conversions (org_id, conversion_id, external_id, program_id, affiliate_id, customer_id, event_id, dialect, trusted,
                                 attributed_by, amount, currency, meta_data, details, trace, created_at)
        SELECT org, number, name, program, affiliate, number, gen_random_uuid(), 'rest', true, 'coupon', 10, 'USD', '{"channel": "web"}',
               '{"user_agent": "Mozilla/5.0"}', '{"coupon": "JANE10OFF"}', now()
        FROM unnest(numbers, seller, orders) new (number, affiliate, name);
        INSERT INTO commissions (org_id, commission_id, conversion_id, affiliate_id, kind, commission_type, commission_name, rate,
                                 sub_amount, gross, amount, currency, pending, payable, created_at, part)
        SELECT org, number, number, affiliate, 'regular', 'standard', 'Standard', 10, 10, 1, 1, 'USD', 1, 0, now(), 10
        FROM unnest(numbers, seller) new (number, affiliate);
    END LOOP;
END$$;
SELECT pg_temp.write();

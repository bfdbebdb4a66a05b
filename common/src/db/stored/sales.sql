-- Sales of the only organisation, as workers have written them long ago: their events are older than events are kept. Each is of the
-- customer that it is the first sale of, and is pending. The settings `bench.first`, `bench.rows` and `bench.all` say which of how many.
WITH world AS (
    SELECT o.org_id, p.program_id, (SELECT array_agg(affiliate_id ORDER BY affiliate_id) FROM affiliates a WHERE a.org_id = o.org_id) AS affiliates
    FROM orgs o JOIN programs p ON p.org_id = o.org_id AND p.is_default),
sale AS MATERIALIZED (
    SELECT org_id, program_id, affiliates[1 + n * 7919 % cardinality(affiliates)] AS affiliate_id, nextval('conversion_ids') AS number,
           nextval('customer_ids') AS customer_id, nextval('commission_ids') AS commission_id, md5(n || 'order') AS name, at,
           (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3) || 'a'
            || substr(md5(n::text), 4, 15))::uuid AS event_id
    FROM world,
         generate_series(current_setting('bench.first')::bigint,
                         current_setting('bench.first')::bigint + current_setting('bench.rows')::bigint - 1) n,
         LATERAL (SELECT now() - interval '760 days' + interval '720 days' * n / current_setting('bench.all')::float) moment (at)),
new_customers AS (
    INSERT INTO customers (org_id, customer_id, identity, external_id, email, name, program_id, affiliate_id, status, track, counted,
                           first_sale_at, meta_data, trusted, event_id, created_at)
    SELECT org_id, customer_id, 'id:cust-' || name, 'cust-' || name, name || '@example.com', 'Jane Smith', program_id, affiliate_id,
           'active', 'new', 1, at, '{"source": "website"}', true, event_id, at
    FROM sale),
new_conversions AS (
    INSERT INTO conversions (org_id, conversion_id, external_id, program_id, affiliate_id, customer_id, event_id, dialect, trusted,
                             attributed_by, base_amount, amount, currency, meta_data, details, created_at, counted)
    SELECT org_id, number, 'order-' || name, program_id, affiliate_id, customer_id, event_id, 'yaplet', true, 'coupon', 100, 100, 'USD',
           '{"utm_source": "newsletter"}', '{"notes": "Summer sale order"}', at, 1
    FROM sale),
new_commissions AS (
    INSERT INTO commissions (org_id, commission_id, conversion_id, affiliate_id, kind, commission_type, commission_name, rate,
                             sub_amount, part, settled_on, gross, amount, currency, pending, payable, created_at)
    SELECT org_id, commission_id, number, affiliate_id, 'regular', 'standard', 'standard', 10, 100, 100, 100, 10, 10, 'USD', 10, 0, at
    FROM sale),
new_transfers AS (
    INSERT INTO transfers (org_id, affiliate_id, debit_account, credit_account, amount, currency, code, commission_id, event_id,
                           recorded_at)
    SELECT org_id, affiliate_id, 'expense', 'pending', 10, 'USD', 'accrue', commission_id, event_id, at
    FROM sale)
INSERT INTO balances AS b (org_id, affiliate_id, currency, pending)
SELECT org_id, affiliate_id, 'USD', 10 * count(*) FROM sale GROUP BY org_id, affiliate_id ORDER BY affiliate_id
ON CONFLICT ON CONSTRAINT balances_pkey DO UPDATE SET pending = b.pending + excluded.pending;

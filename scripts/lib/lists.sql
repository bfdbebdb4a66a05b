-- What scripts/list-bench measures with: `lists.rows` conversions of the organisation `demo`, beside a
-- hundredth of them of `other`, over two years, with their commissions, customers, clicks, payments and balances. Set that, and
-- apply the demo world before. The set-based copy of what workers would have written one by one: sums of the ledger are not made.
--
-- What is asked for is rare in the places where it hurts: affiliate `rare`, program `partner-program`, disapproved commissions and
-- the meta data `campaign: rare` are among the oldest, waiting commissions among the newest; `heavy` has a tenth of everything.

CREATE TEMPORARY TABLE world AS
SELECT o.org_id, o.slug AS org, r.rows, r.affiliates, p.program_id,
       coalesce((SELECT program_id FROM programs q WHERE q.org_id = o.org_id AND q.slug = 'partner-program'), p.program_id) AS rare_program
FROM orgs o
JOIN programs p ON p.org_id = o.org_id AND p.is_default
CROSS JOIN LATERAL (
    SELECT current_setting('lists.rows')::bigint / CASE o.slug WHEN 'demo' THEN 1 ELSE 100 END AS rows,
           greatest(current_setting('lists.rows')::bigint / CASE o.slug WHEN 'demo' THEN 200 ELSE 2000 END, 4) AS affiliates) r
WHERE o.slug IN ('demo', 'other');

INSERT INTO affiliate_groups (org_id, group_id, title) SELECT org_id, 'few', 'Few' FROM world;
INSERT INTO affiliates (org_id, slug, firstname, lastname, email, group_id, created_at)
SELECT w.org_id, CASE n WHEN 1 THEN 'rare' WHEN 2 THEN 'heavy' ELSE 'affiliate' || n END, 'Some', 'Body', 'someone' || n || '@shop.example',
       CASE WHEN n % 500 = 1 THEN 'few' END, now() - interval '2 years'
FROM world w, generate_series(1, w.affiliates) n;
UPDATE affiliates a SET parent_id = p.affiliate_id
FROM affiliates p
WHERE p.org_id = a.org_id AND p.slug = 'heavy' AND a.email LIKE 'someone%9@shop.example';
INSERT INTO affiliations (org_id, program_id, affiliate_id, approved, referral_code, asset_id, source_id)
SELECT w.org_id, w.program_id, a.affiliate_id, true, 'code-' || a.slug, 'asset', 'source-' || a.slug
FROM world w JOIN affiliates a ON a.org_id = w.org_id AND a.email LIKE '%@shop.example';
INSERT INTO affiliate_notes (org_id, affiliate_id, message, owner, owner_id, created_at)
SELECT w.org_id, a.affiliate_id, 'A note', 'John Tapper', 'johntapper', now()
FROM world w
JOIN affiliates a ON a.org_id = w.org_id AND a.slug IN ('rare', 'heavy'), generate_series(1, w.rows / 50) n;
INSERT INTO prospects (org_id, slug, program_id, group_id, firstname, lastname, email, referral_code, signup_source, created_at)
SELECT w.org_id, 'prospect' || n, CASE WHEN n < 10 THEN w.rare_program ELSE w.program_id END, CASE WHEN n < 5 THEN 'few' END, 'Some', 'Body',
       'prospect' || n || '@shop.example', 'prospect-' || n, 'api', now()
FROM world w, generate_series(1, w.rows / 20) n;

-- One row for each sale, the oldest first; `number` is its id, as those of organisations follow each other in the tables. Both
-- end together, so that the small one's are among the newest of the large.
CREATE TEMPORARY TABLE sale AS
SELECT w.org_id, w.org, n, (n * (s.rows / w.rows) + CASE w.org WHEN 'demo' THEN 0 ELSE 0.5 END) AS place,
       CASE WHEN n <= 30 THEN w.rare_program ELSE w.program_id END AS program_id,
       CASE WHEN n <= 40 THEN f.first ELSE f.first + CASE WHEN n % 10 = 0 THEN 1 ELSE 2 + (n * 7919) % (w.affiliates - 2) END END AS affiliate_id,
       now() - interval '2 years' * (1 - n / w.rows::float) AS at,
       round((10 + (n * 31) % 9000)::numeric / 100, 2) AS amount,
       n > w.rows * 0.97 AS is_waiting, n % 50 = 3 AND n < 1000 AS is_disapproved, n % 97 = 5 AS is_deleted, n < w.rows * 0.6 AS is_paid
FROM (SELECT max(rows) AS rows FROM world) s, world w
CROSS JOIN LATERAL (SELECT affiliate_id AS first FROM affiliates a WHERE a.org_id = w.org_id AND a.slug = 'rare') f,
generate_series(1, w.rows) n;
ALTER TABLE sale ADD COLUMN number bigint;
UPDATE sale SET number = ordered.number
FROM (SELECT org_id, n, 1000 + row_number() OVER (ORDER BY place) AS number FROM sale) ordered
WHERE (ordered.org_id, ordered.n) = (sale.org_id, sale.n);

INSERT INTO clicks (org_id, click_id, program_id, affiliate_id, referral_code, customer_id, event_id, dialect, trusted, referrer,
                    landing_page, meta_data, details, created_at, clicked_at)
SELECT org_id, number, program_id, affiliate_id, 'code', number, gen_random_uuid(), 'rest', true, 'https://blog.example/post',
       'https://shop.example/', CASE WHEN n <= 20 THEN '{"campaign": "rare"}' WHEN n % 3 = 0 THEN '{"campaign": "summer"}' ELSE '{}' END::jsonb,
       '{"user_agent": "Mozilla/5.0"}', at, at
FROM sale ORDER BY number;
INSERT INTO customers (org_id, customer_id, identity, external_id, program_id, affiliate_id, status, trusted, created_at, click_id, event_id)
SELECT org_id, number, 'id:USER' || n, 'USER' || n, program_id, affiliate_id, 'new', true, at, number, gen_random_uuid()
FROM sale WHERE n <= 40 OR n % 5 <> 0 ORDER BY number;
INSERT INTO conversions (org_id, conversion_id, external_id, program_id, affiliate_id, customer_id, click_id, event_id, dialect, trusted,
                         attributed_by, amount, currency, meta_data, details, created_at, deleted_at)
SELECT org_id, number, 'ORD' || md5(n::text), program_id, affiliate_id, number, number, gen_random_uuid(), 'rest', true, 'coupon', amount,
       'USD', '{"channel": "web"}', '{"user_agent": "Mozilla/5.0"}', at, CASE WHEN is_deleted THEN at END
FROM sale ORDER BY number;
INSERT INTO commissions (org_id, commission_id, conversion_id, affiliate_id, kind, commission_type, commission_name, rate, sub_amount, gross,
                         amount, currency, approved, pending, payable, created_at, part, payment_id)
SELECT org_id, number, number, affiliate_id, 'regular', 'standard', 'Standard', 10, amount, amount, amount, 'USD', approved,
       CASE WHEN approved IS NULL THEN amount ELSE 0 END, CASE WHEN approved THEN amount ELSE 0 END, at, amount,
       CASE WHEN approved AND is_paid THEN 1000 + affiliate_id * 10 + n % 10 END
FROM (SELECT *, CASE WHEN is_disapproved OR is_deleted THEN false WHEN is_waiting THEN NULL ELSE true END AS approved FROM sale) s
ORDER BY number;
INSERT INTO payments (org_id, payment_id, affiliate_id, amount, currency, event_id, created_at)
SELECT w.org_id, 1000 + a.affiliate_id * 10 + n, a.affiliate_id, 10, 'USD', gen_random_uuid(), now() - interval '1 month' * n
FROM world w JOIN affiliates a ON a.org_id = w.org_id AND a.email LIKE '%@shop.example', generate_series(0, 9) n;
INSERT INTO balances (org_id, affiliate_id, currency, pending, payable, paid)
SELECT w.org_id, a.affiliate_id, c.code, 1, 10, 5
FROM world w JOIN affiliates a ON a.org_id = w.org_id AND a.email LIKE '%@shop.example', unnest(ARRAY['EUR', 'USD']) c (code);
-- Without their hashes, which nobody verifies here.
INSERT INTO audit_entries (org_id, entry, at, actor_kind, actor, action, subject, hash)
SELECT w.org_id, 1000 + n, now() - interval '2 years' * (1 - n / w.rows::float),
       CASE WHEN n < 20 THEN 'cli' ELSE 'key' END, CASE WHEN n < 20 THEN 'rare' ELSE 'John Tapper' END,
       CASE WHEN n < 20 THEN 'key.create' ELSE 'commission.edit' END, CASE WHEN n < 20 THEN 'key/' ELSE 'commission/' END || n,
       sha256('')
FROM world w, generate_series(1, w.rows) n;

DROP TABLE sale, world;

-- Where a customer stands with programs beside its own: first affiliate, limits and days are kept for each program. Of its own
-- program `customers` goes on saying it, which code of the version before reads and writes alike. That version neither reads nor
-- writes the new table: what it leaves out is mended by the function below (docs/decisions/0018-customers-of-several-programs.md).
SET LOCAL lock_timeout = '2s';
ALTER TABLE customers ADD COLUMN several_programs boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN customers.several_programs IS 'There may be rows in customer_programs; else nobody looks for them.';
COMMENT ON COLUMN customers.program_id IS
    'Its own program: affiliate_id, click_id, trusted, counted, first_sale_at, capped and status are of this one.';

CREATE TABLE customer_programs (
    org_id        bigint  NOT NULL,
    customer_id   bigint  NOT NULL,
    program_id    bigint  NOT NULL,
    affiliate_id  bigint  NOT NULL,
    click_id      bigint,
    trusted       boolean NOT NULL,
    counted       bigint  NOT NULL,
    first_sale_at timestamptz,
    capped        boolean NOT NULL,
    event_id      uuid    NOT NULL,
    created_at    timestamptz NOT NULL,
    CONSTRAINT customer_programs_pkey PRIMARY KEY (org_id, customer_id, program_id)
);
COMMENT ON TABLE customer_programs IS
    'Customers in programs beside their own. A row of what is a customer''s own program by now is of the time before, and is not read.';
COMMENT ON COLUMN customer_programs.affiliate_id IS
    'The first affiliate, who keeps the customer in this program where it is recurring.';
COMMENT ON COLUMN customer_programs.trusted IS 'Whether a secret vouches for who brought the customer.';
COMMENT ON COLUMN customer_programs.counted IS
    'Conversions and recurring commissions of this program that count towards its cap.';
COMMENT ON COLUMN customer_programs.first_sale_at IS 'The earliest sale in this program that a secret vouches for.';
COMMENT ON COLUMN customer_programs.event_id IS 'The event that noted the row.';

CREATE FUNCTION counts_towards_cap(org bigint, program bigint, type text, at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT t.count_towards_cap FROM commission_types t
    WHERE t.org_id = org AND t.program_id = program AND t.identifier = type AND t.valid_from <= at
    ORDER BY t.valid_from DESC LIMIT 1
$$;
COMMENT ON FUNCTION counts_towards_cap IS 'Of a commission type at a time; null: there was none (levels).';

CREATE FUNCTION count_customers_by_program() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    customers_of_several bigint;
BEGIN
    CREATE TEMP TABLE of_several ON COMMIT DROP AS
    SELECT DISTINCT c.org_id, c.customer_id
      FROM conversions c JOIN customers u ON (u.org_id, u.customer_id) = (c.org_id, c.customer_id)
     WHERE c.program_id <> u.program_id;
    GET DIAGNOSTICS customers_of_several = ROW_COUNT;
    ANALYZE of_several;
    -- Whoever sells to one of them meanwhile waits, or has been waited for.
    PERFORM FROM customers u JOIN of_several s ON (u.org_id, u.customer_id) = (s.org_id, s.customer_id)
     ORDER BY u.org_id, u.customer_id FOR UPDATE OF u;

    -- Sales that the version before did not count, because they were in another program than the customer's own. Whatever a
    -- conversion counts beyond its repetitions is the sale itself.
    UPDATE conversions c SET counted = c.counted + 1
      FROM of_several s
     WHERE (c.org_id, c.customer_id) = (s.org_id, s.customer_id) AND c.trusted AND c.deleted_at IS NULL
       AND EXISTS (SELECT FROM commissions m
                    WHERE m.org_id = c.org_id AND m.conversion_id = c.conversion_id AND m.kind = 'regular'
                      AND m.created_at = c.created_at
                      AND counts_towards_cap(m.org_id, c.program_id, m.commission_type, m.created_at))
       AND c.counted <= (SELECT count(*) FROM (
               SELECT FROM commissions m
                WHERE m.org_id = c.org_id AND m.conversion_id = c.conversion_id AND m.kind = 'recurring'
                GROUP BY m.created_at
               HAVING bool_and(counts_towards_cap(m.org_id, c.program_id, m.commission_type, m.created_at))) repetitions);

    -- Capped as the limits of today see the latest sale.
    CREATE TEMP TABLE standings ON COMMIT DROP AS
    SELECT sums.*, coalesce(sums.counted >= terms.recurring_cap, false)
                   OR coalesce(sums.latest_sale_at - sums.first_sale_at > terms.recurring_period_days * interval '1 day', false)
                       AS capped
      FROM (SELECT c.org_id, c.customer_id, c.program_id,
                   coalesce(sum(c.counted) FILTER (WHERE c.deleted_at IS NULL), 0) AS counted,
                   min(c.created_at) FILTER (WHERE c.trusted) AS first_sale_at,
                   max(c.created_at) FILTER (WHERE c.trusted) AS latest_sale_at
              FROM conversions c JOIN of_several s ON (c.org_id, c.customer_id) = (s.org_id, s.customer_id)
             GROUP BY c.org_id, c.customer_id, c.program_id) sums
      JOIN programs p ON p.org_id = sums.org_id AND p.program_id = sums.program_id
     CROSS JOIN LATERAL (
           SELECT p.recurring_cap, p.recurring_period_days
            WHERE NOT EXISTS (SELECT FROM program_terms t WHERE t.org_id = p.org_id AND t.program_id = p.program_id
                                                            AND t.valid_from > now())
            UNION ALL
           (SELECT t.recurring_cap, t.recurring_period_days FROM program_terms t
             WHERE t.org_id = p.org_id AND t.program_id = p.program_id AND t.valid_from <= now()
               AND EXISTS (SELECT FROM program_terms plan WHERE plan.org_id = p.org_id AND plan.program_id = p.program_id
                                                            AND plan.valid_from > now())
             ORDER BY t.valid_from DESC LIMIT 1)) terms;
    ANALYZE standings;

    -- The first affiliate: of the first sale that a secret vouches for, with what it was attributed by, else of the first.
    INSERT INTO customer_programs AS p (org_id, customer_id, program_id, affiliate_id, click_id, trusted, counted, first_sale_at,
                                        capped, event_id, created_at)
    SELECT s.org_id, s.customer_id, s.program_id, first.affiliate_id, first.click_id, first.binds, s.counted, s.first_sale_at,
           s.capped, first.event_id, first.created_at
      FROM standings s
      JOIN customers u ON (u.org_id, u.customer_id) = (s.org_id, s.customer_id)
      JOIN (SELECT DISTINCT ON (c.org_id, c.customer_id, c.program_id)
                   c.org_id, c.customer_id, c.program_id, c.affiliate_id, c.click_id, c.event_id, c.created_at, trust.binds
              FROM conversions c JOIN of_several s ON (c.org_id, c.customer_id) = (s.org_id, s.customer_id)
             CROSS JOIN LATERAL (
                   SELECT c.trusted AND NOT coalesce((c.trace ->> 'unsigned_binding')::boolean, false) AS binds) trust
             ORDER BY c.org_id, c.customer_id, c.program_id, trust.binds DESC, c.conversion_id) first
        ON (first.org_id, first.customer_id, first.program_id) = (s.org_id, s.customer_id, s.program_id)
     WHERE s.program_id <> u.program_id
        ON CONFLICT ON CONSTRAINT customer_programs_pkey DO UPDATE
       SET affiliate_id = CASE WHEN excluded.trusted AND NOT p.trusted THEN excluded.affiliate_id ELSE p.affiliate_id END,
           click_id = CASE WHEN excluded.trusted AND NOT p.trusted THEN excluded.click_id ELSE p.click_id END,
           trusted = p.trusted OR excluded.trusted, counted = excluded.counted, first_sale_at = excluded.first_sale_at,
           capped = excluded.capped;

    UPDATE customers u
       SET several_programs = true, counted = now_.counted, first_sale_at = now_.first_sale_at, capped = now_.capped,
           status = CASE WHEN u.canceled THEN CASE u.track WHEN 'new' THEN 'stopped' WHEN 'trial' THEN 'canceled' ELSE 'lost' END
                         WHEN now_.capped THEN 'capped'
                         WHEN now_.first_sale_at IS NULL THEN u.track
                         ELSE CASE u.track WHEN 'new' THEN 'active' WHEN 'trial' THEN 'paying' ELSE 'won' END END
      FROM of_several s
      JOIN customers before ON (before.org_id, before.customer_id) = (s.org_id, s.customer_id)
      LEFT JOIN standings own ON (own.org_id, own.customer_id, own.program_id)
                                 = (before.org_id, before.customer_id, before.program_id)
     CROSS JOIN LATERAL (
           SELECT coalesce(own.counted, 0) AS counted, own.first_sale_at,
                  -- What it was called when it was counted rightly stands.
                  CASE WHEN (before.counted, before.first_sale_at) IS NOT DISTINCT FROM (coalesce(own.counted, 0), own.first_sale_at)
                       THEN before.capped ELSE coalesce(own.capped, false) END AS capped) now_
     WHERE (u.org_id, u.customer_id) = (s.org_id, s.customer_id)
       AND (NOT u.several_programs
            OR (u.counted, u.first_sale_at, u.capped)
               IS DISTINCT FROM (now_.counted, now_.first_sale_at, now_.capped));
    DROP TABLE of_several, standings;
    RETURN customers_of_several;
END$$;
COMMENT ON FUNCTION count_customers_by_program IS
    'Counts anew, from conversions and commissions, what customers of several programs have used up of each program''s limits. Safe at any time and as often as wanted; returns how many such customers there are.';

-- Clicks, sessions, payments, schedules, and what customers, conversions and commissions remember of them.
-- Only additions with defaults: code of the version before goes on working while this is applied.

CREATE SEQUENCE click_ids;
CREATE SEQUENCE payment_ids;

CREATE TABLE clicks (
    org_id        bigint NOT NULL,
    click_id      bigint NOT NULL,
    name          text,
    program_id    bigint NOT NULL,
    affiliate_id  bigint NOT NULL,
    referral_code text   NOT NULL,
    customer_id   bigint,
    customer_vouched boolean NOT NULL DEFAULT false,
    event_id      uuid   NOT NULL,
    dialect       text   NOT NULL,
    trusted       boolean NOT NULL,
    referrer      text,
    landing_page  text,
    meta_data     jsonb  NOT NULL DEFAULT '{}',
    details       jsonb  NOT NULL DEFAULT '{}',
    created_at    timestamptz NOT NULL,
    clicked_at    timestamptz NOT NULL,
    CONSTRAINT clicks_pkey PRIMARY KEY (org_id, click_id),
    CONSTRAINT clicks_id_key UNIQUE (click_id)
);
COMMENT ON TABLE clicks IS 'Most names of a click are its number and first moment in another spelling: see the domain''s click names.';
COMMENT ON COLUMN clicks.customer_vouched IS 'Whether a secret vouches for who came by it.';
COMMENT ON COLUMN clicks.name IS 'The client''s own id (AFFY). Its first holder keeps it, in all organisations.';
COMMENT ON COLUMN clicks.clicked_at IS 'The latest moment, from which its age counts.';
CREATE UNIQUE INDEX clicks_name_key ON clicks (name) WHERE name IS NOT NULL;

CREATE TABLE sessions (
    session  text   NOT NULL,
    org_id   bigint NOT NULL,
    click_id bigint NOT NULL,
    CONSTRAINT sessions_pkey PRIMARY KEY (session)
);
COMMENT ON TABLE sessions IS 'AFFY''s sessions come without a key: the first organisation to use one keeps it; its latest click counts.';

CREATE TABLE program_hosts (
    host       text   NOT NULL,
    org_id     bigint NOT NULL,
    program_id bigint NOT NULL,
    CONSTRAINT program_hosts_pkey PRIMARY KEY (host),
    CONSTRAINT program_hosts_program_fkey FOREIGN KEY (org_id, program_id) REFERENCES programs
);
COMMENT ON TABLE program_hosts IS 'Hosts of landing pages, by which clicks without a key find their organisation. The first holder keeps one.';
INSERT INTO program_hosts (host, org_id, program_id)
SELECT DISTINCT ON (host) host, org_id, program_id
FROM (SELECT lower(substring(landing_page FROM '^https?://([^/:?#]+)')) AS host, org_id, program_id FROM programs) page
WHERE host IS NOT NULL
ORDER BY host, org_id, program_id;

ALTER TABLE programs ADD COLUMN keyed_leads_only boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN programs.keyed_leads_only IS 'A lead without a key is provisional and binds nobody (Affitor: server-side lead tracking).';
-- Clicks without a key look for their code in all organisations.
CREATE INDEX affiliations_code_idx ON affiliations (referral_code);
CREATE INDEX affiliates_slug_idx ON affiliates (slug);

ALTER TABLE customers
    ADD COLUMN track text NOT NULL DEFAULT 'new',
    ADD COLUMN canceled boolean NOT NULL DEFAULT false,
    ADD COLUMN capped boolean NOT NULL DEFAULT false,
    ADD COLUMN counted bigint NOT NULL DEFAULT 0,
    ADD COLUMN first_sale_at timestamptz,
    ADD COLUMN click_id bigint,
    ADD COLUMN details jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN event_id uuid,
    ADD COLUMN deleted_at timestamptz,
    ADD CONSTRAINT customers_track_check CHECK (track IN ('new', 'trial', 'lead'));
COMMENT ON COLUMN customers.counted IS 'Conversions and recurring commissions that count towards the program''s cap.';
COMMENT ON COLUMN customers.event_id IS 'The event that recorded it; null: by a version that did not say.';
COMMENT ON COLUMN customers.details IS 'User agent, ip: kept for reports as they were when the customer came.';
COMMENT ON COLUMN customers.status IS 'Follows from track, canceled, capped and first_sale_at; kept for filters.';
UPDATE customers u
SET track = CASE WHEN status IN ('trial', 'paying', 'canceled') THEN 'trial' WHEN status IN ('lead', 'won', 'lost') THEN 'lead' ELSE 'new' END,
    counted = sale.sales, first_sale_at = sale.earliest
FROM (SELECT org_id, customer_id, count(*) AS sales, min(created_at) AS earliest FROM conversions
      WHERE customer_id IS NOT NULL AND deleted_at IS NULL GROUP BY org_id, customer_id) sale
WHERE (u.org_id, u.customer_id) = (sale.org_id, sale.customer_id);

ALTER TABLE conversions
    ADD COLUMN click_id bigint,
    ADD COLUMN base_amount numeric(20, 6),
    ADD COLUMN charged_back boolean NOT NULL DEFAULT false,
    ADD COLUMN chargeback_by uuid,
    ADD COLUMN counted integer NOT NULL DEFAULT 1,
    ADD COLUMN warnings text[] NOT NULL DEFAULT '{}',
    ADD COLUMN trace jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN superseded_by bigint;
COMMENT ON COLUMN conversions.base_amount IS 'As the create sent it; null: the amount. Updates apply to shares of this.';
-- Sales so far count; those of a worker of the version before do not, as it does not count them for the customer either.
ALTER TABLE conversions ALTER COLUMN counted SET DEFAULT 0;
COMMENT ON COLUMN conversions.counted IS 'How often it counts towards the cap of its customer: the sale, and its recurring commissions.';
COMMENT ON COLUMN conversions.trace IS 'How it was decided, step by step, for `commissary explain`.';
COMMENT ON COLUMN conversions.superseded_by IS 'The keyed conversion of the same order that took the place of this unsigned one.';

-- Months are contiguous in the table, so that bonuses read only their part of it.
CREATE INDEX conversions_created_idx ON conversions USING brin (created_at) WITH (autosummarize = on);

-- What became of an order that was deleted or superseded, for people who ask why.
CREATE INDEX conversions_gone_idx ON conversions (org_id, external_id) WHERE deleted_at IS NOT NULL;
-- The sales of one affiliate: without it whoever sells little is looked for in all of the organisation's.
CREATE INDEX conversions_affiliate_idx ON conversions (org_id, affiliate_id, conversion_id);

ALTER TABLE refunds ADD COLUMN minor_units bigint;
COMMENT ON COLUMN refunds.minor_units IS 'As sent, where the client counts in the smallest unit of the currency.';

ALTER TABLE commissions
    ADD COLUMN part numeric(20, 6),
    ADD COLUMN final_at timestamptz,
    ADD COLUMN payment_id bigint;
COMMENT ON COLUMN commissions.part IS 'Its part of the conversion''s base amount; null: it does not follow the amount.';
COMMENT ON COLUMN commissions.final_at IS 'When it is approved by itself, where the program holds commissions.';
UPDATE commissions SET part = sub_amount WHERE rate IS NOT NULL;
CREATE INDEX commissions_affiliate_idx ON commissions (org_id, affiliate_id, commission_id);
-- What waits for a person: few among many, and the first that people ask for.
CREATE INDEX commissions_pending_idx ON commissions (org_id, conversion_id) WHERE approved IS NULL;
-- What a payment may cover: an affiliate's paid ones, years of them, are in the index above only.
CREATE INDEX commissions_unpaid_idx ON commissions (org_id, affiliate_id, commission_id) WHERE approved AND payment_id IS NULL;

-- What happened to a commission, for people who ask why.
CREATE INDEX transfers_commission_idx ON transfers (org_id, commission_id);

CREATE TABLE payments (
    org_id       bigint NOT NULL,
    payment_id   bigint NOT NULL,
    affiliate_id bigint NOT NULL,
    amount       numeric(20, 4) NOT NULL,
    currency     text   NOT NULL,
    event_id     uuid   NOT NULL,
    created_at   timestamptz NOT NULL,
    canceled_at  timestamptz,
    CONSTRAINT payments_pkey PRIMARY KEY (org_id, payment_id),
    CONSTRAINT payments_amount_check CHECK (amount > 0)
);
CREATE INDEX payments_affiliate_idx ON payments (org_id, affiliate_id, payment_id);

ALTER TABLE events ADD COLUMN wait_until timestamptz;
COMMENT ON COLUMN events.wait_until IS 'queued: until when its caller waits for the outcome.';

CREATE VIEW earning_sales AS
SELECT c.org_id, c.conversion_id, c.program_id, c.affiliate_id, c.created_at, c.currency, c.amount - c.refunded AS amount
FROM conversions c
WHERE c.deleted_at IS NULL AND c.trusted AND NOT c.charged_back AND NOT c.fully_refunded
  AND (c.refunded < c.amount OR c.refunded = 0)
  AND EXISTS (SELECT FROM commissions m
              WHERE (m.org_id, m.conversion_id, m.affiliate_id, m.kind) = (c.org_id, c.conversion_id, c.affiliate_id, 'regular')
                AND m.approved IS DISTINCT FROM false);
COMMENT ON VIEW earning_sales IS 'Sales that count for bonuses, with what is left of them: those that a secret vouches for and that bring their seller money, or will if nobody disapproves.';

CREATE TABLE schedules (
    org_id        bigint  NOT NULL,
    what          text    NOT NULL,
    subject       bigint  NOT NULL,
    period        integer NOT NULL,
    conversion_id bigint  NOT NULL,
    due_at        timestamptz NOT NULL,
    CONSTRAINT schedules_pkey PRIMARY KEY (org_id, what, subject, period),
    CONSTRAINT schedules_what_check CHECK (what IN ('hold', 'recurrence'))
);
COMMENT ON TABLE schedules IS 'What falls due by itself. A due row becomes a queued event in the transaction that deletes it: exactly once.';
COMMENT ON COLUMN schedules.subject IS 'hold: the conversion; recurrence: the commission that started it.';
CREATE INDEX schedules_due_idx ON schedules (due_at);

CREATE TABLE bonus_months (
    org_id       bigint NOT NULL,
    program_id   bigint NOT NULL,
    bonus_id     text   NOT NULL,
    month        date   NOT NULL,
    evaluated_at timestamptz NOT NULL,
    CONSTRAINT bonus_months_pkey PRIMARY KEY (org_id, program_id, bonus_id, month)
);
COMMENT ON TABLE bonus_months IS 'Months whose bonuses have been handed out: whoever reached the target has a queued event.';

CREATE TABLE bonus_awards (
    org_id        bigint NOT NULL,
    program_id    bigint NOT NULL,
    bonus_id      text   NOT NULL,
    affiliate_id  bigint NOT NULL,
    month         date   NOT NULL,
    event_id      uuid   NOT NULL,
    CONSTRAINT bonus_awards_pkey PRIMARY KEY (org_id, program_id, bonus_id, affiliate_id, month)
);

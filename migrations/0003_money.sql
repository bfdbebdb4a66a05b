-- Customers, conversions, commissions, the ledger and the balances. Only `common::apply` writes these.
-- No foreign keys here: the ledger check proves the references.

CREATE SEQUENCE customer_ids;
CREATE SEQUENCE conversion_ids;
CREATE SEQUENCE commission_ids;

CREATE TABLE customers (
    org_id       bigint NOT NULL,
    customer_id  bigint NOT NULL,
    identity     text   NOT NULL,
    external_id  text,
    email        text,
    name         text,
    program_id   bigint NOT NULL,
    affiliate_id bigint NOT NULL,
    status       text   NOT NULL,
    meta_data    jsonb  NOT NULL DEFAULT '{}',
    trusted      boolean NOT NULL,
    created_at   timestamptz NOT NULL,
    CONSTRAINT customers_pkey PRIMARY KEY (org_id, customer_id),
    CONSTRAINT customers_identity_key UNIQUE (org_id, identity),
    CONSTRAINT customers_status_check CHECK (status IN (
        'new', 'active', 'stopped', 'trial', 'paying', 'canceled', 'lead', 'won', 'lost', 'capped'))
);
COMMENT ON COLUMN customers.identity IS '"id:" and the merchant''s customer id, or "email:" and the folded address (Yaplet only).';
COMMENT ON COLUMN customers.affiliate_id IS 'The first affiliate, who keeps the customer where the program is recurring.';

CREATE TABLE conversions (
    org_id        bigint NOT NULL,
    conversion_id bigint NOT NULL,
    external_id   text,
    program_id    bigint NOT NULL,
    affiliate_id  bigint NOT NULL,
    customer_id   bigint,
    event_id      uuid   NOT NULL,
    dialect       text   NOT NULL,
    trusted       boolean NOT NULL,
    attributed_by text   NOT NULL,
    amount        numeric(20, 6) NOT NULL,
    currency      text   NOT NULL,
    refunded      numeric(20, 6) NOT NULL DEFAULT 0,
    fully_refunded boolean NOT NULL DEFAULT false,
    meta_data     jsonb  NOT NULL DEFAULT '{}',
    details       jsonb  NOT NULL DEFAULT '{}',
    created_at    timestamptz NOT NULL,
    amount_by     uuid,
    status_by     uuid,
    meta_by       uuid,
    deleted_at    timestamptz,
    CONSTRAINT conversions_pkey PRIMARY KEY (org_id, conversion_id),
    CONSTRAINT conversions_amount_check CHECK (amount >= 0),
    CONSTRAINT conversions_refunded_check CHECK (refunded >= 0)
);
COMMENT ON COLUMN conversions.created_at IS 'The time of the sale: the client''s where given, else when it was received.';
COMMENT ON COLUMN conversions.amount_by IS 'The last event that set the amount. Event ids order by time, so the later id wins.';
COMMENT ON COLUMN conversions.refunded IS 'The sum as sent; what exceeds the amount has no effect, so that any order of refunds and updates ends alike.';
COMMENT ON COLUMN conversions.details IS 'Notes, product, user agent, ip: kept for reports.';
CREATE UNIQUE INDEX conversions_external_id_key ON conversions (org_id, external_id) WHERE deleted_at IS NULL;

CREATE TABLE refunds (
    org_id        bigint NOT NULL,
    conversion_id bigint NOT NULL,
    refund_key    text   NOT NULL,
    event_id      uuid   NOT NULL,
    amount        numeric(20, 6),
    created_at    timestamptz NOT NULL,
    CONSTRAINT refunds_pkey PRIMARY KEY (org_id, conversion_id, refund_key)
);
COMMENT ON COLUMN refunds.refund_key IS 'The client''s refund id, or "event:" and the event id where none was sent.';
COMMENT ON COLUMN refunds.amount IS 'null: what was left of the sale.';

CREATE TABLE commissions (
    org_id          bigint NOT NULL,
    commission_id   bigint NOT NULL,
    conversion_id   bigint,
    affiliate_id    bigint NOT NULL,
    kind            text   NOT NULL,
    commission_type text   NOT NULL,
    commission_name text   NOT NULL,
    rate            numeric(20, 6),
    sub_amount      numeric(20, 6) NOT NULL,
    gross           numeric(20, 4) NOT NULL,
    amount          numeric(20, 4) NOT NULL,
    currency        text   NOT NULL,
    approved        boolean,
    pending         numeric(20, 4) NOT NULL,
    payable         numeric(20, 4) NOT NULL,
    comment         text,
    created_at      timestamptz NOT NULL,
    CONSTRAINT commissions_pkey PRIMARY KEY (org_id, commission_id),
    CONSTRAINT commissions_kind_check CHECK (kind IN ('regular', 'level', 'bonus', 'recurring')),
    CONSTRAINT commissions_amount_check CHECK (amount >= 0 AND amount <= gross),
    CONSTRAINT commissions_position_check CHECK (
        (pending, payable) = (CASE WHEN approved IS NULL THEN amount ELSE 0 END, CASE WHEN approved THEN amount ELSE 0 END))
);
COMMENT ON COLUMN commissions.rate IS 'Percent of sub_amount; null: a fixed or explicit amount.';
COMMENT ON COLUMN commissions.gross IS 'Before refunds.';
COMMENT ON COLUMN commissions.amount IS 'gross less what was refunded in proportion.';
COMMENT ON COLUMN commissions.pending IS 'The commission''s own position in the ledger: the sum of its transfers.';
CREATE INDEX commissions_conversion_idx ON commissions (org_id, conversion_id);

CREATE TABLE transfers (
    org_id         bigint NOT NULL,
    transfer_id    bigint GENERATED ALWAYS AS IDENTITY,
    affiliate_id   bigint NOT NULL,
    debit_account  text   NOT NULL,
    credit_account text   NOT NULL,
    amount         numeric(20, 4) NOT NULL,
    currency       text   NOT NULL,
    code           text   NOT NULL,
    commission_id  bigint,
    event_id       uuid   NOT NULL,
    recorded_at    timestamptz NOT NULL,
    CONSTRAINT transfers_pkey PRIMARY KEY (org_id, transfer_id),
    CONSTRAINT transfers_amount_check CHECK (amount > 0),
    CONSTRAINT transfers_accounts_check CHECK (
        debit_account IN ('expense', 'pending', 'payable', 'paid')
        AND credit_account IN ('expense', 'pending', 'payable', 'paid')
        AND debit_account <> credit_account)
);
COMMENT ON TABLE transfers IS 'Append-only. Each row debits one account and credits another, so the books cannot be out of balance.';
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION 'transfers are append-only: post a correcting transfer'; END$$;
CREATE TRIGGER transfers_append_only BEFORE UPDATE OR DELETE ON transfers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE balances (
    org_id       bigint NOT NULL,
    affiliate_id bigint NOT NULL,
    currency     text   NOT NULL,
    pending      numeric(24, 4) NOT NULL DEFAULT 0,
    payable      numeric(24, 4) NOT NULL DEFAULT 0,
    paid         numeric(24, 4) NOT NULL DEFAULT 0,
    CONSTRAINT balances_pkey PRIMARY KEY (org_id, affiliate_id, currency)
) WITH (fillfactor = 50);
COMMENT ON TABLE balances IS 'Equal to the sum of the transfers at any snapshot; changed in the transaction that posts them.';

-- What a program, an affiliation and a membership said at a time: versions as those of types and levels; and what is retired.
-- Only additions. The columns of programs, affiliations and affiliates go on saying what was declared last; where nothing was
-- changed since this migration, there are no versions and the columns hold from the beginning of time.

CREATE TABLE program_terms (
    org_id                bigint  NOT NULL,
    program_id            bigint  NOT NULL,
    valid_from            timestamptz NOT NULL DEFAULT '-infinity',
    cookie_time           integer NOT NULL,
    recurring             boolean NOT NULL,
    recurring_cap         integer,
    recurring_period_days integer,
    approval              text    NOT NULL,
    hold_days             integer,
    default_type          text    NOT NULL,
    CONSTRAINT program_terms_pkey PRIMARY KEY (org_id, program_id, valid_from),
    CONSTRAINT program_terms_program_fkey FOREIGN KEY (org_id, program_id) REFERENCES programs,
    CONSTRAINT program_terms_cookie_time_check CHECK (cookie_time >= 0),
    CONSTRAINT program_terms_approval_check CHECK (approval IN ('manual', 'immediate', 'hold')),
    CONSTRAINT program_terms_hold_check CHECK ((approval = 'hold') = (hold_days IS NOT NULL))
);
COMMENT ON TABLE program_terms IS
    'Versions of a program''s windows, limits and approval: a conversion gets the version of its own time. None: the columns of programs.';

CREATE TABLE affiliation_rates (
    org_id              bigint NOT NULL,
    program_id          bigint NOT NULL,
    affiliate_id        bigint NOT NULL,
    valid_from          timestamptz NOT NULL DEFAULT '-infinity',
    own_rate_form       text,
    own_rate_value      numeric(20, 6),
    ignore_product_rate boolean NOT NULL,
    CONSTRAINT affiliation_rates_pkey PRIMARY KEY (org_id, program_id, affiliate_id, valid_from),
    CONSTRAINT affiliation_rates_program_fkey FOREIGN KEY (org_id, program_id) REFERENCES programs,
    CONSTRAINT affiliation_rates_affiliate_fkey FOREIGN KEY (org_id, affiliate_id) REFERENCES affiliates,
    CONSTRAINT affiliation_rates_rate_check CHECK (
        (own_rate_form IS NULL) = (own_rate_value IS NULL)
        AND own_rate_form IN ('percentage', 'fixed') AND own_rate_value >= 0)
);
COMMENT ON TABLE affiliation_rates IS 'Versions of an affiliate''s own rate in a program. None: the columns of affiliations.';

CREATE TABLE group_memberships (
    org_id       bigint NOT NULL,
    affiliate_id bigint NOT NULL,
    valid_from   timestamptz NOT NULL DEFAULT '-infinity',
    group_id     text,
    CONSTRAINT group_memberships_pkey PRIMARY KEY (org_id, affiliate_id, valid_from),
    CONSTRAINT group_memberships_affiliate_fkey FOREIGN KEY (org_id, affiliate_id) REFERENCES affiliates,
    CONSTRAINT group_memberships_group_fkey FOREIGN KEY (org_id, group_id) REFERENCES affiliate_groups
);
COMMENT ON TABLE group_memberships IS
    'Versions of the group that an affiliate belongs to; null: none. No version: the column of affiliates.';

CREATE FUNCTION group_at(a affiliates, at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN EXISTS (SELECT FROM group_memberships m
                             WHERE m.org_id = a.org_id AND m.affiliate_id = a.affiliate_id AND m.valid_from > at)
        THEN (SELECT m.group_id FROM group_memberships m
              WHERE m.org_id = a.org_id AND m.affiliate_id = a.affiliate_id AND m.valid_from <= at
              ORDER BY m.valid_from DESC LIMIT 1)
        ELSE a.group_id END
$$;
COMMENT ON FUNCTION group_at IS
    'The group of an affiliate at a time from now on: the one of the column unless that is a plan, whose versions come later.';

ALTER TABLE programs ADD COLUMN retired_at timestamptz;
COMMENT ON COLUMN programs.retired_at IS 'Brings nothing new from then on; what it brought stays and is paid.';
ALTER TABLE commission_types ADD COLUMN retired boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN commission_types.retired IS 'A version that says that the type is no longer offered.';
ALTER TABLE program_levels ADD COLUMN retired boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN program_levels.retired IS 'A version that says that the level is no longer paid.';
ALTER TABLE program_bonuses ADD COLUMN retired_at timestamptz;
COMMENT ON COLUMN program_bonuses.retired_at IS 'Intervals that end later bring none.';
ALTER TABLE custom_fields ADD COLUMN retired_at timestamptz;
COMMENT ON COLUMN custom_fields.retired_at IS 'No longer offered; values that affiliates have stay.';

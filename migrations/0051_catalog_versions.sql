-- Which version of an organisation's catalog there is: workers keep what they have loaded of it until this changes. The triggers count
-- whoever changes it, processes of earlier versions and people at a prompt, too.
SET LOCAL lock_timeout = '2s';
CREATE TABLE catalog_versions (
    org_id  bigint NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT catalog_versions_pkey PRIMARY KEY (org_id)
);
COMMENT ON TABLE catalog_versions IS 'How often the catalog of an organisation has changed: programs, rules, affiliates, affiliations.';

CREATE FUNCTION note_catalog_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_versions AS known (org_id, version)
    SELECT DISTINCT org_id, 1 FROM changed ORDER BY org_id
    ON CONFLICT ON CONSTRAINT catalog_versions_pkey DO UPDATE SET version = known.version + 1;
    RETURN NULL;
END$$;

DO $$
DECLARE
    part text;
BEGIN
    -- Who changes the catalog need not be able to say that it has not changed.
    EXECUTE format('ALTER FUNCTION note_catalog_change() SECURITY DEFINER SET search_path = %I, pg_temp', current_schema());
    FOREACH part IN ARRAY ARRAY['programs', 'program_terms', 'commission_types', 'program_levels', 'program_bonuses', 'affiliates',
        'affiliations', 'affiliation_rates', 'group_memberships']
    LOOP
        EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %I REFERENCING NEW TABLE AS changed
            FOR EACH STATEMENT EXECUTE FUNCTION note_catalog_change()', part || '_inserted', part);
        EXECUTE format('CREATE TRIGGER %I AFTER UPDATE ON %I REFERENCING NEW TABLE AS changed
            FOR EACH STATEMENT EXECUTE FUNCTION note_catalog_change()', part || '_updated', part);
        EXECUTE format('CREATE TRIGGER %I AFTER DELETE ON %I REFERENCING OLD TABLE AS changed
            FOR EACH STATEMENT EXECUTE FUNCTION note_catalog_change()', part || '_deleted', part);
    END LOOP;
END$$;

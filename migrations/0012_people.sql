-- Affiliates who are deleted or have a password, and since when they take part in a program.
-- Only additions: code of the version before goes on working. It never finds who was deleted, for that leaves no codes behind.

ALTER TABLE affiliates
    ADD COLUMN deleted_at    timestamptz,
    ADD COLUMN password_hash text;
COMMENT ON COLUMN affiliates.deleted_at IS
    'Money and names stay and can be read; codes and e-mail are free, the slug is not. Earns nothing from then on.';
COMMENT ON COLUMN affiliates.password_hash IS 'Argon2id in PHC form; the password itself is stored nowhere.';

ALTER TABLE affiliations ADD COLUMN applied_at timestamptz NOT NULL DEFAULT now();
UPDATE affiliations o SET applied_at = a.created_at
FROM affiliates a WHERE (a.org_id, a.affiliate_id) = (o.org_id, o.affiliate_id);

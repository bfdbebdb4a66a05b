-- Lists are filtered by the merchant's customer id, which is no identity where the e-mail is one (Yaplet). All others are found by
-- their identity and cost nothing here.
CREATE INDEX customers_reference_idx ON customers (org_id, external_id)
    WHERE identity LIKE 'email:%' AND external_id IS NOT NULL;

-- A merchant's customer id that is an e-mail address is the same in any case, and is looked for in lower case. Where nobody has the
-- folded id yet, the oldest customer with a spelling of it gets it; the others keep their own.

SET LOCAL lock_timeout = '2s';
UPDATE customers c
SET identity = lower(c.identity)
FROM (SELECT DISTINCT ON (org_id, lower(identity)) org_id, customer_id
      FROM customers
      WHERE identity LIKE 'id:_%@_%' AND identity <> lower(identity)
      ORDER BY org_id, lower(identity), customer_id) oldest
WHERE (c.org_id, c.customer_id) = (oldest.org_id, oldest.customer_id)
  AND NOT EXISTS (SELECT FROM customers other WHERE other.org_id = c.org_id AND other.identity = lower(c.identity));

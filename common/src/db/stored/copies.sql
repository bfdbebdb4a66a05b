-- The floor is measured at the same size.
INSERT INTO floor.customers SELECT * FROM customers;
INSERT INTO floor.conversions SELECT * FROM conversions;
INSERT INTO floor.commissions SELECT * FROM commissions;
INSERT INTO floor.transfers OVERRIDING SYSTEM VALUE SELECT * FROM transfers;
SELECT setval(pg_get_serial_sequence('floor.transfers', 'transfer_id'), (SELECT coalesce(max(transfer_id), 1) FROM transfers));

-- Copies of the tables that one sale writes, with the same columns, constraints and indexes. Partitions and triggers are left out: a bare
-- database needs neither.
DROP SCHEMA IF EXISTS floor CASCADE;
CREATE SCHEMA floor;
CREATE TABLE floor.customers (LIKE customers INCLUDING ALL);
CREATE TABLE floor.conversions (LIKE conversions INCLUDING ALL);
CREATE TABLE floor.commissions (LIKE commissions INCLUDING ALL);
CREATE TABLE floor.transfers (LIKE transfers INCLUDING ALL);
CREATE TABLE floor.events (LIKE events INCLUDING ALL);
CREATE TABLE floor.balances (LIKE balances INCLUDING ALL) WITH (fillfactor = 50);

-- The users of a PostgreSQL that is Commissary's alone: one owns the schema, one is for each process, and none is a superuser.
-- docker-compose.yml runs this when it makes the cluster. Run again, as a superuser, it changes passwords, and in a cluster in which
-- a superuser owned everything it hands the tables over (docs/OPERATIONS.md, "Users of the database"):
--
--   docker compose exec postgres psql --username USER --dbname postgres --file /docker-entrypoint-initdb.d/postgres-roles.sql
--
-- Passwords come by environment variables. What each user may do is given by `commissary migrate --grants`.
\set ON_ERROR_STOP on
\getenv owner_password COMMISSARY_OWNER_PASSWORD
\getenv ingest_password COMMISSARY_INGEST_PASSWORD
\getenv worker_password COMMISSARY_WORKER_PASSWORD
\getenv api_password COMMISSARY_API_PASSWORD

-- A statement that fails stands in the server's log: not those with passwords.
SET log_min_error_statement = panic;
SET log_statement = none;
SET log_min_duration_statement = -1;

SELECT format('CREATE ROLE %I', name)
  FROM unnest(ARRAY['commissary_owner', 'commissary_ingest', 'commissary_worker', 'commissary_api']) AS name
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

ALTER ROLE commissary_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'owner_password';
ALTER ROLE commissary_ingest LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'ingest_password';
ALTER ROLE commissary_worker LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'worker_password';
ALTER ROLE commissary_api LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'api_password';

SELECT 'CREATE DATABASE commissary'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'commissary') \gexec
ALTER DATABASE commissary OWNER TO commissary_owner;
-- Nobody else's: other users of this server have no business here.
REVOKE ALL ON DATABASE commissary FROM PUBLIC;

\connect commissary

-- Of a cluster that was there before.
DO $$
DECLARE
    object record;
BEGIN
    FOR object IN
        SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, c.oid::regclass::text AS named
          FROM pg_class c
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
           AND c.relowner <> 'commissary_owner'::regrole
           -- Sequences of columns go with their tables; what an extension brought stays the superuser's.
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                               AND (d.deptype = 'e' OR c.relkind = 'S' AND d.deptype IN ('a', 'i')))
        UNION ALL
        SELECT 'FUNCTION', p.oid::regprocedure::text
          FROM pg_proc p
         WHERE p.pronamespace = 'public'::regnamespace AND p.proowner <> 'commissary_owner'::regrole
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    LOOP
        EXECUTE format('ALTER %s %s OWNER TO commissary_owner', object.kind, object.named);
    END LOOP;
END$$;

-- The services' login roles, when the database is made. Passwords are read from the secrets, so
-- that none stands here; a failing statement is kept out of the log.
SET log_min_error_statement = panic;
REVOKE ALL ON DATABASE shop FROM PUBLIC;

DO $$
DECLARE
  login text;
BEGIN
  FOREACH login IN ARRAY ARRAY['legacy_app', 'inventory'] LOOP
    EXECUTE format(
      'CREATE ROLE %I LOGIN PASSWORD %L',
      login, rtrim(pg_read_file('/run/secrets/database-' || login), E'\n'));
    EXECUTE format('GRANT CONNECT ON DATABASE shop TO %I', login);
  END LOOP;
END $$;

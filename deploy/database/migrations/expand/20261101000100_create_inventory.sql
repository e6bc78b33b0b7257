-- The inventory of new_microservice: stock, reservations, and the answers kept for replays.
-- Run by the owner; inventory gets no DDL, legacy_app reads one view and nothing else.

-- migrate:up
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '1min';

-- Nobody may connect, or use schema public, just for having a login.
DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO inventory, legacy_app', current_database());
END
$$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;

CREATE SCHEMA inventory;
REVOKE ALL ON SCHEMA inventory FROM PUBLIC;

-- on_hand = goods received - goods confirmed; reserved = sum of the pending reservations.
-- Few rows, updated all the time: free room in each page keeps the updates off the index.
CREATE TABLE inventory.stock (
    sku      text PRIMARY KEY,
    on_hand  integer NOT NULL,
    reserved integer NOT NULL DEFAULT 0,
    version  bigint NOT NULL DEFAULT 0,
    -- The last word on overselling, whatever the code does.
    CHECK (reserved BETWEEN 0 AND on_hand)
) WITH (fillfactor = 50);

CREATE TABLE inventory.receipts (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku         text NOT NULL REFERENCES inventory.stock (sku),
    qty         integer NOT NULL CHECK (qty > 0),
    received_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE inventory.reservations (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_ref  text NOT NULL UNIQUE,
    sku        text NOT NULL REFERENCES inventory.stock (sku),
    qty        integer NOT NULL CHECK (qty > 0),
    state      text NOT NULL DEFAULT 'pending' CHECK (
        state IN ('pending', 'confirmed', 'cancelled', 'expired')
    ),
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Asked for every few seconds; pending reservations are few beside the settled ones.
CREATE INDEX reservations_pending ON inventory.reservations (expires_at) WHERE state = 'pending';

CREATE TABLE inventory.idempotency (
    key         text PRIMARY KEY,
    -- Hash of the request that the key stands for.
    fingerprint text NOT NULL,
    -- The answer as it was given: HTTP status and reservation.
    status      smallint NOT NULL,
    body        jsonb NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- Rows come in the order of time and go in that order: the smallest index does.
CREATE INDEX idempotency_created_at ON inventory.idempotency USING brin (created_at);

-- What others may know of the stock; a change of the tables behind it stays invisible to them.
CREATE VIEW inventory.stock_v1 AS
    SELECT sku, on_hand - reserved AS available FROM inventory.stock;

GRANT USAGE ON SCHEMA inventory TO inventory, legacy_app;
GRANT SELECT ON inventory.stock_v1 TO legacy_app;
GRANT SELECT, UPDATE (on_hand, reserved, version) ON inventory.stock TO inventory;
GRANT SELECT, INSERT, UPDATE (state) ON inventory.reservations TO inventory;
GRANT SELECT, INSERT, DELETE ON inventory.idempotency TO inventory;

-- migrate:down
SET LOCAL lock_timeout = '5s';

DROP SCHEMA inventory CASCADE;
DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM inventory, legacy_app', current_database());
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO PUBLIC', current_database());
END
$$;
GRANT USAGE ON SCHEMA public TO PUBLIC;

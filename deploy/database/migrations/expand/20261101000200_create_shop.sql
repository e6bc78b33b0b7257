-- The shop of legacy_app: catalogue, orders, and the monolith's own stock (STOCK_BACKEND=sql),
-- which keeps the same rules as schema inventory. Run by the owner; legacy_app gets no DDL.

-- migrate:up
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '1min';

CREATE SCHEMA shop;
REVOKE ALL ON SCHEMA shop FROM PUBLIC;

CREATE TABLE shop.products (
    sku         text PRIMARY KEY,
    name        text NOT NULL,
    description text NOT NULL,
    price_cents integer NOT NULL CHECK (price_cents >= 0)
);

CREATE TABLE shop.orders (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer        text NOT NULL,
    status          text NOT NULL DEFAULT 'pending' CHECK (
        status IN ('pending', 'reserved', 'confirming', 'confirmed', 'cancelling', 'cancelled')
    ),
    -- Why the order was cancelled; null unless it is cancelling or cancelled.
    cancel_reason   text CHECK (
        cancel_reason IN ('customer', 'out-of-stock', 'expired', 'abandoned')
    ),
    -- When the first reservation of the order lapses; null before all lines are reserved.
    reserved_until  timestamptz,
    idempotency_key text UNIQUE,
    created_at      timestamptz NOT NULL DEFAULT now(),
    -- Last change of status, or the last time somebody took on driving the order further.
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CHECK ((cancel_reason IS NOT NULL) = (status IN ('cancelling', 'cancelled')))
);

-- Orders on their way: few at any time, asked for every second.
CREATE INDEX orders_unfinished ON shop.orders (updated_at)
    WHERE status IN ('pending', 'confirming', 'cancelling');

CREATE TABLE shop.order_lines (
    order_id    bigint NOT NULL REFERENCES shop.orders (id) ON DELETE CASCADE,
    sku         text NOT NULL REFERENCES shop.products (sku),
    qty         integer NOT NULL CHECK (qty > 0),
    -- The price when it was ordered: an order's total does not follow the catalogue.
    price_cents integer NOT NULL CHECK (price_cents >= 0),
    PRIMARY KEY (order_id, sku)
);

CREATE TABLE shop.stock (
    sku      text PRIMARY KEY,
    on_hand  integer NOT NULL,
    reserved integer NOT NULL DEFAULT 0,
    version  bigint NOT NULL DEFAULT 0,
    CHECK (reserved BETWEEN 0 AND on_hand)
);

CREATE TABLE shop.reservations (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_ref  text NOT NULL UNIQUE,
    sku        text NOT NULL REFERENCES shop.stock (sku),
    qty        integer NOT NULL CHECK (qty > 0),
    state      text NOT NULL CHECK (state IN ('pending', 'confirmed', 'cancelled', 'expired')),
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX reservations_pending ON shop.reservations (expires_at) WHERE state = 'pending';

GRANT USAGE ON SCHEMA shop TO legacy_app;
GRANT SELECT ON shop.products TO legacy_app;
GRANT SELECT, INSERT, UPDATE ON shop.orders, shop.reservations TO legacy_app;
GRANT SELECT, INSERT ON shop.order_lines TO legacy_app;
GRANT SELECT, UPDATE ON shop.stock TO legacy_app;

-- migrate:down
SET LOCAL lock_timeout = '5s';

DROP SCHEMA shop CASCADE;

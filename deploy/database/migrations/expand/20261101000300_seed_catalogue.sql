-- The goods of the demonstration: the same articles, with the same stock, in both services.
-- There is plenty of each but two, which run out so that "out of stock" is seen to happen.

-- migrate:up
SET LOCAL lock_timeout = '5s';

INSERT INTO shop.products (sku, name, description, price_cents) VALUES
    ('BOARD-OAK',    'Oak Cutting Board',      'End-grain oak, oiled by hand; heavy enough to stay where it is put.',     6900),
    ('BOWL-ASH',     'Ash Salad Bowl',         'Turned from one piece of ash, thirty centimetres across.',                8400),
    ('CARAFE-SMOKE', 'Smoked Glass Carafe',    'Mouth-blown, holds a litre, pours without a drip.',                       4200),
    ('CLOCK-TIDE',   'Tide Clock',             'Shows the next high water; made in small numbers once a year.',          24900),
    ('CUP-GLAZE',    'Glazed Espresso Cup',    'Stoneware with a reactive glaze: no two turn out alike.',                 1800),
    ('KETTLE-STEEL', 'Gooseneck Kettle',       'Brushed steel, a steady thin stream, ready for induction.',               7900),
    ('LAMP-BRASS',   'Brass Reading Lamp',     'Solid brass, dimmed by a turn of the shade; the last of its series.',    18900),
    ('LINEN-SAGE',   'Washed Linen Throw',     'Stone-washed linen in sage green, softer with each winter.',              9800),
    ('MILL-WALNUT',  'Walnut Pepper Mill',     'Ceramic grinder in a walnut body, from dust to coarse.',                  5400),
    ('NOTE-GRID',    'Grid Notebook',          'Thread-bound, opens flat, 160 pages of paper that takes a fountain pen.', 1600),
    ('PAN-IRON',     'Forged Iron Pan',        'Seasoned at the forge; for everything that wants a crust.',               8900),
    ('TRAY-CORK',    'Cork Serving Tray',      'Light, quiet and grippy; two handles cut into the rim.',                  3600);

INSERT INTO inventory.stock (sku, on_hand)
    SELECT sku, CASE WHEN sku IN ('CLOCK-TIDE', 'LAMP-BRASS') THEN 40 ELSE 5000000 END
    FROM shop.products;
INSERT INTO inventory.receipts (sku, qty) SELECT sku, on_hand FROM inventory.stock;
INSERT INTO shop.stock (sku, on_hand) SELECT sku, on_hand FROM inventory.stock;

-- migrate:down
SET LOCAL lock_timeout = '5s';

-- Refused by the foreign keys once something was ordered: what was sold is not taken back.
DELETE FROM shop.stock;
DELETE FROM inventory.receipts;
DELETE FROM inventory.stock;
DELETE FROM shop.products;

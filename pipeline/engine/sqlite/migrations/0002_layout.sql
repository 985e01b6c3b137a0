-- How users are divided over the shards, in the first shard alone: while they
-- are moved, the number of shards is no shard's own affair. Until now it was the
-- hash modulo a total that every file knew.
CREATE TABLE layout (
    only          INTEGER NOT NULL PRIMARY KEY CHECK (only = 1), -- row
    shards        INTEGER NOT NULL,
    sharding      TEXT    NOT NULL,
    next_shards   INTEGER NOT NULL, -- where users are being copied to, or 0
    next_sharding TEXT    NOT NULL,
    leftover      INTEGER NOT NULL  -- how many shards may hold what is elsewhere now, or 0
) STRICT;

INSERT INTO layout (only, shards, sharding, next_shards, next_sharding, leftover)
SELECT 1, total, 'modulo', 0, '', 0 FROM shard WHERE position = 0;

ALTER TABLE shard DROP COLUMN total;

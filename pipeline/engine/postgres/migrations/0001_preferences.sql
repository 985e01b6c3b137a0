-- What a user wants of a channel. User ids are compared as bytes, so that rows
-- are scanned in the order of pipeline.PreferenceKey.
CREATE TABLE preferences (
    user_id       text COLLATE "C" NOT NULL,
    channel       smallint         NOT NULL,
    transactional boolean          NOT NULL,
    promotional   boolean          NOT NULL,
    addresses     text[]           NOT NULL, -- preferred first
    version       bigint           NOT NULL, -- grows with each change
    PRIMARY KEY (user_id, channel)
);

-- Which shard this database is: one that is opened as another, or in another
-- installation, would hide what its users said.
CREATE TABLE shard (
    singleton          smallint PRIMARY KEY DEFAULT 1 CHECK (singleton = 1), -- row
    id            uuid    NOT NULL DEFAULT gen_random_uuid(),
    position      integer,                      -- from 0; null until it is first used
    installation  uuid,                         -- the id of the shard at position 0
    version_floor bigint  NOT NULL DEFAULT 0,   -- the highest version of a row that was erased
    -- The branch of the write-ahead log that writes are on: a new name for each
    -- timeline. A server that has another is no primary or replica of this one.
    timeline      integer NOT NULL DEFAULT 0,
    lineage       uuid    NOT NULL DEFAULT gen_random_uuid()
);

INSERT INTO shard DEFAULT VALUES;

-- How users are divided over the shards, in the first shard alone.
CREATE TABLE layout (
    singleton          smallint PRIMARY KEY DEFAULT 1 CHECK (singleton = 1), -- row
    shards        integer NOT NULL,
    sharding      text    NOT NULL,
    next_shards   integer NOT NULL, -- where users are being copied to, or 0
    next_sharding text    NOT NULL,
    leftover      integer NOT NULL  -- how many shards may hold what is elsewhere now, or 0
);

-- The secret that the installation's ids are checked under, in the first shard
-- alone. One that was given to us is not kept, only what it is known by.
CREATE TABLE id_key (
    singleton        smallint PRIMARY KEY DEFAULT 1 CHECK (singleton = 1), -- row
    key         bytea,          -- null when it is given at each start
    fingerprint bytea NOT NULL  -- SHA-256 of the key
);

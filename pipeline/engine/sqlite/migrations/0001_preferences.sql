-- What a user wants of a channel. Rows are found by whole key alone, so the key
-- is the table's order and there is no other index.
CREATE TABLE preferences (
    user_id       TEXT    NOT NULL,
    channel       INTEGER NOT NULL,
    transactional INTEGER NOT NULL,
    promotional   INTEGER NOT NULL,
    addresses     TEXT    NOT NULL, -- a JSON array of texts, preferred first
    version       INTEGER NOT NULL, -- grows with each change
    PRIMARY KEY (user_id, channel)
) STRICT, WITHOUT ROWID;

-- Which shard of how many this file is: a file that is opened as another would
-- hide what its users said.
CREATE TABLE shard (
    position INTEGER NOT NULL,
    total    INTEGER NOT NULL
) STRICT;

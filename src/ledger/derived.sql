-- Of D/ledger/derived.db, which is always SQLite.
-- name: derived_term
CREATE TABLE IF NOT EXISTS term (key INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (key, seq)) WITHOUT ROWID;

-- name: derived_head
CREATE TABLE IF NOT EXISTS log_head (log TEXT PRIMARY KEY, size INTEGER NOT NULL, time INTEGER NOT NULL, range BLOB NOT NULL) WITHOUT ROWID;

-- name: derived_log_tile
CREATE TABLE IF NOT EXISTS log_tile (log INTEGER NOT NULL, tile INTEGER NOT NULL, last INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (log, tile)) WITHOUT ROWID;

-- name: derived_position
CREATE TABLE IF NOT EXISTS derived (one INTEGER PRIMARY KEY, next INTEGER NOT NULL, range BLOB NOT NULL, heads BLOB NOT NULL, seal BLOB NOT NULL);

-- name: position_get
SELECT next, range, heads, seal FROM derived;

-- name: position_put
INSERT INTO derived (one, next, range, heads, seal) VALUES (1, $1, $2, $3, $4)
ON CONFLICT (one) DO UPDATE SET next = $1, range = $2, heads = $3, seal = $4;

-- name: head_put
INSERT INTO log_head (log, size, time, range) VALUES ($1, $2, $3, $4) ON CONFLICT (log) DO UPDATE SET size = $2, time = $3, range = $4;

-- name: head_get
SELECT size FROM log_head WHERE log = $1;

-- name: heads
SELECT log, size, time, range FROM log_head;

-- name: log_tile_put
INSERT INTO log_tile (log, tile, last, hash) VALUES ($1, $2, $3, $4) ON CONFLICT (log, tile) DO UPDATE SET last = $3, hash = $4;

-- name: log_tiles
SELECT hash FROM log_tile WHERE log = $1 AND tile >= $2 AND tile < $3 ORDER BY tile;

-- name: log_tile_get
SELECT last FROM log_tile WHERE log = $1 AND tile = $2;

-- name: heads_clear
DELETE FROM log_head;

-- name: log_tiles_clear
DELETE FROM log_tile;

-- name: term_add
INSERT INTO term (key, seq) VALUES ($1, $2) ON CONFLICT DO NOTHING;

-- name: terms_clear
DELETE FROM term;

-- name: term_before
SELECT seq FROM term WHERE key = $1 AND seq < $2 AND seq >= $3 ORDER BY seq DESC LIMIT $4;

-- name: term_from
SELECT seq FROM term WHERE key = $1 AND seq >= $2 ORDER BY seq LIMIT $3;

-- name: log_tile_hash
SELECT hash FROM log_tile WHERE log = $1 AND tile = $2;

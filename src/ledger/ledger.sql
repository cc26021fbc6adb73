-- name: tail_append
INSERT INTO tail (seq, leaf) VALUES ($1, $2);

-- name: tail_append_odd
INSERT INTO tail_odd (seq, leaf) VALUES ($1, $2);

-- name: tail_from
SELECT seq, leaf FROM tail WHERE seq >= $1 AND seq < $2 ORDER BY seq LIMIT $3;

-- name: tail_from_odd
SELECT seq, leaf FROM tail_odd WHERE seq >= $1 AND seq < $2 ORDER BY seq LIMIT $3;

-- name: tail_get
SELECT leaf FROM tail WHERE seq = $1;

-- name: tail_get_odd
SELECT leaf FROM tail_odd WHERE seq = $1;

-- name: tail_first
SELECT seq FROM tail ORDER BY seq LIMIT 1;

-- name: tail_first_odd
SELECT seq FROM tail_odd ORDER BY seq LIMIT 1;

-- name: tail_last
SELECT seq FROM tail ORDER BY seq DESC LIMIT 1;

-- name: tail_last_odd
SELECT seq FROM tail_odd ORDER BY seq DESC LIMIT 1;

-- name: tail_trim
DELETE FROM tail WHERE seq < $1;

-- name: tail_trim_odd
DELETE FROM tail_odd WHERE seq < $1;

-- name: tail_empty
DELETE FROM tail;

-- name: tail_empty_odd
DELETE FROM tail_odd;

-- name: ended_leaves
INSERT INTO ended_leaf (log, seq, leaf) SELECT $1, seq, leaf FROM tail;

-- name: ended_leaves_odd
INSERT INTO ended_leaf (log, seq, leaf) SELECT $1, seq, leaf FROM tail_odd;

-- name: ended_checkpoints
INSERT INTO ended_checkpoint (log, size, covers, note, time) SELECT $1, size, covers, note, time FROM checkpoint;

-- name: checkpoints_clear
DELETE FROM checkpoint;

-- name: cosignatures_clear
DELETE FROM cosignature;

-- name: succession_put
INSERT INTO succession (log, note, had, signed, cited) VALUES ($1, $2, $3, $4, 0);

-- name: succession_open
SELECT log, note, had, signed FROM succession WHERE cited = 0;

-- name: succession_cite
UPDATE succession SET cited = 1 WHERE log = $1;

-- name: cosignatures_of
SELECT line FROM cosignature WHERE size = $1 ORDER BY witness;

-- name: witnessed
SELECT max(size) FROM witness;

-- name: checkpoint_last
SELECT size, covers, note, time FROM checkpoint ORDER BY size DESC LIMIT 1;

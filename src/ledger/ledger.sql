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

-- name: checkpoint_last
SELECT size, covers, note, time FROM checkpoint ORDER BY size DESC LIMIT 1;

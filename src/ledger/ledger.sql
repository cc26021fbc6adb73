-- name: tail_append
INSERT INTO tail (seq, leaf) VALUES ($1, $2);

-- name: tail_from
SELECT seq, leaf FROM tail WHERE seq >= $1 ORDER BY seq LIMIT $2;

-- name: tail_get
SELECT leaf FROM tail WHERE seq = $1;

-- name: tail_last
SELECT seq FROM tail ORDER BY seq DESC LIMIT 1;

-- name: tail_before
SELECT seq, leaf FROM tail WHERE seq < $1 AND seq >= $2 ORDER BY seq DESC LIMIT $3;

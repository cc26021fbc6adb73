-- name: deadline_set
INSERT INTO deadline (kind, subject, due) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: deadline_done
UPDATE deadline SET done = $4 WHERE kind = $1 AND subject = $2 AND due = $3 AND done IS NULL;

-- name: deadlines_due
SELECT kind, subject, due FROM deadline WHERE done IS NULL AND due <= $1 ORDER BY due LIMIT $2;

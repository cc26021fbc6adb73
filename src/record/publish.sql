-- name: checkpoint_keep
INSERT INTO checkpoint (size, covers, note, time) VALUES ($1, $2, $3, $4) ON CONFLICT (size) DO NOTHING;

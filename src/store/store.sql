-- name: migration_last
SELECT number FROM migration ORDER BY number DESC LIMIT 1;

-- name: migration_done
INSERT INTO migration (number, name, applied) VALUES ($1, $2, $3);

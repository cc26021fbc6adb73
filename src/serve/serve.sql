-- name: generations_wanted
SELECT scope, key_use, generation FROM key_generation WHERE done = 0;

-- name: generations_done
SELECT scope, key_use, generation FROM key_generation WHERE done = 1;

-- name: credentials_end
UPDATE credential SET until = $1, why = $2 WHERE until IS NULL AND expires > $1;

-- name: generation_done
UPDATE key_generation SET done = 1 WHERE scope = $1 AND key_use = $2 AND generation = $3;

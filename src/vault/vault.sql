-- name: object_newest
SELECT v.subscriber, v.collection, v.id, v.version, v.media, v.attributes, v.size, v.changed, v.changed_by, v.purpose, v.passage,
v.generation, v.wrapped, v.body
FROM object o JOIN object_version v
ON v.subscriber = o.subscriber AND v.collection = o.collection AND v.id = o.id AND v.version = o.version
WHERE o.subscriber = $1 AND o.collection = $2 AND o.id = $3;

-- name: object_version_get
SELECT subscriber, collection, id, version, media, attributes, size, changed, changed_by, purpose, passage, generation, wrapped, body
FROM object_version WHERE subscriber = $1 AND collection = $2 AND id = $3 AND version = $4;

-- name: object_versions
SELECT subscriber, collection, id, version, media, attributes, size, changed, changed_by, purpose, passage
FROM object_version WHERE subscriber = $1 AND collection = $2 AND id = $3 ORDER BY version DESC;

-- name: object_page
SELECT v.subscriber, v.collection, v.id, v.version, v.media, v.attributes, v.size, v.changed, v.changed_by, v.purpose, v.passage
FROM object o JOIN object_version v
ON v.subscriber = o.subscriber AND v.collection = o.collection AND v.id = o.id AND v.version = o.version
WHERE o.subscriber = $1 AND o.collection = $2 AND o.id > $3 AND o.deleted IS NULL ORDER BY o.id LIMIT $4;

-- name: object_first
INSERT INTO object (subscriber, collection, id, version) VALUES ($1, $2, $3, 1) ON CONFLICT DO NOTHING;

-- name: object_next
UPDATE object SET version = $4, deleted = $5 WHERE subscriber = $1 AND collection = $2 AND id = $3 AND version = $4 - 1;

-- name: object_version_add
INSERT INTO object_version (subscriber, collection, id, version, media, attributes, size, changed, changed_by, purpose, passage, generation, wrapped, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);

-- name: object_purge
DELETE FROM object_version WHERE subscriber = $1 AND collection = $2 AND id = $3 AND version < $4 AND EXISTS (
SELECT 1 FROM object o WHERE o.subscriber = $1 AND o.collection = $2 AND o.id = $3 AND o.version = $4 AND o.deleted IS NOT NULL);

-- name: collection_get
SELECT attributes FROM collection WHERE subscriber = $1 AND name = $2;

-- name: collection_declare
INSERT INTO collection (subscriber, name, attributes) VALUES ($1, $2, $3)
ON CONFLICT (subscriber, name) DO UPDATE SET attributes = $3;

-- name: collections
SELECT collection, count(*) FROM object WHERE subscriber = $1 AND deleted IS NULL GROUP BY collection ORDER BY collection;

-- name: old_generations
SELECT collection, id, version, generation, wrapped FROM object_version
WHERE subscriber = $1 AND generation < $2 AND generation > 0 AND media <> '' LIMIT $3;

-- name: version_rewrap
UPDATE object_version SET generation = $5, wrapped = $6
WHERE subscriber = $1 AND collection = $2 AND id = $3 AND version = $4 AND generation = $7;

-- The gateway's lanes. What decides who may what has since and until; until is NULL while it holds.

-- Applications of a database. sealed: the 32 bytes that bind its transactions, under the vendor's key; setting: with which
-- they name their subscriber.
CREATE TABLE database_application (
	database TEXT NOT NULL,
	application TEXT NOT NULL,
	sealed BLOB NOT NULL,
	setting TEXT NOT NULL,
	since INTEGER NOT NULL,
	until INTEGER
);
CREATE INDEX database_application_of ON database_application (database, application, since);

-- relation: SCHEMA.TABLE, whose mode is another than the database's.
CREATE TABLE database_table_mode (
	database TEXT NOT NULL,
	relation TEXT NOT NULL,
	mode TEXT NOT NULL,
	since INTEGER NOT NULL,
	until INTEGER
);
CREATE INDEX database_table_mode_of ON database_table_mode (database, relation, since);

-- What a column holds, for policies: context.labels.
CREATE TABLE database_label (
	database TEXT NOT NULL,
	relation TEXT NOT NULL,
	attribute TEXT NOT NULL,
	label TEXT NOT NULL,
	since INTEGER NOT NULL,
	until INTEGER
);
CREATE INDEX database_label_of ON database_label (database, relation, since);

-- A database whose ways around the gateway are watched: slot is what its server decodes the log for.
CREATE TABLE database_watch (
	database TEXT NOT NULL,
	slot TEXT NOT NULL,
	since INTEGER NOT NULL,
	until INTEGER
);
CREATE INDEX database_watch_of ON database_watch (database, since);

-- A database at which the lanes' roles log in with certificates that the keeper mints.
CREATE TABLE database_certificate (
	database TEXT NOT NULL,
	since INTEGER NOT NULL,
	until INTEGER
);
CREATE INDEX database_certificate_of ON database_certificate (database, since);

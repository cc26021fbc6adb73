-- The book: the main order alternates between two tables, a sealed file's leaves in each, so that what is sealed goes at
-- once; checkpoints as they were signed, and what witnesses made of them.
CREATE TABLE tail_odd (
	seq INTEGER PRIMARY KEY,
	leaf BLOB NOT NULL
);

-- A subscriber's name and contact are sealed together, in the place of the contact.
ALTER TABLE subscriber DROP COLUMN name;
ALTER TABLE subscriber RENAME COLUMN contact TO sealed;

-- What a certificate was asked for with ends it; ids of credentials.
ALTER TABLE credential ADD COLUMN parent TEXT NOT NULL DEFAULT '';

-- The newest generation of a key that the book knows of; done once it is in the keyring.
CREATE TABLE key_generation (
	scope TEXT NOT NULL,
	key_use INTEGER NOT NULL,
	generation INTEGER NOT NULL,
	done INTEGER NOT NULL,
	PRIMARY KEY (scope, key_use)
);

CREATE TABLE checkpoint (
	size INTEGER PRIMARY KEY,
	covers INTEGER NOT NULL,
	note BLOB NOT NULL,
	time INTEGER NOT NULL
);

-- A log that lost its tail has ended: what the store still had of it, and what its successor has yet to cite.
CREATE TABLE ended_leaf (
	log TEXT NOT NULL,
	seq INTEGER NOT NULL,
	leaf BLOB NOT NULL,
	PRIMARY KEY (log, seq)
);

CREATE TABLE ended_checkpoint (
	log TEXT NOT NULL,
	size INTEGER NOT NULL,
	covers INTEGER NOT NULL,
	note BLOB NOT NULL,
	time INTEGER NOT NULL,
	PRIMARY KEY (log, size)
);

CREATE TABLE succession (
	log TEXT PRIMARY KEY,
	note TEXT NOT NULL,
	had INTEGER NOT NULL,
	signed INTEGER NOT NULL,
	cited INTEGER NOT NULL
);

CREATE TABLE cosignature (
	size INTEGER NOT NULL,
	witness TEXT NOT NULL,
	line TEXT NOT NULL,
	PRIMARY KEY (size, witness)
);

-- size and seen: the newest checkpoint that it cosigned, and when it says it did (seconds).
CREATE TABLE witness (
	name TEXT PRIMARY KEY,
	url TEXT NOT NULL,
	vkey TEXT NOT NULL,
	authorities TEXT NOT NULL,
	size INTEGER NOT NULL,
	seen INTEGER NOT NULL,
	state TEXT NOT NULL,
	since INTEGER NOT NULL
);

CREATE TABLE setting (
	name TEXT PRIMARY KEY,
	value TEXT NOT NULL
);

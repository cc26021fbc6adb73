-- The book: the main order alternates between two tables, a sealed file's leaves in each, so that what is sealed goes at
-- once; checkpoints as they were signed, and what witnesses made of them.
CREATE TABLE tail_odd (
	seq INTEGER PRIMARY KEY,
	leaf BLOB NOT NULL
);

CREATE TABLE checkpoint (
	size INTEGER PRIMARY KEY,
	covers INTEGER NOT NULL,
	note BLOB NOT NULL,
	time INTEGER NOT NULL
);

CREATE TABLE cosignature (
	size INTEGER NOT NULL,
	witness TEXT NOT NULL,
	line TEXT NOT NULL,
	PRIMARY KEY (size, witness)
);

CREATE TABLE witness (
	name TEXT PRIMARY KEY,
	url TEXT NOT NULL,
	vkey TEXT NOT NULL,
	size INTEGER NOT NULL,
	state TEXT NOT NULL,
	since INTEGER NOT NULL
);

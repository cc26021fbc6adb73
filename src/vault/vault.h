/* vault.h - service data objects: JSON or bytes, in collections of a subscriber, under that subscriber's key.
 *
 * Each version's body is sealed under a key of its own (keys.h); its name, which the seal binds, is
 * SUBSCRIBER/COLLECTION/ID/VERSION. Attributes stand in the clear, for filters and policies, and only those that the
 * collection declares. Removal is a version too: earlier ones stay until their retention ends.
 *
 * Reading takes a store of the calling thread; functions named _apply run in the recorder's transaction.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"
#include "keys/keys.h"
#include "store/store.h"

#include <jansson.h>

enum { OBJECT_MAX = 64 << 10, OBJECT_RETENTION_DAYS = 30 };     /* bytes of a body; from its removal on */

struct object {
	struct slice subscriber, collection, id;
	int64_t version;                /* from 1 */
	bool removed;                   /* this version is the removal */
	struct slice media;             /* its Content-Type */
	struct slice attributes;        /* a JSON object of texts */
	int64_t size;
	int64_t changed;                /* when, by whom, why, in which passage */
	struct slice changed_by, purpose, passage;
	struct sealed sealed;
};

/* Ids of objects: [A-Za-z0-9._-], 1 to 128 characters; collections are names ([a-z0-9-]{1,63}). */
bool object_id_check(struct slice);

/* The newest version, removed or not, without its body. Fails with E_NOT_FOUND. */
fallible object_find(const void *owner, struct store *, struct slice subscriber, struct slice collection, struct slice id,
                     struct object *out);
/* A version of it, with what is sealed. Fails with E_NOT_FOUND. */
fallible object_get_version(const void *owner, struct store *, struct slice subscriber, struct slice collection,
                            struct slice id, int64_t version, struct object *out);
/* Fails with E_SHREDDED, E_SEAL, E_KEEPER. */
fallible object_open_body(const void *owner, struct keys *, const struct object *, struct slice *body);
/* Fills in size and sealed. */
fallible object_seal_body(const void *owner, struct keys *, struct object *, struct slice body);

/* Versions of an object, newest first; or the newest of each object that is there, in order of id. */
fallible object_each_version(struct store *, struct slice subscriber, struct slice collection, struct slice id,
                             err_t (*each)(void *, const struct object *), void *argument);
fallible object_each(struct store *, struct slice subscriber, struct slice collection, struct slice after, size_t limit,
                     err_t (*each)(void *, const struct object *), void *argument);
fallible collection_each(struct store *, struct slice subscriber, err_t (*each)(void *, struct slice name, int64_t objects),
                         void *argument);

/* Puts o->version behind o->version - 1. Fails with E_CONFLICT where that is not the newest. */
fallible object_put_apply(struct store *, const struct object *, int64_t time);

/* What was removed as that version (SUBSCRIBER/COLLECTION/ID/VERSION) and not put again: its earlier versions go. Fails with
 * E_STATE where there are none. */
fallible object_purge_apply(struct store *, struct slice removal);

/* The declared attributes of a collection, an array of names (empty where nothing is declared); a new reference. */
fallible collection_attributes(struct store *, struct slice subscriber, struct slice collection, json_t **out);
fallible collection_declare_apply(struct store *, struct slice subscriber, struct slice collection, struct slice attributes);
/* All keys of `given` (an object of texts) are declared. Fails with E_ATTRIBUTE; *name is the first that is not. */
fallible attributes_check(json_t *declared, json_t *given, const char **name);

/* Rotation: the bodies stay, only the 40 bytes around each body's key are wrapped anew. */
struct rewrap {
	size_t count;
	uint32_t newest;
	struct rewrapped {
		struct slice collection, id;
		int64_t version, generation;    /* the one it is under until then */
		uint8_t wrapped[WRAPPED_SIZE];
	} *items;
};
/* At most `limit` versions that are not under the newest generation. Fails with E_KEEPER, E_SHREDDED, E_SEAL. */
fallible vault_rewrap_prepare(const void *owner, struct store *, struct keys *, struct slice subscriber, size_t limit,
                              struct rewrap *out);
fallible vault_rewrap_apply(struct store *, struct slice subscriber, const struct rewrap *);

/* mark.h - private: a passage's mark in the write-ahead log (ROWS.md §6): which transaction's writes came through the gateway.
 *
 * The id of the passage and a MAC over it, in hex; the key is made of the database's salt, which only Sekisho has. A mark holds
 * for one transaction: the watcher takes each id once.
 */
#pragma once
#include "base/slice.h"
#include "keys/keys.h"

enum { MARK_ID = 32, MARK_MAC = 32, MARK_TEXT = MARK_ID + MARK_MAC + 1 };

void mark_key(struct slice salt, uint8_t out[static DIGEST_SIZE]);
/* `id`: the passage's, MARK_ID hexadecimal digits. */
void mark_make(struct slice key, struct slice id, char out[static MARK_TEXT]);
/* Is it one of ours, of this key? */
bool mark_check(struct slice key, struct slice mark);

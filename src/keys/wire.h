/* wire.h - public: what serve and keeper say to each other, one message a packet on a socket pair.
 *
 * A request is a message type (u8) and its fields; an answer is an answer type (u8) and its fields. Fields are a be32
 * length and bytes, numbers are be32 or be64. The keeper answers every request, in order; anything else ends it.
 *
 *   type             request                                  reply GIVEN
 *   MESSAGE_KEY      scope, use (u8), generation (be32)       generation (be32), key
 *   MESSAGE_MAKE     scope, use (u8)                          generation (be32), key    (the first, or the one there)
 *   MESSAGE_ROTATE   scope, use (u8), generation (be32)       generation (be32), key    (that one, made if it is the next)
 *   MESSAGE_SHRED    scope                                    -
 *   MESSAGE_CERTIFY  profile (u8), public key (DER), name,    certificate (DER)
 *                    lifetime in seconds (be32)
 *   MESSAGE_ISSUER   profile (u8), name                       certificate (DER) of the authority behind the profile
 *   MESSAGE_ROOT     -                                        -    (a new root key; everything wrapped anew)
 *   MESSAGE_SOURCE   -                                        where the root key comes from: "file"
 *   MESSAGE_LOG      -                                        the log's name, its public key (32 bytes), the size (be64)
 *                                                             and root of the checkpoint that was signed last
 *   MESSAGE_SIGN     size (be64), root (32 bytes),            Ed25519 signature of that checkpoint's text
 *                    consistency proof from the last one
 *   MESSAGE_SUCCEED  -                                        -    (a new log: the old one lost its tail)
 */
#pragma once
#include "base/cursor.h"

enum { WIRE_MAX = 8192, KEY_SIZE = 32, KEY_CURRENT = 0 };

enum message { MESSAGE_KEY = 1, MESSAGE_MAKE, MESSAGE_ROTATE, MESSAGE_SHRED, MESSAGE_CERTIFY, MESSAGE_ISSUER, MESSAGE_ROOT, MESSAGE_SOURCE,
	MESSAGE_LOG, MESSAGE_SIGN, MESSAGE_SUCCEED };

enum reply { REPLY_GIVEN, REPLY_NONE, REPLY_REFUSED, REPLY_SHREDDED, REPLY_FAILED };

/* What a key is for: data wraps the keys of objects; ledger opens details; names seals names of people; map, of the one
 * scope MAP_SCOPE, makes the labels of logs, which never change: it is neither rotated nor shredded. */
enum key_use { USE_DATA = 1, USE_LEDGER, USE_NAMES, USE_MAP };
#define MAP_SCOPE LITERAL("/map")       /* no name of a subscriber */

/* Each with lifetimes of its own, and an authority: doors for servers, people for clients; back ends for the roles of one
 * database each, whose name is DATABASE/ROLE. */
enum profile { PROFILE_DOOR = 1, PROFILE_CLIENT, PROFILE_BACKEND };

/* wire.h - public: what serve and courier say to each other, one message a packet on a socket pair.
 *
 * A request is a type (u8), an id (be32) and its fields; its answer, in any order, is the id, an outcome (u8) and fields.
 * Fields are a be32 length and bytes.
 *
 *   type            request                                                     answer
 *   OUTWARD_DIAL    host, port (be16)                                           -, and the socket (SCM_RIGHTS), which may
 *                                                                               still be connecting; it does not block
 *   OUTWARD_FETCH   method, URL, authorities (PEM, empty: the system's), media   status (be16), media type, body
 *                   type, body, most milliseconds (be32)
 *
 * Where the outcome is not OUTWARD_DONE the one field is why, in English.
 */
#pragma once
#include "base/cursor.h"

enum { OUTWARD_MAX = 160 * 1024, OUTWARD_BODY_MAX = 64 * 1024 };

enum outward_message { OUTWARD_DIAL = 1, OUTWARD_FETCH };
enum outward_outcome { OUTWARD_DONE, OUTWARD_UNREACHABLE, OUTWARD_REFUSED };

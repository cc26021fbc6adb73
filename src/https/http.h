/* http.h - public, with https.h: reads HTTP/1.1 requests (RFC 9112), strictly, from bytes in memory.
 *
 * What two readers could read in two ways is refused, though RFC 9112 lets a server be lenient: bare LF or CR, folded
 * lines, space before a colon, more than one Content-Length, Host, Transfer-Encoding, Authorization, …, a length beside
 * a coding, codings other than exactly `chunked`, empty lines before a request, targets not in origin form.
 *
 * Knows no connection and keeps no state but what is passed in. Any thread.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

enum {
	HTTP_METHOD_MAX = 16,
	HTTP_TARGET_MAX = 4096,
	HTTP_HEAD_MAX = 16384,          /* request line, headers and the empty line */
	HTTP_HEADERS_MAX = 64,
	HTTP_SEGMENTS_MAX = 32,
	HTTP_PARAMETERS_MAX = 64,
	HTTP_CHUNK_LINE_MAX = 256,      /* a chunk's size with its extensions */
	HTTP_TRAILER_MAX = 4096,
};

/* Why a request is refused; `status` is finer than the error's own. */
struct http_fault {
	int status;                     /* 400, 413, 414, 417, 431, 501, 505 */
	const char *because;            /* English, a constant */
};

/* A header, or a parameter of the query. */
struct http_pair {
	struct slice name, value;
};

enum http_framing { HTTP_NO_BODY, HTTP_LENGTH, HTTP_CHUNKED };

/* All slices point into the head, or into `text`, which belongs to the owner given. */
struct http_request {
	struct slice method;            /* [A-Z]+ */
	struct slice target;            /* as sent: path and, after `?`, query */
	struct slice path, query;       /* as sent */
	struct slice host;
	/* Decoded: "/a/b%20c" is {"a", "b c"}, "/" none, "/a/" {"a", ""}. UTF-8 without control characters, `/` and `\`;
	 * never "." or ".."; none but the last is empty. */
	struct slice segments[HTTP_SEGMENTS_MAX];
	size_t segment_count;
	/* Decoded, `+` is a space; in the order sent, names may repeat; UTF-8 without NUL. */
	struct http_pair parameters[HTTP_PARAMETERS_MAX];
	size_t parameter_count;
	struct http_pair headers[HTTP_HEADERS_MAX];
	size_t header_count;
	enum http_framing framing;
	uint64_t length;                /* of the body, with HTTP_LENGTH */
	bool close;                     /* the client wants no further request on this connection */
	bool expects_continue;
};

/* Looks how far the head reaches in `input`: `*size` is 0 while its end is not there. `*checked`, 0 at first, keeps how
 * far it was looked at, so that input that comes byte by byte is looked at once. Refuses as early as can be known.
 * Fails with E_REQUEST, E_HEADERS_TOO_LARGE. */
fallible http_head_find(struct slice input, size_t *checked, size_t *size, struct http_fault *);

/* Reads a whole head. `out` is written in any case, but holds only what the return value NULL says it does. What has to
 * be decoded is `owner`'s. Fails with E_REQUEST, E_HEADERS_TOO_LARGE. */
fallible http_request_parse(const void *owner, struct slice head, struct http_request *out, struct http_fault *);

/* The first header (any case) or parameter of that name; data is NULL where there is none. */
struct slice http_header_find(const struct http_request *, const char *name);
struct slice http_parameter_find(const struct http_request *, const char *name);

/* True if a comma-separated list has `token`, in any case. */
bool http_list_has(struct slice list, const char *token);

/* A header that may be sent: a token, and a value without control characters. */
bool http_header_check(const struct http_pair *);

/* A chunked body, read as it comes. Starts as { 0 }. */
struct http_chunks {
	unsigned state;
	unsigned line;                  /* bytes of this line so far */
	unsigned digits;
	unsigned trailer;               /* bytes of trailer fields, which are dropped */
	uint64_t left;                  /* of this chunk */
};

/* Takes the next piece: `*used` bytes of `input` are done with, `*data` is body among them (may be empty). Call again
 * while there is input and not `*done`. Fails with E_REQUEST. */
fallible http_chunks_parse(struct http_chunks *, struct slice input, size_t *used, struct slice *data, bool *done,
                           struct http_fault *);

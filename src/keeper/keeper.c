#include "keeper/keeper.h"

#include "keeper/authority.h"
#include "keeper/keyring.h"
#include "keeper/log.h"

#include "base/clock.h"
#include "base/confine.h"
#include "base/cursor.h"
#include "base/id.h"
#include "base/log.h"
#include "base/memory.h"
#include "keys/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A compromised serve may ask for what is in use, but not for the whole keyring at once. */
enum { UNWRAPS_A_MINUTE = 300000, LOCK_TRIES = 60, LOCK_WAIT_MS = 3000 };

struct keeper {
	struct keyring *keyring;
	const char *dir;                /* D/keeper */
	int64_t minute;
	unsigned unwraps;
};

static bool
is_map(struct slice scope, uint8_t use)
{
	return use == USE_MAP && slice_equal(scope, MAP_SCOPE);
}

static fallible
give_key(struct keeper *k, struct slice scope, uint8_t use, uint32_t generation, struct writer *out)
{
	uint8_t secret[SECRET_MAX];
	size_t size;
	uint32_t actual;
	int64_t minute = clock_monotonic() / MINUTES(1);
	if (minute != k->minute)
		k->unwraps = 0;
	k->minute = minute;
	if (++k->unwraps > UNWRAPS_A_MINUTE)
		return E_DENIED;
	if (use != USE_DATA && use != USE_LEDGER && use != USE_NAMES && !is_map(scope, use))
		return E_DENIED;
	TRY(keyring_get(k->keyring, scope, use, generation, secret, &size, &actual));
	write_be32(out, actual);
	write_field(out, slice_of(secret, size));
	memory_wipe(secret, sizeof secret);
	return NULL;
}

static fallible
add_key(struct keeper *k, struct slice scope, uint8_t use, struct writer *out)
{
	uint8_t secret[KEY_SIZE];
	uint32_t generation;
	random_bytes(secret, sizeof secret);
	err_t e = keyring_add(k->keyring, scope, use, slice_of(secret, sizeof secret), &generation);
	memory_wipe(secret, sizeof secret);
	return e ? e : give_key(k, scope, use, generation, out);
}

static fallible
answer_key(struct keeper *k, struct reader *in, struct writer *out)
{
	struct slice scope = read_field(in);
	uint8_t use = read_u8(in);
	uint32_t generation = read_be32(in);
	return reader_end(in) ? give_key(k, scope, use, generation, out) : E_REQUEST;
}

static fallible
answer_make(struct keeper *k, struct reader *in, struct writer *out)
{
	struct slice scope = read_field(in);
	uint8_t use = read_u8(in);
	if (!reader_end(in))
		return E_REQUEST;
	err_t e = give_key(k, scope, use, KEY_CURRENT, out);
	return e == E_NOT_FOUND ? add_key(k, scope, use, out) : e;
}

static fallible
answer_rotate(struct keeper *k, struct reader *in, struct writer *out)
{
	struct slice scope = read_field(in);
	uint8_t use = read_u8(in);
	uint32_t wanted = read_be32(in);
	if (!reader_end(in) || wanted < 2 || (use != USE_DATA && use != USE_LEDGER && use != USE_NAMES))
		return E_REQUEST;
	err_t e = give_key(k, scope, use, wanted, out);
	if (e != E_NOT_FOUND)
		return e;
	return keyring_newest(k->keyring, scope, use) == wanted - 1 ? add_key(k, scope, use, out) : E_NOT_FOUND;
}

static fallible
answer_shred(struct keeper *k, struct reader *in, struct writer *out)
{
	struct slice scope = read_field(in);
	(void)out;
	if (!reader_end(in) || slice_starts(scope, LITERAL("authority-")) || slice_starts(scope, LITERAL("/")))
		return E_REQUEST;
	return keyring_shred(k->keyring, scope);
}

static fallible
answer_certify(struct keeper *k, struct reader *in, struct writer *out)
{
	enum profile profile = (enum profile)read_u8(in);
	struct slice public_key = read_field(in), name = read_field(in), der;
	uint32_t seconds = read_be32(in);
	if (!reader_end(in))
		return E_REQUEST;
	SCOPED void *scope = talloc_new(NULL);
	TRY(authority_certify(scope, k->keyring, profile, public_key, name, seconds, &der));
	write_field(out, der);
	return NULL;
}

static fallible
answer_issuer(struct keeper *k, struct reader *in, struct writer *out)
{
	enum profile profile = (enum profile)read_u8(in);
	struct slice name = read_field(in), der;
	if (!reader_end(in))
		return E_REQUEST;
	SCOPED void *scope = talloc_new(NULL);
	TRY(authority_issuer(scope, k->keyring, profile, name, &der));
	write_field(out, der);
	return NULL;
}

static fallible
answer_root(struct keeper *k, struct reader *in, struct writer *out)
{
	(void)out;
	return reader_end(in) ? keyring_rotate_root(k->keyring) : E_REQUEST;
}

static fallible
answer_source(struct keeper *k, struct reader *in, struct writer *out)
{
	(void)k;
	if (!reader_end(in))
		return E_REQUEST;
	write_field(out, slice_text(keyring_root_source()));
	return NULL;
}

static fallible
answer_log(struct keeper *k, struct reader *in, struct writer *out)
{
	struct log_state s;
	if (!reader_end(in))
		return E_REQUEST;
	TRY(log_open(k->keyring, k->dir, &s));
	write_field(out, slice_text(s.name));
	write_bytes(out, slice_of(s.public_key, sizeof s.public_key));
	write_be64(out, s.size);
	write_bytes(out, slice_of(s.root.bytes, PROOF_HASH));
	return NULL;
}

static fallible
answer_sign(struct keeper *k, struct reader *in, struct writer *out)
{
	struct proof_hash root, proof[LOG_PROOF_MAX];
	uint8_t signature[LOG_SIGNATURE];
	uint64_t size = read_be64(in);
	struct slice given = read_bytes(in, PROOF_HASH), hashes = read_field(in);
	if (!reader_end(in) || hashes.size % PROOF_HASH || hashes.size > sizeof proof)
		return E_REQUEST;
	memcpy(root.bytes, given.data, PROOF_HASH);
	if (hashes.size)
		memcpy(proof, hashes.data, hashes.size);
	TRY(log_sign(k->keyring, k->dir, size, &root, proof, hashes.size / PROOF_HASH, signature));
	write_bytes(out, slice_of(signature, sizeof signature));
	return NULL;
}

static fallible
answer_succeed(struct keeper *k, struct reader *in, struct writer *out)
{
	(void)out;
	return reader_end(in) ? log_succeed(k->keyring, k->dir) : E_REQUEST;
}

/* The messages that serve may send; the keeper has one state, in which all of them are permitted. */
static err_t (*const answers[])(struct keeper *, struct reader *, struct writer *) = {
	[MESSAGE_KEY] = answer_key,         [MESSAGE_MAKE] = answer_make,     [MESSAGE_ROTATE] = answer_rotate,
	[MESSAGE_SHRED] = answer_shred,     [MESSAGE_CERTIFY] = answer_certify, [MESSAGE_ISSUER] = answer_issuer,
	[MESSAGE_ROOT] = answer_root,       [MESSAGE_SOURCE] = answer_source,
	[MESSAGE_LOG] = answer_log,         [MESSAGE_SIGN] = answer_sign,     [MESSAGE_SUCCEED] = answer_succeed,
};

static uint8_t
answer_of(err_t e)
{
	if (!e)
		return REPLY_GIVEN;
	if (e == E_NOT_FOUND)
		return REPLY_NONE;
	if (e == E_SHREDDED)
		return REPLY_SHREDDED;
	return e == E_DENIED || e == E_REQUEST || e == E_ARGUMENT ? REPLY_REFUSED : REPLY_FAILED;
}

/* Answers one message; false if it is none of ours. */
static bool
answer(struct keeper *k, struct slice message, struct writer *out)
{
	struct reader in = reader_of(message);
	uint8_t type = read_u8(&in);
	if (type >= sizeof answers / sizeof *answers || !answers[type])
		return false;
	write_u8(out, REPLY_GIVEN);
	err_t e = answers[type](k, &in, out);
	if (e) {
		out->size = 0;
		write_u8(out, answer_of(e));
	}
	return !out->failed;
}

static void
run(struct keeper *k, int socket)
{
	uint8_t in[WIRE_MAX], out[WIRE_MAX];
	for (;;) {
		ssize_t n = recv(socket, in, sizeof in, 0);
		if (n < 0 && errno == EINTR)
			continue;
		struct writer w = writer_of(out, sizeof out);
		if (n <= 0 || !answer(k, slice_of(in, (size_t)n), &w))
			return;
		ssize_t sent = send(socket, w.data, w.size, MSG_NOSIGNAL);
		memory_wipe(out, w.size);
		if (sent < 0)
			return;
	}
}

static _Noreturn void
be_keeper(const char *dir, int socket)
{
	struct keeper k = { NULL };
	const char *why = "";
	SCOPED char *folder = memory_format(NULL, "%s/keeper", dir);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);       /* it ends when serve does, after the last answer */
	signal(SIGHUP, SIG_IGN);
	err_t e = confine(ROLE_KEEPER, dir, &why);
	if (!e)
		e = keyring_open(NULL, folder, &k.keyring);
	k.dir = folder;
	if (e)
		log_event(LOG_ERROR, "keeper.failed", "code", e->name, "why", why[0] ? why : e->text[ENGLISH], NULL);
	else
		run(&k, socket);
	talloc_free(k.keyring);
	_exit(e ? 1 : 0);
}

/* One keeper a folder, and so one serve: held for as long as the keeper lives. One that is just ending is waited for. */
static fallible
lock_folder(const char *dir, int *fd)
{
	SCOPED char *path = memory_format(NULL, "%s/keeper/lock", dir);
	const struct timespec while_ending = { 0, LOCK_WAIT_MS / LOCK_TRIES * 1000000L };
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*fd < 0)
		return E_IO;
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
			return NULL;
		nanosleep(&while_ending, NULL);
	}
	close(*fd);
	return E_STATE;
}

fallible
keeper_start(const char *dir, int *pid, int *socket)
{
	int pair[2], lock;
	TRY(lock_folder(dir, &lock));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		close(lock);
		return E_IO;
	}
	pid_t child = fork();
	if (child < 0) {
		close(lock);
		close(pair[0]);
		close(pair[1]);
		return E_IO;
	}
	if (child == 0) {
		confine_descriptors(pair[1], lock);
		be_keeper(dir, pair[1]);
	}
	close(lock);
	close(pair[1]);
	*pid = child;
	*socket = pair[0];
	return NULL;
}

fallible
keeper_create(const char *dir, const char *origin)
{
	SCOPED char *folder = memory_format(NULL, "%s/keeper", dir);
	SCOPED struct keyring *keyring = NULL;
	TRY(keyring_create(folder));
	TRY(keyring_open(NULL, folder, &keyring));
	TRY(authority_create(keyring));
	return log_create(keyring, folder, slice_text(origin ? origin : LOG_PREFIX));
}

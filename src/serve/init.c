/* A new installation: folders, keeper, policies, the first two administrators. */
#include "serve/inside.h"

#include "base/clock.h"
#include "base/embedded.h"
#include "base/memory.h"
#include "base/text.h"
#include "keeper/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern const struct embedded policy_files[];

fallible
write_file(const char *dir, const char *name, unsigned mode, struct slice content)
{
	SCOPED char *path = memory_format(NULL, "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return E_IO;
	bool good = write(fd, content.data, content.size) == (ssize_t)content.size && fsync(fd) == 0;
	return close(fd) == 0 && good ? NULL : E_IO;
}

static fallible
make_folders(const char *dir, const char *origin)
{
	static const char *const inside[] = { "store", "ledger" };
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return E_IO;
	for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
		SCOPED char *path = memory_format(NULL, "%s/%s", dir, inside[i]);
		if (mkdir(path, 0700) != 0)
			return errno == EEXIST ? E_EXISTS : E_IO;
	}
	return keeper_create(dir, origin);
}

static err_t
put_policies(void *context, struct store *tx, int64_t time)
{
	return policy_put_apply(tx, *(struct slice *)context, LITERAL("sys_init"), LITERAL("sys_init"), time);
}

static fallible
install_policies(struct house *h, const char **why)
{
	SCOPED void *scope = talloc_new(NULL);
	struct slice text = LITERAL("");
	for (const struct embedded *f = policy_files; f->name; f++)
		text = slice_text(memory_format(scope, "%.*s%s// %s\n%s", SLICE_ARGUMENTS(text), text.size ? "\n" : "", f->name, f->text));
	TRY(policy_check(scope, text, why));
	const struct system_change change = { .operation = "policy.propose", .log = LITERAL(LOG_EVERYONE), .apply = put_policies,
	                                      .context = &text };
	return system_record(h, &change);
}

/* ---- the first two administrators, who enrol with codes ---- */

struct first {
	struct house *house;
	struct id actor;
	char id[8];
	struct slice name;
	struct secret secret;
};

static err_t
put_first(void *context, struct store *tx, int64_t time)
{
	struct first *f = context;
	const struct new_principal n = { .actor = id_slice(&f->actor), .id = slice_text(f->id), .kind = KIND_PERSONNEL,
	                                 .role = LITERAL("administration"), .name = f->name };
	TRY(principal_add_apply(tx, &n, time));
	return secret_put_apply(tx, n.actor, &f->secret, time);
}

static fallible
add_first(struct house *h, int number, json_t *codes)
{
	SCOPED struct first *f = NEW(NULL, struct first);
	uint8_t random[15];
	char code[32];
	f->actor = id_new("psn_");
	snprintf(f->id, sizeof f->id, "adm%d", number);
	random_bytes(random, sizeof random);
	text_base32(slice_of(random, sizeof random), code);
	sha256(slice_text(code), f->secret.code);
	f->secret.code_until = clock_now() + DAYS(7);
	TRY(keys_seal_whole(f, h->keys, LITERAL(LOG_VENDOR), USE_NAMES, id_slice(&f->actor), slice_text(f->id), &f->name));
	TRY(keys_seal_whole(f, h->keys, LITERAL(LOG_VENDOR), USE_NAMES, LITERAL("code"), slice_text(code), &f->secret.totp));
	const struct system_change change = { .operation = "people.add", .log = LITERAL(LOG_EVERYONE),
	                                      .subject = id_slice(&f->actor), .apply = put_first, .context = f };
	TRY(system_record(h, &change));
	json_array_append_new(codes, json_pack("{s:s, s:s}", "id", f->id, "code", code));
	return NULL;
}

static fallible
first_administrators(struct house *h)
{
	json_t *codes = json_array();
	err_t e = add_first(h, 1, codes);
	if (!e)
		e = add_first(h, 2, codes);
	char *text = json_dumps(codes, JSON_INDENT(1));
	if (!e)
		e = write_file(h->dir, "first-administrators.json", 0600, slice_text(text));
	memory_wipe(text, strlen(text));
	free(text);
	json_decref(codes);
	return e;
}

static fallible
write_authority(struct house *h)
{
	SCOPED void *scope = talloc_new(NULL);
	struct slice der, pem;
	TRY(keys_issuer(scope, h->keys, PROFILE_DOOR, (struct slice){ NULL, 0 }, &der));
	TRY(certificate_pem(scope, der, &pem));
	return write_file(h->dir, "ca.pem", 0644, pem);
}

static fallible
lay(const char *dir, bool sample, int keeper, const char **why)
{
	SCOPED struct house *h = NULL;
	TRY(house_open(NULL, dir, keeper, NULL, &h, why));
	*why = "D/ca.pem cannot be written";
	TRY(write_authority(h));
	*why = "the default policies cannot be put in force";
	TRY(install_policies(h, why));
	*why = "people cannot be added";
	return sample ? sample_lay(h, why) : first_administrators(h);
}

fallible
init_run(const char *dir, bool sample, const char *origin, const char **why)
{
	int keeper_pid, keeper;
	umask(077);
	*why = "the folder must be new, or without an installation";
	TRY(make_folders(dir, origin ? origin : sample ? "log.kawabe.example" : NULL));
	SCOPED void *scope = talloc_new(NULL);
	char *real = realpath(dir, NULL), *path = memory_format(scope, "%s", real);
	free(real);
	*why = "the keeper cannot be started";
	TRY(keeper_start(path, &keeper_pid, &keeper));
	err_t e = lay(path, sample, keeper, why);
	waitpid(keeper_pid, NULL, 0);
	return e || !sample ? e : sample_import(path, why);
}

/* `sekisho backup`: keys, creating through the server, verifying and restoring without one. */
#include "cli/inside.h"

#include "base/text.h"
#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int
write_key(const char *name, const char *end, unsigned mode, const uint8_t key[BACKUP_KEY])
{
	char text[64];
	SCOPED char *path = memory_format(NULL, "%s%s", name, end);
	text_base64(slice_of(key, BACKUP_KEY), text);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && write(fd, "\n", 1) == 1 && fsync(fd) == 0;
	memory_wipe(text, sizeof text);
	if (fd >= 0)
		close(fd);
	if (!good)
		fprintf(stderr, "sekisho: %s: %s\n", path, strerror(errno));
	return good ? EXIT_DONE : EXIT_FAILED;
}

static int
make_key(const char *name)
{
	uint8_t public_key[BACKUP_KEY], secret[BACKUP_KEY];
	backup_key_new(public_key, secret);
	int exit = write_key(name, ".key", 0600, secret);
	memory_wipe(secret, sizeof secret);
	if (!exit)
		exit = write_key(name, ".pub", 0644, public_key);
	if (!exit)
		printf("%s.pub is for backup create; keep %s.key where no server is\n", name, name);
	return exit;
}

static bool
read_key(void *owner, const char *path, uint8_t key[BACKUP_KEY])
{
	struct slice text = secret_read(owner, path);
	size_t size = 0;
	if (!text.data)
		return false;
	if (!text_base64_parse(text, key, BACKUP_KEY, &size) && size == BACKUP_KEY)
		return true;
	fprintf(stderr, "sekisho: %s: expected a key that sekisho backup key made\n", path);
	return false;
}

/* ---- create ---- */

static int
fetch(void *owner, const char *id, long long size, FILE *to)
{
	for (long long at = 0; at < size; ) {
		SCOPED void *page = talloc_new(NULL);
		struct request q = { .method = "GET", .path = memory_format(owner, "/v1/backups/%s/bytes?start=%lld", url_escape(page, id), at) };
		struct response r;
		if (!client_send(page, &q, &r) || r.status != 200)
			return client_failure(&r);
		if (r.body.size == 0 || fwrite(r.body.data, 1, r.body.size, to) != r.body.size)
			return failure(E_IO, "the backup came short, or cannot be written");
		at += (long long)r.body.size;
		if (isatty(2))
			fprintf(stderr, "\r%lld of %lld bytes", at, size);
	}
	return EXIT_DONE;
}

static int
create(const char *path, const char *recipient)
{
	SCOPED void *owner = talloc_new(NULL);
	uint8_t key[BACKUP_KEY];
	char text[64];
	struct response r;
	if (!read_key(owner, recipient, key))
		return EXIT_FAILED;
	text_base64(slice_of(key, sizeof key), text);
	struct request q = { .method = "POST", .path = memory_format(owner, "/v1/backups"),
	                     .body = slice_text(memory_format(owner, "{\"recipient\":\"%s\"}", text)) };
	if (!client_send(owner, &q, &r) || r.status != 200)
		return client_failure(&r);
	char *part = memory_format(owner, "%s.part", path);
	FILE *to = fopen(part, "wb");
	if (!to || fchmod(fileno(to), 0600) != 0) {
		fprintf(stderr, "sekisho: %s: %s\n", part, strerror(errno));
		return EXIT_FAILED;
	}
	int exit = fetch(owner, json_string_value(json_object_get(r.json, "id")), json_integer_value(json_object_get(r.json, "size")), to);
	bool written = fflush(to) == 0 && fsync(fileno(to)) == 0;
	written = fclose(to) == 0 && written;
	if (!exit && (!written || rename(part, path) != 0))
		exit = failure(E_IO, "%s: %s", path, strerror(errno));
	if (exit)
		unlink(part);
	else
		print_item(r.json);
	return exit;
}

/* ---- without a server ---- */

static int
verify(const char *path)
{
	SCOPED void *owner = talloc_new(NULL);
	struct slice header;
	const char *why = "";
	err_t e = backup_check(owner, path, &header, &why);
	if (e) {
		fprintf(stderr, "sekisho: %s: %s\n", path, why);
		return e == E_SEAL ? EXIT_PROOF : EXIT_FAILED;
	}
	printf("%.*s\nOK: whole, as it was written; whether it opens takes its key\n", SLICE_ARGUMENTS(header));
	return EXIT_DONE;
}

static int
restore(const char *path, const char *key, const char *into)
{
	SCOPED void *owner = talloc_new(NULL);
	SCOPED char *keyring = memory_format(NULL, "%s/keeper/keyring", into);
	uint8_t secret[BACKUP_KEY];
	const char *why = "";
	if (access(keyring, F_OK) != 0) {
		fprintf(stderr, "sekisho: %s: there is no keyring: copy D/keeper there first; a backup does not hold it\n", keyring);
		return EXIT_FAILED;
	}
	if (!read_key(owner, key, secret))
		return EXIT_FAILED;
	err_t e = backup_restore(path, secret, into, &why);
	memory_wipe(secret, sizeof secret);
	if (e) {
		fprintf(stderr, "sekisho: %s: %s\n", path, why);
		return e == E_SEAL ? EXIT_PROOF : EXIT_FAILED;
	}
	printf("restored into %s: sekisho serve --dir %s\n"
	       "Where the book was signed further than this copy goes, its log ends there and another begins that says so.\n", into, into);
	return EXIT_DONE;
}

int
run_backup(struct words *w)
{
	const char *verb = w->count ? w->places[0] : "", *recipient = words_option(w, "recipient"), *key = words_option(w, "key"),
	           *into = words_option(w, "into");
	if (words_option(w, "to"))
		return usage_error("backup restore --to TIME: this version restores a backup whole");
	if (strcmp(verb, "key") == 0 && w->count == 2)
		return make_key(w->places[1]);
	if (strcmp(verb, "create") == 0 && w->count == 2 && recipient)
		return create(w->places[1], recipient);
	if (strcmp(verb, "verify") == 0 && w->count == 2)
		return verify(w->places[1]);
	if (strcmp(verb, "restore") == 0 && w->count == 2 && key && into)
		return restore(w->places[1], key, into);
	return usage_error("backup key NAME | create FILE --recipient NAME.pub | verify FILE | restore FILE --key NAME.key --into D | ls");
}

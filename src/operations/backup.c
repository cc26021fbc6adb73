/* Backups (P6): a copy of the store and the sealed ledger, encrypted to a public key that the operator's vault has the other half of. */
#include "operations/registers.h"

#include "base/clock.h"
#include "store/backup.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

enum { ID, RECIPIENT };
enum { START };
enum { PAGE = 768 << 10 };

static char *
path_of(struct passage *p, struct slice id, const char *end)
{
	return memory_format(p, "%s/store/backup-%.*s%s", gate_options(gate_of(p->worker))->dir, SLICE_ARGUMENTS(id), end);
}

/* One file at a time lies here, to be fetched; the register keeps what there was. */
static void
remove_older(struct passage *p)
{
	SCOPED char *folder = memory_format(NULL, "%s/store", gate_options(gate_of(p->worker))->dir);
	DIR *d = opendir(folder);
	for (struct dirent *each; d && (each = readdir(d)); )
		if (strncmp(each->d_name, "backup-", 7) == 0) {
			SCOPED char *path = memory_format(NULL, "%s/%s", folder, each->d_name);
			(void)unlink(path);
		}
	if (d)
		closedir(d);
}

static fallible
make(struct passage *p, struct slice id, const uint8_t recipient[BACKUP_KEY], int64_t *objects, uint64_t *size)
{
	const struct gate_options *o = gate_options(gate_of(p->worker));
	char *snapshot = path_of(p, id, ".db"), time[TIME_TEXT];
	struct keys_log log;
	text_time(p->now, time);
	TRY(keys_log(p, p->keys, &log));
	json_t *header = json_pack("{s:s, s:s, s:s, s:I}", "version", SEKISHO_VERSION, "created", time, "log", log.name, "signed", (json_int_t)log.size);
	char *text = json_dumps(header, JSON_COMPACT);
	json_decref(header);
	remove_older(p);
	err_t e = backup_snapshot(o->dir, snapshot, objects);
	if (!e)
		e = backup_write(o->dir, snapshot, path_of(p, id, ""), slice_text(text), recipient, size);
	free(text);
	(void)unlink(snapshot);
	return e;
}

static err_t
backup_create_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	uint8_t recipient[BACKUP_KEY];
	size_t length = 0;
	int64_t objects;
	uint64_t size;
	if (text_base64_parse(a->text[RECIPIENT], recipient, sizeof recipient, &length) || length != sizeof recipient)
		return passage_fail(p, E_ARGUMENT, "recipient: expected the public key that sekisho backup key makes: 32 bytes in base64");
	struct id id = id_new("bak_");
	struct slice name = memory_copy(p, id_slice(&id));
	TRY(make(p, name, recipient, &objects, &size));
	pairs_number(&p->outcome, "bytes", (int64_t)size);
	json_t *body = json_pack("{s:o, s:I, s:I, s:b}", "recipient", json_slice(a->text[RECIPIENT]), "size", (json_int_t)size, "objects", (json_int_t)objects,
	                         "tried", 1);
	json_t *answer = json_pack("{s:o, s:I, s:I}", "id", json_slice(name), "size", (json_int_t)size, "objects", (json_int_t)objects);
	TRY(register_prepare(p, &(struct register_put){ .kind = "backup", .id = name, .body = body }));
	return passage_answer(p, answer);
}

static const struct field create_fields[] = {
	{ "recipient", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(RECIPIENT), 64, "the public key, 32 bytes in base64" }, { NULL },
};

const struct operation backup_create_operation = {
	.name = "backup.create",
	.says = { "Makes a backup, encrypted to a public key; keys are not in it", "公開鍵で暗号化したバックアップを作成する（鍵は含まない）" },
	.route = { POST, "/v1/backups" },
	.action = "backup.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.slow = true,
	.fields = create_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_OBJECT,
	.prepare = backup_create_prepare,
	.apply = register_apply,
};

static err_t
backup_fetch_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct registered backup;
	TRY(register_get(p, p->view, "backup", a->text[ID], &backup));
	int fd = open(path_of(p, backup.id, ""), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return passage_fail(p, E_NOT_FOUND, "a newer backup has taken its place here");
	uint8_t *room = memory_grow(p, NULL, 1, PAGE);
	ssize_t n = pread(fd, room, PAGE, (off_t)a->number[START]);
	close(fd);
	if (n < 0)
		return E_IO;
	p->bytes = slice_of(room, (size_t)n);
	p->bytes_media = LITERAL("application/octet-stream");
	pairs_text(&p->outcome, "subject", backup.id);
	pairs_number(&p->outcome, "bytes", n);
	passage_header(p, "Sekisho-Next", "%lld", (long long)a->number[START] + (long long)n);
	return NULL;
}

static const struct field fetch_fields[] = {
	{ "id", PLACE_PATH, FIELD_TEXT, true, TEXT_AT(ID), 32, "bak_…" },
	{ "start", PLACE_QUERY, FIELD_NUMBER, false, NUMBER_AT(START), INT64_C(1) << 50, "from this byte on" },
	{ NULL },
};

const struct operation backup_fetch_operation = {
	.name = "backup.fetch",
	.says = { "Gives a piece of the newest backup", "最新のバックアップの一部を取得する" },
	.route = { GET, "/v1/backups/{id}/bytes" },
	.action = "backup.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.fields = fetch_fields,
	.args_size = sizeof(struct register_arguments),
	.prepare = backup_fetch_prepare,
};

static err_t
backup_list_prepare(struct passage *p)
{
	return register_list(p, "backup", (struct slice){ NULL, 0 }, "");
}

const struct operation backup_list_operation = {
	.name = "backup.list",
	.says = { "Lists the backups that were made", "作成したバックアップを一覧する" },
	.route = { GET, "/v1/backups" },
	.cli = "backup ls",
	.action = "measure.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.output = SCHEMA_LIST,
	.prepare = backup_list_prepare,
};

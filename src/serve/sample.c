/* The demonstration organisation: sample/organisation.json and sample/make-objects.py. */
#include "serve/inside.h"

#include "assure/register.h"
#include "base/clock.h"
#include "base/embedded.h"
#include "base/memory.h"
#include "base/text.h"
#include "record/deadline.h"
#include "vault/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PEOPLE_MAX = 64, TRAINED_WITHIN_DAYS = 90, GRANT_DAYS = 7, STANDING_DAYS = 365, READY_MS = 20000 };

extern const struct embedded sample_files[], sample_objects[];

struct person {
	struct new_principal principal;
	struct id actor;
	struct secret secret;
	char password[32], totp[33];
	int64_t trained_until;
};

struct sample {
	struct house *house;
	json_t *organisation, *registers;
	size_t count;
	struct person people[PEOPLE_MAX];
	struct id application, credential;
	struct slice application_name;
	char token[TOKEN_TEXT];
	struct slice sealed[16];        /* name and contact of each subscriber */
};

static struct slice
text_of(json_t *object, const char *key)
{
	return slice_text(json_string_value(json_object_get(object, key)));
}

/* ---- prepared: names sealed, passwords hashed ---- */

static fallible
prepare_person(struct sample *s, json_t *j, struct person *p)
{
	struct keys *keys = s->house->keys;
	uint8_t random[12];
	p->actor = id_new("psn_");
	p->principal = (struct new_principal){ .actor = id_slice(&p->actor), .id = text_of(j, "id"), .role = text_of(j, "role"),
	                                       .organisation = text_of(j, "organisation") };
	TRY(principal_kind_parse(text_of(j, "kind"), &p->principal.kind));
	TRY(keys_seal_whole(s, keys, LITERAL(LOG_VENDOR), USE_NAMES, p->principal.actor, text_of(j, "name"), &p->principal.name));
	random_bytes(random, sizeof random);
	text_base32(slice_of(random, sizeof random), p->password);
	TRY(password_hash(slice_text(p->password), p->secret.password));
	totp_new(p->totp);
	random_bytes(random, sizeof random);
	p->trained_until = clock_now() + DAYS(365) - DAYS(random[0] % TRAINED_WITHIN_DAYS);
	return keys_seal_whole(s, keys, LITERAL(LOG_VENDOR), USE_NAMES, p->principal.actor, slice_text(p->totp), &p->secret.totp);
}

/* A document of one empty page, for the desk to have something to disclose. */
static fallible
prepare_document(struct sample *s, json_t *r)
{
	uint8_t digest[DIGEST_SIZE];
	char hex[2 * DIGEST_SIZE + 1];
	struct slice *sealed = NEW(s, struct slice);
	const char *name = json_string_value(json_object_get(r, "file"));
	if (!name)
		return NULL;
	struct slice pdf = slice_text(memory_format(s, "%%PDF-1.4\n%% %s, a sample\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
	                                               "2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj\n"
	                                               "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R>>\n%%%%EOF\n", name));
	sha256(pdf, digest);
	text_hex(slice_of(digest, sizeof digest), hex);
	json_object_set_new(json_object_get(r, "body"), "digest", json_string(hex));
	TRY(keys_seal_whole(s, s->house->keys, LITERAL(LOG_VENDOR), USE_NAMES, slice_text(hex), pdf, sealed));
	json_object_set_new(r, "sealed", json_integer((json_int_t)(intptr_t)sealed));
	return NULL;
}

static fallible
prepare(struct sample *s)
{
	size_t i;
	json_t *j;
	json_array_foreach(json_object_get(s->organisation, "people"), i, j)
		TRY(prepare_person(s, j, &s->people[s->count++]));
	json_array_foreach(s->registers, i, j)
		TRY(prepare_document(s, j));
	json_array_foreach(json_object_get(s->organisation, "subscribers"), i, j) {
		uint8_t key[KEY_SIZE];
		TRY(keys_make(s->house->keys, text_of(j, "id"), USE_DATA, key, NULL));
		SCOPED char *text = memory_format(NULL, "%s\n%s", json_string_value(json_object_get(j, "name")),
		                                  json_string_value(json_object_get(j, "contact")));
		TRY(keys_seal_whole(s, s->house->keys, text_of(j, "id"), USE_NAMES, text_of(j, "id"), slice_text(text), &s->sealed[i]));
	}
	s->application = id_new("app_");
	s->credential = id_new("crd_");
	token_new(s->token);
	return keys_seal_whole(s, s->house->keys, LITERAL(LOG_VENDOR), USE_NAMES, id_slice(&s->application), LITERAL("intake"),
	                       &s->application_name);
}

/* ---- applied, in one transaction ---- */

static fallible
apply_people(const struct sample *s, struct store *tx, int64_t time)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct person *p = &s->people[i];
		char until[TIME_TEXT];
		text_time(p->trained_until, until);
		TRY(principal_add_apply(tx, &p->principal, time));
		TRY(secret_put_apply(tx, p->principal.actor, &p->secret, time));
		if (p->principal.kind == KIND_PERSONNEL)
			TRY(fact_add_apply(tx, p->principal.actor, "training", slice_text(until), time));
	}
	return NULL;
}

static fallible
apply_provider(struct store *tx, json_t *j, int64_t time)
{
	size_t i;
	json_t *named;
	json_int_t days = json_integer_value(json_object_get(j, "review_days"));
	char until[TIME_TEXT];
	TRY(provider_add_apply(tx, text_of(j, "id"), text_of(j, "kind"), text_of(j, "name"), time));
	text_time(time + DAYS(days), until);
	if (days)
		TRY(fact_add_apply(tx, text_of(j, "id"), "review", slice_text(until), time));
	if (days)
		TRY(deadline_set_apply(tx, "review.expiry", text_of(j, "id"), time + DAYS(days)));
	json_array_foreach(json_object_get(j, "contract"), i, named)
		TRY(fact_add_apply(tx, text_of(j, "id"), "contract", slice_text(json_string_value(named)), time));
	return NULL;
}

static fallible
apply_grant(struct store *tx, struct slice actor, struct slice subscriber, const char *resource, const char *rights,
            int64_t time, int64_t expires)
{
	struct id id = id_new("grt_");
	const struct grant g = { .id = id_slice(&id), .actor = actor, .subscriber = subscriber, .resource = slice_text(resource),
	                         .rights = slice_text(rights), .since = time, .expires = expires };
	return grant_add_apply(tx, &g);
}

static fallible
apply_subscriber(const struct sample *s, struct store *tx, size_t i, json_t *j, int64_t time)
{
	const char *collection;
	json_t *attributes;
	TRY(subscriber_add_apply(tx, text_of(j, "id"), s->sealed[i], time));
	json_object_foreach(json_object_get(s->organisation, "collections"), collection, attributes) {
		char *text = json_dumps(attributes, JSON_COMPACT);
		err_t e = collection_declare_apply(tx, text_of(j, "id"), slice_text(collection), slice_text(text));
		free(text);
		TRY(e);
		TRY(apply_grant(tx, id_slice(&s->application), text_of(j, "id"), collection, "read,write", time, time + DAYS(STANDING_DAYS)));
	}
	return NULL;
}

static fallible
apply_application(const struct sample *s, struct store *tx, int64_t time)
{
	uint8_t digest[DIGEST_SIZE];
	const struct new_principal n = { .actor = id_slice(&s->application), .id = LITERAL("intake"), .kind = KIND_APPLICATION,
	                                 .role = LITERAL("application"), .name = s->application_name };
	token_digest(slice_text(s->token), digest);
	TRY(principal_add_apply(tx, &n, time));
	return credential_add_apply(tx, id_slice(&s->credential), n.actor, "token", digest, LITERAL(""), time, time + DAYS(90));
}

/* ---- what the wide duties keep: sample/registers.json ---- */

static struct slice
actor_of(const struct sample *s, struct slice id)
{
	for (size_t i = 0; i < s->count; i++)
		if (slice_equal(s->people[i].principal.id, id))
			return s->people[i].principal.actor;
	return LITERAL("sys_init");
}

static fallible
put(const struct sample *s, struct store *tx, const char *kind, const char *id, const char *parent, int64_t due, const char *by, json_t *body,
    int64_t time)
{
	char *text = json_dumps(body, JSON_COMPACT);
	const struct register_change c = { .kind = kind, .id = slice_text(id), .parent = slice_text(parent), .due = due, .body = slice_text(text),
	                                   .changed_by = actor_of(s, slice_text(by)) };
	err_t e = register_put_apply(tx, &c, time);
	free(text);
	return e;
}

/* Everyone has acknowledged each policy, and passed the course when their training says. */
static fallible
apply_person_registers(const struct sample *s, struct store *tx, const struct person *p, int64_t time)
{
	size_t i;
	json_t *r, *nothing = json_object(), *quiz = json_pack("{s:s, s:i, s:i, s:b}", "course", "security-basics", "right", 3, "of", 3, "passed", 1);
	err_t e = NULL;
	json_array_foreach(s->registers, i, r) {
		const char *kind = json_string_value(json_object_get(r, "kind")), *id = json_string_value(json_object_get(r, "id"));
		SCOPED char *of = memory_format(NULL, "%s/1", id), *name = memory_format(of, "%s/%s", of, p->actor.text);
		if (!e && strcmp(kind, "policy") == 0)
			e = put(s, tx, "acknowledgement", name, of, 0, (const char *)p->principal.id.data, nothing, time);
	}
	SCOPED char *name = memory_format(NULL, "security-basics/%s", p->actor.text);
	if (!e)
		e = put(s, tx, "quiz", name, "security-basics", 0, (const char *)p->principal.id.data, quiz, time);
	json_decref(nothing);
	json_decref(quiz);
	return e;
}

static fallible
put_document(struct store *tx, const json_t *r)
{
	const struct slice *sealed = (const struct slice *)(intptr_t)json_integer_value(json_object_get(r, "sealed"));
	uint8_t digest[DIGEST_SIZE];
	size_t size = 0;
	if (!sealed)
		return NULL;
	TRY(text_hex_parse(text_of(json_object_get(r, "body"), "digest"), digest, sizeof digest, &size));
	return register_file_put_apply(tx, slice_of(digest, size), (int64_t)sealed->size, *sealed);
}

static fallible
apply_registers(const struct sample *s, struct store *tx, int64_t time)
{
	size_t i;
	json_t *r;
	json_array_foreach(s->registers, i, r) {
		const char *parent = json_string_value(json_object_get(r, "parent"));
		json_int_t days = json_integer_value(json_object_get(r, "due_days"));
		TRY(put(s, tx, json_string_value(json_object_get(r, "kind")), json_string_value(json_object_get(r, "id")), parent ? parent : "",
		        days ? time + DAYS(days) : 0, "sec1", json_object_get(r, "body"), time));
		TRY(put_document(tx, r));
		const json_t *measured = json_object_get(r, "gauge");
		const struct gauge gauge = { .up = json_integer_value(json_object_get(measured, "up")) != 0,
		                             .load = json_integer_value(json_object_get(measured, "load")), .time = time };
		if (measured)
			TRY(gauge_put_apply(tx, slice_text(json_string_value(json_object_get(r, "id"))), &gauge));
	}
	for (i = 0; i < s->count; i++)
		if (s->people[i].principal.kind == KIND_PERSONNEL)
			TRY(apply_person_registers(s, tx, &s->people[i], time));
	return NULL;
}

static err_t
apply_sample(void *context, struct store *tx, int64_t time)
{
	const struct sample *s = context;
	size_t i;
	json_t *j;
	TRY(apply_people(s, tx, time));
	TRY(apply_application(s, tx, time));
	json_array_foreach(json_object_get(s->organisation, "providers"), i, j)
		TRY(apply_provider(tx, j, time));
	json_array_foreach(json_object_get(s->organisation, "subscribers"), i, j)
		TRY(apply_subscriber(s, tx, i, j, time));
	TRY(apply_registers(s, tx, time));
	return apply_grant(tx, s->people[0].principal.actor, LITERAL("acme"), "tickets", "read,write", time, time + DAYS(GRANT_DAYS));
}

/* ---- D/sample ---- */

static fallible
write_json(const char *dir, const char *name, json_t *j)
{
	char *text = json_dumps(j, JSON_INDENT(1));
	err_t e = write_file(dir, name, 0600, slice_text(text));
	memory_wipe(text, strlen(text));
	free(text);
	json_decref(j);
	return e;
}

static fallible
write_secrets(const struct sample *s)
{
	json_t *people = json_array();
	SCOPED char *folder = memory_format(NULL, "%s/sample", s->house->dir);
	for (size_t i = 0; i < s->count; i++) {
		const struct person *p = &s->people[i];
		json_array_append_new(people, json_pack("{s:s%, s:s%, s:s, s:s}", "id", p->principal.id.data, p->principal.id.size,
		                                        "role", p->principal.role.data, p->principal.role.size, "password",
		                                        p->password, "totp_secret", p->totp));
	}
	if (mkdir(folder, 0700) != 0) {
		json_decref(people);
		return E_IO;
	}
	TRY(write_json(s->house->dir, "sample/people.json", people));
	return write_json(s->house->dir, "sample/applications.json", json_pack("[{s:s, s:s}]", "id", "intake", "token", s->token));
}

static int
free_sample(struct sample *s)
{
	json_decref(s->organisation);
	json_decref(s->registers);
	memory_wipe(s->people, sizeof s->people);
	memory_wipe(s->token, sizeof s->token);
	return 0;
}

fallible
sample_lay(struct house *h, const char **why)
{
	SCOPED struct sample *s = NEW(NULL, struct sample);
	talloc_set_destructor(s, free_sample);
	s->house = h;
	s->organisation = json_loadb(sample_files[0].text, sample_files[0].size, 0, NULL);
	s->registers = json_loadb(sample_files[1].text, sample_files[1].size, 0, NULL);
	TRY(prepare(s));
	const struct system_change change = { .operation = "sample.lay", .log = LITERAL(LOG_EVERYONE), .apply = apply_sample,
	                                      .context = s };
	TRY(system_record(h, &change));
	*why = "D/sample cannot be written";
	TRY(write_secrets(s));
	return write_file(h->dir, "sample/answers.yaml", 0600, slice_of(sample_files[2].text, sample_files[2].size));
}

/* ---- objects, by the command that a user has ---- */

static pid_t
start(char *const words[])
{
	pid_t child = fork();
	if (child == 0) {
		int null = open("/dev/null", O_RDONLY);
		dup2(null, 0);
		execv("/proc/self/exe", words);
		_exit(127);
	}
	return child;
}

static json_t *
wait_for_file(const char *path)
{
	for (int i = 0; i < READY_MS / 10; i++) {
		json_t *j = json_load_file(path, 0, NULL);
		if (j)
			return j;
		usleep(10000);
	}
	return NULL;
}

static fallible
import_file(const char *dir, const struct embedded *f)
{
	SCOPED char *name = memory_format(NULL, "sample/%s", f->name), *path = memory_format(name, "%s/%s", dir, name);
	SCOPED char *subscriber = memory_text(NULL, slice_of(f->name, strcspn(f->name, ".")));
	const char *rest = strchr(f->name, '.') + 1;
	SCOPED char *collection = memory_text(NULL, slice_of(rest, strcspn(rest, ".")));
	char *const words[] = { (char[]){ "sekisho" }, (char[]){ "object" }, (char[]){ "import" }, subscriber, collection, path, NULL };
	int status = 1;
	TRY(write_file(dir, name, 0600, slice_of(f->text, f->size)));
	pid_t child = start(words);
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		return E_IO;
	return unlink(path) == 0 ? NULL : E_IO;
}

static fallible
import_all(const char *dir, json_t *ready)
{
	SCOPED char *ca = memory_format(NULL, "%s/ca.pem", dir), *applications = memory_format(ca, "%s/sample/applications.json", dir);
	json_t *j = json_load_file(applications, 0, NULL);
	const char *token = json_string_value(json_object_get(json_array_get(j, 0), "token"));
	setenv("SEKISHO_URL", json_string_value(json_object_get(ready, "https")), 1);
	setenv("SEKISHO_CA", ca, 1);
	setenv("SEKISHO_TOKEN", token ? token : "", 1);
	json_decref(j);
	err_t e = NULL;
	for (const struct embedded *f = sample_objects; f->name && !e; f++)
		e = import_file(dir, f);
	unsetenv("SEKISHO_URL");
	unsetenv("SEKISHO_CA");
	unsetenv("SEKISHO_TOKEN");
	return e;
}

fallible
sample_import(const char *dir, const char **why)
{
	SCOPED char *file = memory_format(NULL, "%s/sample/ready", dir), *copy = memory_format(file, "%s", dir);
	char *const words[] = { (char[]){ "sekisho" }, (char[]){ "serve" }, (char[]){ "--dir" }, copy, (char[]){ "--https" },
	                        (char[]){ "127.0.0.1:0" }, (char[]){ "--ready-file" }, file, (char[]){ "--quiet" }, NULL };
	int status = 1;
	*why = "the server cannot be started for the import of the sample";
	pid_t server = start(words);
	json_t *ready = server < 0 ? NULL : wait_for_file(file);
	if (!ready) {
		if (server > 0) {
			kill(server, SIGTERM);
			waitpid(server, NULL, 0);
		}
		return E_IO;
	}
	*why = "the sample's objects cannot be imported";
	err_t e = import_all(dir, ready);
	json_decref(ready);
	kill(server, SIGTERM);
	if (waitpid(server, &status, 0) != server || status != 0)
		e = e ? e : E_IO;
	unlink(file);
	return e;
}

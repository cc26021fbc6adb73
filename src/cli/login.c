/* Logging in and out, and where one is. */
#include "cli/inside.h"

#include "base/clock.h"
#include "base/text.h"

#include <fcntl.h>
#include <liboath/oath.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static int64_t
step_now(int64_t *into)
{
	int64_t seconds = (int64_t)time(NULL);
	*into = seconds % TOTP_STEP;
	return seconds / TOTP_STEP;
}

static bool
code_of(struct slice secret, int64_t step, char out[8])
{
	char *bytes;
	size_t size;
	if (oath_base32_decode((const char *)secret.data, secret.size, &bytes, &size) != OATH_OK)
		return false;
	bool good = oath_hotp_generate(bytes, size, (uint64_t)step, 6, false, OATH_HOTP_DYNAMIC_TRUNCATION, out) == OATH_OK;
	memory_wipe(bytes, size);
	free(bytes);
	return good;
}

static bool
post(void *owner, const char *path, json_t *body, struct response *r)
{
	char *text = json_dumps(body, JSON_COMPACT);
	struct request q = { .method = "POST", .path = memory_format(owner, "%s", path), .body = slice_text(text) };
	bool sent = client_send(owner, &q, r);
	memory_wipe(text, strlen(text));
	free(text);
	return sent;
}

static bool
try_login(void *owner, const char *id, struct slice password, const char *code, struct response *r)
{
	json_t *body = json_pack("{s:s, s:s%, s:s}", "id", id, "password", (const char *)password.data, password.size, "totp", code);
	if (!body)
		return false;
	bool sent = post(owner, "/v1/login", body, r);
	json_decref(body);
	return sent;
}

static bool
says(const struct response *r, err_t e)
{
	const char *code = json_string_value(json_object_get(r->json, "code"));
	return code && strcmp(code, e->name) == 0;
}

/* The next step that was not taken yet; where there is none in the window, waits for it. */
static bool
login_with_secret(void *owner, const char *id, struct slice password, struct slice secret, struct response *r)
{
	int64_t into, now = step_now(&into);
	char code[8];
	for (int64_t step = into < TOTP_STEP - 3 ? now - 1 : now;; step++) {
		while (step > step_now(&into) + 1)
			sleep(1);
		if (!code_of(secret, step, code)) {
			fputs("sekisho: the TOTP secret is not base32\n", stderr);
			return false;
		}
		if (!try_login(owner, id, password, code, r))
			return false;
		if (!says(r, E_CODE_USED) || step > now + 3)
			return true;
	}
}

/* Asked for only where there is a terminal. */
static struct slice
ask(void *owner, const char *what, bool hidden)
{
	struct termios was, quiet;
	char line[256];
	if (!isatty(0) || !isatty(2))
		return (struct slice){ NULL, 0 };
	fprintf(stderr, "%s: ", what);
	tcgetattr(0, &was);
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)(hidden ? ECHO : 0);
	tcsetattr(0, TCSANOW, &quiet);
	bool got = fgets(line, sizeof line, stdin) != NULL;
	tcsetattr(0, TCSANOW, &was);
	if (hidden)
		fputs("\n", stderr);
	return got ? memory_copy(owner, slice_of(line, strcspn(line, "\r\n"))) : (struct slice){ NULL, 0 };
}

/* ---- a client certificate beside the token ---- */

static bool
write_pem(const char *path, EVP_PKEY *key, X509 *x)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f)
		return false;
	bool good = key ? PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1 : PEM_write_X509(f, x) == 1;
	return fclose(f) == 0 && good;
}

static int
certify(void *owner, const char *folder)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	uint8_t *spki = NULL, der[2048];
	int size = i2d_PUBKEY(key, &spki);
	size_t der_size;
	struct response r;
	char text[512];
	text_base64(slice_of(spki, (size_t)size), text);
	json_t *body = json_pack("{s:s}", "public_key", text);
	OPENSSL_free(spki);
	bool sent = post(owner, "/v1/certificates", body, &r);
	json_decref(body);
	int exit = !sent || r.status != 200 ? client_failure(&r) : EXIT_DONE;
	const char *given = json_string_value(json_object_get(r.json, "certificate"));
	if (!exit && (!given || text_base64_parse(slice_text(given), der, sizeof der, &der_size)))
		exit = EXIT_FAILED;
	const uint8_t *p = der;
	X509 *x = exit ? NULL : d2i_X509(NULL, &p, (long)der_size);
	(void)mkdir(folder, 0700);      /* one that is there will do; what cannot be made is told by the write */
	if (!exit && (!x || !write_pem(memory_format(owner, "%s/cert.pem", folder), NULL, x) ||
	              !write_pem(memory_format(owner, "%s/key.pem", folder), key, NULL))) {
		fprintf(stderr, "sekisho: %s: cert.pem and key.pem cannot be written\n", folder);
		exit = EXIT_FAILED;
	}
	X509_free(x);
	EVP_PKEY_free(key);
	return exit;
}

static int
keep_login(const struct words *w, const struct response *r)
{
	const char *token = json_string_value(json_object_get(r->json, "token"));
	const char *expires = json_string_value(json_object_get(r->json, "expires"));
	const char *pairs[] = { "token", token, "expires", expires, "id", words_option(w, "as"), NULL };
	if (!context_save(NULL, pairs))
		fputs("sekisho: the context file cannot be written; use the token that -o json prints\n", stderr);
	setenv("SEKISHO_TOKEN", token ? token : "", 1);
	if (cli_output == OUTPUT_TABLE)
		printf("%s until %s\n", words_option(w, "as"), expires);
	else
		printf("{\"token\": \"%s\", \"expires\": \"%s\"}\n", token, expires);
	return EXIT_DONE;
}

static int
enrol(void *owner, const struct words *w, const char *id)
{
	struct slice code = secret_read(owner, words_option(w, "code-file"));
	const char *file = words_option(w, "new-password-file");
	struct slice password = file ? secret_read(owner, file) : ask(owner, "new password", true);
	struct response r;
	if (!code.data || !password.data)
		return usage_error("login --code-file F needs --new-password-file F");
	json_t *body = json_pack("{s:s, s:s, s:s}", "id", id, "code", (const char *)code.data, "new_password",
	                         (const char *)password.data);
	bool sent = post(owner, "/v1/enrol", body, &r);
	json_decref(body);
	if (!sent || r.status != 200)
		return client_failure(&r);
	print_item(r.json);
	return EXIT_DONE;
}

int
run_login(struct words *w)
{
	SCOPED void *owner = talloc_new(NULL);
	const char *id = words_option(w, "as"), *file = words_option(w, "password-file"), *totp = words_option(w, "totp-secret-file");
	struct response r;
	if (w->count > 0) {
		const char *ca = words_option(w, "ca");
		const char *pairs[] = { "url", w->places[0], ca ? "ca" : NULL, ca, NULL };
		context_save(NULL, pairs);
		setenv("SEKISHO_URL", w->places[0], 1);
	}
	if (!id)
		return usage_error("login needs --as ID");
	unsetenv("SEKISHO_TOKEN");
	if (words_option(w, "code-file"))
		return enrol(owner, w, id);
	struct slice password = file ? secret_read(owner, file) : ask(owner, "password", true);
	if (!password.data)
		return file ? EXIT_FAILED : usage_error("login needs --password-file F, or a terminal");
	struct slice secret = totp ? secret_read(owner, totp) : ask(owner, "code", false);
	if (!secret.data)
		return totp ? EXIT_FAILED : usage_error("login needs --totp-secret-file F, or a terminal");
	bool sent = totp ? login_with_secret(owner, id, password, secret, &r)
	                 : try_login(owner, id, password, (const char *)secret.data, &r);
	if (!sent || r.status != 200)
		return client_failure(&r);
	keep_login(w, &r);
	return words_option(w, "certificate") ? certify(owner, words_option(w, "certificate")) : EXIT_DONE;
}

int
run_logout(struct words *w)
{
	SCOPED void *owner = talloc_new(NULL);
	struct request q = { .method = "POST", .path = memory_format(owner, "/v1/logout") };
	const char *const pairs[] = { "token", NULL, NULL };
	struct response r;
	(void)w;
	bool sent = client_send(owner, &q, &r);
	context_save(NULL, pairs);
	return sent && r.status < 300 ? EXIT_DONE : client_failure(&r);
}

static int
show(const char *path)
{
	SCOPED void *owner = talloc_new(NULL);
	struct request q = { .method = "GET", .path = memory_format(owner, "%s", path) };
	struct response r;
	if (!client_send(owner, &q, &r) || r.status != 200)
		return client_failure(&r);
	print_item(r.json);
	return EXIT_DONE;
}

int
run_whoami(struct words *w)
{
	(void)w;
	return show("/v1/whoami");
}

int
run_status(struct words *w)
{
	SCOPED void *owner = talloc_new(NULL);
	struct request q = { .method = "GET", .path = memory_format(owner, "/readyz") };
	struct response r;
	(void)w;
	if (!client_send(owner, &q, &r))
		return client_failure(&r);
	struct context *c = context_load(owner);
	printf("%s  %.*s", c->url, SLICE_ARGUMENTS(r.body));
	return r.status == 200 ? EXIT_DONE : EXIT_CLOSED;
}

int
run_context(struct words *w)
{
	if (w->count == 2 && strcmp(w->places[0], "use") == 0) {
		if (context_use(w->places[1]))
			return EXIT_DONE;
		fprintf(stderr, "sekisho: there is no context '%s'\ntry: sekisho context ls\n", w->places[1]);
		return EXIT_NOT_FOUND;
	}
	if (w->count != 1 || strcmp(w->places[0], "ls") != 0)
		return usage_error("context ls, or context use NAME");
	json_t *file = context_file(), *items = json_array(), *context;
	const char *name, *current = json_string_value(json_object_get(file, "current"));
	json_object_foreach(json_object_get(file, "contexts"), name, context) {
		const char *url = json_string_value(json_object_get(context, "url")), *id = json_string_value(json_object_get(context, "id"));
		json_array_append_new(items, json_pack("{s:s, s:s, s:s, s:b}", "name", name, "url", url ? url : "", "id", id ? id : "",
		                                       "current", current && strcmp(current, name) == 0));
	}
	print_items(items);
	json_decref(items);
	json_decref(file);
	return EXIT_DONE;
}

int
run_use(struct words *w)
{
	if (w->count != 1)
		return usage_error("use SUBSCRIBER [--purpose P]");
	const char *purpose = words_option(w, "purpose");
	const char *const pairs[] = { "subscriber", w->places[0], "purpose", purpose, NULL };
	return context_save(NULL, pairs) ? EXIT_DONE : EXIT_FAILED;
}

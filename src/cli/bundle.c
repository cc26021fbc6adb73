/* `sekisho bundle verify`: what it proves, and what it does not, in the reader's language. */
#include "cli/bundle.h"
#include "cli/bundle_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEPT_MAX = 1 << 20 };

/* What the options say. */
struct options {
	const char *file, *key, *kept, *log, *authorities;
	const char *labels[BUNDLE_LABELS_MAX], *witnesses[BUNDLE_WITNESSES_MAX];
	size_t label_count, witness_count;
	const char *quorum;
};

/* A verification: what is told goes to `report` and is printed when all of it is proven. */
struct job {
	struct bundle_report report;
	struct bundle_native native;
	struct proof_policy policy;
	struct proof_told_label labels[BUNDLE_LABELS_MAX];
	struct proof_vkey witnesses[BUNDLE_WITNESSES_MAX];
	uint8_t *kept;
	struct bundle_leaves *leaves;
	int fd;
	int error;                      /* of the last read */
};

static int
usage(const char *why, const char *what)
{
	if (why)
		fprintf(stderr, "sekisho bundle: %s%s%s\n", why, what ? " " : "", what ? what : "");
	fprintf(stderr, "usage: sekisho bundle verify FILE --key VKEY [--label NAME=BASE64]... [--kept NOTE]\n"
	                "                             [--witness VKEY... --quorum K] [--log DIR] [--timestamp CA.pem]\n"
	                "       sekisho bundle show FILE\n");
	return BUNDLE_USAGE;
}

/* ---- options ---- */

static bool
add_text(const char **list, size_t *count, size_t max, const char *value)
{
	if (*count == max)
		return false;
	list[(*count)++] = value;
	return true;
}

static bool
set_once(const char **to, const char *value)
{
	if (*to)
		return false;
	*to = value;
	return true;
}

static bool
set_option(struct options *o, const char *name, size_t size, const char *value)
{
	static const char *const names[] = { "key", "kept", "log", "timestamp", "quorum", "label", "witness" };
	const char **single[] = { &o->key, &o->kept, &o->log, &o->authorities, &o->quorum };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strlen(names[i]) != size || memcmp(names[i], name, size) != 0)
			continue;
		if (i < 5)
			return set_once(single[i], value);
		if (i == 5)
			return add_text(o->labels, &o->label_count, BUNDLE_LABELS_MAX, value);
		return add_text(o->witnesses, &o->witness_count, BUNDLE_WITNESSES_MAX, value);
	}
	return false;
}

/* A witness's key has two plus signs; several may follow one --witness. */
static bool
is_vkey(const char *text)
{
	const char *plus = strchr(text, '+');
	return plus && strlen(plus) > 10 && plus[9] == '+';
}

static bool
parse_options(int argc, char **argv, struct options *o)
{
	bool witnesses = false;
	for (int i = 0; i < argc; i++) {
		const char *a = argv[i];
		if (strncmp(a, "--", 2) != 0 || a[2] == '\0') {
			if (witnesses && is_vkey(a)
			        ? !add_text(o->witnesses, &o->witness_count, BUNDLE_WITNESSES_MAX, a)
			        : !set_once(&o->file, a))
				return false;
			continue;
		}
		const char *equals = strchr(a, '=');
		size_t size = equals ? (size_t)(equals - a - 2) : strlen(a + 2);
		if (!equals && i + 1 == argc)
			return false;
		if (!set_option(o, a + 2, size, equals ? equals + 1 : argv[++i]))
			return false;
		witnesses = size == 7 && strncmp(a, "--witness", 9) == 0;
	}
	return o->file != NULL;
}

static struct proof_bytes
bytes_of(const char *text)
{
	return (struct proof_bytes){ (const uint8_t *)text, strlen(text) };
}

static bool
parse_base64(const char *text, uint8_t out[PROOF_HASH])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0;
	size_t made = 0;
	if (strlen(text) != 44 || text[43] != '=')
		return false;
	for (size_t i = 0; i < 43; i++) {
		const char *found = memchr(alphabet, text[i], 64);
		if (!found)
			return false;
		bits = (bits << 6 | (uint32_t)(found - alphabet)) & 0xffffff;
		if (i % 4)
			out[made++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	return made == PROOF_HASH && (bits & 3) == 0;
}

static bool
parse_label(const char *text, struct proof_told_label *out)
{
	const char *equals = strchr(text, '=');
	if (!equals || equals == text || !parse_base64(equals + 1, out->label.bytes))
		return false;
	out->name = (struct proof_bytes){ (const uint8_t *)text, (size_t)(equals - text) };
	return true;
}

static bool
parse_quorum(const struct options *o, size_t *out)
{
	*out = o->witness_count;
	if (!o->quorum)
		return true;
	char *end;
	unsigned long value = strtoul(o->quorum, &end, 10);
	if (o->quorum[0] < '0' || o->quorum[0] > '9' || *end || value < 1 || value > o->witness_count)
		return false;
	*out = value;
	return true;
}

static bool
same_key(const struct proof_vkey *a, const struct proof_vkey *b)
{
	return memcmp(a->key, b->key, sizeof a->key) == 0;
}

static const char *
read_witnesses(struct job *j, const struct options *o)
{
	for (size_t i = 0; i < o->witness_count; i++) {
		struct proof_vkey *key = &j->witnesses[i];
		if (!proof_vkey_parse(&j->native.functions, bytes_of(o->witnesses[i]), key) ||
		    key->type != PROOF_COSIGNATURE)
			return "--witness is not the verifier key of a witness";
		for (size_t k = 0; k < i; k++)
			if (same_key(key, &j->witnesses[k]))
				return "--witness names one key twice";
	}
	return parse_quorum(o, &j->policy.quorum) ? NULL : "--quorum is not a number from 1 to that of the witnesses";
}

static const char *
read_policy(struct job *j, const struct options *o)
{
	if (!o->key)
		return "--key is missing";
	if (!proof_vkey_parse(&j->native.functions, bytes_of(o->key), &j->policy.key) ||
	    j->policy.key.type != PROOF_ED25519)
		return "--key is not a verifier key of a log (name+id+base64)";
	for (size_t i = 0; i < o->label_count; i++)
		if (!parse_label(o->labels[i], &j->labels[i]))
			return "--label is not NAME=BASE64 of 32 bytes";
	j->policy.labels = j->labels;
	j->policy.label_count = o->label_count;
	j->policy.witnesses = j->witnesses;
	j->policy.witness_count = o->witness_count;
	j->policy.timestamps = o->authorities ? 1 : 0;
	return read_witnesses(j, o);
}

static bool
cannot_read(const char *path, int error)
{
	fprintf(stderr, "%s: %s\n", path, error ? strerror(error) : bundle_say("cannot be read", "読めません"));
	return false;
}

static bool
read_kept(struct job *j, const char *path)
{
	FILE *f = fopen(path, "rb");
	j->kept = malloc(KEPT_MAX);
	if (!f || !j->kept) {
		if (f)
			fclose(f);
		return cannot_read(path, errno);
	}
	j->policy.kept = (struct proof_bytes){ j->kept, fread(j->kept, 1, KEPT_MAX, f) };
	struct proof_bytes *kept = &j->policy.kept;
	while (kept->size > 1 && kept->data[kept->size - 1] == '\n' && kept->data[kept->size - 2] == '\n')
		kept->size--;           /* as `jq -r` leaves it; a note ends with one newline */
	bool ok = !ferror(f);
	fclose(f);
	return ok || cannot_read(path, errno);
}

static bool
open_inputs(struct job *j, const struct options *o)
{
	j->fd = strcmp(o->file, "-") == 0 ? STDIN_FILENO : open(o->file, O_RDONLY | O_CLOEXEC);
	if (j->fd < 0)
		return cannot_read(o->file, errno);
	if (o->kept && !read_kept(j, o->kept))
		return false;
	if (o->authorities && !bundle_native_trust(&j->native, o->authorities))
		return cannot_read(o->authorities, 0);
	if (!o->log)
		return true;
	j->leaves = calloc(1, sizeof *j->leaves);
	if (!j->leaves)
		return cannot_read(o->log, ENOMEM);
	j->leaves->functions = &j->native.functions;
	j->leaves->folder = o->log;
	return true;
}

/* ---- what the verifier asks and tells ---- */

static ptrdiff_t
read_source(void *context, uint8_t *into, size_t size)
{
	struct job *j = context;
	ssize_t got;
	do
		got = read(j->fd, into, size);
	while (got < 0 && errno == EINTR);
	j->error = got < 0 ? errno : 0;
	return got;
}

static const char *
on_checkpoint(void *context, const struct proof_shown_checkpoint *shown)
{
	struct job *j = context;
	j->report.shown = *shown;
	return j->leaves ? bundle_leaves_open(j->leaves, &shown->now) : NULL;
}

static const char *
on_entry(void *context, const struct proof_shown_entry *e)
{
	struct job *j = context;
	if (e->entry->log_seq == 0)
		bundle_find_succession(&j->report, e);
	return j->leaves ? bundle_leaves_check(j->leaves, e->index, &e->hash) : NULL;
}

static void
on_log(void *context, const struct proof_shown_log *log)
{
	struct bundle_report *r = &((struct job *)context)->report;
	r->entries += log->to - log->from;
	if (r->log_count < BUNDLE_LOGS_MAX)
		r->logs[r->log_count] = *log;
	r->log_count++;
}

/* ---- the answer ---- */

static int
print_fault(const struct job *j, const char *file, const struct proof_fault *fault)
{
	if (fault->kind == PROOF_FAULT_UNREADABLE) {
		cannot_read(file, j->error);
		return BUNDLE_FAILED;
	}
	if (j->leaves && j->leaves->unreadable) {
		cannot_read(j->leaves->path, 0);
		return BUNDLE_FAILED;
	}
	printf("FAULT %s %s ", proof_fault_name(fault->kind), fault->member);
	if (fault->has_index)
		printf("%llu: %s\n", (unsigned long long)fault->index, fault->text);
	else
		printf("-: %s\n", fault->text);
	printf("%s\n", bundle_say("Nothing in this bundle is proven.", "この証拠の束からは何も証明されない。"));
	return BUNDLE_FAULT;
}

/* ---- the commands ---- */

static int
run_job(struct job *j, const struct options *o, bool show)
{
	struct proof_fault fault = { 0 };
	if (show) {
		int status = bundle_show(&j->native.functions, j, read_source, &fault);
		return status == BUNDLE_OK ? BUNDLE_OK : print_fault(j, o->file, &fault);
	}
	j->report.logs = calloc(BUNDLE_LOGS_MAX, sizeof *j->report.logs);
	j->report.witnesses = j->policy.witness_count;
	j->report.timestamps = j->policy.timestamps;
	j->report.leaves = j->leaves != NULL;
	struct proof_bundle b = {
		.functions = &j->native.functions, .policy = &j->policy, .source = j, .read = read_source,
		.visitor = { .context = j, .checkpoint = on_checkpoint, .entry = on_entry, .log = on_log },
		.memory = malloc(PROOF_BUNDLE_MEMORY),
	};
	int status = BUNDLE_FAILED;
	if (j->report.logs && b.memory) {
		bool proven = proof_bundle_verify(&b, &fault);
		if (proven)
			bundle_print_report(&j->report);
		status = proven ? BUNDLE_OK : print_fault(j, o->file, &fault);
	}
	free(b.memory);
	return status;
}

static void
close_job(struct job *j)
{
	free(j->kept);
	free(j->leaves);
	free(j->report.logs);
	if (j->fd > STDIN_FILENO)
		close(j->fd);
	bundle_native_close(&j->native);
}

static int
run_command(const struct options *o, bool show)
{
	struct job j = { .fd = -1 };
	if (!bundle_native_open(&j.native))
		return BUNDLE_FAILED;
	const char *why = show ? NULL : read_policy(&j, o);
	int status = why ? usage(why, NULL) : open_inputs(&j, o) ? run_job(&j, o, show) : BUNDLE_FAILED;
	close_job(&j);
	return fflush(stdout) == 0 ? status : BUNDLE_FAILED;
}

static bool
is_bare(const struct options *o)
{
	return !o->key && !o->kept && !o->log && !o->authorities && !o->quorum && !o->label_count && !o->witness_count;
}

int
cli_bundle(int argc, char **argv)
{
	struct options o = { 0 };
	if (argc < 2)
		return usage(NULL, NULL);
	bool show = strcmp(argv[1], "show") == 0;
	if (!show && strcmp(argv[1], "verify") != 0)
		return usage("no such command:", argv[1]);
	if (!parse_options(argc - 2, argv + 2, &o) || (show && !is_bare(&o)))
		return usage("wrong options", NULL);
	return run_command(&o, show);
}

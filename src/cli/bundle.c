/* `sekisho bundle verify`: what it proves, and what it does not, in the reader's language. */
#include "cli/bundle.h"
#include "cli/bundle_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOGS_PRINTED = 4096, KEPT_MAX = 1 << 20 };

/* What the options say. */
struct options {
	const char *file, *key, *kept, *log, *authorities;
	const char *labels[BUNDLE_LABELS_MAX], *witnesses[BUNDLE_WITNESSES_MAX];
	size_t label_count, witness_count;
	const char *quorum;
};

/* A verification: what is told goes to `report` and is printed when all of it is proven. */
struct job {
	struct bundle_native native;
	struct proof_policy policy;
	struct proof_told_label labels[BUNDLE_LABELS_MAX];
	struct proof_vkey witnesses[BUNDLE_WITNESSES_MAX];
	uint8_t *kept;
	struct bundle_leaves *leaves;
	struct proof_shown_checkpoint shown;
	struct proof_shown_log *logs;
	size_t log_count;
	int fd;
	int error;                      /* of the last read */
};

bool
bundle_is_japanese(void)
{
	static const char *const variables[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
	for (size_t i = 0; i < 3; i++) {
		const char *value = getenv(variables[i]);
		if (value && value[0])
			return strncmp(value, "ja", 2) == 0;
	}
	return false;
}

static const char *say(const char *english, const char *japanese) __attribute__((format_arg(1), format_arg(2)));

static const char *
say(const char *english, const char *japanese)
{
	return bundle_is_japanese() ? japanese : english;
}

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
			if (witnesses && is_vkey(a) ? !add_text(o->witnesses, &o->witness_count, BUNDLE_WITNESSES_MAX, a)
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
		if (!proof_vkey_parse(&j->native.functions, bytes_of(o->witnesses[i]), key) || key->type != PROOF_COSIGNATURE)
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
	if (!proof_vkey_parse(&j->native.functions, bytes_of(o->key), &j->policy.key) || j->policy.key.type != PROOF_ED25519)
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
	fprintf(stderr, "%s: %s\n", path, error ? strerror(error) : say("cannot be read", "読めません"));
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
	j->shown = *shown;
	return j->leaves ? bundle_leaves_open(j->leaves, &shown->now) : NULL;
}

static const char *
on_entry(void *context, const struct proof_shown_entry *e)
{
	struct job *j = context;
	return j->leaves ? bundle_leaves_check(j->leaves, e->index, &e->hash) : NULL;
}

static void
on_log(void *context, const struct proof_shown_log *log)
{
	struct job *j = context;
	if (j->logs && j->log_count < LOGS_PRINTED)
		j->logs[j->log_count] = *log;
	j->log_count++;
}

/* ---- the answer ---- */

static void
print_checkpoint(const struct job *j)
{
	const struct proof_shown_checkpoint *s = &j->shown;
	printf(say("  checkpoint: size %llu, root ", "  チェックポイント: 大きさ %llu、ルート "), (unsigned long long)s->now.size);
	bundle_print_base64(stdout, s->now.root.bytes, PROOF_HASH);
	printf(say("\n  signed by ", "\n  署名者: "));
	bundle_print(stdout, s->now.origin);
	printf(say("; the map covers the first %llu leaves\n", "; マップは先頭の %llu 葉までを含む\n"), (unsigned long long)s->covers);
	if (j->policy.witness_count) {
		printf(say("  cosigned by %zu of %zu witnesses, the last at ", "  証人の副署: %zu / %zu、最後は "), s->witnesses,
		       j->policy.witness_count);
		bundle_print_time(stdout, s->witnessed < UINT64_MAX / 1000000 ? s->witnessed * 1000000 : UINT64_MAX);
		printf("\n");
	}
	if (j->policy.timestamps) {
		printf(say("  time stamp: it existed at ", "  タイムスタンプ: この時点で存在した "));
		bundle_print_time(stdout, s->timestamp < UINT64_MAX / 1000000 ? s->timestamp * 1000000 : UINT64_MAX);
		printf("\n");
	}
	if (s->has_previous)
		printf(say("  it continues the checkpoint of size %llu, and so do the logs below: nothing shown then was changed or removed\n",
		           "  大きさ %llu のチェックポイントを、下の各ログとともに延長している。当時の内容は変更も削除もされていない\n"),
		       (unsigned long long)s->previous.size);
	if (s->has_kept)
		printf("%s\n", say("  the note that you kept is one of these checkpoints", "  保管されていたノートは、これらのチェックポイントの一つである"));
}

static void
print_span(const struct proof_shown_log *l)
{
	unsigned long long from = l->from, to = l->to, size = l->size, count = l->to - l->from;
	if (l->absent)
		printf("%s", say("no log has the label below: nothing was recorded under it (the name is the bundle's word)",
		                 "下のラベルのログは存在しない。その下には何も記録されていない (名前は束の言うところによる)"));
	else if (from == to)
		printf(say("none of the %llu entries of the log with the label below is shown (the name is the bundle's word)",
		           "下のラベルのログの %llu 件のうち、示すものはない (名前は束の言うところによる)"), size);
	else if (from == 0 && to == size)
		printf(say("all %llu entries, from the first to the last", "最初から最後まで、全 %llu 件"), size);
	else if (to == size)
		printf(say("all %llu entries from sequence %llu to the end", "通番 %2$llu から最後までの全 %1$llu 件"), count, from);
	else
		printf(say("all %llu entries with sequence %llu to before %llu, of %llu",
		           "通番 %2$llu 以上 %3$llu 未満の全 %1$llu 件 (総数 %4$llu)"), count, from, to, size);
	if (l->opened)
		printf(say("; %llu details opened, each what was recorded", "; 開示された詳細 %llu 件、いずれも記録どおり"),
		       (unsigned long long)l->opened);
}

static void
print_log(const struct proof_shown_log *l)
{
	printf("  ");
	bundle_print(stdout, l->name);
	printf(": ");
	print_span(l);
	if (l->from < l->to) {
		printf("%s", say("; recorded ", "; 記録時刻 "));
		bundle_print_time(stdout, l->first_time);
		printf(" .. ");
		bundle_print_time(stdout, l->last_time);
	}
	printf("%s", say("\n    label ", "\n    ラベル "));
	bundle_print_base64(stdout, l->label.bytes, PROOF_HASH);
	bool public = (l->name.size == 6 && memcmp(l->name.data, "vendor", 6) == 0) ||
	              (l->name.size == 8 && memcmp(l->name.data, "everyone", 8) == 0);
	printf("%s\n", public ? say(" (the same for all)", " (全員に共通)")
	       : l->label_told ? say(" (the one you were told)", " (知らされていたものと一致)")
	                       : say(" (compare it with the one you were told, or give --label)",
	                             " (知らされたラベルと比べるか、--label で渡すこと)"));
}

static void
print_limits(const struct job *j)
{
	printf("%s", say("It does not show:\n"
	                 "  that nothing passed outside the gate, or that what was recorded is true;\n"
	                 "  that no entry was filed under another log or a second label;\n",
	                 "次のことは示さない:\n"
	                 "  関所の外を通ったものがないこと、記録の内容が真実であること\n"
	                 "  別のログや別のラベルに記された記録がないこと\n"));
	if (!j->policy.witness_count)
		printf("%s", say("  that others were shown the same checkpoint, or how old it is (--witness, --quorum);\n",
		                 "  他の者にも同じチェックポイントが示されたこと、その古さ (--witness、--quorum)\n"));
	if (!j->shown.has_kept)
		printf("%s", say("  that the logs continue what you were shown before (--kept NOTE);\n",
		                 "  以前に示されたログの続きであること (--kept NOTE)\n"));
	if (!j->leaves)
		printf("%s", say("  that the entries are the main log's public leaves (--log DIR);\n",
		                 "  記録が公開された主ログの葉であること (--log DIR)\n"));
	printf("%s", say("  that times and indices outside the spans shown are in order (a whole log shows that).\n",
	                 "  示された範囲の外で時刻と番号が順に並んでいること (ログ全体なら示される)\n"));
}

static void
print_proven(const struct job *j)
{
	uint64_t entries = 0;
	size_t shown = j->log_count < LOGS_PRINTED ? j->log_count : LOGS_PRINTED;
	for (size_t i = 0; i < shown; i++)
		entries += j->logs[i].to - j->logs[i].from;
	printf(say("OK: %llu entries of %zu logs are proven\n", "OK: %llu 件 (%zu 個のログ) が証明された\n"),
	       (unsigned long long)entries, j->log_count);
	print_checkpoint(j);
	if (j->shown.has_time) {
		printf("%s", say("  span of time: ", "  期間: "));
		bundle_print_time(stdout, j->shown.since);
		printf(" .. ");
		bundle_print_time(stdout, j->shown.until);
		printf("%s\n", say(" (before the last); every log shows all entries in it", " (末尾を含まない)。どのログもこの間の全件を示す"));
	}
	for (size_t i = 0; i < shown; i++)
		print_log(&j->logs[i]);
	if (j->leaves)
		printf("%s\n", say("  each entry is the main log's public leaf at its index", "  各記録は、その番号にある公開の主ログの葉である"));
	print_limits(j);
}

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
	printf("%s\n", say("Nothing in this bundle is proven.", "この証拠の束からは何も証明されない。"));
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
	j->logs = calloc(LOGS_PRINTED, sizeof *j->logs);
	struct proof_bundle b = {
		.functions = &j->native.functions, .policy = &j->policy, .source = j, .read = read_source,
		.visitor = { .context = j, .checkpoint = on_checkpoint, .entry = on_entry, .log = on_log },
		.memory = malloc(PROOF_BUNDLE_MEMORY),
	};
	int status = BUNDLE_FAILED;
	if (j->logs && b.memory) {
		bool proven = proof_bundle_verify(&b, &fault);
		if (proven)
			print_proven(j);
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
	free(j->logs);
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

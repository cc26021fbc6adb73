/* Bundles: what a subscriber takes home and checks by itself (LEDGER.md, "Bundle"). */
#include "operations/help.h"
#include "operations/operations.h"
#include "operations/operations_sql.h"
#include "operations/timestamp.h"

#include "assure/assure.h"
#include "ledger/public.h"

#include <stdlib.h>

enum { ROOM = 768 * 1024 };

#define TIME_END (INT64_C(1) << 53)

struct bundle_arguments {
	struct slice subscriber, log, previous;
	int64_t from, to, start, end;
};

/* ---- covers ---- */

static const char *const says[LANGUAGES][6] = {
	[ENGLISH] = {
		"SEKISHO BUNDLE: every passage that was recorded for %.*s\n\nThis page is for people and is not proven; what is proven is what the verifier prints.\n\n",
		"Span: %s\nCheckpoint: size %lld\n\nPaths to service data, as far as they are known (what is dark was not recorded):\n",
		"\nLogs:\n",
		"  %s: entries %lld to %lld of %lld; label %s; root %s\n",
		"\nTo verify, with a program and a key that you did not get with this file:\n"
		"  sekisho bundle verify FILE --key VKEY --label %.*s=%s\n"
		"VKEY is the vendor's public key (`sekisho ledger key`); the label is the one that you were told when you joined.\n",
		"\nWhat it does not show: that nothing passed outside the gate (see the paths above); that no entry about you was filed\n"
		"under another log or a second label (compare the label with the one that you were told); that another party was shown\n"
		"the same checkpoint (witnesses show that), or at another checkpoint the same log (an earlier checkpoint that you kept\n"
		"shows that); that an entry is the public log's leaf at its index (the public leaves show that); how old the\n"
		"checkpoint is (a cosignature or a time stamp shows that); that times outside the span shown are in order.\n",
	},
	[JAPANESE] = {
		"関所バンドル: %.*s について記録されたすべての通行\n\nこのページは人が読むためのもので、証明の対象ではありません。証明されるのは検証プログラムの出力です。\n\n",
		"期間: %s\nチェックポイント: サイズ %lld\n\n把握しているサービスデータへの経路（dark の経路は記録されません）:\n",
		"\nログ:\n",
		"  %s: 記録 %lld から %lld（全 %lld 件）; ラベル %s; ルート %s\n",
		"\n検証方法（プログラムと鍵はこのファイルとは別に入手してください）:\n"
		"  sekisho bundle verify FILE --key VKEY --label %.*s=%s\n"
		"VKEY は提供者の公開鍵（`sekisho ledger key`）、ラベルは契約時に通知されたものです。\n",
		"\n示さないこと: 関所の外を通った通行がないこと（上の経路を参照）。あなたに関する記録が別のログや別のラベルに置かれていないこと\n"
		"（通知されたラベルと比較してください）。他者に同じチェックポイントが示されたこと（証人が示します）、別のチェックポイントで同じ\n"
		"ログが示されたこと（保管した以前のチェックポイントが示します）。記録が公開ログの葉であること（公開された葉が示します）。\n"
		"チェックポイントの古さ（連署または時刻印が示します）。示された期間の外の時刻が順序どおりであること。\n",
	},
};

static char *
append(char *text, char *more)
{
	char *whole = talloc_strdup_append(text, more);
	talloc_free(more);
	return whole;
}

static const char *
text_at(json_t *j, const char *key)
{
	const char *text = json_string_value(json_object_get(j, key));
	return text ? text : "";
}

static long long
number_at(json_t *j, const char *key)
{
	return json_integer_value(json_object_get(j, key));
}

static char *
span_text(struct passage *p, const struct ledger_bundle *b, enum language language)
{
	char since[TIME_TEXT], until[TIME_TEXT];
	if (!b->has_time)
		return memory_format(p, "%s", language == JAPANESE ? "全期間" : "all that there is");
	text_time(b->since, since);
	text_time(b->until, until);
	return memory_format(p, "%s - %s", since, until);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static json_t *
cover(struct passage *p, const struct ledger_bundle *b, json_t *proof, long long size, enum language language)
{
	const char *const *lines = says[language];
	size_t i;
	json_t *each, *coverage = coverage_now(), *logs = json_object_get(proof, "logs");
	char *text = memory_format(p, lines[0], SLICE_ARGUMENTS(b->log));
	text = append(text, memory_format(p, lines[1], span_text(p, b, language), size));
	json_array_foreach(coverage, i, each)
		text = append(text, memory_format(p, "  %s (%s): %s\n", text_at(each, "id"), text_at(each, "kind"), text_at(each, "state")));
	text = append(text, memory_format(p, "%s", lines[2]));
	json_array_foreach(logs, i, each)
		text = append(text, memory_format(p, lines[3], text_at(each, "name"), number_at(each, "from"), number_at(each, "to"),
		                                  number_at(each, "size"), text_at(each, "label"), text_at(each, "root")));
	text = append(text, memory_format(p, lines[4], SLICE_ARGUMENTS(b->log), text_at(json_array_get(logs, 0), "label")));
	text = append(text, memory_format(p, "%s", lines[5]));
	json_decref(coverage);
	return json_string(text);
}
#pragma GCC diagnostic pop

/* ---- the proof ---- */

static long long
count_entries(json_t *proof)
{
	size_t i;
	json_t *each;
	long long n = 0;
	json_array_foreach(json_object_get(proof, "logs"), i, each)
		n += number_at(each, "to") - number_at(each, "from");
	return n;
}

static fallible
quorum_of(struct passage *p, uint64_t *quorum)
{
	SCOPED struct rows *r = NULL;
	*quorum = 0;
	TRY(store_rows(NULL, p->view, QUERY_SETTING_GET, BIND(as_text(LITERAL("witness.quorum"))), &r));
	if (rows_next(r))
		return text_number_parse(row_text(r, 0), quorum);
	return rows_end(r);
}

/* Where policy asks for witnesses: the newest checkpoint that has enough of them, with their lines. */
static fallible
choose_checkpoint(struct passage *p, struct ledger_bundle *b, uint64_t *size)
{
	SCOPED struct rows *r = NULL, *lines = NULL;
	uint64_t quorum;
	TRY(quorum_of(p, &quorum));
	if (quorum == 0)
		return NULL;
	TRY(store_rows(NULL, p->view, QUERY_CHECKPOINT_COSIGNED, BIND(as_number((int64_t)quorum)), &r));
	if (!rows_next(r)) {
		TRY(rows_end(r));
		return passage_fail(p, E_BUSY, "no checkpoint has been cosigned by %llu witnesses yet", (unsigned long long)quorum);
	}
	*size = (uint64_t)row_number(r, 0);
	char *note = memory_text(p, row_bytes(r, 1));
	TRY(store_rows(NULL, p->view, QUERY_BUNDLE_COSIGNATURES, BIND(as_number((int64_t)*size)), &lines));
	while (rows_next(lines))
		note = talloc_asprintf_append(note, "%.*s\n", SLICE_ARGUMENTS(row_text(lines, 0)));
	b->checkpoint = slice_text(note);
	return rows_end(lines);
}

/* Over the checkpoint's text without signatures (LEDGER.md, "Bundle"). */
static fallible
stamp(struct passage *p, json_t *proof)
{
	const char *note = text_at(proof, "checkpoint"), *end = strstr(note, "\n\n");
	struct slice token;
	if (!end)
		return NULL;
	TRY(timestamp_ask(p, slice_of(note, (size_t)(end - note) + 1), &token));
	if (!token.size)
		return NULL;
	char *base64 = talloc_size(p, 4 * token.size / 3 + 8);
	text_base64(token, base64);
	json_object_set_new(proof, "timestamps", json_pack("[s]", base64));
	return NULL;
}

static err_t
bundle_create_prepare(struct passage *p)
{
	const struct bundle_arguments *a = p->args;
	const struct gate_options *o = gate_options(gate_of(p->worker));
	struct ledger_bundle b = { .log = a->subscriber, .has_time = a->from || a->to, .since = a->from, .previous = a->previous,
	                           .until = a->to ? a->to : INT64_C(1) << 52 };
	json_t *proof;
	uint64_t size;
	struct slice note;
	if (b.has_time && b.since > b.until)
		return passage_fail(p, E_ARGUMENT, "from: expected a time that is not after `to`");
	if (b.since >= TIME_END || b.until >= TIME_END)     /* proof.json has integers below 2^53 (LEDGER.md) */
		return passage_fail(p, E_ARGUMENT, "from, to: expected times before 2255-06-05");
	TRY(ledger_await_checkpoint(o->ledger));
	TRY(ledger_note(p, o->ledger, &size, &note));
	TRY(choose_checkpoint(p, &b, &size));
	err_t e = ledger_bundle_proof(&b, o->ledger, gate_reader(p->worker), &proof);
	if (e == E_ARGUMENT)
		return passage_fail(p, e, "previous: expected a checkpoint of this log, as /log/checkpoint gives it");
	if (e == E_LEDGER_FAULT)
		return passage_fail(p, e, "previous: that checkpoint is not of this log's history");
	TRY(e);
	e = stamp(p, proof);
	if (e) {
		json_decref(proof);
		return e;
	}
	pairs_number(&p->outcome, "entries", count_entries(proof));
	json_t *answer = json_pack("{s:o, s:o, s:o}", "cover_en", cover(p, &b, proof, (long long)size, ENGLISH), "cover_ja",
	                           cover(p, &b, proof, (long long)size, JAPANESE), "proof", proof);
	return passage_answer(p, answer);
}

static const struct field bundle_create_fields[] = {
	{ "subscriber", PLACE_PATH, FIELD_NAME, true, ARGUMENT(bundle_arguments, subscriber), 0, "whose" },
	{ "from", PLACE_BODY, FIELD_TIME, false, ARGUMENT(bundle_arguments, from), 0, "not before this time" },
	{ "to", PLACE_BODY, FIELD_TIME, false, ARGUMENT(bundle_arguments, to), 0, "before this time" },
	{ "previous", PLACE_BODY, FIELD_TEXT, false, ARGUMENT(bundle_arguments, previous), 16384, "a checkpoint that was kept" },
	{ NULL },
};

const struct operation bundle_create_operation = {
	.name = "bundle.create",
	.says = { "Proves the log of one subscriber complete", "一契約者のログが完全であることを証明する" },
	.route = { POST, "/v1/subscribers/{subscriber}/bundle" },
	.action = "ledger.read",
	.resource = RESOURCE_SUBSCRIBER,
	.effect = EFFECT_READ,
	.fields = bundle_create_fields,
	.args_size = sizeof(struct bundle_arguments),
	.slow = true,
	.output = SCHEMA_OBJECT,
	.prepare = bundle_create_prepare,
};

/* ---- the entries ---- */

/* Details of one's own log are opened; those of the vendor's own for the vendor's people alone. */
static struct keys *
may_open(struct passage *p, struct slice log)
{
	bool own = !slice_is(log, LOG_VENDOR) && !slice_is(log, LOG_EVERYONE);
	return own || (p->principal && p->principal->kind == KIND_PERSONNEL) ? p->keys : NULL;
}

static err_t
bundle_entries_prepare(struct passage *p)
{
	const struct bundle_arguments *a = p->args;
	uint64_t next;
	if (!slice_equal(a->log, a->subscriber) && !slice_is(a->log, LOG_EVERYONE))
		return passage_fail(p, E_ARGUMENT, "log: expected %.*s or everyone", SLICE_ARGUMENTS(a->subscriber));
	if (a->start > a->end)
		return passage_fail(p, E_ARGUMENT, "start: expected a number that is not larger than `end`");
	TRY(ledger_bundle_entries(p, gate_reader(p->worker), may_open(p, a->log), a->log, (uint64_t)a->start, (uint64_t)a->end, ROOM,
	                          &p->bytes, &next));
	pairs_number(&p->outcome, "entries", (int64_t)next - a->start);
	p->bytes_media = LITERAL("application/cbor-seq");
	passage_header(p, "Sekisho-Next", "%llu", (unsigned long long)next);
	return NULL;
}

static const struct field bundle_entries_fields[] = {
	{ "subscriber", PLACE_PATH, FIELD_NAME, true, ARGUMENT(bundle_arguments, subscriber), 0, "whose" },
	{ "log", PLACE_PATH, FIELD_NAME, true, ARGUMENT(bundle_arguments, log), 0, "the subscriber's or everyone" },
	{ "start", PLACE_QUERY, FIELD_NUMBER, true, ARGUMENT(bundle_arguments, start), INT64_MAX - 1, "sequence of the first entry" },
	{ "end", PLACE_QUERY, FIELD_NUMBER, true, ARGUMENT(bundle_arguments, end), INT64_MAX - 1, "one past the last" },
	{ NULL },
};

const struct operation bundle_entries_operation = {
	.name = "bundle.entries",
	.says = { "Entries of a bundle, as many as fit a page", "バンドルの記録を一ページ分返す" },
	.route = { GET, "/v1/subscribers/{subscriber}/bundle/{log}" },
	.action = "ledger.read",
	.resource = RESOURCE_SUBSCRIBER,
	.effect = EFFECT_READ,
	.fields = bundle_entries_fields,
	.args_size = sizeof(struct bundle_arguments),
	.output = "",
	.prepare = bundle_entries_prepare,
};

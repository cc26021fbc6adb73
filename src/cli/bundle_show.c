/* What is said of a bundle, in the reader's language: what is proven (`verify`), and what is only in it (`show`). */
#include "cli/bundle_inside.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

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

const char *
bundle_say(const char *english, const char *japanese)
{
	return bundle_is_japanese() ? japanese : english;
}

/* C0, DEL and C1 become a dot. Bytes in text are UTF-8, so that C1 is C2 80 to C2 9F. */
void
bundle_print(FILE *out, struct proof_bytes text)
{
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];
		if (c == 0xC2 && i + 1 < text.size && text.data[i + 1] < 0xA0) {
			fputc('.', out);
			i++;
		} else {
			fputc(c < 0x20 || c == 0x7F ? '.' : c, out);
		}
	}
}

void
bundle_print_time(FILE *out, uint64_t microseconds)
{
	time_t seconds = (time_t)(microseconds / 1000000);
	struct tm tm;
	char text[32];
	if (seconds > INT64_C(253402300799) || !gmtime_r(&seconds, &tm) ||
	    !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm))
		fprintf(out, "%llu us", (unsigned long long)microseconds);
	else
		fprintf(out, "%s.%06uZ", text, (unsigned)(microseconds % 1000000));
}

void
bundle_print_base64(FILE *out, const uint8_t *data, size_t size)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < size; i += 3) {
		uint32_t bits = (uint32_t)data[i] << 16 | (i + 1 < size ? (uint32_t)data[i + 1] << 8 : 0) |
		                (i + 2 < size ? data[i + 2] : 0);
		fputc(alphabet[bits >> 18], out);
		fputc(alphabet[bits >> 12 & 63], out);
		fputc(i + 1 < size ? alphabet[bits >> 6 & 63] : '=', out);
		fputc(i + 2 < size ? alphabet[bits & 63] : '=', out);
	}
}

/* ---- verify ---- */

/* A log that lost its tail ends; the first entry of its successor's `everyone` has its last note. */
void
bundle_find_succession(struct bundle_report *r, const struct proof_shown_entry *e)
{
	static const char operation[] = "ledger.succeed";
	struct proof_cbor c = { e->entry->outcome, NULL };
	if (e->log.size != 8 || memcmp(e->log.data, "everyone", 8) != 0 ||
	    e->entry->operation.size != strlen(operation) ||
	    memcmp(e->entry->operation.data, operation, strlen(operation)) != 0 || !e->entry->outcome.data)
		return;
	struct proof_item map = proof_cbor_next(&c);
	for (uint64_t i = 0; i < map.number && !c.fault; i++) {
		struct proof_item key = proof_cbor_next(&c);
		bool wanted = key.bytes.size == 10 && memcmp(key.bytes.data, "checkpoint", 10) == 0;
		struct proof_cbor value = c;
		struct proof_item item = proof_cbor_next(&value);
		if (wanted && item.type == PROOF_TEXT && item.bytes.size <= sizeof r->note) {
			memcpy(r->note, item.bytes.data, item.bytes.size);
			r->succeeds = (struct proof_bytes){ r->note, item.bytes.size };
		}
		proof_cbor_whole(&c, 1);
	}
}

static void
print_checkpoint(const struct bundle_report *r)
{
	const struct proof_shown_checkpoint *s = &r->shown;
	printf(bundle_say("  checkpoint: size %llu, root ", "  チェックポイント: 大きさ %llu、ルート "),
	       (unsigned long long)s->now.size);
	bundle_print_base64(stdout, s->now.root.bytes, PROOF_HASH);
	printf(bundle_say("\n  signed by ", "\n  署名者: "));
	bundle_print(stdout, s->now.origin);
	printf(bundle_say("; the map covers the first %llu leaves\n", "; マップは先頭の %llu 葉までを含む\n"),
	       (unsigned long long)s->covers);
	if (r->witnesses) {
		printf(
		    bundle_say("  cosigned by %zu of %zu witnesses, the last at ", "  証人の副署: %zu / %zu、最後は "),
		    s->witnesses, r->witnesses);
		bundle_print_time(stdout, s->witnessed < UINT64_MAX / 1000000 ? s->witnessed * 1000000 : UINT64_MAX);
		printf("\n");
	}
	if (r->timestamps) {
		printf(bundle_say("  time stamp: it existed at ", "  タイムスタンプ: この時点で存在した "));
		bundle_print_time(stdout, s->timestamp < UINT64_MAX / 1000000 ? s->timestamp * 1000000 : UINT64_MAX);
		printf("\n");
	}
	if (s->has_previous)
		printf(
		    bundle_say(
		        "  it continues the checkpoint of size %llu, and so do the logs below: nothing shown then was "
		        "changed or removed\n",
		        "  大きさ %llu "
		        "のチェックポイントを、下の各ログとともに延長している。当時の内容は変更も削除もされていない\n"),
		    (unsigned long long)s->previous.size);
	if (s->has_kept)
		printf("%s\n", bundle_say("  the note that you kept is one of these checkpoints",
		                          "  保管されていたノートは、これらのチェックポイントの一つである"));
}

static void
print_span(const struct proof_shown_log *l)
{
	unsigned long long from = l->from, to = l->to, size = l->size, count = l->to - l->from;
	if (l->absent)
		printf(
		    "%s",
		    bundle_say(
		        "no log has the label below: nothing was recorded under it (the name is the bundle's word)",
		        "下のラベルのログは存在しない。その下には何も記録されていない (名前は束の言うところによる)"));
	else if (from == to)
		printf(bundle_say("none of the %llu entries of the log with the label below is shown (the name is the "
		                  "bundle's word)",
		                  "下のラベルのログの %llu 件のうち、示すものはない (名前は束の言うところによる)"),
		       size);
	else if (from == 0 && to == size)
		printf(bundle_say("all %llu entries, from the first to the last", "最初から最後まで、全 %llu 件"),
		       size);
	else if (to == size)
		printf(bundle_say("all %llu entries from sequence %llu to the end",
		                  "通番 %2$llu から最後までの全 %1$llu 件"),
		       count, from);
	else
		printf(bundle_say("all %llu entries with sequence %llu to before %llu, of %llu",
		                  "通番 %2$llu 以上 %3$llu 未満の全 %1$llu 件 (総数 %4$llu)"),
		       count, from, to, size);
	if (l->opened)
		printf(bundle_say("; %llu details opened, each what was recorded",
		                  "; 開示された詳細 %llu 件、いずれも記録どおり"),
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
		printf("%s", bundle_say("; recorded ", "; 記録時刻 "));
		bundle_print_time(stdout, l->first_time);
		printf(" .. ");
		bundle_print_time(stdout, l->last_time);
	}
	printf("%s", bundle_say("\n    label ", "\n    ラベル "));
	bundle_print_base64(stdout, l->label.bytes, PROOF_HASH);
	bool public = (l->name.size == 6 && memcmp(l->name.data, "vendor", 6) == 0) ||
	              (l->name.size == 8 && memcmp(l->name.data, "everyone", 8) == 0);
	printf("%s\n", public          ? bundle_say(" (the same for all)", " (全員に共通)")
	               : l->label_told ? bundle_say(" (the one you were told)", " (知らされていたものと一致)")
	                               : bundle_say(" (compare it with the one you were told, or give --label)",
	                                            " (知らされたラベルと比べるか、--label で渡すこと)"));
}

static void
print_limits(const struct bundle_report *r)
{
	printf("%s", bundle_say("It does not show:\n"
	                        "  that nothing passed outside the gate, or that what was recorded is true;\n"
	                        "  that no entry was filed under another log or a second label;\n",
	                        "次のことは示さない:\n"
	                        "  関所の外を通ったものがないこと、記録の内容が真実であること\n"
	                        "  別のログや別のラベルに記された記録がないこと\n"));
	if (!r->witnesses)
		printf("%s",
		       bundle_say(
		           "  that others were shown the same checkpoint, or how old it is (--witness, --quorum);\n",
		           "  他の者にも同じチェックポイントが示されたこと、その古さ (--witness、--quorum)\n"));
	if (!r->shown.has_kept)
		printf("%s", bundle_say("  that the logs continue what you were shown before (--kept NOTE);\n",
		                        "  以前に示されたログの続きであること (--kept NOTE)\n"));
	if (!r->leaves)
		printf("%s", bundle_say("  that the entries are the main log's public leaves (--log DIR);\n",
		                        "  記録が公開された主ログの葉であること (--log DIR)\n"));
	printf("%s",
	       bundle_say("  that times and indices outside the spans shown are in order (a whole log shows that).\n",
	                  "  示された範囲の外で時刻と番号が順に並んでいること (ログ全体なら示される)\n"));
}

void
bundle_print_report(const struct bundle_report *r)
{
	size_t shown = r->log_count < BUNDLE_LOGS_MAX ? r->log_count : BUNDLE_LOGS_MAX;
	printf(bundle_say("OK: %llu entries of %zu logs are proven\n", "OK: %llu 件 (%zu 個のログ) が証明された\n"),
	       (unsigned long long)r->entries, r->log_count);
	print_checkpoint(r);
	if (r->shown.has_time) {
		printf("%s", bundle_say("  span of time: ", "  期間: "));
		bundle_print_time(stdout, r->shown.since);
		printf(" .. ");
		bundle_print_time(stdout, r->shown.until);
		printf("%s\n", bundle_say(" (before the last); every log shows all entries in it",
		                          " (末尾を含まない)。どのログもこの間の全件を示す"));
	}
	for (size_t i = 0; i < shown; i++)
		print_log(&r->logs[i]);
	if (r->succeeds.size) {
		printf("%s", bundle_say("  this log succeeds another that lost its tail; its last checkpoint was ",
		                        "  このログは末尾を失った別のログの後継である。その最後のチェックポイント: "));
		bundle_print(stdout, r->succeeds);
		printf("\n");
	}
	if (r->leaves)
		printf("%s\n", bundle_say("  each entry is the main log's public leaf at its index",
		                          "  各記録は、その番号にある公開の主ログの葉である"));
	print_limits(r);
}

/* ---- show ---- */

struct showing {
	struct proof_bytes log; /* whose entries are being shown */
};

static void
on_cover(void *context, const char *member, struct proof_bytes piece)
{
	(void)context;
	if (strcmp(member, bundle_is_japanese() ? "cover.ja.txt" : "cover.en.txt") != 0)
		return;
	for (size_t from = 0, at = 0; at <= piece.size; at++)
		if (at == piece.size || piece.data[at] == '\n') {
			bundle_print(stdout, (struct proof_bytes){ piece.data + from, at - from });
			if (at < piece.size)
				putchar('\n');
			from = at + 1;
		}
}

static const char *
on_checkpoint(void *context, const struct proof_shown_checkpoint *c)
{
	(void)context;
	printf("%s\n", bundle_is_japanese()
	                   ? "---- 以下は束の内容であり、何も検証されていない (検証: sekisho bundle verify)"
	                   : "---- What the bundle holds. Nothing is verified here (that is: sekisho bundle verify)");
	printf("checkpoint ");
	bundle_print(stdout, c->now.origin);
	printf(" %llu covers %llu\n", (unsigned long long)c->now.size, (unsigned long long)c->covers);
	return NULL;
}

static void
print_simple(const struct proof_item *item)
{
	static const char *const words[] = { "false", "true", "null" };
	fputs(words[item->number >= 20 && item->number <= 22 ? item->number - 20 : 2], stdout);
}

static void
print_item(const struct proof_item *item)
{
	switch (item->type) {
	case PROOF_UINT:
		printf("%llu", (unsigned long long)item->number);
		break;
	case PROOF_NEGATIVE:
		if (item->number == UINT64_MAX)
			printf("-18446744073709551616");
		else
			printf("-%llu", (unsigned long long)item->number + 1);
		break;
	case PROOF_BYTES:
		printf("h'");
		for (size_t i = 0; i < item->bytes.size; i++)
			printf("%02x", item->bytes.data[i]);
		putchar('\'');
		break;
	case PROOF_TEXT:
		putchar('"');
		bundle_print(stdout, item->bytes);
		putchar('"');
		break;
	case PROOF_ARRAY:
		putchar('[');
		break;
	case PROOF_MAP:
		putchar('{');
		break;
	case PROOF_SIMPLE:
		print_simple(item);
		break;
	}
}

/* Diagnostic notation of checked CBOR. */
static void
print_cbor(struct proof_bytes bytes)
{
	struct {
		uint64_t left;
		bool map, key;
	} open[PROOF_DEPTH_MAX + 1];
	struct proof_cbor c = { bytes, NULL };
	size_t depth = 0;
	while (!c.fault) {
		struct proof_item item = proof_cbor_next(&c);
		print_item(&item);
		if ((item.type == PROOF_ARRAY || item.type == PROOF_MAP) && depth <= PROOF_DEPTH_MAX) {
			bool map = item.type == PROOF_MAP;
			open[depth].left = map ? 2 * item.number : item.number;
			open[depth++].map = map;
			if (open[depth - 1].left)
				continue;
		} else if (depth) {
			open[depth - 1].left--;
		}
		while (depth && open[depth - 1].left == 0) {
			putchar(open[--depth].map ? '}' : ']');
			if (depth)
				open[depth - 1].left--;
		}
		if (!depth)
			return;
		fputs(open[depth - 1].map && open[depth - 1].left % 2 ? ": " : ", ", stdout);
	}
}

static void
print_field(const char *name, struct proof_bytes text)
{
	if (!text.data)
		return;
	printf(" %s=", name);
	bundle_print(stdout, text);
}

static const char *
on_entry(void *context, const struct proof_shown_entry *e)
{
	struct showing *s = context;
	if (s->log.data != e->log.data) {
		s->log = e->log;
		printf("log ");
		bundle_print(stdout, e->log);
		printf("\n");
	}
	printf("  %llu %llu ", (unsigned long long)e->index, (unsigned long long)e->entry->log_seq);
	bundle_print_time(stdout, e->entry->time);
	print_field("actor", e->entry->actor);
	print_field("operation", e->entry->operation);
	if (e->entry->has_decision)
		printf(" decision=%s", e->entry->decision == 1   ? "allow"
		                       : e->entry->decision == 0 ? "deny"
		                                                 : "unknown");
	print_field("resource", e->entry->resource);
	print_field("purpose", e->entry->purpose);
	print_field("on_behalf", e->entry->on_behalf);
	print_field("from", e->entry->from);
	if (e->entry->outcome.data) {
		printf(" outcome=");
		print_cbor(e->entry->outcome);
	}
	if (e->detail.data) {
		printf(" detail=");
		print_cbor(e->detail);
	}
	printf("\n");
	return NULL;
}

static void
on_log(void *context, const struct proof_shown_log *l)
{
	(void)context;
	printf("end of ");
	bundle_print(stdout, l->name);
	printf(": [%llu, %llu) of %llu%s, label ", (unsigned long long)l->from, (unsigned long long)l->to,
	       (unsigned long long)l->size, l->absent ? ", absent" : "");
	bundle_print_base64(stdout, l->label.bytes, PROOF_HASH);
	printf("\n");
}

int
bundle_show(const struct proof_functions *functions, void *source, ptrdiff_t (*read)(void *, uint8_t *, size_t),
            struct proof_fault *fault)
{
	struct showing s = { 0 };
	struct proof_bundle b = {
		.functions = functions,
		.source = source,
		.read = read,
		.visitor = { &s, on_cover, on_checkpoint, on_entry, on_log },
		.memory = malloc(PROOF_BUNDLE_MEMORY),
	};
	if (!b.memory)
		return BUNDLE_FAILED;
	bool ok = proof_bundle_verify(&b, fault);
	free(b.memory);
	return ok ? BUNDLE_OK : BUNDLE_FAULT;
}

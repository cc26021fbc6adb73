/* `sekisho bundle show`: what a bundle says, nothing of it proven. */
#include "cli/bundle_inside.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

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
	if (seconds > INT64_C(253402300799) || !gmtime_r(&seconds, &tm) || !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm))
		fprintf(out, "%llu us", (unsigned long long)microseconds);
	else
		fprintf(out, "%s.%06uZ", text, (unsigned)(microseconds % 1000000));
}

void
bundle_print_base64(FILE *out, const uint8_t *data, size_t size)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < size; i += 3) {
		uint32_t bits = (uint32_t)data[i] << 16 | (i + 1 < size ? (uint32_t)data[i + 1] << 8 : 0) | (i + 2 < size ? data[i + 2] : 0);
		fputc(alphabet[bits >> 18], out);
		fputc(alphabet[bits >> 12 & 63], out);
		fputc(i + 1 < size ? alphabet[bits >> 6 & 63] : '=', out);
		fputc(i + 2 < size ? alphabet[bits & 63] : '=', out);
	}
}

struct showing {
	bool after_cover;
	struct proof_bytes log;         /* whose entries are being shown */
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
	printf("%s\n", bundle_is_japanese() ? "---- 以下は束の内容であり、何も検証されていない (検証: sekisho bundle verify)"
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
		printf(" decision=%s", e->entry->decision == 1 ? "allow" : e->entry->decision == 0 ? "deny" : "unknown");
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
		.functions = functions, .source = source, .read = read,
		.visitor = { &s, on_cover, on_checkpoint, on_entry, on_log },
		.memory = malloc(PROOF_BUNDLE_MEMORY),
	};
	if (!b.memory)
		return BUNDLE_FAILED;
	bool ok = proof_bundle_verify(&b, fault);
	free(b.memory);
	return ok ? BUNDLE_OK : BUNDLE_FAULT;
}

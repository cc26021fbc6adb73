#include "watch/intake.h"
#include "watch/event.h"

static const struct watch_format formats[] = {
	{ "json", watch_event_read },
	{ "nginx", intake_nginx },
	{ "postgresql", intake_postgresql },
	{ "suricata", intake_suricata },
	{ "syslog", intake_syslog },
	{ "windows", intake_windows },
};

enum { FORMATS = sizeof formats / sizeof *formats };

const struct watch_format *
watch_format_at(size_t index)
{
	return index < FORMATS ? &formats[index] : NULL;
}

const struct watch_format *
watch_format_find(const char *name)
{
	for (size_t i = 0; i < FORMATS; i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

void
intake_windows(struct watch_event *e, struct slice line)
{
	watch_event_read(e, line);
	watch_event_source(e);
	e->source.product = LITERAL("windows");
}

void
intake_postgresql(struct watch_event *e, struct slice line)
{
	watch_event_read(e, line);
	e->source = (struct watch_source){ LITERAL("database"), LITERAL("postgresql"), LITERAL("postgresql") };
}

/* ---- Suricata's EVE: what its fields are called by rules for Zeek, proxies and DNS ---- */

static const struct {
	const char *name, *alias;
} eve_aliases[] = {
	{ "dest_ip", "dst_ip" },
	{ "dest_port", "dst_port" },
	{ "dns.rrname", "query" },
	{ "dns.queries.rrname", "query" },
	{ "dns.rrtype", "record_type" },
	{ "dns.answers.rdata", "answer" },
	{ "http.hostname", "cs-host" },
	{ "http.url", "c-uri" },
	{ "http.http_method", "cs-method" },
	{ "http.http_user_agent", "c-useragent" },
	{ "http.http_refer", "cs-referer" },
	{ "http.status", "sc-status" },
};

static void
add_eve_aliases(struct watch_event *e)
{
	size_t count = e->count;
	for (size_t i = 0; i < count; i++)
		for (size_t a = 0; a < sizeof eve_aliases / sizeof *eve_aliases; a++)
			if (slice_is(e->values[i].name, eve_aliases[a].name))
				watch_event_add(e, slice_text(eve_aliases[a].alias), e->values[i].text, e->values[i].kind);
}

void
intake_suricata(struct watch_event *e, struct slice line)
{
	static const struct {
		const char *type, *category;
	} types[] = { { "dns", "dns" }, { "http", "proxy" }, { "flow", "firewall" } };
	watch_event_read(e, line);
	e->source = (struct watch_source){ LITERAL("ids"), LITERAL("suricata"), LITERAL("suricata") };
	const struct watch_value *type = watch_event_find(e, LITERAL("event_type"));
	for (size_t i = 0; type && i < sizeof types / sizeof *types; i++)
		if (slice_is(type->text, types[i].type))
			e->source.category = slice_text(types[i].category);
	add_eve_aliases(e);
}

#include "ask.h"
#include "watch/intake.h"

struct expected {
	const char *format, *line, *values;     /* values: name=text, joined by newlines */
	const char *fault;
};

static void
check_values(const struct watch_event *e, const struct expected *x)
{
	for (const char *at = x->values; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		size_t name = strcspn(at, "="), size = strcspn(at, "\n");
		const struct watch_value *v = watch_event_find(e, slice_of(at, name));
		struct slice text = size > name + 1 ? slice_of(at + name + 1, size - name - 1) : LITERAL("");
		bool absent = slice_is(text, "ABSENT");
		if (absent ? v != NULL : !v || !slice_equal(v->text, text))
			fail_msg("%s\n%.*s: has '%.*s'", x->line, (int)size, at, v ? (int)v->text.size : 0, v ? (const char *)v->text.data : "");
	}
	if (x->fault ? !e->fault || !strstr(e->fault, x->fault) : e->fault != NULL)
		fail_msg("%s\nfault: %s", x->line, e->fault ? e->fault : "none");
}

static void
lines_become_fields(void **state)
{
	(void)state;
	static const struct expected cases[] = {
		{ "syslog", "<34>1 2026-10-11T22:14:15.003Z mymachine su 77 ID47 [ex@1 iut=\"3\" q=\"a\\\"]b\"][y z=\"1\"] \xEF\xBB\xBF'su root' failed",
		  "facility=4\nseverity=2\ntimestamp=2026-10-11T22:14:15.003Z\nhost=mymachine\nprogram=su\npid=77\nmsgid=ID47\n"
		  "ex@1.iut=3\nex@1.q=a\\\"]b\ny.z=1\nmessage='su root' failed", NULL },
		{ "syslog", "<165>1 - - - - - -", "facility=20\nhost=ABSENT\nmessage=", NULL },
		{ "syslog", "<34>1 2026-10-11T22:14:15.003Z mymachine", "message=<34>1 2026-10-11T22:14:15.003Z mymachine", "ends early" },
		{ "syslog", "<34>1 - h p - - [x y=\"", "message=<34>1 - h p - - [x y=\"", "without its end" },
		{ "syslog", "<13>Oct 11 22:14:15 host cron[12]: (root) CMD (x)",
		  "facility=1\nseverity=5\ntime_local=Oct 11 22:14:15\nhost=host\nprogram=cron\npid=12\nmessage=(root) CMD (x)", NULL },
		{ "syslog", "just words", "message=just words\nprogram=ABSENT", NULL },
		{ "syslog", "<999>x", "message=<999>x\nfacility=ABSENT", NULL },
		{ "syslog", "<38>Oct 11 22:14:15 h sshd[9]: Failed password for invalid user bob from 10.1.2.3 port 4711 ssh2",
		  "event=failed\nmethod=password\nUser=bob\nsrc_ip=10.1.2.3\nsrc_port=4711", NULL },
		{ "syslog", "<38>Oct 11 22:14:15 h sshd[9]: Accepted publickey for eve from fe80::1 port 22 ssh2: RSA SHA256:x",
		  "event=accepted\nmethod=publickey\nUser=eve\nsrc_ip=fe80::1\nsrc_port=22", NULL },
		{ "syslog", "<38>Oct 11 22:14:15 h sshd[9]: Failed password for x from 1.1.1.1 port 1 ssh2 from 2.2.2.2 port 2 ssh2",
		  "User=x from 1.1.1.1 port 1 ssh2\nsrc_ip=2.2.2.2", NULL },
		{ "syslog", "<38>Oct 11 22:14:15 h sshd[9]: Invalid user  from 2.2.2.2 port 2", "event=invalid\nUser=\nsrc_ip=2.2.2.2", NULL },
		{ "nginx", "192.0.2.1 - bob [24/Nov/2026:10:27:44 +0900] \"GET /a/b?x=%2e%2e HTTP/1.1\" 404 153 \"http://r/\" \"curl\\x22/8\"",
		  "c-ip=192.0.2.1\ncs-username=bob\ntimestamp=2026-11-24T10:27:44+0900\ncs-method=GET\ncs-uri=/a/b?x=%2e%2e\ncs-uri-stem=/a/b\n"
		  "cs-uri-query=x=%2e%2e\ncs-version=HTTP/1.1\nsc-status=404\nsc-bytes=153\ncs-referer=http://r/\ncs-user-agent=curl\"/8\n"
		  "c-useragent=curl\"/8", NULL },
		{ "nginx", "192.0.2.1 - - [24/Nov/2026:10:27:44 +0000] \"\\x16\\x03\" 400 0 \"-\" \"-\"",
		  "cs-uri=\x16\x03\ncs-method=ABSENT\ncs-referer=ABSENT\ncs-username=ABSENT\nsc-status=400", NULL },
		{ "nginx", "192.0.2.1 - - [24/Nov/2026:10:27:44 +0000] \"GET \" 400 0 \"-\" \"-\"", "cs-uri=GET \ncs-method=ABSENT", NULL },
		{ "nginx", "not of it", "message=not of it\nc-ip=ABSENT", "combined" },
		{ "suricata", "{\"timestamp\":\"2026-11-24T10:27:44.1+0000\",\"event_type\":\"dns\",\"dest_ip\":\"8.8.8.8\",\"dns\":{\"rrname\":\"x.y\"}}",
		  "dst_ip=8.8.8.8\ndest_ip=8.8.8.8\nquery=x.y", NULL },
		{ "suricata", "{\"event_type\":\"http\",\"http\":{\"hostname\":\"h\",\"url\":\"/u\",\"status\":200}}", "cs-host=h\nc-uri=/u\nsc-status=200", NULL },
		{ "postgresql", "{\"timestamp\":\"2026-11-24 10:27:44.123 UTC\",\"user\":\"u\",\"message\":\"m\"}", "user=u\nmessage=m", NULL },
		{ "json", "{\"a\":{\"b\":1}}", "a.b=1", NULL },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		void *owner = NEW(NULL, char);
		struct watch_event *e = watch_event_new(owner);
		watch_format_find(cases[i].format)->read(e, slice_text(cases[i].line));
		check_values(e, &cases[i]);
		talloc_free(owner);
	}
}

static void
sources_are_told(void **state)
{
	(void)state;
	static const struct {
		const char *format, *line, *category, *product, *service;
	} cases[] = {
		{ "syslog", "<38>Oct 11 22:14:15 h sshd[9]: x", "authentication", "linux", "sshd" },
		{ "syslog", "<38>Oct 11 22:14:15 h cron[9]: x", "", "linux", "cron" },
		{ "nginx", "x", "webserver", "nginx", "nginx" },
		{ "postgresql", "{}", "database", "postgresql", "postgresql" },
		{ "suricata", "{\"event_type\":\"dns\"}", "dns", "suricata", "suricata" },
		{ "windows", "{\"Channel\":\"Security\",\"EventID\":1}", "", "windows", "security" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		void *owner = NEW(NULL, char);
		struct watch_event *e = watch_event_new(owner);
		watch_format_find(cases[i].format)->read(e, slice_text(cases[i].line));
		if (!slice_is(e->source.category, cases[i].category) || !slice_is(e->source.product, cases[i].product) ||
		    !slice_is(e->source.service, cases[i].service))
			fail_msg("%s: %s", cases[i].format, cases[i].line);
		talloc_free(owner);
	}
	assert_null(watch_format_find("nothing"));
}

static void
times_are_read(void **state)
{
	(void)state;
	int64_t time;
	void *owner = NEW(NULL, char);
	struct watch_event *e = watch_event_new(owner);
	intake_postgresql(e, LITERAL("{\"timestamp\":\"2026-11-24 10:27:44.123 UTC\"}"));
	assert_true(watch_event_time(e, &time));
	assert_int_equal(time, 1795516064123000);
	intake_nginx(e, LITERAL("192.0.2.1 - - [24/Nov/2026:19:27:44 +0900] \"GET / HTTP/1.1\" 200 1 \"-\" \"-\""));
	assert_true(watch_event_time(e, &time));
	assert_int_equal(time, 1795516064000000);
	talloc_free(owner);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_become_fields), cmocka_unit_test(sources_are_told), cmocka_unit_test(times_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

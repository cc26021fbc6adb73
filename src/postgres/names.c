/* Names that the analysis knows: functions (functions.txt), operators, types, settings. */
#include "postgres/statement.h"

#include "base/embedded.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <strings.h>

extern const struct embedded postgres_functions[];

enum { FUNCTIONS_MAX = 4096 };

static struct known {
	struct slice name;
	enum function_class class;
} functions[FUNCTIONS_MAX];
static size_t function_count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int
compare(const void *a, const void *b)
{
	const struct slice *x = a, *y = b;
	size_t n = x->size < y->size ? x->size : y->size;
	int order = n ? memcmp(x->data, y->data, n) : 0;
	return order ? order : (x->size > y->size) - (x->size < y->size);
}

static void
take_line(struct slice line)
{
	if (line.size < 3 || line.data[0] == '#' || function_count == FUNCTIONS_MAX)
		return;
	uint8_t c = line.data[0];
	functions[function_count++] = (struct known){
		slice_from(line, 2), c == 'r' ? FUNCTION_READS : c == 'v' ? FUNCTION_VOLATILE : FUNCTION_DANGEROUS,
	};
}

static void
read_functions(void)
{
	struct slice rest = slice_of(postgres_functions->text, postgres_functions->size);
	while (rest.size) {
		const uint8_t *end = memchr(rest.data, '\n', rest.size);
		size_t n = end ? (size_t)(end - rest.data) : rest.size;
		take_line(slice_of(rest.data, n));
		rest = slice_from(rest, n + 1);
	}
	qsort(functions, function_count, sizeof *functions, compare);
}

enum function_class
function_class(struct slice name)
{
	pthread_once(&once, read_functions);
	const struct known *k = bsearch(&name, functions, function_count, sizeof *functions, compare);
	return k ? k->class : FUNCTION_UNKNOWN;
}

static bool
is_listed(struct slice name, const char *list)
{
	char spaced[70];
	if (name.size == 0 || name.size > 64 || memchr(name.data, ' ', name.size))
		return false;
	spaced[0] = ' ';
	memcpy(spaced + 1, name.data, name.size);
	spaced[name.size + 1] = ' ';
	spaced[name.size + 2] = '\0';
	return strstr(list, spaced) != NULL;
}

/* select distinct oprname from pg_operator, PostgreSQL 15, with <> as the parser writes it */
bool
operator_is_builtin(struct slice name)
{
	return is_listed(name, " !! !~ !~* !~~ !~~* # ## #- #> #>> % & && &< &<| &> * *< *<= *<> *= *> *>= + - -> ->> -|- / < "
	                       "<-> << <<= <<| <= <> <@ <^ = > >= >> >>= >^ ? ?# ?& ?- ?-| ?| ?|| @ @-@ @> @? @@ @@@ ^ ^@ | "
	                       "|&> |/ |>> || ||/ ~ ~* ~<=~ ~<~ ~= ~>=~ ~>~ ~~ ~~* ");
}

bool
type_is_builtin(struct slice name)
{
	return is_listed(name, " bit bool bpchar bytea char cid cidr circle date datemultirange daterange float4 float8 inet int2 "
	                       "int4 int4multirange int4range int8 int8multirange int8range interval json jsonb jsonpath line "
	                       "lseg box point path polygon macaddr macaddr8 money name numeric nummultirange numrange oid oidvector "
	                       "int2vector pg_lsn record regclass regcollation regconfig regdictionary regnamespace regoper "
	                       "regoperator regproc regprocedure regrole regtype text tid time timestamp timestamptz timetz "
	                       "tsmultirange tsquery tsrange tstzmultirange tstzrange tsvector txid_snapshot pg_snapshot unknown "
	                       "uuid varbit varchar xid xid8 xml ");
}

static bool
is_any(struct slice value, const char *const *list)
{
	for (; *list; list++)
		if (value.size == strlen(*list) && strncasecmp((const char *)value.data, *list, value.size) == 0)
			return true;
	return false;
}

/* What a client may choose for its session at the start; the rest is refused (ROWS.md 3). */
bool
setting_is_free(struct slice name)
{
	return is_any(name, (const char *const[]){ "application_name", "datestyle", "timezone", "intervalstyle", "extra_float_digits", "search_path",
		"geqo", "bytea_output", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "client_min_messages", "jit",
		"default_transaction_isolation", "default_transaction_read_only", "xmloption", "gin_fuzzy_search_limit", NULL });
}

bool
setting_is_read_only(struct slice name)
{
	return is_any(name, (const char *const[]){ "transaction_read_only", "default_transaction_read_only", NULL });
}

static const char *const utf8[] = { "utf8", "utf-8", "unicode", NULL };
static const char *const on[] = { "on", "true", "yes", "1", NULL };
static const char *const switching[] = { "role", "session_authorization", NULL };
static const char *const pinned[] = { "session_replication_role", "work_mem", "maintenance_work_mem", "logical_decoding_work_mem",
	"temp_buffers", "hash_mem_multiplier", "temp_file_limit", "max_parallel_workers", "max_parallel_workers_per_gather",
	"local_preload_libraries", "session_preload_libraries", "dynamic_library_path", "allow_system_table_mods", NULL };

const char *
setting_refusal(struct slice name, struct slice value)
{
	if (name.size >= 8 && strncasecmp((const char *)name.data, "sekisho.", 8) == 0)
		return "Settings named sekisho.… are the gateway's";
	if (is_any(name, switching))
		return "The role of a session is the gateway's to choose";
	if (is_any(name, (const char *const[]){ "row_security", NULL }))
		return is_any(value, on) ? NULL : "row_security stays on";
	if (is_any(name, (const char *const[]){ "standard_conforming_strings", NULL }))
		return is_any(value, on) ? NULL : "standard_conforming_strings stays on: the gateway must read what the server reads";
	if (is_any(name, (const char *const[]){ "client_encoding", NULL }))
		return is_any(value, utf8) ? NULL : "client_encoding stays UTF8: the gateway must read what the server reads";
	return is_any(name, pinned) ? "This setting is pinned by the gateway" : NULL;
}

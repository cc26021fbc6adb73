/* Alerts that any room has raised: record/record.h. */
#include "operations/help.h"
#include "operations/operations.h"
#include "operations/operations_sql.h"

static err_t
alert_list_prepare(struct passage *p)
{
	SCOPED struct rows *r = NULL;
	json_t *items = json_array();
	err_t e = store_rows(NULL, p->view, QUERY_ALERTS, BIND_NONE, &r);
	while (!e && rows_next(r)) {
		struct slice evidence = row_text(r, 5);
		json_t *seqs = json_loadb((const char *)evidence.data, evidence.size, 0, NULL);
		json_array_append_new(items, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "id", json_slice(row_text(r, 0)), "rule",
		                                       json_slice(row_text(r, 1)), "state", json_slice(row_text(r, 2)), "subject",
		                                       json_slice(row_text(r, 3)), "since", json_time(row_number(r, 4)), "evidence",
		                                       seqs ? seqs : json_array()));
	}
	passage_answer(p, json_list(items, NULL));
	return e ? e : rows_end(r);
}

const struct operation alert_list_operation = {
	.name = "alert.list",
	.says = { "Lists alerts, newest first", "警報を新しい順に一覧する" },
	.route = { GET, "/v1/alerts" },
	.cli = "alert ls",
	.action = "alert.list",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.output = SCHEMA_LIST,
	.prepare = alert_list_prepare,
};

/* Checks over the disclosure desk (E3): certificates that have not run out, requests that are answered. */
#include "assure/inside.h"

struct desk {
	struct look *look;
	size_t pending, late, documents;
	bool has[2];
};

static err_t
look_at_request(void *argument, const struct registered *r)
{
	struct desk *d = argument;
	if (!slice_is(body_text(r->body, "state"), "pending"))
		return NULL;
	d->pending++;
	d->late += r->due <= d->look->now;
	return NULL;
}

err_t
check_requests(struct look *l, struct check_result *f)
{
	struct desk d = { .look = l };
	TRY(register_each(l->view, "disclosure", (struct slice){ NULL, 0 }, look_at_request, &d));
	f->state = d.late ? CHECK_BROKEN : CHECK_KEPT;
	snprintf(f->value, sizeof f->value, "%zu requests wait, %zu for longer than declared", d.pending, d.late);
	return NULL;
}

static err_t
look_at_document(void *argument, const struct registered *r)
{
	static const char *const wanted[] = { "iso27001", "soc2" };
	struct desk *d = argument;
	d->documents++;
	for (size_t i = 0; i < 2; i++)
		d->has[i] |= slice_is(r->parent, wanted[i]) && r->due > d->look->now && body_time(r->body, "from") <= d->look->now;
	return NULL;
}

err_t
check_certificates(struct look *l, struct check_result *f)
{
	struct desk d = { .look = l };
	TRY(register_each(l->view, "document", (struct slice){ NULL, 0 }, look_at_document, &d));
	f->state = d.has[0] && d.has[1] ? CHECK_KEPT : CHECK_BROKEN;
	snprintf(f->value, sizeof f->value, "%zu documents; ISO 27001 %s, SOC 2 %s", d.documents, d.has[0] ? "valid" : "missing or run out",
	         d.has[1] ? "valid" : "missing or run out");
	return NULL;
}

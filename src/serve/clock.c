/* A forward step of the clock: told once, by an entry and an alert; not believed until that is acknowledged. */
#include "serve/inside.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "record/alert.h"

struct step {
	struct id alert;
	char wall[TIME_TEXT];
	struct slice evidence;
};

static err_t
raise_step(void *context, struct store *tx, int64_t time)
{
	const struct step *s = context;
	return alert_raise_apply(tx, id_slice(&s->alert), LITERAL("clock.step"), slice_text(s->wall), s->evidence, time);
}

static fallible
tell(struct house *h, const struct moment *m)
{
	SCOPED struct step *s = NEW(NULL, struct step);
	uint64_t seq;
	text_time(m->wall, s->wall);
	const struct system_change step = { .operation = "clock.step", .subject = slice_text(s->wall), .seq = &seq };
	TRY(system_record(h, &step));
	s->alert = id_new("alr_");
	s->evidence = slice_text(memory_format(s, "[%llu]", (unsigned long long)seq));
	const struct system_change raised = { .operation = "alert.raised", .subject = id_slice(&s->alert), .apply = raise_step,
	                                      .context = s };
	return system_record(h, &raised);
}

void
clock_watch(struct house *h, bool *told)
{
	struct moment m = clock_read();
	if (!m.stepped) {
		*told = false;
		return;
	}
	if (*told)
		return;
	err_t e = tell(h, &m);
	log_event(LOG_WARNING, "clock.step", "code", e ? e->name : "", "then", "it is not believed until its alert is acknowledged", NULL);
	*told = e == NULL;
}

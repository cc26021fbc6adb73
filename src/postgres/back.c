/* What the back end says: each message belongs to a turn, whose end it may be. */
#include "postgres/lane.h"
#include "postgres/rules.h"

static bool
is_asynchronous(uint8_t type)
{
	return type == 'S' || type == 'N' || type == 'A';
}

/* Messages after which the back end has said all of a turn of this kind; the errors end all but READY. */
static bool
ends_turn(enum turn_kind kind, uint8_t type)
{
	static const char *const ends[] = {
		[TURN_PARSE] = "1", [TURN_BIND] = "2", [TURN_DESCRIBE] = "Tn", [TURN_CLOSE] = "3", [TURN_STATEMENT] = "CIs",
		[TURN_READY] = "Z", [TURN_OPAQUE] = "Z",
	};
	return strchr(ends[kind], type) != NULL;
}

/* ---- what is known when a turn has ended well ---- */

static void
took_names(struct session *s, const struct turn *t)
{
	rename_answered(s, t);
	if (t->hidden)
		return;
	if (t->kind == TURN_PARSE) {
		struct name *n = name_set(s, false, t->name, t->analysis, t->statement);
		memcpy(n->server_name, t->server_name, sizeof n->server_name);
		n->parse = memory_copy(n, t->parse);
	} else if (t->kind == TURN_BIND)
		name_set(s, true, t->name, t->analysis, t->statement);
	else if (t->kind == TURN_CLOSE)
		name_drop(s, t->of_portal, t->name);
	if (t->kind != TURN_STATEMENT || !t->statement)
		return;
	s->ran++;
	if (s->application && t->statement->naming == NAMING_KEEPS)
		lane_keeps(s, t->statement);
	if (t->statement->naming == NAMING_PREPARE)
		name_set(s, false, t->statement->name, t->analysis, t->statement);
	else if (t->statement->naming == NAMING_DEALLOCATE && t->statement->name.size)
		name_drop(s, false, t->statement->name);
	else if (t->statement->naming == NAMING_DEALLOCATE) {
		name_drop_all(s, false);
		backend_forget_all(s->backend);
	}
}

static void
took_ready(struct session *s)
{
	s->status = s->peeked ? (char)s->peek[0] : 'I';
	if (s->status == 'I')
		name_drop_all(s, true);         /* portals end with their transaction */
	if (s->status == 'I')
		lane_ended(s);
	if (s->status != 'I' || s->ran > 1)     /* it may have been in a transaction */
		lane_undone(s);
	s->kept = false;
	s->ran = 0;
}

static void
took_tag(struct turn *t, struct slice tag)
{
	uint64_t rows;
	if (tag.size && tag.data[tag.size - 1] == 0)
		tag.size--;
	if (!t->ended && tag_rows(tag, &rows) && (t->kind == TURN_STATEMENT || rows > t->rows))
		t->rows = t->kind == TURN_STATEMENT ? rows : t->rows + rows;
}

/* ---- settings that the back end reports ---- */

static bool
deviates(struct slice body)
{
	struct reader r = reader_of(body);
	struct slice name = read_text(&r), value = read_text(&r);
	if (slice_is(name, "client_encoding"))
		return !slice_is(value, "UTF8");
	if (slice_is(name, "standard_conforming_strings"))
		return !slice_is(value, "on");
	return slice_is(name, "is_superuser") && slice_is(value, "on");
}

static void
took_setting(struct session *s)
{
	if (rules_now(s)->mode != MODE_ENFORCE || !deviates(slice_of(s->peek, s->peeked)))
		return;
	s->dirty = true;
	const struct complaint c = {
		.severity = "FATAL", .sqlstate = "57P01", .message = "The session has ended: a setting that must stay as it is was changed",
		.detail = "client_encoding, standard_conforming_strings and the role are pinned, so that the gateway reads what the server reads",
	};
	session_end(s, &c);
}

/* ---- messages ---- */

static void
count(struct session *s, struct turn *t, const struct piece *p)
{
	if (!p->begins || t->ended || (p->type != 'D' && p->type != 'd'))
		return;
	t->rows++;
	t->bytes += p->size;
	if (t->kind == TURN_STATEMENT)
		effect_rows(s, t);
}

static void
failed(struct session *s, struct turn *t)
{
	if (!t->ended)
		error_sqlstate(slice_of(s->peek, s->peeked), t->sqlstate);
	lane_undone(s);
	turn_answered(s, t, true);
	if (s->state != SESSION_OPEN)
		return;
	turn_skip(s);
	if (!s->answering)              /* its Sync has not come yet */
		s->skipping = true;
	turn_release(s);
}

/* A rewrite rule may swallow a command tag: ReadyForQuery ends whatever is left before it. */
static void
ready(struct session *s)
{
	took_ready(s);
	turn_skip(s);
	if (s->answering)
		turn_answered(s, s->answering, false);
	turn_release(s);
}

static void
ended(struct session *s, uint8_t type)
{
	struct turn *t = s->answering;
	if (type == 'S')
		took_setting(s);
	if (is_asynchronous(type) || !t)
		return;
	if (type == 'Z' && t->kind != TURN_OPAQUE) {
		ready(s);
		return;
	}
	if (type == 'E' && t->kind != TURN_OPAQUE && t->kind != TURN_READY) {
		failed(s, t);
		return;
	}
	if (type == 'D' && t->hidden)
		lane_took(s, slice_of(s->peek, s->peeked));
	if (type == 'C')
		took_tag(t, slice_of(s->peek, s->peeked));
	if (type == 'E')
		error_sqlstate(slice_of(s->peek, s->peeked), t->sqlstate);
	if (!ends_turn(t->kind, type))
		return;
	if (t->kind == TURN_OPAQUE)
		took_ready(s);
	took_names(s, t);
	turn_answered(s, t, t->sqlstate[0] && !t->ended);
	turn_release(s);
}

/* A message is let through when it is all there, unless it is large. False: there is more to come. */
static bool
gather(struct session *s, const struct piece *p, struct slice *bytes)
{
	s->passing = p->size > WHOLE_MAX && !p->ends;
	if (p->size > WHOLE_MAX)
		return true;
	if (p->begins)
		bytes_consume(&s->whole, s->whole.size);
	bytes_append(s, &s->whole, *bytes);
	*bytes = bytes_slice(&s->whole);
	return p->ends;
}

/* To the turn that is answered; what nobody asked for, to the client. Notifications reach nobody: LISTEN is refused. */
static void
pass(struct session *s, const struct piece *p)
{
	struct turn *t = s->answering;
	uint8_t head[WIRE_HEAD];
	if (p->type == 'A' && rules_now(s)->mode == MODE_ENFORCE)
		return;
	if (p->begins && t && (ends_turn(t->kind, p->type) || p->type == 'E'))
		turn_ending(s, t);
	if (p->begins)
		wire_head(head, p->type, p->size);
	struct slice bytes = p->begins ? slice_of(head, sizeof head) : p->body;
	if (t && t->hidden && p->type != 'E')
		return;
	bool turns = t && !(t->poison && is_asynchronous(p->type));
	if (turns)
		count(s, t, p);
	if (!gather(s, p, &bytes))
		return;
	if (turns)
		turn_put(s, t, bytes);
	else
		session_write(s, bytes);
}

static void
peek(struct session *s, const struct piece *p)
{
	size_t room = sizeof s->peek - s->peeked, n = p->body.size < room ? p->body.size : room;
	if (p->begins)
		s->peeked = 0;
	else if (n) {
		memcpy(s->peek + s->peeked, p->body.data, n);
		s->peeked += n;
	}
}

void
back_received(void *argument, struct slice input)
{
	struct session *s = argument;
	struct piece p;
	if (s->state == SESSION_LEARNING) {
		learn_received(s, input);
		return;
	}
	while (s->state == SESSION_OPEN && frames_next(&s->back, &input, &p)) {
		if (p.begins && p.type == 'W') {
			session_fail(s, E_REQUEST, "COPY BOTH is not for sessions through the gateway");
			return;
		}
		peek(s, &p);
		pass(s, &p);
		if (p.ends && s->state == SESSION_OPEN)
			ended(s, p.type);
	}
	s->dirty |= s->back.failed;
	if (s->back.failed)
		session_fail(s, E_UNREACHABLE, "the database's server does not speak its protocol");
	else if (s->state == SESSION_OPEN)
		session_flush(s);
}

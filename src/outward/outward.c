#include "outward/outward.h"

#include "base/memory.h"

#include <errno.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* One who waits, on its own stack. */
struct waiting {
	struct waiting *next;
	uint32_t id;
	bool done;
	uint8_t outcome;
	uint8_t *data;                  /* malloc'd: it changes threads */
	size_t size;
	int fd;
};

struct outward {
	int courier;
	pthread_t reader;
	pthread_mutex_t lock;           /* guards all below */
	pthread_cond_t answered;
	struct waiting *waiting;
	uint32_t next;
	bool gone;
};

static struct waiting *
find_waiting(struct outward *o, uint32_t id)
{
	for (struct waiting *w = o->waiting; w; w = w->next)
		if (w->id == id)
			return w;
	return NULL;
}

static int
descriptor_of(struct msghdr *m)
{
	int fd = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof fd))
			memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

static void
deliver(struct outward *o, struct slice message, int fd)
{
	struct reader r = reader_of(message);
	uint32_t id = read_be32(&r);
	uint8_t outcome = read_u8(&r);
	pthread_mutex_lock(&o->lock);
	struct waiting *w = r.failed ? NULL : find_waiting(o, id);
	if (w) {
		w->done = true;
		w->outcome = outcome;
		w->data = malloc(r.rest.size + 1);
		w->size = w->data ? r.rest.size : 0;
		if (w->size)
			memcpy(w->data, r.rest.data, r.rest.size);
		w->fd = fd;
		pthread_cond_broadcast(&o->answered);
	} else if (fd >= 0)
		close(fd);
	pthread_mutex_unlock(&o->lock);
}

static void *
read_answers(void *argument)
{
	struct outward *o = argument;
	uint8_t *room = malloc(OUTWARD_MAX);
	prctl(PR_SET_NAME, "outward", 0, 0, 0);
	while (room) {
		char control[CMSG_SPACE(sizeof(int))];
		struct iovec part = { room, OUTWARD_MAX };
		struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
		ssize_t n = recvmsg(o->courier, &m, MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		deliver(o, slice_of(room, (size_t)n), descriptor_of(&m));
	}
	free(room);
	pthread_mutex_lock(&o->lock);
	o->gone = true;
	pthread_cond_broadcast(&o->answered);
	pthread_mutex_unlock(&o->lock);
	return NULL;
}

void
outward_end(struct outward *o)
{
	shutdown(o->courier, SHUT_RDWR);
}

static int
close_outward(struct outward *o)
{
	outward_end(o);
	pthread_join(o->reader, NULL);
	close(o->courier);
	pthread_mutex_destroy(&o->lock);
	pthread_cond_destroy(&o->answered);
	return 0;
}

fallible
outward_open(const void *owner, int courier, struct outward **out)
{
	struct outward *o = NEW(owner, struct outward);
	o->courier = courier;
	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->answered, NULL);
	if (pthread_create(&o->reader, NULL, read_answers, o) != 0)
		return E_IO;
	talloc_set_destructor(o, close_outward);
	*out = o;
	return NULL;
}

static void
leave(struct outward *o, struct waiting *w)
{
	for (struct waiting **at = &o->waiting; *at; at = &(*at)->next)
		if (*at == w) {
			*at = w->next;
			return;
		}
}

/* Sends the question, whose id goes in behind its type, and waits for the answer. */
static fallible
ask(struct outward *o, const struct writer *question, struct waiting *w)
{
	if (question->failed)
		return E_ARGUMENT;
	pthread_mutex_lock(&o->lock);
	w->id = ++o->next;
	for (unsigned i = 0; i < 4; i++)
		question->data[1 + i] = (uint8_t)(w->id >> 8 * (3 - i));
	w->next = o->waiting;
	o->waiting = w;
	if (o->gone || send(o->courier, question->data, question->size, MSG_NOSIGNAL) < 0)
		w->outcome = OUTWARD_UNREACHABLE;
	else
		while (!w->done && !o->gone)
			pthread_cond_wait(&o->answered, &o->lock);
	leave(o, w);
	pthread_mutex_unlock(&o->lock);
	return w->done && w->outcome == OUTWARD_DONE ? NULL : E_UNREACHABLE;
}

static void
begin(struct writer *w, enum outward_message type)
{
	write_u8(w, (uint8_t)type);
	write_be32(w, 0);
}

fallible
outward_dial(struct outward *o, struct slice host, uint16_t port, int *fd)
{
	uint8_t question[512];
	struct writer w = writer_of(question, sizeof question);
	struct waiting waiting = { .fd = -1 };
	begin(&w, OUTWARD_DIAL);
	write_field(&w, host);
	write_be16(&w, port);
	err_t e = ask(o, &w, &waiting);
	free(waiting.data);
	if (!e && waiting.fd < 0)
		e = E_UNREACHABLE;
	if (!e)
		*fd = waiting.fd;
	return e;
}

static fallible
take_response(const void *owner, struct slice answer, struct outward_response *out)
{
	struct reader r = reader_of(answer);
	struct outward_response response = { .status = read_be16(&r) };
	struct slice media = read_field(&r), body = read_field(&r);
	if (!reader_end(&r))
		return E_UNREACHABLE;
	response.media = memory_copy(owner, media);
	response.body = memory_copy(owner, body);
	*out = response;
	return NULL;
}

fallible
outward_fetch(const void *owner, struct outward *o, const struct outward_request *q, struct outward_response *out, const char **why)
{
	SCOPED uint8_t *question = talloc_size(NULL, OUTWARD_MAX);
	struct writer w = writer_of(question, OUTWARD_MAX);
	struct waiting waiting = { .fd = -1 };
	begin(&w, OUTWARD_FETCH);
	write_field(&w, slice_text(q->method));
	write_field(&w, q->url);
	write_field(&w, q->authorities);
	write_field(&w, q->media);
	write_field(&w, q->body);
	write_be32(&w, q->milliseconds);
	err_t e = ask(o, &w, &waiting);
	struct slice answer = slice_of(waiting.data, waiting.size);
	if (!e)
		e = take_response(owner, answer, out);
	else if (why) {
		struct reader r = reader_of(answer);
		struct slice text = read_field(&r);
		*why = memory_text(owner, r.failed ? LITERAL("the courier does not answer") : text);
	}
	free(waiting.data);
	return e;
}

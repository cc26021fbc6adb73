#include "courier/courier.h"

#include "base/confine.h"
#include "base/log.h"
#include "base/memory.h"
#include "outward/wire.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TASKS_MAX = 64, FETCH_MS_MOST = 120000 };

/* One request: a talloc tree of its own, handed to a thread of its own. */
struct task {
	int socket;
	struct slice message;
	uint32_t id;
};

static atomic_int running;

static void
answer(const struct task *t, enum outward_outcome outcome, struct slice fields, int fd)
{
	uint8_t head[5];
	struct writer w = writer_of(head, sizeof head);
	char control[CMSG_SPACE(sizeof fd)] = { 0 };
	write_be32(&w, t->id);
	write_u8(&w, (uint8_t)outcome);
	struct iovec parts[2] = { { head, w.size }, { (void *)(uintptr_t)fields.data, fields.size } };
	struct msghdr m = { .msg_iov = parts, .msg_iovlen = 2 };
	if (fd >= 0) {
		m.msg_control = control;
		m.msg_controllen = sizeof control;
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	while (sendmsg(t->socket, &m, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

static void
answer_why(const struct task *t, enum outward_outcome outcome, const char *why)
{
	uint8_t room[512];
	struct writer w = writer_of(room, sizeof room);
	write_field(&w, slice_of(why, strnlen(why, sizeof room - 8)));
	answer(t, outcome, writer_slice(&w), -1);
}

/* ---- dial ---- */

static int
connect_first(const struct addrinfo *list)
{
	for (const struct addrinfo *a = list; a; a = a->ai_next) {
		int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fd < 0)
			continue;
		if (connect(fd, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS)
			return fd;
		close(fd);
	}
	return -1;
}

static void
dial(const struct task *t, struct reader *r)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	char port[8];
	SCOPED char *host = memory_text(NULL, read_field(r));
	snprintf(port, sizeof port, "%u", read_be16(r));
	if (!reader_end(r) || !host[0]) {
		answer_why(t, OUTWARD_REFUSED, "not a request to dial");
		return;
	}
	int result = getaddrinfo(host, port, &hints, &list);
	if (result != 0) {
		answer_why(t, OUTWARD_UNREACHABLE, gai_strerror(result));
		return;
	}
	int fd = connect_first(list);
	freeaddrinfo(list);
	if (fd < 0)
		answer_why(t, OUTWARD_UNREACHABLE, strerror(errno));
	else {
		answer(t, OUTWARD_DONE, (struct slice){ NULL, 0 }, fd);
		close(fd);
	}
}

/* ---- fetch ---- */

struct body {
	uint8_t data[OUTWARD_BODY_MAX];
	size_t size;
};

static size_t
take_body(char *data, size_t one, size_t count, void *argument)
{
	struct body *b = argument;
	size_t size = one * count;
	if (size > sizeof b->data - b->size)
		return 0;
	memcpy(b->data + b->size, data, size);
	b->size += size;
	return size;
}

/* What is not for this machine alone goes under TLS. */
static bool
is_allowed(const char *url)
{
	static const char *const plain[] = { "http://127.", "http://[::1]" };
	if (strncmp(url, "https://", 8) == 0)
		return true;
	return strncmp(url, plain[0], strlen(plain[0])) == 0 || strncmp(url, plain[1], strlen(plain[1])) == 0;
}

struct fetch {
	char *method, *url, *media, *why;
	struct slice authorities, content;
	uint32_t milliseconds;
	struct body body;
};

static void
set_options(CURL *curl, struct fetch *f, struct curl_slist *headers)
{
	struct curl_blob authorities = { (void *)(uintptr_t)f->authorities.data, f->authorities.size, CURL_BLOB_COPY };
	curl_easy_setopt(curl, CURLOPT_URL, f->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, f->method);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(f->milliseconds < FETCH_MS_MOST ? f->milliseconds : FETCH_MS_MOST));
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, f->why);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &f->body);
	if (f->authorities.size)
		curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &authorities);
	if (f->content.size) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)f->content.data);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)f->content.size);
	}
}

static void
answer_fetched(const struct task *t, CURL *curl, const struct fetch *f)
{
	SCOPED uint8_t *room = talloc_size(NULL, OUTWARD_MAX);
	struct writer w = writer_of(room, OUTWARD_MAX);
	long status = 0;
	char *media = NULL;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &media);
	write_be16(&w, (uint16_t)status);
	write_field(&w, slice_text(media ? media : ""));
	write_field(&w, slice_of(f->body.data, f->body.size));
	answer(t, OUTWARD_DONE, writer_slice(&w), -1);
}

static void
fetch(const struct task *t, struct reader *r)
{
	SCOPED struct fetch *f = NEW(NULL, struct fetch);
	f->method = memory_text(f, read_field(r));
	f->url = memory_text(f, read_field(r));
	f->authorities = read_field(r);
	f->media = memory_text(f, read_field(r));
	f->content = read_field(r);
	f->milliseconds = read_be32(r);
	f->why = memory_zeroed(f, CURL_ERROR_SIZE, 1, "why");
	if (!reader_end(r) || !is_allowed(f->url)) {
		answer_why(t, OUTWARD_REFUSED, "expected an https:// URL, or http:// to a loopback address");
		return;
	}
	CURL *curl = curl_easy_init();
	SCOPED char *type = memory_format(NULL, "Content-Type: %s", f->media);
	struct curl_slist *headers = f->media[0] ? curl_slist_append(NULL, type) : NULL;
	headers = curl_slist_append(headers, "Expect:");
	set_options(curl, f, headers);
	CURLcode code = curl_easy_perform(curl);
	if (code == CURLE_OK)
		answer_fetched(t, curl, f);
	else
		answer_why(t, OUTWARD_UNREACHABLE, f->why[0] ? f->why : curl_easy_strerror(code));
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
}

/* ---- the messages that serve may send ---- */

static void *
run_task(void *argument)
{
	struct task *t = argument;
	struct reader r = reader_of(t->message);
	uint8_t type = read_u8(&r);
	t->id = read_be32(&r);
	if (type == OUTWARD_DIAL)
		dial(t, &r);
	else if (type == OUTWARD_FETCH)
		fetch(t, &r);
	else
		answer_why(t, OUTWARD_REFUSED, "no such message");
	talloc_free(t);
	atomic_fetch_sub(&running, 1);
	return NULL;
}

static void
begin_task(int socket, struct slice message)
{
	pthread_t thread;
	struct task *t = NEW(NULL, struct task);
	t->socket = socket;
	t->message = memory_copy(t, message);
	struct reader r = reader_of(slice_from(t->message, 1));
	t->id = read_be32(&r);
	if (atomic_fetch_add(&running, 1) < TASKS_MAX && pthread_create(&thread, NULL, run_task, t) == 0) {
		pthread_detach(thread);
		return;
	}
	atomic_fetch_sub(&running, 1);
	answer_why(t, OUTWARD_UNREACHABLE, "too much goes outward at once");
	talloc_free(t);
}

static void
run(int socket)
{
	uint8_t *room = malloc(OUTWARD_MAX);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	while (room) {
		ssize_t n = recv(socket, room, OUTWARD_MAX, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 5)
			return;         /* the end of serve is ours */
		begin_task(socket, slice_of(room, (size_t)n));
	}
}

static _Noreturn void
be_courier(const char *dir, int socket)
{
	const char *why = "";
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);       /* it ends when serve does */
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	err_t e = confine(ROLE_COURIER, dir, &why);
	if (e)
		log_event(LOG_ERROR, "courier.failed", "code", e->name, "why", why, NULL);
	else
		run(socket);
	_exit(e ? 1 : 0);
}

fallible
courier_start(const char *dir, int *pid, int *socket)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return E_IO;
	pid_t child = fork();
	if (child == 0) {
		confine_descriptors(pair[1], -1);
		be_courier(dir, pair[1]);
	}
	close(pair[1]);
	if (child < 0) {
		close(pair[0]);
		return E_IO;
	}
	*pid = child;
	*socket = pair[0];
	return NULL;
}

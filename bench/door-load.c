/* door-load - asks over many keep-alive TLS 1.3 connections and tells requests/s and the server's CPU per request.
 *
 *     door-load HOST:PORT CONNECTIONS SECONDS SERVER-PID [PATH]
 *
 * One thread; each connection has one request under way. With 0 seconds it only opens the connections, tells the
 * server's memory before and after, and so the memory per idle connection. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct client {
	SSL *ssl;
	int fd;
	size_t got;
};

static char request[1024];
static size_t request_size, answer_size;
static unsigned long answered;

static void
fail(const char *what)
{
	fprintf(stderr, "door-load: %s\n", what);
	exit(1);
}

static double
now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds of CPU that the server has used. */
static double
server_cpu(const char *pid)
{
	char name[64], text[1024];
	unsigned long user, system;
	snprintf(name, sizeof name, "/proc/%s/stat", pid);
	FILE *f = fopen(name, "r");
	if (!f || !fgets(text, sizeof text, f) ||
	    sscanf(strrchr(text, ')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
		fail("no such server");
	fclose(f);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static long
server_memory(const char *pid)
{
	char name[64], line[256];
	long kilobytes = 0;
	snprintf(name, sizeof name, "/proc/%s/smaps_rollup", pid);
	FILE *f = fopen(name, "r");
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "Private_Dirty: %ld", &kilobytes) == 1)
			break;
	if (f)
		fclose(f);
	return kilobytes;
}

static void
open_client(struct client *c, SSL_CTX *tls, const struct sockaddr_in *to)
{
	static const int on = 1;
	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)to, sizeof *to) < 0)
		fail("cannot connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	c->ssl = SSL_new(tls);
	SSL_set_fd(c->ssl, c->fd);
	if (SSL_connect(c->ssl) != 1)
		fail("no handshake");
}

static void
ask(struct client *c)
{
	c->got = 0;
	if (SSL_write(c->ssl, request, (int)request_size) <= 0)
		fail("cannot ask");
}

/* The first answer tells how long every other one is: the server always says the same. */
static void
learn_size(struct client *c)
{
	char text[65536];
	size_t size = 0;
	ask(c);
	for (;;) {
		int n = SSL_read(c->ssl, text + size, (int)(sizeof text - 1 - size));
		if (n <= 0)
			fail("no answer");
		size += (size_t)n;
		text[size] = '\0';
		char *end = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "\r\nContent-Length: ");
		if (!end || !length)
			continue;
		answer_size = (size_t)(end + 4 - text) + strtoul(length + 18, NULL, 10);
		if (size >= answer_size)
			return;
	}
}

static void
hear(struct client *c)
{
	static char text[65536];
	int n = SSL_read(c->ssl, text, sizeof text);
	if (n <= 0)
		fail("the server closed");
	c->got += (size_t)n;
	if (c->got < answer_size)
		return;
	answered++;
	ask(c);
}

static void
run(struct client *clients, int count, double seconds)
{
	struct epoll_event events[256];
	int poll = epoll_create1(0);
	for (int i = 0; i < count; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.ptr = &clients[i] };
		epoll_ctl(poll, EPOLL_CTL_ADD, clients[i].fd, &e);
		ask(&clients[i]);
	}
	for (double end = now() + seconds; now() < end;) {
		int n = epoll_wait(poll, events, 256, 100);
		for (int i = 0; i < n; i++)
			hear(events[i].data.ptr);
	}
	close(poll);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	char *colon = argc > 4 ? strchr(argv[1], ':') : NULL;
	if (!colon)
		return 2;
	*colon = '\0';
	to.sin_port = htons((uint16_t)atoi(colon + 1));
	inet_pton(AF_INET, argv[1], &to.sin_addr);
	int count = atoi(argv[2]);
	double seconds = atof(argv[3]);
	request_size = (size_t)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: bench\r\nAccept: */*\r\n\r\n",
	                                argc > 5 ? argv[5] : "/v1/subscribers/acme/objects/tickets/4711");
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION);
	struct client *clients = calloc((size_t)count, sizeof *clients);
	long before = server_memory(argv[4]);
	double begun = now(), handshake_cpu = server_cpu(argv[4]);
	for (int i = 0; i < count; i++)
		open_client(&clients[i], tls, &to);
	handshake_cpu = server_cpu(argv[4]) - handshake_cpu;
	printf("%d handshakes: %.0f/s, %.0f µs of server CPU each\n", count, count / (now() - begun), handshake_cpu * 1e6 / count);
	for (int i = 0; i < count; i++)
		learn_size(&clients[i]);
	usleep(200000);
	long memory = server_memory(argv[4]) - before;
	printf("%d idle connections that have each made a request: %.1f KB each\n", count, (double)memory / count);
	if (seconds <= 0)
		return 0;
	double cpu = server_cpu(argv[4]);
	begun = now();
	run(clients, count, seconds);
	double took = now() - begun;
	cpu = server_cpu(argv[4]) - cpu;
	printf("%lu requests (answers of %zu bytes) in %.1f s: %.0f/s, %.2f µs of server CPU each\n", answered, answer_size,
	       took, (double)answered / took, cpu * 1e6 / (double)answered);
	return 0;
}

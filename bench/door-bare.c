/* door-bare - the yardstick for door-http: epoll, OpenSSL and a constant answer, and nothing of what a server needs.
 *
 *     door-bare PORT CERT.pem KEY.pem */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 200 OK\r\nDate: Tue, 24 Nov 2026 10:55:08 GMT\r\nContent-Type: text/plain\r\n"
			     "Content-Length: 100\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
			     "Strict-Transport-Security: max-age=31536000\r\n\r\n"
			     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

static void
serve(SSL *ssl)
{
	char text[16384];
	if (SSL_read(ssl, text, sizeof text) > 0)
		SSL_write(ssl, answer, sizeof answer - 1);
	else if (SSL_get_error(ssl, -1) != SSL_ERROR_WANT_READ) {
		close(SSL_get_fd(ssl));
		SSL_free(ssl);
	}
}

static void
admit(int poll, int listener, SSL_CTX *tls)
{
	static const int on = 1;
	int fd = accept(listener, NULL, NULL);
	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	SSL *ssl = SSL_new(tls);
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) != 1) {
		close(fd);
		SSL_free(ssl);
		return;
	}
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = ssl };
	epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e);
}

int
main(int argc, char **argv)
{
	static const int on = 1;
	if (argc < 4)
		return 2;
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION);
	SSL_CTX_set_ciphersuites(tls, "TLS_AES_128_GCM_SHA256");
	SSL_CTX_set_num_tickets(tls, 0);
	SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(tls, 1);
	if (SSL_CTX_use_certificate_file(tls, argv[2], SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, argv[3], SSL_FILETYPE_PEM) != 1)
		return 1;
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])),
	                          .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM, 0), poll = epoll_create1(0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&at, sizeof at) < 0 || listen(listener, 1024) < 0)
		return 1;
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = NULL }, events[64];
	epoll_ctl(poll, EPOLL_CTL_ADD, listener, &e);
	for (;;) {
		int n = epoll_wait(poll, events, 64, -1);
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				serve(events[i].data.ptr);
			else
				admit(poll, listener, tls);
		}
	}
}

// The least that a server can do: wait, read, find where each request ends, write a canned response. It parses nothing,
// has one thread, and checks results of calls only where it must. The costs of other servers are compared with its
// costs in the same run.
//
// It listens on PORT of 127.0.0.1 and speaks HTTP/1.1 only.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

// As long as the web app's.
static const char response[] =
    "HTTP/1.1 200 OK\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
    "Content-Length: 13\r\n"
    "\r\n"
    "Hello, World!";
enum { response_length = sizeof response - 1 };

static char input[64 * 1024];
// No request is shorter than 18 bytes, "GET / HTTP/1.1" and two line ends, so this holds the responses to a full input.
static char output[sizeof input / 18 * response_length + response_length];

static int listen_on(int port) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) {
    perror("floor");
    exit(1);
  }
  return listener;
}

static void watch(int poller, int descriptor, unsigned events) {
  struct epoll_event event = {.events = events, .data.fd = descriptor};
  epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event);
}

static void accept_all(int poller, int listener) {
  int descriptor, yes = 1;
  while ((descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    watch(poller, descriptor, EPOLLIN | EPOLLRDHUP | EPOLLET);
  }
}

// Expects each request to arrive whole, as those of the load generators do.
static void answer(int descriptor) {
  ssize_t count = read(descriptor, input, sizeof input);
  if (count <= 0) {
    close(descriptor);
    return;
  }
  size_t length = 0;
  for (char *rest = input, *end; (end = memmem(rest, (size_t)(input + count - rest), "\r\n\r\n", 4)); rest = end + 4) {
    memcpy(output + length, response, response_length);
    length += response_length;
  }
  if (length && write(descriptor, output, length) < 0) close(descriptor);
}

int main(void) {
  const char *port = getenv("PORT");
  int listener = listen_on(port ? atoi(port) : 8080), poller = epoll_create1(EPOLL_CLOEXEC);
  watch(poller, listener, EPOLLIN | EPOLLET);
  while (1) {
    struct epoll_event events[512];
    int count = epoll_wait(poller, events, 512, -1);
    for (int i = 0; i < count; i++) {
      if (events[i].data.fd == listener) accept_all(poller, listener);
      else answer(events[i].data.fd);
    }
  }
}

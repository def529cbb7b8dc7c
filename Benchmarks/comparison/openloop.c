// Sends HTTP/1.1 requests at a given rate, whatever becomes of them, and says how long each took.
//
//   openloop PORT TARGET CONNECTIONS RATE SECONDS
//
// Requests come at random times (a Poisson process, the same each run), in turn on connections that are kept alive. A
// request's latency counts from when it was due, also where its connection was still busy with the one before: so a
// server that stalls cannot hide what it made others wait ("coordinated omission"). The generator never sleeps; it
// wants a core of its own. The first second is not counted.
//
// Prints: requests counted, those answered by the end, those not even a second later, those answered a second, and the
// microseconds within which 50, 90, 99 and 99.9 of a hundred were.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// The requests that a connection has still to answer, by when each was due. The first is the one on the wire.
struct connection {
  int descriptor;
  size_t missing;  // bytes of the response
  int64_t *due;
  size_t first, count, capacity;
};

static char request[1024];
static size_t request_length, response_length;
static struct { double *latencies; size_t count, capacity; } results;
static int64_t counted_from;

static void fail(const char *what) {
  fprintf(stderr, "openloop: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int dial(int port) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int descriptor = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
  if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, sizeof address)) fail("connect");
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return descriptor;
}

// Asks once and waits, to learn how long a response is: it is the same each time.
static size_t learn_length(int descriptor) {
  char buffer[65536];
  size_t length = 0;
  if (send(descriptor, request, request_length, 0) < 0) fail("send");
  while (1) {
    ssize_t count = recv(descriptor, buffer + length, sizeof buffer - 1 - length, 0);
    if (count <= 0) fail("recv");
    length += (size_t)count;
    buffer[length] = 0;
    char *end = strstr(buffer, "\r\n\r\n"), *field = strcasestr(buffer, "\r\ncontent-length:");
    if (!end) continue;
    if (strncmp(buffer, "HTTP/1.1 200", 12) || !field || field > end) errno = EPROTO, fail("not a 200 with a length");
    size_t whole = (size_t)(end + 4 - buffer) + strtoul(field + 17, NULL, 10);
    if (length >= whole) return whole;
  }
}

static void ask(struct connection *one) {
  if (send(one->descriptor, request, request_length, MSG_NOSIGNAL) != (ssize_t)request_length) fail("send");
  one->missing = response_length;
}

static void arrive(struct connection *one, int64_t due) {
  if (one->count == one->capacity) {
    size_t capacity = one->capacity ? 2 * one->capacity : 8;
    int64_t *grown = malloc(capacity * sizeof *grown);
    if (!grown) fail("malloc");
    for (size_t i = 0; i < one->count; i++) grown[i] = one->due[(one->first + i) % one->capacity];
    free(one->due);
    one->due = grown, one->first = 0, one->capacity = capacity;
  }
  one->due[(one->first + one->count++) % one->capacity] = due;
  if (one->count == 1) ask(one);
}

static void record(int64_t due, int64_t end) {
  if (due < counted_from) return;
  if (results.count == results.capacity) {
    results.capacity = results.capacity ? 2 * results.capacity : 1 << 16;
    results.latencies = realloc(results.latencies, results.capacity * sizeof *results.latencies);
    if (!results.latencies) fail("realloc");
  }
  results.latencies[results.count++] = (double)(end - due) / 1e3;
}

static void receive(struct connection *one) {
  char buffer[65536];
  ssize_t count = recv(one->descriptor, buffer, sizeof buffer, MSG_DONTWAIT);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) fail("recv");
  if ((size_t)count > one->missing) errno = EPROTO, fail("more came than was asked for");
  if (one->missing == response_length && strncmp(buffer, "HTTP/1.1 200", 12)) errno = EPROTO, fail("not a 200");
  one->missing -= (size_t)count;
  if (one->missing) return;
  record(one->due[one->first], now());
  one->first = (one->first + 1) % one->capacity;
  if (--one->count) ask(one);
}

static void receive_all(int poller) {
  struct epoll_event events[256];
  int count = epoll_wait(poller, events, 256, 0);
  for (int i = 0; i < count; i++) receive(events[i].data.ptr);
}

static int compare(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

static double percentile(double part) {
  return results.count ? results.latencies[(size_t)((double)(results.count - 1) * part)] : 0;
}

int main(int count, char **arguments) {
  if (count != 6) {
    fputs("usage: openloop PORT TARGET CONNECTIONS RATE SECONDS\n", stderr);
    return 64;
  }
  int port = atoi(arguments[1]), connections = atoi(arguments[3]);
  double rate = atof(arguments[4]), seconds = atof(arguments[5]);
  request_length = (size_t)snprintf(
      request, sizeof request, "GET %.900s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", arguments[2], port);

  int poller = epoll_create1(0);
  struct connection *all = calloc((size_t)connections, sizeof *all);
  if (poller < 0 || !all) fail("set-up");
  for (int i = 0; i < connections; i++) {
    all[i].descriptor = dial(port);
    response_length = learn_length(all[i].descriptor);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, all[i].descriptor, &event)) fail("epoll_ctl");
  }

  srand48(1);
  double start = (double)now(), due = start, end = start + (seconds + 1) * 1e9;
  counted_from = (int64_t)start + 1000000000;
  int next = 0;
  while (due < end) {
    while (due <= (double)now() && due < end) {
      arrive(&all[next++ % connections], (int64_t)due);
      due -= log(1 - drand48()) / rate * 1e9;
    }
    receive_all(poller);
  }
  size_t answered = results.count, late = 0;
  int64_t last = now() + 1000000000;
  while (now() < last) receive_all(poller);
  for (int i = 0; i < connections; i++) {
    for (size_t j = 0; j < all[i].count; j++, late++) record(all[i].due[(all[i].first + j) % all[i].capacity], now());
  }
  qsort(results.latencies, results.count, sizeof *results.latencies, compare);
  printf("requests %zu answered %zu late %zu rate %.0f p50 %.1f p90 %.1f p99 %.1f p99.9 %.1f\n", results.count,
         answered, late, (double)answered / seconds, percentile(0.5), percentile(0.9), percentile(0.99),
         percentile(0.999));
}

// Sends HTTP/1.1 requests at a given rate, independent of the answers, and prints their latencies.
//
//   openloop PORT TARGET CONNECTIONS RATE SECONDS
//
// Requests are due at random times (a Poisson process, the same each run), in turn on kept-alive connections. A
// request's latency counts from when it was due, even if its connection was still busy with the previous one: so a
// server that stalls cannot hide the waits of other requests ("coordinated omission"). The generator never sleeps, so
// it needs a core of its own. The first second is not counted.
//
// Prints: requests counted, those answered by the end, those not answered a second later, answers a second, and the
// p50, p90, p99 and p99.9 of latencies in microseconds. "usual" is the median of the p99 of each tenth of a second: pauses
// of the machine, each of which delays hundreds of requests, are in few of them.
#include "load.h"

struct connection {
  int descriptor;
  size_t missing;  // bytes of the response
  struct requests waiting;
};

static char request[1024];
static size_t request_length, response_length;
static struct latencies results;
// The latencies of each tenth of a second, by when the requests were due.
static struct latencies *tenths;
static size_t tenth_count;
static int64_t counted_from;

// Makes one request to learn the length of a response, which is the same each time.
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
  append(&one->waiting, due);
  if (one->waiting.count == 1) ask(one);
}

static void record(int64_t due, int64_t end) {
  if (due < counted_from) return;
  double latency = (double)(end - due) / 1e3;
  add(&results, latency);
  size_t tenth = (size_t)(due - counted_from) / 100000000;
  if (tenth < tenth_count) add(&tenths[tenth], latency);
}

static double usual(void) {
  struct latencies each = {0};
  for (size_t i = 0; i < tenth_count; i++) {
    sort(&tenths[i]);
    add(&each, percentile(&tenths[i], 0.99));
  }
  sort(&each);
  return percentile(&each, 0.5);
}

static void receive(struct connection *one) {
  char buffer[65536];
  ssize_t count = recv(one->descriptor, buffer, sizeof buffer, MSG_DONTWAIT);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) fail("recv");
  if ((size_t)count > one->missing) errno = EPROTO, fail("more bytes than requested");
  if (one->missing == response_length && strncmp(buffer, "HTTP/1.1 200", 12)) errno = EPROTO, fail("not a 200");
  one->missing -= (size_t)count;
  if (one->missing) return;
  record(take_first(&one->waiting), now());
  if (one->waiting.count) ask(one);
}

static void receive_all(int poller) {
  struct epoll_event events[256];
  int count = epoll_wait(poller, events, 256, 0);
  for (int i = 0; i < count; i++) receive(events[i].data.ptr);
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

  tenth_count = (size_t)(seconds * 10);
  tenths = calloc(tenth_count, sizeof *tenths);
  if (!tenths) fail("calloc");
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
    for (; all[i].waiting.count; late++) record(take_first(&all[i].waiting), now());
  }
  sort(&results);
  printf("requests %zu answered %zu late %zu rate %.0f p50 %.1f p90 %.1f p99 %.1f p99.9 %.1f usual %.1f\n",
         results.count, answered, late, (double)answered / seconds, percentile(&results, 0.5),
         percentile(&results, 0.9), percentile(&results, 0.99), percentile(&results, 0.999), usual());
}

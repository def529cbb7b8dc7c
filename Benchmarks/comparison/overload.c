// Sends HTTP/1.1 requests at a changing rate, and prints their outcomes for each part of the time.
//
//   overload PORT TARGET CONNECTIONS PART RATE SECONDS [RATE SECONDS]...
//
// Each pair is a phase. Requests are due at random times (a Poisson process, the same each run), in turn on kept-alive
// connections; a closed one is opened again. A request's latency counts from when it was due, even if its connection
// was still busy with the previous one. A request that is not on the wire a second after it was due is given up. The
// generator never sleeps, so it needs a core of its own.
//
// Prints a line for each PART milliseconds of the run, by when requests were due: when the part began, in milliseconds;
// how many requests were due; how many had a 200 within 100 ms of that; how many had a 200 later; how many had a 503; how
// many had no answer or another status; and the p50, p99 and maximum of the latencies of 200s, in microseconds.
#include "load.h"

#include <stdbool.h>

static const int64_t second = 1000000000, in_time = 100000000;

// The outcomes of the requests that were due in a part of the time.
struct part {
  size_t due, good, late, refused, lost;
  struct latencies latencies;  // of good and late requests
};

struct connection {
  int descriptor;
  char head[4096];
  size_t head_length;
  int status;         // of the response whose content is being read; 0 during its head
  ssize_t missing;    // bytes of the content; -1 if it is chunked
  char tail[5];       // the last bytes of the content
  bool ends;          // whether the server closes the connection after the response
  struct requests waiting;
};

static char request[1024];
static size_t request_length, part_count;
static struct part *parts;
static int64_t start, part_length;
static int port, poller;

static void open_connection(struct connection *one) {
  one->descriptor = dial(port);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = one};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, one->descriptor, &event)) fail("epoll_ctl");
  one->head_length = 0, one->status = 0, one->ends = false;
}

static struct part *part_of(int64_t due) { return &parts[(size_t)((due - start) / part_length) % part_count]; }

static void record(int64_t due, int status) {
  struct part *part = part_of(due);
  int64_t latency = now() - due;
  if (status == 503) part->refused++;
  else if (status != 200) part->lost++;
  else {
    if (latency <= in_time) part->good++; else part->late++;
    add(&part->latencies, (double)latency / 1e3);
  }
}

static void ask(struct connection *one) {
  // Gives up requests that have waited too long for the connection.
  while (one->waiting.count && now() - first_due(&one->waiting) > second) record(take_first(&one->waiting), 0);
  if (!one->waiting.count) return;
  if (send(one->descriptor, request, request_length, MSG_NOSIGNAL) != (ssize_t)request_length) {
    close(one->descriptor), open_connection(one);
    if (send(one->descriptor, request, request_length, MSG_NOSIGNAL) < 0) fail("send");
  }
}

static void arrive(struct connection *one, int64_t due) {
  part_of(due)->due++;
  append(&one->waiting, due);
  if (one->waiting.count == 1) ask(one);
}

static void end(struct connection *one, int status) {
  bool ends = one->ends;
  one->head_length = 0, one->status = 0, one->ends = false;
  if (one->waiting.count) record(take_first(&one->waiting), status);
  if (ends || !status) close(one->descriptor), open_connection(one);
  if (one->waiting.count) ask(one);
}

static const char *field(const char *head, const char *name) {
  const char *found = strcasestr(head, name);
  return found ? found + strlen(name) : NULL;
}

// Takes content of the response; chunked content ends with an empty chunk.
static void take(struct connection *one, const char *bytes, size_t count) {
  if (one->missing >= 0) {
    one->missing -= (ssize_t)count;
    if (one->missing < 0) errno = EPROTO, fail("more bytes than requested");
    if (one->missing == 0) end(one, one->status);
    return;
  }
  for (size_t i = 0; i < count; i++) memmove(one->tail, one->tail + 1, 4), one->tail[4] = bytes[i];
  if (!memcmp(one->tail, "0\r\n\r\n", 5)) end(one, one->status);
}

static void receive(struct connection *one) {
  char buffer[65536];
  ssize_t count = recv(one->descriptor, buffer, sizeof buffer, MSG_DONTWAIT);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) return end(one, 0);
  if (one->status) return take(one, buffer, (size_t)count);
  size_t room = sizeof one->head - 1 - one->head_length, taken = (size_t)count < room ? (size_t)count : room;
  memcpy(one->head + one->head_length, buffer, taken);
  one->head[one->head_length + taken] = 0;
  char *head_end = strstr(one->head, "\r\n\r\n");
  if (!head_end) {
    one->head_length += taken;
    if (taken < (size_t)count) errno = EPROTO, fail("a head is too long");
    return;
  }
  *head_end = 0;
  const char *length = field(one->head, "\r\ncontent-length:"), *closes = field(one->head, "\r\nconnection: close");
  one->status = atoi(one->head + 9), one->ends = closes != NULL;
  one->missing = length ? atol(length) : -1;
  memset(one->tail, 0, sizeof one->tail);
  size_t used = (size_t)(head_end + 4 - one->head) - one->head_length;
  if (one->missing == 0) return end(one, one->status);
  if ((size_t)count > used) take(one, buffer + used, (size_t)count - used);
}

static void receive_all(void) {
  struct epoll_event events[256];
  int count = epoll_wait(poller, events, 256, 0);
  for (int i = 0; i < count; i++) receive(events[i].data.ptr);
}

int main(int count, char **arguments) {
  if (count < 7 || count % 2 == 0) {
    fputs("usage: overload PORT TARGET CONNECTIONS PART RATE SECONDS [RATE SECONDS]...\n", stderr);
    return 64;
  }
  port = atoi(arguments[1]);
  int connections = atoi(arguments[3]);
  part_length = atol(arguments[4]) * 1000000;
  // Lets a server that compresses do so for each request.
  request_length = (size_t)snprintf(
      request, sizeof request, "GET %.800s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept-Encoding: gzip\r\n\r\n",
      arguments[2], port);
  double total = 0;
  for (int i = 5; i < count; i += 2) total += atof(arguments[i + 1]);
  part_count = (size_t)(total * 1e9 / (double)part_length) + 1;
  parts = calloc(part_count, sizeof *parts);
  struct connection *all = calloc((size_t)connections, sizeof *all);
  poller = epoll_create1(0);
  if (poller < 0 || !all || !parts) fail("set-up");
  for (int i = 0; i < connections; i++) open_connection(&all[i]);

  srand48(1);
  start = now();
  double due = (double)start, phase_end = due;
  int next = 0;
  for (int i = 5; i < count; i += 2) {
    double rate = atof(arguments[i]);
    phase_end += atof(arguments[i + 1]) * 1e9;
    while (due < phase_end) {
      while (due <= (double)now() && due < phase_end) {
        arrive(&all[next++ % connections], (int64_t)due);
        due -= log(1 - drand48()) / rate * 1e9;
      }
      receive_all();
    }
  }
  int64_t last = now() + second;
  while (now() < last) receive_all();
  for (int i = 0; i < connections; i++) {
    while (all[i].waiting.count) part_of(take_first(&all[i].waiting))->lost++;
  }
  for (size_t i = 0; i < part_count && parts[i].due; i++) {
    struct part *part = &parts[i];
    sort(&part->latencies);
    printf("%zu %zu %zu %zu %zu %zu %.0f %.0f %.0f\n", i * (size_t)(part_length / 1000000), part->due, part->good,
           part->late, part->refused, part->lost, percentile(&part->latencies, 0.5), percentile(&part->latencies, 0.99),
           percentile(&part->latencies, 1));
  }
}

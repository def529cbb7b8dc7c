// Shared by the load generators: the clock, a connection, and the requests that wait for one.
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

static void fail(const char *what) {
  fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
  exit(1);
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

// A connection to `port` on this machine.
static int dial(int port) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int descriptor = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
  if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, sizeof address)) fail("connect");
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return descriptor;
}

// The unanswered requests of a connection, by the times at which they were due. The first is the one on the wire.
struct requests {
  int64_t *due;
  size_t first, count, capacity;
};

static int64_t first_due(const struct requests *waiting) { return waiting->due[waiting->first]; }

static void append(struct requests *waiting, int64_t due) {
  if (waiting->count == waiting->capacity) {
    size_t capacity = waiting->capacity ? 2 * waiting->capacity : 8;
    int64_t *grown = malloc(capacity * sizeof *grown);
    if (!grown) fail("malloc");
    for (size_t i = 0; i < waiting->count; i++) grown[i] = waiting->due[(waiting->first + i) % waiting->capacity];
    free(waiting->due);
    waiting->due = grown, waiting->first = 0, waiting->capacity = capacity;
  }
  waiting->due[(waiting->first + waiting->count++) % waiting->capacity] = due;
}

static int64_t take_first(struct requests *waiting) {
  int64_t due = first_due(waiting);
  waiting->first = (waiting->first + 1) % waiting->capacity, waiting->count--;
  return due;
}

static int compare(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

// Latencies, in microseconds.
struct latencies {
  double *values;
  size_t count, capacity;
};

static void add(struct latencies *all, double latency) {
  if (all->count == all->capacity) {
    all->capacity = all->capacity ? 2 * all->capacity : 1024;
    all->values = realloc(all->values, all->capacity * sizeof *all->values);
    if (!all->values) fail("realloc");
  }
  all->values[all->count++] = latency;
}

static void sort(struct latencies *all) {
  if (all->count) qsort(all->values, all->count, sizeof *all->values, compare);
}

// The percentile of sorted latencies at `fraction`; 0 if there are none.
static double percentile(const struct latencies *sorted, double fraction) {
  return sorted->count ? sorted->values[(size_t)((double)(sorted->count - 1) * fraction)] : 0;
}

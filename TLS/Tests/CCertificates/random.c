// OpenSSL 3 prefers providers to methods, which it calls deprecated; a provider would be several hundred lines.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "ccertificates.h"

#include <openssl/rand.h>
#include <pthread.h>

/// The state of the calling thread's numbers, if it has numbers of its own.
static _Thread_local struct {
  bool is_seeded;
  uint64_t state;
} numbers;

/// SplitMix64 (Steele, Lea, Flood 2014).
static uint64_t next_number(void) {
  uint64_t mixed = numbers.state += 0x9E3779B97F4A7C15;
  mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9;
  mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB;
  return mixed ^ mixed >> 31;
}

static int draw(unsigned char *bytes, int count) {
  if (!numbers.is_seeded) return RAND_OpenSSL()->bytes(bytes, count);
  for (int i = 0; i < count; i++) bytes[i] = (unsigned char)next_number();
  return 1;
}

static int is_ready(void) { return 1; }

static void install(void) {
  static const RAND_METHOD method = {.bytes = draw, .pseudorand = draw, .status = is_ready};
  RAND_set_rand_method(&method);
}

void seed_random_numbers(uint64_t seed) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, install);
  numbers.is_seeded = true;
  numbers.state = seed;
}

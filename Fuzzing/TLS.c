// Connects the two ends of a TLS connection through a network that the input controls: it splits, changes, drops,
// repeats and invents bytes, before the end of the handshake and after it. Each end may read only a prefix of what the
// other has written.
//
// The first byte of the input sets the ends up; each following pair of bytes is a step and its size.

#include "ctls.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) ((condition) ? (void)0 : (fprintf(stderr, "does not hold: %s\n", #condition), abort()))

// MARK: Shared by all connections

/// Servers and clients: of each, one that speaks at most TLS 1.2 and one that also speaks 1.3.
static gearbox_tls_context *servers[2], *clients[2];

/// The state of random bytes, which are the same in each run of an input.
static uint64_t random_state;

static int random_bytes(unsigned char *bytes, int count) {
  for (int i = 0; i < count; i++) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    bytes[i] = (unsigned char)(random_state >> 56);
  }
  return 1;
}

static int always(void) { return 1; }

int LLVMFuzzerInitialize(int *argument_count, char ***arguments) {
  (void)argument_count, (void)arguments;
  void *certificate, *key;
  size_t certificate_length, key_length;
  CHECK(gearbox_tls_make_self_signed(
    "DNS:localhost", 1000000, &certificate, &certificate_length, &key, &key_length));
  gearbox_tls_ticket_keys *keys = gearbox_tls_ticket_keys_make(3600);
  const uint8_t protocols[] = "\x02h2\x08http/1.1";
  const uint8_t ocsp[] = {0x30, 3, 0x0a, 1, 6};
  for (int i = 0; i < 2; i++) {
    const char *reason;
    servers[i] = gearbox_tls_context_make(true);
    clients[i] = gearbox_tls_context_make(false);
    CHECK(
      gearbox_tls_context_add_identity(
        servers[i], certificate, certificate_length, key, key_length, ocsp, sizeof ocsp, &reason) ==
      gearbox_tls_part_none);
    CHECK(!gearbox_tls_context_add_roots(clients[i], certificate, certificate_length));
    gearbox_tls_context_set_peer(clients[i], gearbox_tls_peer_required);
    gearbox_tls_context_set_stapling(clients[i], gearbox_tls_stapling_requested);
    CHECK(gearbox_tls_context_keep_sessions(clients[i], 8));
    CHECK(gearbox_tls_context_set_tickets(servers[i], keys, "", 0));
    for (int end = 0; end < 2; end++) {
      gearbox_tls_context *one = end == 0 ? servers[i] : clients[i];
      CHECK(gearbox_tls_context_set_versions(one, 0x0303, i == 0 ? 0x0303 : 0x0304));
      CHECK(gearbox_tls_context_set_protocols(one, protocols, sizeof protocols - 1));
    }
  }
  free(certificate);
  free(key);
  static const RAND_METHOD method = {
    .bytes = random_bytes, .pseudorand = random_bytes, .status = always};
  CHECK(RAND_set_rand_method(&method) == 1);
  return 0;
}

// MARK: One end

typedef struct {
  gearbox_tls_connection *connection;
  bool is_shaken, has_failed, is_shut_down;
  /// The bytes in flight to this end.
  uint8_t *flight;
  size_t flight_length;
  /// The numbers of bytes that it has written and read.
  size_t written, read;
} end;

/// The byte at `place` in the output of every end.
static uint8_t byte_at(size_t place) { return (uint8_t)(place * 31 >> 3); }

static void add(end *one, const void *bytes, size_t length) {
  one->flight = realloc(one->flight, one->flight_length + length + 1);
  memcpy(one->flight + one->flight_length, bytes, length);
  one->flight_length += length;
}

static void drop(end *one, size_t length) {
  one->flight_length -= length;
  memmove(one->flight, one->flight + length, one->flight_length);
}

/// Sends the pending output of `one` to `other`.
static void deliver(end *one, end *other) {
  size_t length = 0;
  size_t announced = gearbox_tls_output_length(one->connection);
  void *output = gearbox_tls_take_output(one->connection, &length);
  CHECK((output != NULL) == (announced > 0) && length == announced);
  if (output) add(other, output, length);
  free(output);
}

/// Removes the bytes that a call has consumed of `offered` ones: all of them if it wants more.
static void note(end *one, gearbox_tls_result result, size_t offered) {
  CHECK(result.consumed <= offered);
  CHECK(result.outcome != gearbox_tls_wants_input || result.consumed == offered);
  CHECK(!one->has_failed || result.outcome == gearbox_tls_failed);
  if (result.outcome == gearbox_tls_failed) {
    one->has_failed = true;
    // A program would print the reason.
    if (result.failure.reason) CHECK(strlen(result.failure.reason) < 1000);
    if (result.failure.verification_reason) CHECK(strlen(result.failure.verification_reason) < 1000);
    CHECK(result.failure.alert >= -1 && result.failure.alert <= 255);
  }
  drop(one, result.consumed);
}

/// A copy of the first `length` bytes of the flight, so that AddressSanitizer detects reads beyond them.
static uint8_t *copy(const end *one, size_t length) {
  uint8_t *bytes = malloc(length ? length : 1);
  memcpy(bytes, one->flight, length);
  return bytes;
}

static void look(const end *one) {
  size_t length = 0;
  (void)gearbox_tls_version(one->connection);
  (void)gearbox_tls_cipher(one->connection);
  (void)gearbox_tls_server_name(one->connection);
  (void)gearbox_tls_is_resumed(one->connection);
  const uint8_t *protocol = gearbox_tls_protocol(one->connection, &length);
  if (protocol) CHECK(length <= 255);
  const uint8_t *response = gearbox_tls_ocsp_response(one->connection, &length);
  if (response && length) CHECK(response[length - 1] <= 255);
  for (size_t i = 0; i < 3; i++) free(gearbox_tls_peer_certificate(one->connection, i, &length));
}

static void shake(end *one, size_t length) {
  uint8_t *input = copy(one, length);
  gearbox_tls_result result = gearbox_tls_handshake(one->connection, input, length);
  free(input);
  note(one, result, length);
  if (result.outcome == gearbox_tls_done) one->is_shaken = true;
}

static void read_some(end *one, const end *other, size_t length, size_t room) {
  uint8_t *input = copy(one, length), *bytes = malloc(room);
  gearbox_tls_result result = gearbox_tls_read(one->connection, input, length, bytes, room);
  CHECK(result.count <= room);
  for (size_t i = 0; i < result.count; i++) CHECK(bytes[i] == byte_at(one->read + i));
  one->read += result.count;
  CHECK(one->read <= other->written);
  // An end of the stream means that nothing is missing.
  if (result.outcome == gearbox_tls_ended) CHECK(other->is_shut_down && one->read == other->written);
  free(bytes);
  free(input);
  note(one, result, length);
  (void)gearbox_tls_pending(one->connection);
}

static void write_some(end *one, size_t length) {
  uint8_t *bytes = malloc(length ? length : 1);
  for (size_t i = 0; i < length; i++) bytes[i] = byte_at(one->written + i);
  gearbox_tls_result result = gearbox_tls_write(one->connection, bytes, length);
  CHECK(result.outcome == gearbox_tls_failed || (result.outcome == gearbox_tls_done && result.count == length));
  one->written += result.count;
  free(bytes);
  note(one, result, 0);
}

// MARK: Two ends

static void begin(end ends[2], uint8_t setting, const char *server) {
  memset(ends, 0, 2 * sizeof *ends);
  ends[0].connection = gearbox_tls_connection_make(servers[setting & 1], true);
  ends[1].connection = gearbox_tls_connection_make(clients[setting >> 1 & 1], false);
  CHECK(ends[0].connection && ends[1].connection);
  CHECK(gearbox_tls_connection_expect(ends[1].connection, "localhost"));
  if (setting & 4) gearbox_tls_connection_resume(ends[1].connection, server);
}

static void finish(end ends[2]) {
  for (int i = 0; i < 2; i++) {
    look(&ends[i]);
    gearbox_tls_connection_free(ends[i].connection);
    free(ends[i].flight);
  }
}

/// Continues the handshake on both ends until it is done or neither end has output.
static void shake_both(end ends[2]) {
  for (int turns = 0; turns < 8; turns++) {
    end *one = &ends[1 - turns % 2];
    if (!one->is_shaken && !one->has_failed) shake(one, one->flight_length);
    deliver(one, &ends[turns % 2]);
  }
}

/// Runs a step of `one` with `size`, which may use the rest of the input, `bytes`. Returns how many of them it used.
static size_t step(end *one, end *other, uint8_t kind, uint8_t size, const uint8_t *bytes, size_t count) {
  // Up to a few records.
  size_t length = (size_t)size * size;
  size_t some = size < one->flight_length ? size : one->flight_length;
  switch (kind) {
  case 1: if (!one->is_shaken) shake(one, one->flight_length); break;
  case 2: if (!one->is_shaken) shake(one, some); break;
  case 3: if (one->is_shaken && !one->is_shut_down) write_some(one, length); break;
  case 4: if (one->is_shaken) read_some(one, other, one->flight_length, length + 1); break;
  case 5: if (one->is_shaken) read_some(one, other, some, 16); break;
  case 6:
    // After a failure an end sends nothing, which is not an error.
    if (!one->is_shaken || one->has_failed) break;
    note(one, gearbox_tls_shutdown(one->connection), 0);
    one->is_shut_down = true;
    break;
  case 7: deliver(one, other); break;
  case 8: drop(one, some); break;
  case 9: one->flight_length -= some; break;
  case 10: if (some > 0) one->flight[some - 1] ^= 0x55; break;
  case 11: if (some > 0) one->flight[one->flight_length - some] ^= 0x55; break;
  case 12:
    // Repeated bytes.
    if (one->flight_length > 0 && one->flight_length < 100000) {
      uint8_t *again = copy(one, one->flight_length);
      add(one, again, one->flight_length);
      free(again);
    }
    break;
  case 13:
  case 14: {
    // Invented bytes, with the head of a record before them for one of the kinds.
    size_t taken = size < count ? size : count;
    uint8_t head[5] = {20 + size % 4, 3, 3, (uint8_t)(taken >> 8), (uint8_t)taken};
    if (kind == 14) add(one, head, sizeof head);
    add(one, bytes, taken);
    return taken;
  }
  default: look(one);
  }
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t count) {
  static uint64_t number;
  if (count == 0) return 0;
  random_state = 1;
  // Sessions are resumed only within one input.
  char server[32];
  snprintf(server, sizeof server, "%llu", (unsigned long long)number++);
  end ends[2];
  begin(ends, input[0], server);
  for (size_t place = 1; place + 1 < count;) {
    uint8_t kind = input[place] & 15, size = input[place + 1];
    end *one = &ends[input[place] >> 4 & 1], *other = &ends[~input[place] >> 4 & 1];
    place += 2;
    if (kind == 0 && size < 128) {
      shake_both(ends);
    } else if (kind == 0) {
      finish(ends);
      begin(ends, input[0], server);
    } else {
      place += step(one, other, kind, size, input + place, count - place);
    }
  }
  finish(ends);
  return 0;
}

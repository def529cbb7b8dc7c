// Declarations shared by the C files of this target.
#pragma once

#include "ctls.h"

#include <openssl/ssl.h>

/// A certificate chain and its key.
typedef struct {
  X509 *leaf;
  STACK_OF(X509) * chain;
  EVP_PKEY *key;
  unsigned char *ocsp;
  size_t ocsp_length;
  /// Whether it is used for clients that request no server name, or an unknown one.
  bool is_default;
} identity;

/// The sessions that a client can resume.
typedef struct gearbox_tls_sessions gearbox_tls_sessions;

struct gearbox_tls_context {
  SSL_CTX *ssl;
  bool is_server;
  bool refuses_unknown_names;
  identity *identities;
  size_t identity_count;
  uint8_t *protocols;
  size_t protocols_length;
  gearbox_tls_ticket_keys *keys;
  /// The sessions that a client can resume; NULL if it keeps none.
  gearbox_tls_sessions *sessions;
};

struct gearbox_tls_connection {
  SSL *ssl;
  gearbox_tls_context *context;
  /// The key of a client's kept sessions; NULL if none are kept.
  char *server;
  /// Bytes from the peer, borrowed for the duration of a call.
  const uint8_t *input;
  size_t input_length;
  /// Bytes for the peer.
  uint8_t *output;
  size_t output_length, output_capacity;
  /// The last fatal alert, or -1.
  int16_t alert;
  bool alert_is_peers;
  bool has_failed;
  /// The reason, if it has failed.
  gearbox_tls_failure failure;
  /// The reason why a client rejects the server's OCSP response, a constant string.
  const char *staple_fault;
  /// The first bytes from the peer, which distinguish HTTP from TLS.
  uint8_t first[5];
  uint8_t first_length;
};

/// Returns the connection that `ssl` belongs to.
static inline gearbox_tls_connection *connection_of(const SSL *ssl) { return SSL_get_app_data(ssl); }

/// Returns OpenSSL's message for the first error in the queue, a constant string. Clears the queue.
const char *take_reason(void);

/// Makes `context` encrypt tickets with its keys.
bool use_ticket_keys(gearbox_tls_context *context);

/// Creates a store for `capacity` sessions. Returns NULL if there is no memory.
gearbox_tls_sessions *make_sessions(size_t capacity);
void free_sessions(gearbox_tls_sessions *sessions);

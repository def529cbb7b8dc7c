// What the C files of this target know of each other.
#pragma once

#include "ctls.h"

#include <openssl/ssl.h>

/// A chain of certificates with its key.
typedef struct {
  X509 *leaf;
  STACK_OF(X509) * chain;
  EVP_PKEY *key;
  unsigned char *ocsp;
  size_t ocsp_length;
  /// Whether it is for clients that name no server, or one that no certificate is for.
  bool is_default;
} identity;

/// Sessions that a client can resume.
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
  /// What a client can resume; NULL if it keeps nothing.
  gearbox_tls_sessions *sessions;
};

struct gearbox_tls_connection {
  SSL *ssl;
  gearbox_tls_context *context;
  /// What a client's sessions are kept under; NULL if none is.
  char *server;
  /// What the peer has sent, lent for the duration of a call.
  const uint8_t *input;
  size_t input_length;
  /// What is for the peer.
  uint8_t *output;
  size_t output_length, output_capacity;
  /// The last alert that ends a connection, or -1.
  int16_t alert;
  bool alert_is_peers;
  bool has_failed;
  /// Why, once it has.
  gearbox_tls_failure failure;
  /// Why a client does not take the server's OCSP response, a constant string.
  const char *staple_fault;
  /// What the peer sent first, which tells HTTP from TLS.
  uint8_t first[5];
  uint8_t first_length;
};

/// The connection that `ssl` belongs to.
static inline gearbox_tls_connection *connection_of(const SSL *ssl) { return SSL_get_app_data(ssl); }

/// OpenSSL's words for the first error in the queue, a constant string. Clears the queue.
const char *take_reason(void);

/// Has `context` encrypt tickets with its keys.
bool use_ticket_keys(gearbox_tls_context *context);

/// Room for `capacity` sessions; NULL if there is no memory.
gearbox_tls_sessions *make_sessions(size_t capacity);
void free_sessions(gearbox_tls_sessions *sessions);

// OpenSSL as an engine without input and output: bytes from the peer go in, bytes for the peer come out.
//
// OpenSSL stores errors in a queue of the calling thread. Each function here clears the queue, makes its call and reads
// the error, so a task may be on another thread the next time. None of the functions waits.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// MARK: Contexts

/// The shared settings of many connections (`SSL_CTX`). They do not change once there are connections.
typedef struct gearbox_tls_context gearbox_tls_context;

/// The keys that encrypt session tickets. Several contexts may share them.
typedef struct gearbox_tls_ticket_keys gearbox_tls_ticket_keys;

/// Creates a context for servers or for clients, without certificates. Returns NULL if there is no memory.
gearbox_tls_context *_Nullable gearbox_tls_context_make(bool is_server);
void gearbox_tls_context_free(gearbox_tls_context *_Nonnull context);

/// The invalid part of an identity.
typedef enum {
  gearbox_tls_part_none,
  gearbox_tls_part_certificate,
  gearbox_tls_part_key,
  gearbox_tls_part_both,
} gearbox_tls_part;

/// Adds a certificate chain and its key, both as PEM, and an optional DER-encoded OCSP response to send with it.
///
/// Returns the invalid part, and its `reason`, a constant string.
gearbox_tls_part gearbox_tls_context_add_identity(
  gearbox_tls_context *_Nonnull context, const void *_Nullable chain, size_t chain_length, const void *_Nullable key,
  size_t key_length, const void *_Nullable ocsp, size_t ocsp_length, const char *_Nullable *_Nonnull reason);

/// Trusts the certificates in `roots`, as PEM. A server also sends their names to its clients.
///
/// Returns NULL on success, otherwise the reason, a constant string.
const char *_Nullable gearbox_tls_context_add_roots(
  gearbox_tls_context *_Nonnull context, const void *_Nullable roots, size_t length);

/// Trusts the system's roots. Returns whether that succeeded.
bool gearbox_tls_context_trust_system(gearbox_tls_context *_Nonnull context);

/// Whether the peer needs a certificate.
typedef enum {
  gearbox_tls_peer_unverified,
  gearbox_tls_peer_requested,
  gearbox_tls_peer_required,
} gearbox_tls_peer;

void gearbox_tls_context_set_peer(gearbox_tls_context *_Nonnull context, gearbox_tls_peer peer);

/// Whether a client requests an OCSP response for the server's certificate.
typedef enum {
  gearbox_tls_stapling_none,
  gearbox_tls_stapling_requested,
  /// A response must be present and report the certificate as good.
  gearbox_tls_stapling_required,
} gearbox_tls_stapling;

void gearbox_tls_context_set_stapling(gearbox_tls_context *_Nonnull context, gearbox_tls_stapling stapling);

/// Makes the client keep up to `capacity` sessions, at least one, to resume them.
///
/// Returns whether there is enough memory.
bool gearbox_tls_context_keep_sessions(gearbox_tls_context *_Nonnull context, size_t capacity);

/// Sets the versions, with the protocol's numbers: 0x0303 is 1.2 and 0x0304 is 1.3. Returns whether they are supported.
bool gearbox_tls_context_set_versions(gearbox_tls_context *_Nonnull context, int minimum, int maximum);

/// Sets the ciphers of 1.2, in OpenSSL's notation. Returns whether at least one is supported.
bool gearbox_tls_context_set_ciphers(gearbox_tls_context *_Nonnull context, const char *_Nonnull list);

/// Sets the cipher suites of 1.3, by name, separated by colons. Returns whether OpenSSL supports them.
bool gearbox_tls_context_set_suites(gearbox_tls_context *_Nonnull context, const char *_Nonnull list);

/// Sets the protocols for ALPN (RFC 7301), most preferred first, each preceded by its length.
bool gearbox_tls_context_set_protocols(
  gearbox_tls_context *_Nonnull context, const uint8_t *_Nonnull list, size_t length);

/// Makes the server reject names without a matching certificate.
void gearbox_tls_context_refuse_unknown_names(gearbox_tls_context *_Nonnull context);

/// Makes the server issue tickets encrypted with `keys`, which must outlive the context. Otherwise it issues none.
///
/// A session can be resumed if `scope` is the same: the demands on clients, and the trusted roots. Returns whether that
/// succeeded.
bool gearbox_tls_context_set_tickets(
  gearbox_tls_context *_Nonnull context, gearbox_tls_ticket_keys *_Nonnull keys, const void *_Nullable scope,
  size_t scope_length);

/// Creates ticket keys. A key is used for `lifetime` seconds and accepted for as long again. Returns NULL if there is
/// no memory.
gearbox_tls_ticket_keys *_Nullable gearbox_tls_ticket_keys_make(int64_t lifetime);
void gearbox_tls_ticket_keys_free(gearbox_tls_ticket_keys *_Nonnull keys);

// MARK: Connections

/// One end of a connection (`SSL`). Calls for the same connection must not be concurrent.
typedef struct gearbox_tls_connection gearbox_tls_connection;

/// Creates an end of a connection with `context`, which must outlive it. Returns NULL if there is no memory.
gearbox_tls_connection *_Nullable gearbox_tls_connection_make(
  gearbox_tls_context *_Nonnull context, bool is_server);
void gearbox_tls_connection_free(gearbox_tls_connection *_Nonnull connection);

/// Requires the server's certificate to be valid for `name`, a host name or an IP address. Returns whether `name` is
/// valid.
bool gearbox_tls_connection_expect(gearbox_tls_connection *_Nonnull connection, const char *_Nonnull name);

/// Resumes a session that the context has kept for `server`, if there is one, and keeps the sessions of this
/// connection. The server does not prove its identity again, so `server` must contain the expected name.
void gearbox_tls_connection_resume(gearbox_tls_connection *_Nonnull connection, const char *_Nonnull server);

/// The outcome of a call.
typedef enum {
  /// The call has completed.
  gearbox_tls_done,
  /// All input is consumed, and more is needed.
  gearbox_tls_wants_input,
  /// The peer has sent a `close_notify`.
  gearbox_tls_ended,
  /// The connection has failed for good.
  gearbox_tls_failed,
} gearbox_tls_outcome;

/// The reason for a failure.
typedef struct {
  /// OpenSSL's message, a constant string.
  const char *_Nullable reason;
  /// The alert that was sent or received, or -1.
  int16_t alert;
  bool alert_is_peers;
  /// Whether the client sent plain HTTP.
  bool is_plain_http;
  /// The reason why the peer's certificate was rejected: an X509_V_ERR_ number, or 0 for its OCSP response, and a
  /// constant string.
  int32_t verification;
  const char *_Nullable verification_reason;
} gearbox_tls_failure;

/// The result of a call.
typedef struct {
  gearbox_tls_outcome outcome;
  /// The number of the caller's bytes that were decrypted or encrypted.
  size_t count;
  /// The number of consumed input bytes.
  size_t consumed;
  /// The reason, if it failed.
  gearbox_tls_failure failure;
} gearbox_tls_result;

/// Continues the handshake with `input` from the peer.
gearbox_tls_result gearbox_tls_handshake(
  gearbox_tls_connection *_Nonnull connection, const void *_Nullable input, size_t input_length);

/// Decrypts `input` from the peer into `bytes`, as much as fits. Decrypted bytes count even if the call fails.
gearbox_tls_result gearbox_tls_read(
  gearbox_tls_connection *_Nonnull connection, const void *_Nullable input, size_t input_length, void *_Nonnull bytes,
  size_t length);

/// Encrypts `bytes`.
gearbox_tls_result gearbox_tls_write(
  gearbox_tls_connection *_Nonnull connection, const void *_Nonnull bytes, size_t length);

/// Sends a `close_notify`.
gearbox_tls_result gearbox_tls_shutdown(gearbox_tls_connection *_Nonnull connection);

/// Returns the number of bytes for the peer.
size_t gearbox_tls_output_length(const gearbox_tls_connection *_Nonnull connection);

/// Takes the bytes for the peer, which the caller frees with `free`, and their `length`. Returns NULL if there are
/// none.
void *_Nullable gearbox_tls_take_output(
  gearbox_tls_connection *_Nonnull connection, size_t *_Nonnull length);

/// Returns the number of decrypted bytes that have not been read.
size_t gearbox_tls_pending(const gearbox_tls_connection *_Nonnull connection);

// MARK: Negotiated parameters

/// Returns the version, with the protocol's number.
int gearbox_tls_version(const gearbox_tls_connection *_Nonnull connection);
const char *_Nullable gearbox_tls_cipher(const gearbox_tls_connection *_Nonnull connection);
const char *_Nullable gearbox_tls_server_name(const gearbox_tls_connection *_Nonnull connection);
bool gearbox_tls_is_resumed(const gearbox_tls_connection *_Nonnull connection);

/// Returns the protocol selected by ALPN, which is not terminated, and its `length`. Returns NULL if there is none.
const uint8_t *_Nullable gearbox_tls_protocol(
  const gearbox_tls_connection *_Nonnull connection, size_t *_Nonnull length);

/// Returns the OCSP response that a client has received, and its `length`. Returns NULL if there is none.
const uint8_t *_Nullable gearbox_tls_ocsp_response(
  const gearbox_tls_connection *_Nonnull connection, size_t *_Nonnull length);

/// Returns the peer's certificate number `index`, its own first, as DER. The caller frees it. Returns NULL if there is
/// none.
void *_Nullable gearbox_tls_peer_certificate(
  const gearbox_tls_connection *_Nonnull connection, size_t index, size_t *_Nonnull length);

// MARK: Certificates

/// Creates a certificate for `names`, in OpenSSL's notation (`DNS:localhost,IP:127.0.0.1`), and its key, both as PEM.
///
/// Returns whether that succeeded. The caller frees `certificate` and `key`.
bool gearbox_tls_make_self_signed(
  const char *_Nonnull names, long seconds, void *_Nullable *_Nonnull certificate, size_t *_Nonnull certificate_length,
  void *_Nullable *_Nonnull key, size_t *_Nonnull key_length);

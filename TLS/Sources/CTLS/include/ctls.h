// OpenSSL as an engine without input and output: bytes of the peer go in, bytes for the peer come out.
//
// OpenSSL keeps errors in a queue of the calling thread. Each function here clears the queue, makes its call and reads the
// error, so that a task may be on another thread the next time. None of the functions waits.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// MARK: Contexts

/// What many connections have in common (`SSL_CTX`). It does not change once there are connections.
typedef struct gearbox_tls_context gearbox_tls_context;

/// The keys that session tickets are encrypted with, which several contexts may share.
typedef struct gearbox_tls_ticket_keys gearbox_tls_ticket_keys;

/// A context for servers or for clients, without certificates; NULL if there is no memory for it.
gearbox_tls_context *_Nullable gearbox_tls_context_make(bool is_server);
void gearbox_tls_context_free(gearbox_tls_context *_Nonnull context);

/// What of an identity is wrong.
typedef enum {
  gearbox_tls_part_none,
  gearbox_tls_part_certificate,
  gearbox_tls_part_key,
  gearbox_tls_part_both,
} gearbox_tls_part;

/// Adds a chain of certificates and its key, both as PEM, and a DER-encoded OCSP response to send with it, if any.
///
/// Returns which part is wrong, and leaves in `reason` why, a constant string.
gearbox_tls_part gearbox_tls_context_add_identity(
  gearbox_tls_context *_Nonnull context, const void *_Nullable chain, size_t chain_length, const void *_Nullable key,
  size_t key_length, const void *_Nullable ocsp, size_t ocsp_length, const char *_Nullable *_Nonnull reason);

/// Trusts the certificates in `roots`, as PEM. A server also names them to its clients.
///
/// Returns why that cannot be done, a constant string; NULL if it is done.
const char *_Nullable gearbox_tls_context_add_roots(
  gearbox_tls_context *_Nonnull context, const void *_Nullable roots, size_t length);

/// Trusts what the system trusts. Returns whether that could be set.
bool gearbox_tls_context_trust_system(gearbox_tls_context *_Nonnull context);

/// Whether the peer has to have a certificate.
typedef enum {
  gearbox_tls_peer_unverified,
  gearbox_tls_peer_requested,
  gearbox_tls_peer_required,
} gearbox_tls_peer;

void gearbox_tls_context_set_peer(gearbox_tls_context *_Nonnull context, gearbox_tls_peer peer);

/// Whether a client asks for an OCSP response with the server's certificate.
typedef enum {
  gearbox_tls_stapling_none,
  gearbox_tls_stapling_requested,
  /// There has to be one that says of the certificate that it is good.
  gearbox_tls_stapling_required,
} gearbox_tls_stapling;

void gearbox_tls_context_set_stapling(gearbox_tls_context *_Nonnull context, gearbox_tls_stapling stapling);

/// Has the client keep up to `capacity` sessions, of which there has to be one at least, so as to resume them.
///
/// Returns whether there is memory for it.
bool gearbox_tls_context_keep_sessions(gearbox_tls_context *_Nonnull context, size_t capacity);

/// Sets the versions, as in the protocol: 0x0303 is 1.2 and 0x0304 is 1.3. Returns whether there are such.
bool gearbox_tls_context_set_versions(gearbox_tls_context *_Nonnull context, int minimum, int maximum);

/// Sets the ciphers of 1.2, in OpenSSL's notation. Returns whether there is any.
bool gearbox_tls_context_set_ciphers(gearbox_tls_context *_Nonnull context, const char *_Nonnull list);

/// Sets the cipher suites of 1.3, by name, with colons between. Returns whether OpenSSL knows them.
bool gearbox_tls_context_set_suites(gearbox_tls_context *_Nonnull context, const char *_Nonnull list);

/// Sets the protocols for ALPN (RFC 7301), the most wanted first, each with its length before it.
bool gearbox_tls_context_set_protocols(
  gearbox_tls_context *_Nonnull context, const uint8_t *_Nonnull list, size_t length);

/// Has the server refuse names that no certificate is for.
void gearbox_tls_context_refuse_unknown_names(gearbox_tls_context *_Nonnull context);

/// Has the server give tickets that are encrypted with `keys`, which outlive the context; without, it gives none.
///
/// A session can be resumed where `scope` is the same: what clients were asked for, and by which roots they were trusted.
/// Returns whether that could be set.
bool gearbox_tls_context_set_tickets(
  gearbox_tls_context *_Nonnull context, gearbox_tls_ticket_keys *_Nonnull keys, const void *_Nullable scope,
  size_t scope_length);

/// Keys, the newest of which is used for `lifetime` seconds and known for as long again; NULL if there is no memory.
gearbox_tls_ticket_keys *_Nullable gearbox_tls_ticket_keys_make(int64_t lifetime);
void gearbox_tls_ticket_keys_free(gearbox_tls_ticket_keys *_Nonnull keys);

// MARK: Connections

/// One end of a connection (`SSL`). Calls for one connection are made one at a time.
typedef struct gearbox_tls_connection gearbox_tls_connection;

/// An end of a connection with `context`, which outlives it; NULL if there is no memory.
gearbox_tls_connection *_Nullable gearbox_tls_connection_make(
  gearbox_tls_context *_Nonnull context, bool is_server);
void gearbox_tls_connection_free(gearbox_tls_connection *_Nonnull connection);

/// Expects the server's certificate to be for `name`, a host name or an IP address. Returns whether that can be.
bool gearbox_tls_connection_expect(gearbox_tls_connection *_Nonnull connection, const char *_Nonnull name);

/// Resumes a session that the context has kept for `server`, if there is one, and has it keep those of this connection.
/// The server does not prove again who it is, so `server` has to contain the name that it is expected to have.
void gearbox_tls_connection_resume(gearbox_tls_connection *_Nonnull connection, const char *_Nonnull server);

/// How a call has ended.
typedef enum {
  /// All that was asked for is done.
  gearbox_tls_done,
  /// All input is used up, and more is needed.
  gearbox_tls_wants_input,
  /// The peer has said that it writes no more (`close_notify`).
  gearbox_tls_ended,
  /// The connection has failed for good.
  gearbox_tls_failed,
} gearbox_tls_outcome;

/// Why a connection has failed.
typedef struct {
  /// OpenSSL's words, a constant string.
  const char *_Nullable reason;
  /// The alert that was sent or received, or -1.
  int16_t alert;
  bool alert_is_peers;
  /// Whether the client has sent HTTP in the clear.
  bool is_plain_http;
  /// Whether the peer's certificate was refused, and why: an X509_V_ERR_ number, 0 for its OCSP response, and a constant
  /// string.
  int32_t verification;
  const char *_Nullable verification_reason;
} gearbox_tls_failure;

/// What a call has done.
typedef struct {
  gearbox_tls_outcome outcome;
  /// How many bytes of the caller's were decrypted or encrypted.
  size_t count;
  /// How many bytes of the input were used.
  size_t consumed;
  /// Where it has failed.
  gearbox_tls_failure failure;
} gearbox_tls_result;

/// Goes on with the handshake, with `input` of the peer's.
gearbox_tls_result gearbox_tls_handshake(
  gearbox_tls_connection *_Nonnull connection, const void *_Nullable input, size_t input_length);

/// Decrypts `input` of the peer's into `bytes`, as much as there is room for. What was decrypted counts though it fails.
gearbox_tls_result gearbox_tls_read(
  gearbox_tls_connection *_Nonnull connection, const void *_Nullable input, size_t input_length, void *_Nonnull bytes,
  size_t length);

/// Encrypts `bytes`.
gearbox_tls_result gearbox_tls_write(
  gearbox_tls_connection *_Nonnull connection, const void *_Nonnull bytes, size_t length);

/// Says that no more will be written (`close_notify`).
gearbox_tls_result gearbox_tls_shutdown(gearbox_tls_connection *_Nonnull connection);

/// How many bytes are for the peer.
size_t gearbox_tls_output_length(const gearbox_tls_connection *_Nonnull connection);

/// Takes what is for the peer: memory for `free`, and in `length` how much it is. NULL if there is nothing.
void *_Nullable gearbox_tls_take_output(
  gearbox_tls_connection *_Nonnull connection, size_t *_Nonnull length);

/// How many bytes are decrypted and not read.
size_t gearbox_tls_pending(const gearbox_tls_connection *_Nonnull connection);

// MARK: What was agreed upon

/// The version, as in the protocol.
int gearbox_tls_version(const gearbox_tls_connection *_Nonnull connection);
const char *_Nullable gearbox_tls_cipher(const gearbox_tls_connection *_Nonnull connection);
const char *_Nullable gearbox_tls_server_name(const gearbox_tls_connection *_Nonnull connection);
bool gearbox_tls_is_resumed(const gearbox_tls_connection *_Nonnull connection);

/// The protocol that ALPN has chosen, which is no longer than `length` says; NULL if none was.
const uint8_t *_Nullable gearbox_tls_protocol(
  const gearbox_tls_connection *_Nonnull connection, size_t *_Nonnull length);

/// The OCSP response that a client has been sent, which is no longer than `length` says; NULL if there was none.
const uint8_t *_Nullable gearbox_tls_ocsp_response(
  const gearbox_tls_connection *_Nonnull connection, size_t *_Nonnull length);

/// The peer's certificate number `index`, its own first, as DER: memory for `free`. NULL if there is none.
void *_Nullable gearbox_tls_peer_certificate(
  const gearbox_tls_connection *_Nonnull connection, size_t index, size_t *_Nonnull length);

// MARK: Certificates

/// Makes a certificate for `names`, in OpenSSL's notation (`DNS:localhost,IP:127.0.0.1`), and its key, both as PEM.
///
/// Returns whether that could be done. What it leaves in `certificate` and `key` is to be freed with `free`.
bool gearbox_tls_make_self_signed(
  const char *_Nonnull names, long seconds, void *_Nullable *_Nonnull certificate, size_t *_Nonnull certificate_length,
  void *_Nullable *_Nonnull key, size_t *_Nonnull key_length);

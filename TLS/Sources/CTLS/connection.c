#include "internal.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// MARK: The BIO that connects OpenSSL to a connection's buffers

static int bio_read(BIO *bio, char *bytes, size_t length, size_t *count) {
  gearbox_tls_connection *connection = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (connection->input_length == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  size_t taken = length < connection->input_length ? length : connection->input_length;
  memcpy(bytes, connection->input, taken);
  for (size_t i = 0; i < taken && connection->first_length < sizeof connection->first; i++)
    connection->first[connection->first_length++] = connection->input[i];
  connection->input += taken;
  connection->input_length -= taken;
  *count = taken;
  return 1;
}

/// Reserves space for `length` more bytes of output. Returns whether there is enough memory.
static bool reserve(gearbox_tls_connection *connection, size_t length) {
  size_t needed = connection->output_length + length;
  if (needed <= connection->output_capacity) return true;
  size_t capacity = 2 * connection->output_capacity > needed ? 2 * connection->output_capacity : needed;
  uint8_t *output = realloc(connection->output, capacity);
  if (!output) return false;
  connection->output = output;
  connection->output_capacity = capacity;
  return true;
}

static int bio_write(BIO *bio, const char *bytes, size_t length, size_t *count) {
  gearbox_tls_connection *connection = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (!reserve(connection, length)) return 0;
  memcpy(connection->output + connection->output_length, bytes, length);
  connection->output_length += length;
  *count = length;
  return 1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer) {
  (void)bio, (void)number, (void)pointer;
  // The BIO writes directly to its buffer, so there is nothing to flush. Other commands are not supported.
  return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static void make_method(void) {
  method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "gearbox");
  if (!method) return;
  BIO_meth_set_read_ex(method, bio_read);
  BIO_meth_set_write_ex(method, bio_write);
  BIO_meth_set_ctrl(method, bio_control);
}

// MARK: Creation

static void note_alert(const SSL *ssl, int where, int value) {
  if (!(where & SSL_CB_ALERT)) return;
  // The level is in the upper byte. A close_notify only ends one direction and is not an error.
  if (value >> 8 != SSL3_AL_FATAL) return;
  gearbox_tls_connection *connection = connection_of(ssl);
  connection->alert = value & 0xff;
  connection->alert_is_peers = (where & SSL_CB_READ) != 0;
}

gearbox_tls_connection *gearbox_tls_connection_make(gearbox_tls_context *context, bool is_server) {
  pthread_once(&method_once, make_method);
  if (!method) return NULL;
  gearbox_tls_connection *connection = calloc(1, sizeof *connection);
  if (!connection) return NULL;
  ERR_clear_error();
  connection->context = context;
  connection->alert = -1;
  connection->ssl = SSL_new(context->ssl);
  BIO *bio = BIO_new(method);
  if (!connection->ssl || !bio) {
    BIO_free(bio);
    SSL_free(connection->ssl);
    free(connection);
    ERR_clear_error();
    return NULL;
  }
  BIO_set_data(bio, connection);
  BIO_set_init(bio, 1);
  SSL_set_bio(connection->ssl, bio, bio);
  SSL_set_app_data(connection->ssl, connection);
  SSL_set_info_callback(connection->ssl, note_alert);
  if (is_server)
    SSL_set_accept_state(connection->ssl);
  else
    SSL_set_connect_state(connection->ssl);
  return connection;
}

void gearbox_tls_connection_free(gearbox_tls_connection *connection) {
  // Without this, OpenSSL would not resume the session of a connection that ended without a close_notify. That rule
  // does not apply since TLS 1.1 (RFC 4346 section 7.2.1).
  if (!connection->has_failed) SSL_set_shutdown(connection->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(connection->ssl);
  free(connection->server);
  free(connection->output);
  free(connection);
}

bool gearbox_tls_connection_expect(gearbox_tls_connection *connection, const char *name) {
  ERR_clear_error();
  bool is_set;
  X509_VERIFY_PARAM *parameters = SSL_get0_param(connection->ssl);
  if (X509_VERIFY_PARAM_set1_ip_asc(parameters, name)) {
    // An address is not sent as a server name (RFC 6066 section 3).
    is_set = true;
  } else {
    // The common name is not checked (RFC 9525 section 6.3).
    SSL_set_hostflags(connection->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    // OpenSSL treats an empty name as no name, and would accept a certificate for any host.
    is_set = *name && SSL_set1_host(connection->ssl, name) && SSL_set_tlsext_host_name(connection->ssl, name);
  }
  ERR_clear_error();
  return is_set;
}

// MARK: Operations

const char *take_reason(void) {
  unsigned long code = ERR_peek_error();
  const char *reason = code ? ERR_reason_error_string(code) : NULL;
  ERR_clear_error();
  return reason;
}

/// Whether the first bytes from the client are the beginning of an HTTP request.
static bool is_plain_http(const gearbox_tls_connection *connection) {
  static const char *const beginnings[] = {
    "GET /", "HEAD ", "POST ", "PUT /", "DELET", "OPTIO", "PATCH", "TRACE", "CONNE", "PRI *",
  };
  if (!connection->context->is_server || connection->first_length < 5) return false;
  for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
    if (memcmp(connection->first, beginnings[i], 5) == 0) return true;
  return false;
}

/// Begins a call with `length` bytes of `input` from the peer.
static void begin_call(gearbox_tls_connection *connection, const void *input, size_t length) {
  connection->input = input;
  connection->input_length = length;
  ERR_clear_error();
}

static gearbox_tls_failure failure_of(gearbox_tls_connection *connection) {
  gearbox_tls_failure failure = {
    .reason = take_reason(), .alert = connection->alert, .alert_is_peers = connection->alert_is_peers};
  long verification = SSL_get_verify_result(connection->ssl);
  if (verification != X509_V_OK && !failure.alert_is_peers && SSL_get_verify_mode(connection->ssl) != SSL_VERIFY_NONE) {
    failure.verification = (int32_t)verification;
    failure.verification_reason = X509_verify_cert_error_string(verification);
  }
  if (connection->staple_fault) failure.verification_reason = connection->staple_fault;
  if (is_plain_http(connection)) {
    failure.is_plain_http = true;
    // The client does not speak TLS, so it could not read an alert.
    connection->output_length = 0;
  }
  return failure;
}

/// Finishes a call of OpenSSL that returned `returned`, and returns its result.
static gearbox_tls_result finish_call(gearbox_tls_connection *connection, int returned, size_t length, size_t count) {
  gearbox_tls_result result = {.count = count, .consumed = length - connection->input_length};
  connection->input = NULL;
  connection->input_length = 0;
  if (returned > 0) return result;
  switch (SSL_get_error(connection->ssl, returned)) {
  case SSL_ERROR_WANT_READ: result.outcome = gearbox_tls_wants_input; break;
  case SSL_ERROR_ZERO_RETURN: result.outcome = gearbox_tls_ended; break;
  default:
    result.outcome = gearbox_tls_failed;
    result.failure = connection->failure = failure_of(connection);
    connection->has_failed = true;
  }
  ERR_clear_error();
  return result;
}

/// Returns the failure again, for calls after a failure. OpenSSL might report the peer's fatal alert as a normal end
/// then.
static gearbox_tls_result fail_again(const gearbox_tls_connection *connection) {
  return (gearbox_tls_result){.outcome = gearbox_tls_failed, .failure = connection->failure};
}

gearbox_tls_result gearbox_tls_handshake(
  gearbox_tls_connection *connection, const void *input, size_t input_length) {
  if (connection->has_failed) return fail_again(connection);
  begin_call(connection, input, input_length);
  return finish_call(connection, SSL_do_handshake(connection->ssl), input_length, 0);
}

gearbox_tls_result gearbox_tls_read(
  gearbox_tls_connection *connection, const void *input, size_t input_length, void *bytes, size_t length) {
  if (connection->has_failed) return fail_again(connection);
  begin_call(connection, input, input_length);
  size_t count = 0;
  int returned = 1;
  while (count < length) {
    size_t piece = 0;
    returned = SSL_read_ex(connection->ssl, (char *)bytes + count, length - count, &piece);
    if (returned <= 0) break;
    count += piece;
  }
  return finish_call(connection, returned, input_length, count);
}

/// The maximum overhead of a record: its header, a nonce, a tag and a type.
enum { record_length = 16 * 1024, record_overhead = 64 };

gearbox_tls_result gearbox_tls_write(gearbox_tls_connection *connection, const void *bytes, size_t length) {
  if (connection->has_failed) return fail_again(connection);
  begin_call(connection, NULL, 0);
  // If there is no memory, the write below reports it.
  (void)reserve(connection, length + (length / record_length + 1) * record_overhead);
  size_t count = 0;
  int returned = 1;
  while (count < length) {
    size_t piece = 0;
    returned = SSL_write_ex(connection->ssl, (const char *)bytes + count, length - count, &piece);
    if (returned <= 0) break;
    count += piece;
  }
  return finish_call(connection, returned, 0, count);
}

gearbox_tls_result gearbox_tls_shutdown(gearbox_tls_connection *connection) {
  begin_call(connection, NULL, 0);
  // After a failure, or during the handshake, OpenSSL sends nothing.
  if (connection->has_failed || SSL_in_init(connection->ssl)) return finish_call(connection, 1, 0, 0);
  int returned = SSL_shutdown(connection->ssl);
  // 0: sent to the peer, which has not sent its own yet.
  return finish_call(connection, returned == 0 ? 1 : returned, 0, 0);
}

// MARK: Output

size_t gearbox_tls_output_length(const gearbox_tls_connection *connection) { return connection->output_length; }

void *gearbox_tls_take_output(gearbox_tls_connection *connection, size_t *length) {
  if (connection->output_length == 0) return NULL;
  void *output = connection->output;
  *length = connection->output_length;
  connection->output = NULL;
  connection->output_length = connection->output_capacity = 0;
  return output;
}

size_t gearbox_tls_pending(const gearbox_tls_connection *connection) { return (size_t)SSL_pending(connection->ssl); }

// MARK: Negotiated parameters

int gearbox_tls_version(const gearbox_tls_connection *connection) { return SSL_version(connection->ssl); }

const char *gearbox_tls_cipher(const gearbox_tls_connection *connection) { return SSL_get_cipher_name(connection->ssl); }

const char *gearbox_tls_server_name(const gearbox_tls_connection *connection) {
  return SSL_get_servername(connection->ssl, TLSEXT_NAMETYPE_host_name);
}

const uint8_t *gearbox_tls_ocsp_response(const gearbox_tls_connection *connection, size_t *length) {
  const unsigned char *response = NULL;
  // On a server, OpenSSL would return the server's own response.
  long count = connection->context->is_server ? 0 : SSL_get_tlsext_status_ocsp_resp(connection->ssl, &response);
  *length = count > 0 ? (size_t)count : 0;
  return count > 0 ? response : NULL;
}

bool gearbox_tls_is_resumed(const gearbox_tls_connection *connection) {
  return SSL_session_reused(connection->ssl) == 1;
}

const uint8_t *gearbox_tls_protocol(const gearbox_tls_connection *connection, size_t *length) {
  const unsigned char *protocol = NULL;
  unsigned int count = 0;
  SSL_get0_alpn_selected(connection->ssl, &protocol, &count);
  *length = count;
  return protocol;
}

void *gearbox_tls_peer_certificate(const gearbox_tls_connection *connection, size_t index, size_t *length) {
  X509 *certificate = SSL_get0_peer_certificate(connection->ssl);
  if (!certificate) return NULL;
  if (index > 0) {
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(connection->ssl);
    // On a server, the peer's chain does not contain the client's own certificate.
    size_t place = SSL_is_server(connection->ssl) ? index - 1 : index;
    if (!chain || place >= (size_t)sk_X509_num(chain)) return NULL;
    certificate = sk_X509_value(chain, (int)place);
  }
  ERR_clear_error();
  int count = i2d_X509(certificate, NULL);
  unsigned char *bytes = count > 0 ? malloc((size_t)count) : NULL;
  if (bytes) {
    // `i2d_X509` advances the pointer that it receives.
    unsigned char *end = bytes;
    *length = (size_t)i2d_X509(certificate, &end);
  }
  ERR_clear_error();
  return bytes;
}

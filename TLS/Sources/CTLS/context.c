#include "internal.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

// MARK: Choices of a server according to the client's request

/// Whether the certificate of `one` is valid for `name`.
static bool is_for(const identity *one, const char *name) {
  return X509_check_host(one->leaf, name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

/// Selects the certificates for the name that the client requests (RFC 6066 section 3).
static int choose_identity(SSL *ssl, int *alert, void *argument) {
  gearbox_tls_context *context = argument;
  const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (!name) return SSL_TLSEXT_ERR_NOACK;
  bool is_known = false, differs = false;
  for (size_t i = 0; i < context->identity_count; i++) {
    bool matches = is_for(&context->identities[i], name);
    is_known |= matches;
    differs |= matches != context->identities[i].is_default;
  }
  if (!is_known) {
    if (!context->refuses_unknown_names) return SSL_TLSEXT_ERR_NOACK;
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  if (!differs) return SSL_TLSEXT_ERR_OK;
  SSL_certs_clear(ssl);
  bool is_set = false;
  for (size_t i = 0; i < context->identity_count; i++) {
    identity *one = &context->identities[i];
    if (!is_for(one, name)) continue;
    // The first of each key type: without the override flag, OpenSSL rejects the others.
    ERR_set_mark();
    is_set |= SSL_use_cert_and_key(ssl, one->leaf, one->key, one->chain, 0) == 1;
    ERR_pop_to_mark();
  }
  if (is_set) return SSL_TLSEXT_ERR_OK;
  *alert = SSL_AD_INTERNAL_ERROR;
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// Selects a protocol (RFC 7301): the server's most preferred one of those that the client offers.
static int choose_protocol(
  SSL *ssl, const unsigned char **chosen, unsigned char *chosen_length, const unsigned char *offered,
  unsigned int offered_length, void *argument) {
  (void)ssl;
  gearbox_tls_context *context = argument;
  unsigned char *protocol = NULL;
  int found = SSL_select_next_proto(
    &protocol, chosen_length, context->protocols, (unsigned int)context->protocols_length, offered, offered_length);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = protocol;
  return SSL_TLSEXT_ERR_OK;
}

/// Sends the OCSP response for the selected certificate (RFC 6066 section 8).
static int staple(SSL *ssl, void *argument) {
  gearbox_tls_context *context = argument;
  X509 *leaf = SSL_get_certificate(ssl);
  for (size_t i = 0; i < context->identity_count; i++) {
    identity *one = &context->identities[i];
    if (one->leaf != leaf || !one->ocsp) continue;
    // OpenSSL takes ownership of the copy.
    unsigned char *response = OPENSSL_memdup(one->ocsp, one->ocsp_length);
    if (!response) return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, response, (long)one->ocsp_length);
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

// MARK: Creation

gearbox_tls_context *gearbox_tls_context_make(bool is_server) {
  gearbox_tls_context *context = calloc(1, sizeof *context);
  if (!context) return NULL;
  ERR_clear_error();
  context->is_server = is_server;
  context->ssl = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
  if (!context->ssl) {
    free(context);
    ERR_clear_error();
    return NULL;
  }
  SSL_CTX_set_mode(
    context->ssl,
    SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // The system's configuration may set this option, but truncation must be distinguished from the end of a connection.
  SSL_CTX_clear_options(context->ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_options(
    context->ssl,
    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
      SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context->ssl, SSL_SESS_CACHE_OFF);
  if (is_server) {
    // Without ticket keys there are no tickets in either version.
    SSL_CTX_set_num_tickets(context->ssl, 0);
    SSL_CTX_set_tlsext_servername_callback(context->ssl, choose_identity);
    SSL_CTX_set_tlsext_servername_arg(context->ssl, context);
    SSL_CTX_set_tlsext_status_cb(context->ssl, staple);
    SSL_CTX_set_tlsext_status_arg(context->ssl, context);
  }
  return context;
}

static void free_identity(identity *one) {
  X509_free(one->leaf);
  sk_X509_pop_free(one->chain, X509_free);
  EVP_PKEY_free(one->key);
  free(one->ocsp);
}

void gearbox_tls_context_free(gearbox_tls_context *context) {
  SSL_CTX_free(context->ssl);
  for (size_t i = 0; i < context->identity_count; i++) free_identity(&context->identities[i]);
  free(context->identities);
  free(context->protocols);
  free_sessions(context->sessions);
  free(context);
}

// MARK: PEM

/// Provides no password, so that OpenSSL does not prompt for one at the terminal.
static int no_password(char *password, int length, int is_written, void *was_asked) {
  (void)password, (void)length, (void)is_written;
  *(bool *)was_asked = true;
  return -1;
}

/// Returns the certificates in `bytes`, or NULL and the `reason` if there is none or one is invalid.
static STACK_OF(X509) * read_certificates(const void *bytes, size_t length, const char **reason) {
  bool was_asked = false;
  BIO *bio = length <= INT32_MAX ? BIO_new_mem_buf(bytes, (int)length) : NULL;
  STACK_OF(X509) *certificates = sk_X509_new_null();
  X509 *one;
  while (bio && certificates && (one = PEM_read_bio_X509(bio, NULL, no_password, &was_asked)))
    if (!sk_X509_push(certificates, one)) X509_free(one);
  BIO_free(bio);
  unsigned long last = ERR_peek_last_error();
  bool is_at_end = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
  *reason = take_reason();
  if (is_at_end && certificates && sk_X509_num(certificates) > 0) return certificates;
  if (is_at_end) *reason = "it contains no certificate";
  sk_X509_pop_free(certificates, X509_free);
  return NULL;
}

static EVP_PKEY *read_key(const void *bytes, size_t length, const char **reason) {
  bool was_asked = false;
  BIO *bio = length <= INT32_MAX ? BIO_new_mem_buf(bytes, (int)length) : NULL;
  EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, &was_asked) : NULL;
  BIO_free(bio);
  *reason = take_reason();
  if (was_asked) *reason = "the key is encrypted";
  if (!was_asked && !key) *reason = "it contains no private key";
  return key;
}

// MARK: Identities

/// Reads an identity. Returns the invalid part. The caller frees what has been read.
static gearbox_tls_part read_identity(
  identity *one, const void *chain, size_t chain_length, const void *key, size_t key_length, const char **reason) {
  one->chain = read_certificates(chain, chain_length, reason);
  if (!one->chain) return gearbox_tls_part_certificate;
  one->leaf = sk_X509_shift(one->chain);
  one->key = read_key(key, key_length, reason);
  if (!one->key) return gearbox_tls_part_key;
  if (X509_check_private_key(one->leaf, one->key)) return gearbox_tls_part_none;
  ERR_clear_error();
  *reason = "the key does not belong to the certificate";
  return gearbox_tls_part_both;
}

gearbox_tls_part gearbox_tls_context_add_identity(
  gearbox_tls_context *context, const void *chain, size_t chain_length, const void *key, size_t key_length,
  const void *ocsp, size_t ocsp_length, const char **reason) {
  ERR_clear_error();
  *reason = NULL;
  identity one = {0};
  gearbox_tls_part wrong = read_identity(&one, chain, chain_length, key, key_length, reason);
  if (wrong == gearbox_tls_part_none) {
    one.is_default = true;
    for (size_t i = 0; i < context->identity_count; i++)
      if (EVP_PKEY_get_base_id(context->identities[i].key) == EVP_PKEY_get_base_id(one.key)) one.is_default = false;
    // Certificates that are not default are checked too: OpenSSL rejects a key that is too small.
    SSL *trial = SSL_new(context->ssl);
    bool is_usable = trial && SSL_use_cert_and_key(trial, one.leaf, one.key, one.chain, 1) == 1;
    SSL_free(trial);
    if (is_usable && one.is_default)
      is_usable = SSL_CTX_use_cert_and_key(context->ssl, one.leaf, one.key, one.chain, 1) == 1;
    if (!is_usable) {
      *reason = take_reason();
      wrong = gearbox_tls_part_certificate;
    }
  }
  if (wrong == gearbox_tls_part_none && ocsp_length > 0) {
    one.ocsp = malloc(ocsp_length);
    if (one.ocsp) memcpy(one.ocsp, ocsp, ocsp_length);
    one.ocsp_length = ocsp_length;
  }
  identity *identities = NULL;
  if (wrong == gearbox_tls_part_none)
    identities = realloc(context->identities, (context->identity_count + 1) * sizeof one);
  if (!identities) {
    free_identity(&one);
    ERR_clear_error();
    return wrong == gearbox_tls_part_none ? gearbox_tls_part_both : wrong;
  }
  context->identities = identities;
  context->identities[context->identity_count++] = one;
  return gearbox_tls_part_none;
}

// MARK: Trust

const char *gearbox_tls_context_add_roots(gearbox_tls_context *context, const void *roots, size_t length) {
  ERR_clear_error();
  const char *reason = NULL;
  STACK_OF(X509) *certificates = read_certificates(roots, length, &reason);
  if (!certificates) return reason ? reason : "it cannot be read";
  X509_STORE *store = SSL_CTX_get_cert_store(context->ssl);
  bool is_added = true;
  for (int i = 0; i < sk_X509_num(certificates); i++) {
    X509 *one = sk_X509_value(certificates, i);
    is_added = is_added && X509_STORE_add_cert(store, one);
    if (context->is_server) is_added = is_added && SSL_CTX_add_client_CA(context->ssl, one);
  }
  sk_X509_pop_free(certificates, X509_free);
  reason = take_reason();
  if (is_added) return NULL;
  return reason ? reason : "out of memory";
}

bool gearbox_tls_context_trust_system(gearbox_tls_context *context) {
  ERR_clear_error();
  bool is_set = SSL_CTX_set_default_verify_paths(context->ssl) == 1;
  ERR_clear_error();
  return is_set;
}

void gearbox_tls_context_set_peer(gearbox_tls_context *context, gearbox_tls_peer peer) {
  int mode = SSL_VERIFY_NONE;
  if (peer != gearbox_tls_peer_unverified) mode = SSL_VERIFY_PEER;
  if (peer == gearbox_tls_peer_required && context->is_server) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(context->ssl, mode, NULL);
}

// MARK: Versions, ciphers, protocols

bool gearbox_tls_context_set_versions(gearbox_tls_context *context, int minimum, int maximum) {
  ERR_clear_error();
  bool is_set = SSL_CTX_set_min_proto_version(context->ssl, minimum) == 1 &&
    SSL_CTX_set_max_proto_version(context->ssl, maximum) == 1;
  ERR_clear_error();
  return is_set;
}

bool gearbox_tls_context_set_ciphers(gearbox_tls_context *context, const char *list) {
  ERR_clear_error();
  bool is_set = SSL_CTX_set_cipher_list(context->ssl, list) == 1;
  ERR_clear_error();
  return is_set;
}

bool gearbox_tls_context_set_suites(gearbox_tls_context *context, const char *list) {
  ERR_clear_error();
  bool is_set = SSL_CTX_set_ciphersuites(context->ssl, list) == 1;
  ERR_clear_error();
  return is_set;
}

bool gearbox_tls_context_set_protocols(gearbox_tls_context *context, const uint8_t *list, size_t length) {
  ERR_clear_error();
  if (!context->is_server) return SSL_CTX_set_alpn_protos(context->ssl, list, (unsigned int)length) == 0;
  context->protocols = malloc(length);
  if (!context->protocols) return false;
  memcpy(context->protocols, list, length);
  context->protocols_length = length;
  SSL_CTX_set_alpn_select_cb(context->ssl, choose_protocol, context);
  return true;
}

void gearbox_tls_context_refuse_unknown_names(gearbox_tls_context *context) { context->refuses_unknown_names = true; }

// MARK: Tickets

bool gearbox_tls_context_set_tickets(
  gearbox_tls_context *context, gearbox_tls_ticket_keys *keys, const void *scope, size_t scope_length) {
  ERR_clear_error();
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int digest_length = 0;
  context->keys = keys;
  bool is_set = EVP_Digest(scope, scope_length, digest, &digest_length, EVP_sha256(), NULL) &&
    SSL_CTX_set_session_id_context(context->ssl, digest, digest_length) && SSL_CTX_set_num_tickets(context->ssl, 2) &&
    use_ticket_keys(context);
  SSL_CTX_clear_options(context->ssl, SSL_OP_NO_TICKET);
  ERR_clear_error();
  return is_set;
}

#include "internal.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

static bool add_extension(X509 *certificate, int kind, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
  bool is_added = extension && X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  return is_added;
}

static bool fill(X509 *certificate, EVP_PKEY *key, const char *names, long seconds) {
  uint64_t serial = 0;
  X509_NAME *name = X509_get_subject_name(certificate);
  // A serial number is positive (RFC 5280 section 4.1.2.2). The clocks of clients may be an hour slow.
  return RAND_bytes((unsigned char *)&serial, sizeof serial) == 1 && X509_set_version(certificate, X509_VERSION_3) &&
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1 | 1) &&
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) &&
    X509_gmtime_adj(X509_getm_notAfter(certificate), seconds) && X509_set_pubkey(certificate, key) &&
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)"Gearbox, self-signed", -1, -1, 0) &&
    X509_set_issuer_name(certificate, name) && add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
    add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
    add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
    add_extension(certificate, NID_subject_alt_name, names);
}

/// Returns a copy of the bytes written to `bio`, which the caller frees. Returns NULL if there is no memory.
static void *bytes_of(BIO *bio, size_t *length) {
  char *bytes = NULL;
  long count = BIO_get_mem_data(bio, &bytes);
  void *copy = count > 0 ? malloc((size_t)count) : NULL;
  if (!copy) return NULL;
  *length = (size_t)count;
  return memcpy(copy, bytes, (size_t)count);
}

bool gearbox_tls_make_self_signed(
  const char *names, long seconds, void **certificate, size_t *certificate_length, void **key, size_t *key_length) {
  ERR_clear_error();
  EVP_PKEY *own = EVP_EC_gen("P-256");
  X509 *made = X509_new();
  BIO *certificate_text = BIO_new(BIO_s_mem()), *key_text = BIO_new(BIO_s_mem());
  *certificate = *key = NULL;
  bool is_made = own && made && certificate_text && key_text && fill(made, own, names, seconds) &&
    X509_sign(made, own, EVP_sha256()) && PEM_write_bio_X509(certificate_text, made) &&
    PEM_write_bio_PrivateKey(key_text, own, NULL, NULL, 0, NULL, NULL) &&
    (*certificate = bytes_of(certificate_text, certificate_length)) && (*key = bytes_of(key_text, key_length));
  if (!is_made) {
    free(*certificate);
    *certificate = NULL;
  }
  BIO_free(certificate_text);
  BIO_free(key_text);
  X509_free(made);
  EVP_PKEY_free(own);
  ERR_clear_error();
  return is_made;
}

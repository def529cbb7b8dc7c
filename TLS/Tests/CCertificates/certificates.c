#include "ccertificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool add_extension(X509 *certificate, X509 *issuer, int kind, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
  bool is_added = extension && X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  return is_added;
}

/// The contents of a memory BIO as a string, and frees it.
static char *string_of(BIO *bio) {
  char *bytes = NULL;
  long length = BIO_get_mem_data(bio, &bytes);
  char *string = strndup(bytes, (size_t)length);
  BIO_free(bio);
  return string;
}

static bool fill(X509 *certificate, const certificate_request *request, EVP_PKEY *key, X509 *issuer) {
  int64_t serial = 0;
  X509_NAME *name = X509_get_subject_name(certificate);
  bool is_filled = RAND_bytes((unsigned char *)&serial, sizeof serial) == 1 && X509_set_version(certificate, 2) &&
    ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate), serial >> 1 & INT64_MAX) &&
    X509_gmtime_adj(X509_getm_notBefore(certificate), request->not_before) &&
    X509_gmtime_adj(X509_getm_notAfter(certificate), request->not_after) && X509_set_pubkey(certificate, key) &&
    X509_NAME_add_entry_by_txt(
      name, "CN", MBSTRING_UTF8, (const unsigned char *)request->common_name, -1, -1, 0) &&
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer ? issuer : certificate));
  if (!is_filled) return false;
  if (!add_extension(
        certificate, issuer ? issuer : certificate, NID_basic_constraints,
        request->is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE"))
    return false;
  return !request->alternative_names ||
    add_extension(
           certificate, issuer ? issuer : certificate, NID_subject_alt_name, request->alternative_names);
}

bool make_certificate(const certificate_request *request, char **certificate, char **key) {
  EVP_PKEY *own = request->is_rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
  X509 *made = X509_new();
  X509 *issuer = NULL;
  EVP_PKEY *issuer_key = NULL;
  if (request->issuer && request->issuer_key) {
    BIO *bio = BIO_new_mem_buf(request->issuer, -1);
    issuer = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    bio = BIO_new_mem_buf(request->issuer_key, -1);
    issuer_key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
  }
  BIO *certificate_text = BIO_new(BIO_s_mem()), *key_text = BIO_new(BIO_s_mem());
  bool is_made = own && made && fill(made, request, own, issuer) &&
    X509_sign(made, issuer_key ? issuer_key : own, EVP_sha256()) && PEM_write_bio_X509(certificate_text, made) &&
    PEM_write_bio_PrivateKey(key_text, own, NULL, NULL, 0, NULL, NULL);
  *certificate = string_of(certificate_text);
  *key = string_of(key_text);
  X509_free(made);
  X509_free(issuer);
  EVP_PKEY_free(own);
  EVP_PKEY_free(issuer_key);
  return is_made;
}

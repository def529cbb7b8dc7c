#include "ccertificates.h"

#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
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

static X509 *read_certificate(const char *text) {
  BIO *bio = BIO_new_mem_buf(text, -1);
  X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  BIO_free(bio);
  return certificate;
}

static EVP_PKEY *read_key(const char *text) {
  BIO *bio = BIO_new_mem_buf(text, -1);
  EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
  BIO_free(bio);
  return key;
}

bool make_certificate(const certificate_request *request, char **certificate, char **key) {
  EVP_PKEY *own = request->is_rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
  X509 *made = X509_new();
  X509 *issuer = NULL;
  EVP_PKEY *issuer_key = NULL;
  if (request->issuer && request->issuer_key) {
    issuer = read_certificate(request->issuer);
    issuer_key = read_key(request->issuer_key);
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

unsigned char *make_ocsp_response(const ocsp_request *request, size_t *length) {
  X509 *certificate = read_certificate(request->certificate), *issuer = read_certificate(request->issuer);
  X509 *signer = read_certificate(request->signer);
  EVP_PKEY *key = read_key(request->signer_key);
  OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
  OCSP_CERTID *id = OCSP_cert_to_id(request->is_sha256 ? EVP_sha256() : EVP_sha1(), certificate, issuer);
  ASN1_TIME *this_update = X509_gmtime_adj(NULL, request->this_update);
  ASN1_TIME *next_update = X509_gmtime_adj(NULL, request->next_update);
  ASN1_TIME *revoked = request->status == V_OCSP_CERTSTATUS_REVOKED ? X509_gmtime_adj(NULL, -60) : NULL;
  OCSP_basic_add1_status(basic, id, request->status, 0, revoked, this_update, next_update);
  OCSP_basic_sign(basic, signer, key, EVP_sha256(), NULL, 0);
  OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
  unsigned char *bytes = NULL;
  int count = i2d_OCSP_RESPONSE(response, &bytes);
  *length = count > 0 ? (size_t)count : 0;
  // A copy for `free`, which need not match OpenSSL's allocator.
  unsigned char *copy = *length > 0 ? malloc(*length) : NULL;
  if (copy) memcpy(copy, bytes, *length);
  OPENSSL_free(bytes);
  OCSP_RESPONSE_free(response);
  ASN1_TIME_free(this_update);
  ASN1_TIME_free(next_update);
  ASN1_TIME_free(revoked);
  OCSP_CERTID_free(id);
  OCSP_BASICRESP_free(basic);
  EVP_PKEY_free(key);
  X509_free(signer);
  X509_free(issuer);
  X509_free(certificate);
  return copy;
}

char *allow_early_data(const char *session) {
  BIO *bio = BIO_new_mem_buf(session, -1);
  SSL_SESSION *read = PEM_read_bio_SSL_SESSION(bio, NULL, NULL, NULL);
  BIO_free(bio);
  if (!read) return NULL;
  SSL_SESSION_set_max_early_data(read, 16384);
  bio = BIO_new(BIO_s_mem());
  PEM_write_bio_SSL_SESSION(bio, read);
  SSL_SESSION_free(read);
  return string_of(bio);
}

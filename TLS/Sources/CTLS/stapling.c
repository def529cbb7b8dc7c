#include "internal.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>

/// How far the clocks of a responder and of a client may be apart, in seconds.
enum { clock_skew = 300 };

/// What the responses in `basic` say of `certificate`, which `issuer` has signed: NULL if it is good, or else what is wrong.
static const char *find_fault(OCSP_BASICRESP *basic, const X509 *certificate, const X509 *issuer) {
  for (int i = 0; i < OCSP_resp_count(basic); i++) {
    OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
    const OCSP_CERTID *id = OCSP_SINGLERESP_get0_id(single);
    // The responder chooses what the issuer is hashed by.
    ASN1_OBJECT *hash = NULL;
    OCSP_id_get0_info(NULL, &hash, NULL, NULL, (OCSP_CERTID *)id);
    const EVP_MD *digest = EVP_get_digestbyobj(hash);
    OCSP_CERTID *wanted = digest ? OCSP_cert_to_id(digest, certificate, issuer) : NULL;
    bool is_meant = wanted && OCSP_id_cmp(wanted, id) == 0;
    OCSP_CERTID_free(wanted);
    if (!is_meant) continue;
    ASN1_GENERALIZEDTIME *this_update = NULL, *next_update = NULL;
    int status = OCSP_single_get0_status(single, NULL, NULL, &this_update, &next_update);
    if (status == V_OCSP_CERTSTATUS_REVOKED) return "certificate revoked";
    if (status != V_OCSP_CERTSTATUS_GOOD) return "the responder does not know the certificate";
    // Without a time for the next one it would be good for ever.
    if (!next_update || !OCSP_check_validity(this_update, next_update, clock_skew, -1))
      return "the OCSP response is out of date";
    return NULL;
  }
  return "the OCSP response is of another certificate";
}

/// What is wrong with the response that the server has sent for its certificate (RFC 6960 section 3.2); NULL if nothing is.
static const char *verify(SSL *ssl) {
  const unsigned char *bytes = NULL;
  long length = SSL_get_tlsext_status_ocsp_resp(ssl, &bytes);
  if (length <= 0) return "there is no OCSP response";
  // It has been verified, and leads to a root, which may be all that there is of it.
  STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
  if (!chain || sk_X509_num(chain) < 1) return "the certificate is not verified";
  const X509 *certificate = sk_X509_value(chain, 0);
  const X509 *issuer = sk_X509_value(chain, sk_X509_num(chain) > 1 ? 1 : 0);
  OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &bytes, length);
  if (!response) return "the OCSP response cannot be read";
  OCSP_BASICRESP *basic = NULL;
  const char *fault = "the responder gives no answer";
  if (OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    basic = OCSP_response_get1_basic(response);
    fault = "the OCSP response cannot be read";
  }
  if (basic) {
    X509_STORE *store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
    bool is_signed = OCSP_basic_verify(basic, chain, store, 0) == 1;
    fault = is_signed ? find_fault(basic, certificate, issuer) : "the OCSP response is signed by none who may";
  }
  OCSP_BASICRESP_free(basic);
  OCSP_RESPONSE_free(response);
  return fault;
}

/// What OpenSSL asks of a response, or where there was none: 1 is to go on, 0 to end the handshake.
static int check(SSL *ssl, void *argument) {
  (void)argument;
  // The session that is resumed has begun with one, and is resumed by no client that asks for less.
  if (SSL_session_reused(ssl)) return 1;
  // What OpenSSL says of the response itself is in other words here; that the handshake ends by it, OpenSSL adds.
  ERR_set_mark();
  connection_of(ssl)->staple_fault = verify(ssl);
  ERR_pop_to_mark();
  return connection_of(ssl)->staple_fault ? 0 : 1;
}

void gearbox_tls_context_set_stapling(gearbox_tls_context *context, gearbox_tls_stapling stapling) {
  if (stapling == gearbox_tls_stapling_none) return;
  ERR_clear_error();
  SSL_CTX_set_tlsext_status_type(context->ssl, TLSEXT_STATUSTYPE_ocsp);
  if (stapling == gearbox_tls_stapling_required) SSL_CTX_set_tlsext_status_cb(context->ssl, check);
  ERR_clear_error();
}

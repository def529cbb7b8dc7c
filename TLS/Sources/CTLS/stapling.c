#include "internal.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>

/// The tolerated difference between the clocks of responder and client, in seconds.
enum { clock_skew = 300 };

/// Checks what `basic` says about `certificate`, signed by `issuer`. Returns NULL if the certificate is good, otherwise
/// the error.
static const char *find_fault(OCSP_BASICRESP *basic, const X509 *certificate, const X509 *issuer) {
  for (int i = 0; i < OCSP_resp_count(basic); i++) {
    OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
    const OCSP_CERTID *id = OCSP_SINGLERESP_get0_id(single);
    // The responder chooses the hash of the issuer.
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
    // Without a time of the next update, the response would never expire.
    if (!next_update || !OCSP_check_validity(this_update, next_update, clock_skew, -1))
      return "the OCSP response is out of date";
    return NULL;
  }
  return "the OCSP response is for another certificate";
}

/// Checks the response that the server has sent for its certificate (RFC 6960 section 3.2). Returns NULL or the error.
static const char *verify(SSL *ssl) {
  const unsigned char *bytes = NULL;
  long length = SSL_get_tlsext_status_ocsp_resp(ssl, &bytes);
  if (length <= 0) return "the server sent no OCSP response";
  // The chain has been verified and ends with a root, which may be its only certificate.
  STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
  if (!chain || sk_X509_num(chain) < 1) return "the certificate is not verified";
  const X509 *certificate = sk_X509_value(chain, 0);
  const X509 *issuer = sk_X509_value(chain, sk_X509_num(chain) > 1 ? 1 : 0);
  OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &bytes, length);
  if (!response) return "the OCSP response cannot be read";
  OCSP_BASICRESP *basic = NULL;
  const char *fault = "the responder returned an error";
  if (OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    basic = OCSP_response_get1_basic(response);
    fault = "the OCSP response cannot be read";
  }
  if (basic) {
    X509_STORE *store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
    bool is_signed = OCSP_basic_verify(basic, chain, store, 0) == 1;
    fault = is_signed ? find_fault(basic, certificate, issuer) : "the OCSP response has no authorized signature";
  }
  OCSP_BASICRESP_free(basic);
  OCSP_RESPONSE_free(response);
  return fault;
}

/// OpenSSL calls this for a response, or for a missing one. Returns 1 to continue, 0 to end the handshake.
static int check(SSL *ssl, void *argument) {
  (void)argument;
  // The resumed session began with a checked response, and only clients with the same requirement resume it.
  if (SSL_session_reused(ssl)) return 1;
  // OpenSSL's own errors about the response are replaced. OpenSSL adds that the handshake has ended.
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

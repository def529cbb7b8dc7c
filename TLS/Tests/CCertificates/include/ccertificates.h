// Certificates for tests, created while they run.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The contents of a certificate.
typedef struct {
  const char *_Nonnull common_name;
  /// As in a configuration of OpenSSL: `DNS:localhost,IP:127.0.0.1`.
  const char *_Nullable alternative_names;
  bool is_authority;
  bool is_rsa;
  /// In seconds from now.
  long not_before, not_after;
  /// The certificate and the key of the issuer, as PEM; NULL for a self-signed certificate.
  const char *_Nullable issuer;
  const char *_Nullable issuer_key;
} certificate_request;

/// Makes a certificate and its key, as PEM: strings for `free`. Returns whether it succeeded.
bool make_certificate(
  const certificate_request *_Nonnull request, char *_Nullable *_Nonnull certificate, char *_Nullable *_Nonnull key);

/// The contents of an OCSP response.
typedef struct {
  /// As PEM: the certificate in question, and its issuer's.
  const char *_Nonnull certificate;
  const char *_Nonnull issuer;
  /// The certificate that signs the response, and its key, as PEM.
  const char *_Nonnull signer;
  const char *_Nonnull signer_key;
  /// 0 for good, 1 for revoked, 2 for unknown.
  int status;
  /// Whether the response identifies the certificate by SHA-256 and not by SHA-1.
  bool is_sha256;
  /// In seconds from now.
  long this_update, next_update;
} ocsp_request;

/// Makes an OCSP response, as DER: memory for `free`.
unsigned char *_Nullable make_ocsp_response(const ocsp_request *_Nonnull request, size_t *_Nonnull length);

/// Returns `session`, in the form of `openssl s_client -sess_out`, as one of a server that accepts early data: a string
/// for `free`; NULL if `session` is invalid.
char *_Nullable allow_early_data(const char *_Nonnull session);

/// Derives OpenSSL's random numbers on the calling thread from `seed`, so that its work there is repeatable. Other threads
/// keep true random numbers.
void seed_random_numbers(uint64_t seed);

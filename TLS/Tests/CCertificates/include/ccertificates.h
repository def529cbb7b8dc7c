// Certificates for tests, made while they run.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// What a certificate is to be.
typedef struct {
  const char *_Nonnull common_name;
  /// As in a configuration of OpenSSL: `DNS:localhost,IP:127.0.0.1`.
  const char *_Nullable alternative_names;
  bool is_authority;
  bool is_rsa;
  /// In seconds from now.
  long not_before, not_after;
  /// The certificate and the key of the issuer, as PEM; NULL for a certificate that signs itself.
  const char *_Nullable issuer;
  const char *_Nullable issuer_key;
} certificate_request;

/// Makes a certificate and its key, as PEM: strings for `free`. Returns whether that has worked.
bool make_certificate(
  const certificate_request *_Nonnull request, char *_Nullable *_Nonnull certificate, char *_Nullable *_Nonnull key);

/// What an OCSP response is to say.
typedef struct {
  /// As PEM: the certificate that it is about, and the one that has signed it.
  const char *_Nonnull certificate;
  const char *_Nonnull issuer;
  /// What signs the response, and its key, as PEM.
  const char *_Nonnull signer;
  const char *_Nonnull signer_key;
  /// 0 for good, 1 for revoked, 2 for unknown.
  int status;
  /// Whether the certificate is named by SHA-256 and not by SHA-1.
  bool is_sha256;
  /// In seconds from now.
  long this_update, next_update;
} ocsp_request;

/// Makes an OCSP response, as DER: memory for `free`.
unsigned char *_Nullable make_ocsp_response(const ocsp_request *_Nonnull request, size_t *_Nonnull length);

/// Gives `session`, as `openssl s_client -sess_out` writes it, as one of a server that takes early data: a string for
/// `free`; NULL if it is none.
char *_Nullable allow_early_data(const char *_Nonnull session);

/// Has OpenSSL draw on the calling thread what follows from `seed`, so that what it does there can be repeated. Other threads
/// have true random numbers as before.
void seed_random_numbers(uint64_t seed);

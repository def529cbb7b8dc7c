// Certificates for tests, made while they run.
#pragma once

#include <stdbool.h>

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

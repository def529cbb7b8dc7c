#include "internal.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/// A key for tickets. A ticket begins with the name of its key (RFC 5077 section 4).
typedef struct {
  unsigned char name[16];
  unsigned char cipher[32];
  unsigned char mac[32];
  /// The creation time in seconds.
  int64_t made;
} ticket_key;

struct gearbox_tls_ticket_keys {
  pthread_mutex_t lock;
  int64_t lifetime;
  /// The newest key and the previous one.
  ticket_key keys[2];
  int count;
};

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec;
}

gearbox_tls_ticket_keys *gearbox_tls_ticket_keys_make(int64_t lifetime) {
  gearbox_tls_ticket_keys *keys = calloc(1, sizeof *keys);
  if (!keys) return NULL;
  pthread_mutex_init(&keys->lock, NULL);
  keys->lifetime = lifetime;
  return keys;
}

void gearbox_tls_ticket_keys_free(gearbox_tls_ticket_keys *keys) {
  pthread_mutex_destroy(&keys->lock);
  OPENSSL_cleanse(keys, sizeof *keys);
  free(keys);
}

/// Drops expired keys, and creates a new one if the newest has been used for its lifetime.
static bool rotate(gearbox_tls_ticket_keys *keys) {
  int64_t time = now();
  while (keys->count > 0 && time - keys->keys[keys->count - 1].made >= 2 * keys->lifetime) keys->count--;
  if (keys->count > 0 && time - keys->keys[0].made < keys->lifetime) return true;
  ticket_key key = {.made = time};
  if (RAND_bytes(key.name, sizeof key.name) != 1 || RAND_priv_bytes(key.cipher, sizeof key.cipher) != 1 ||
      RAND_priv_bytes(key.mac, sizeof key.mac) != 1)
    return false;
  keys->keys[1] = keys->keys[0];
  keys->keys[0] = key;
  keys->count = keys->count == 0 ? 1 : 2;
  OPENSSL_cleanse(&key, sizeof key);
  return true;
}

/// Copies the newest key, or the one called `name`. Returns its index, or -1.
static int find(gearbox_tls_ticket_keys *keys, const unsigned char *name, ticket_key *found) {
  int number = -1;
  pthread_mutex_lock(&keys->lock);
  if (rotate(keys)) {
    for (int i = 0; i < keys->count && number < 0; i++)
      if (!name || memcmp(keys->keys[i].name, name, sizeof keys->keys[i].name) == 0) number = i;
    if (number >= 0) *found = keys->keys[number];
  }
  pthread_mutex_unlock(&keys->lock);
  return number;
}

/// OpenSSL calls this for each ticket that it issues or receives. Returns 0 for an invalid ticket, 2 for one to be
/// renewed.
static int prepare(
  SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int is_new) {
  ticket_key key;
  int number = find(connection_of(ssl)->context->keys, is_new ? NULL : name, &key);
  if (number < 0) return is_new ? -1 : 0;
  if (is_new) memcpy(name, key.name, sizeof key.name);
  OSSL_PARAM parameters[] = {
    OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac, sizeof key.mac),
    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
    OSSL_PARAM_construct_end(),
  };
  bool is_ready = !is_new || RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1;
  is_ready = is_ready && EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv, is_new) == 1 &&
    EVP_MAC_CTX_set_params(mac, parameters) == 1;
  OPENSSL_cleanse(&key, sizeof key);
  if (!is_ready) return -1;
  if (is_new) return 1;
  // In TLS 1.3 clients use a ticket once (RFC 8446 appendix C.4), so each time they need another.
  return number > 0 || SSL_version(ssl) >= TLS1_3_VERSION ? 2 : 1;
}

bool use_ticket_keys(gearbox_tls_context *context) {
  return SSL_CTX_set_tlsext_ticket_key_evp_cb(context->ssl, prepare) == 1;
}

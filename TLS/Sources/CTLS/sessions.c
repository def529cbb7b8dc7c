#include "internal.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/// A resumable session and its server.
typedef struct {
  char *server;
  SSL_SESSION *session;
} kept_session;

struct gearbox_tls_sessions {
  pthread_mutex_t lock;
  size_t capacity, count;
  /// Newest first.
  kept_session kept[];
};

/// The maximum number of sessions per server, so that a server that issues many tickets does not displace others.
enum { max_sessions_per_server = 4 };

gearbox_tls_sessions *make_sessions(size_t capacity) {
  gearbox_tls_sessions *sessions = calloc(1, sizeof *sessions + capacity * sizeof *sessions->kept);
  if (!sessions) return NULL;
  pthread_mutex_init(&sessions->lock, NULL);
  sessions->capacity = capacity;
  return sessions;
}

void free_sessions(gearbox_tls_sessions *sessions) {
  if (!sessions) return;
  for (size_t i = 0; i < sessions->count; i++) {
    free(sessions->kept[i].server);
    SSL_SESSION_free(sessions->kept[i].session);
  }
  pthread_mutex_destroy(&sessions->lock);
  free(sessions);
}

/// Whether `session` may be used for one connection only. Reuse would let an observer link the connections of a client
/// (RFC 8446 appendix C.4).
static bool is_for_one_connection(const SSL_SESSION *session) {
  return SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION;
}

/// Whether `session`, and the certificate of its original handshake, are still valid.
static bool is_valid(const SSL_SESSION *session) {
  long lifetime = SSL_SESSION_get_timeout(session);
  unsigned long hint = SSL_SESSION_get_ticket_lifetime_hint(session);
  if (hint > 0 && (long)hint < lifetime) lifetime = (long)hint;
  int64_t age = (int64_t)time(NULL) - SSL_SESSION_get_time(session);
  if (!SSL_SESSION_is_resumable(session) || age < 0 || age >= lifetime) return false;
  X509 *certificate = SSL_SESSION_get0_peer((SSL_SESSION *)session);
  return certificate && X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
}

/// Removes the session at `place` and returns it. The caller owns it.
static SSL_SESSION *remove_session(gearbox_tls_sessions *sessions, size_t place) {
  SSL_SESSION *session = sessions->kept[place].session;
  free(sessions->kept[place].server);
  sessions->count--;
  memmove(
    &sessions->kept[place], &sessions->kept[place + 1], (sessions->count - place) * sizeof *sessions->kept);
  return session;
}

/// Makes room for another session with `server`, and keeps at most `limit` existing ones for it.
static void make_room(gearbox_tls_sessions *sessions, const char *server, size_t limit) {
  size_t found = 0;
  for (size_t i = 0; i < sessions->count;) {
    bool is_one_too_many = strcmp(sessions->kept[i].server, server) == 0 && ++found > limit;
    if (is_one_too_many) SSL_SESSION_free(remove_session(sessions, i)); else i++;
  }
  if (sessions->count == sessions->capacity) SSL_SESSION_free(remove_session(sessions, sessions->count - 1));
}

/// OpenSSL calls this for each session that a server offers. Returns whether it is kept.
static int keep(SSL *ssl, SSL_SESSION *session) {
  gearbox_tls_connection *connection = connection_of(ssl);
  gearbox_tls_sessions *sessions = connection->context->sessions;
  char *server = connection->server ? strdup(connection->server) : NULL;
  if (!server) return 0;
  pthread_mutex_lock(&sessions->lock);
  // Of reusable sessions, only the newest is kept.
  make_room(sessions, server, is_for_one_connection(session) ? max_sessions_per_server - 1 : 0);
  memmove(&sessions->kept[1], &sessions->kept[0], sessions->count * sizeof *sessions->kept);
  sessions->kept[0] = (kept_session){.server = server, .session = session};
  sessions->count++;
  pthread_mutex_unlock(&sessions->lock);
  return 1;
}

/// Returns the newest valid session with `server`, which the caller frees. Returns NULL if there is none.
static SSL_SESSION *find(gearbox_tls_sessions *sessions, const char *server) {
  SSL_SESSION *found = NULL;
  pthread_mutex_lock(&sessions->lock);
  for (size_t i = 0; i < sessions->count && !found;) {
    SSL_SESSION *session = sessions->kept[i].session;
    if (strcmp(sessions->kept[i].server, server) != 0) {
      i++;
    } else if (!is_valid(session)) {
      SSL_SESSION_free(remove_session(sessions, i));
    } else if (is_for_one_connection(session)) {
      found = remove_session(sessions, i);
    } else {
      SSL_SESSION_up_ref(session);
      found = session;
    }
  }
  pthread_mutex_unlock(&sessions->lock);
  return found;
}

bool gearbox_tls_context_keep_sessions(gearbox_tls_context *context, size_t capacity) {
  context->sessions = make_sessions(capacity);
  if (!context->sessions) return false;
  SSL_CTX_clear_options(context->ssl, SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context->ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context->ssl, keep);
  return true;
}

void gearbox_tls_connection_resume(gearbox_tls_connection *connection, const char *server) {
  gearbox_tls_sessions *sessions = connection->context->sessions;
  if (!sessions) return;
  ERR_clear_error();
  // Without memory for the name, a full handshake takes place and no session is kept.
  connection->server = strdup(server);
  SSL_SESSION *session = find(sessions, server);
  if (session) SSL_set_session(connection->ssl, session);
  SSL_SESSION_free(session);
  ERR_clear_error();
}

// The system's OpenSSL. Only the C targets of this package use it.
#pragma once

#include <openssl/ssl.h>

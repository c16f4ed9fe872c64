#ifndef GREENSEASON_CZEROMQ_SHIM_H
#define GREENSEASON_CZEROMQ_SHIM_H

#include <errno.h>
#include <sys/eventfd.h>
#include <zmq.h>

/* In libzmq 4.3.4 the option is compiled in, but its name stands behind the draft API. Without it a
   ZAP domain whose handler is missing lets everybody in (zeromq RFC 27 leaves that open). */
enum { CZEROMQ_ZAP_ENFORCE_DOMAIN = 93 };

#endif

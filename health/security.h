/*
 * What a monitor's connection must be: the same that the program asks of its own connections to the
 * servers. Weakest first.
 */
#ifndef HEALTH_SECURITY_H
#define HEALTH_SECURITY_H

enum health_tls {
    HEALTH_TLS_DISABLED,
    HEALTH_TLS_PREFERRED, /* clear text only where the server does not offer TLS */
    HEALTH_TLS_REQUIRED,
    HEALTH_TLS_VERIFY_CA,       /* ... and its certificate comes from an authority of `ca` */
    HEALTH_TLS_VERIFY_IDENTITY, /* ... and is for the host name */
};

struct health_security {
    enum health_tls tls; /* connections over Unix sockets never have TLS */
    const char *ca;      /* PEM file; NULL or "": the system's authorities */
};

#endif

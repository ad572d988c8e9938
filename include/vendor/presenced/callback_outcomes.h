/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CALLBACK_OUTCOMES_H
#define PRESENCED_CALLBACK_OUTCOMES_H

/* How callbacks are answered: the daemon answers them, presencectl(1) says how it would. */

/* How a request can end: outcome, its name in counters, HTTP status, level of its log line, and ErrorInfo of
 * the answer. If ErrorInfo is not empty, the answer is FAIL and a line is logged. */
#define CALLBACK_OUTCOMES(X)                                                                               \
    X(APPLIED, "applied", 200, DEBUG, "")                                                                  \
    X(UNCHANGED, "unchanged", 200, DEBUG, "")                                                              \
    X(FORGOTTEN, "forgotten", 200, DEBUG, "")                                                              \
    X(OTHER_COMMAND_OK, "other_command_ok", 200, DEBUG, "")                                                \
    X(HEALTHY, "healthy", 200, DEBUG, "")                                                                  \
    X(NOT_READY, "not_ready", 503, DEBUG, "presenced is not ready")                                        \
    X(OTHER_PATH, "other_path", 404, INFO,                                                                 \
      "this is not the path of the callback URL; health checks are answered at /livez and /readyz")        \
    X(OTHER_METHOD, "other_method", 405, INFO,                                                             \
      "a callback comes by POST; health checks are answered at /livez and /readyz")                        \
    X(REFUSED_PEER, "refused_peer", 403, WARNING,                                                          \
      "the caller's address is in none of the networks of allow")                                          \
    X(REFUSED_CERTIFICATE, "refused_certificate", 403, WARNING,                                            \
      "a client certificate that client_ca signed is required")                                            \
    X(REFUSED_TWICE, "refused_twice", 403, WARNING, "SdkAppid, Sign or RequestTime comes twice")           \
    X(REFUSED_NO_APP, "refused_no_app", 403, WARNING,                                                      \
      "SdkAppid is missing, and Sign is no valid one of an app that is configured")                        \
    X(REFUSED_APP, "refused_app", 403, WARNING, "SdkAppid is not one that is configured")                  \
    X(REFUSED_NO_SIGN, "refused_no_sign", 403, WARNING,                                                    \
      "Sign or RequestTime is missing, and the app has a token: is authentication on in the console?")     \
    X(REFUSED_SIGN_FORM, "refused_sign_form", 403, WARNING, "Sign is not 64 hexadecimal digits")           \
    X(REFUSED_TIME_FORM, "refused_time_form", 403, WARNING, "RequestTime is not a number of seconds")      \
    X(REFUSED_TIME, "refused_time", 403, WARNING,                                                          \
      "RequestTime is further from this machine's clock than sign_tolerance")                              \
    X(REFUSED_SIGN, "refused_sign", 403, WARNING, "Sign was not made with a token of this app")            \
    X(URL_CHECK, "url_check", 200, NOTICE,                                                                 \
      "the callback URL works: the signed request names no SdkAppid, as the console's check does not")     \
    X(NO_COMMAND, "no_command", 200, WARNING, "CallbackCommand is missing in the URL")                     \
    X(OTHER_COMMAND, "other_command", 200, WARNING,                                                        \
      "presenced serves State.StateChange alone; FAIL to a callback before messages may block them: turn " \
      "that callback off in the console, or set other_commands = ok")                                      \
    X(PARAMETER_TWICE, "parameter_twice", 200, WARNING,                                                    \
      "CallbackCommand, OptPlatform or ClientIP comes twice")                                              \
    X(PARAMETER_ESCAPE, "parameter_escape", 200, WARNING,                                                  \
      "CallbackCommand, OptPlatform or ClientIP is not percent-encoded as it should be")                   \
    X(FULL, "full", 200, ERROR, "max_users users are held and none of them is offline")                    \
    X(NO_MEMORY, "no_memory", 200, ERROR, "presenced is out of memory")                                    \
    X(NOT_STORED, "not_stored", 200, ERROR, "presenced cannot store the event")                            \
    X(BAD_FRAMING, "bad_framing", 400, WARNING, "the request's framing is in doubt")                       \
    X(NO_LENGTH, "no_length", 411, WARNING, "Content-Length is missing")                                   \
    X(TOO_LARGE, "too_large", 413, WARNING, "the body is longer than max_body")

#endif

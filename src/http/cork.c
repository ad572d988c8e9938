/* SPDX-License-Identifier: MIT */
/* libmicrohttpd 0.9.75 sends the head and the body of a TLS reply apart and corks the socket around them,
 * which nobody can forbid. GnuTLS makes one record of both (tls_session_hold()), so the cork is of no use,
 * costs one system call in four, and would hold back for 200 ms what leaves behind its back. A Unix socket
 * has no cork, and after the first refusal the library asks no more; so the sockets of this process have none
 * either: the dynamic linker finds the function here before the C library's. TCP_NODELAY, which the library
 * no longer sets then, comes from the listening socket (listener.c). What others may have preloaded to wrap
 * setsockopt() is passed over. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int setsockopt(int fd, int level, int optname, const void *optval, socklen_t optlen)
{
    if (level == IPPROTO_TCP && optname == TCP_CORK && optlen == sizeof(int) && *(const int *)optval != 0) {
        errno = ENOPROTOOPT;
        return -1;
    }
    return (int)syscall(SYS_setsockopt, fd, level, optname, optval, optlen);
}

/* Calls that have no safe use here become compile errors. Included by every .c file through the
 * compiler's command line (see the Makefile), after the system headers below. */
#ifndef BM_UTIL_BANNED_H
#define BM_UTIL_BANNED_H

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat sprintf vsprintf strncpy strncat gets strtok atoi atol atof
#pragma GCC poison gmtime localtime ctime asctime mktemp tmpnam tempnam system popen
#pragma GCC poison setlocale

#endif

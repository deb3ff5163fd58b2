/* SPDX-License-Identifier: MIT */
/* Paths as the file server wants them: absolute and without "." and "..". See posix_path.c. */
#ifndef QUARTET_PATH_H
#define QUARTET_PATH_H

#define PATH_SIZE 1024 /* with the zero */

/* PATH, seen from the current directory, into ABSOLUTE (PATH_SIZE bytes). 0, or -1 with errno
 * set. */
int path_absolute(const char *path, char *absolute);

#endif

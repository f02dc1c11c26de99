/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/threads.h: how OpenMP's threads wait for each other. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * tess_threads_init:
 * First thing in main. By default a thread that waits spins for some
 * milliseconds, at each of the thousand places where those of a network meet;
 * where other programs want the processor too, that is most of the time there
 * is. The library reads its settings before main, so this sets them and starts
 * the program again in this process, with @argv. Does nothing where the user
 * has set one of them, or where that fails.
 */
void tess_threads_init (char **argv);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/memory.h: large blocks of host memory that may be refused: arenas,
 * buffers, weights in a backend's layout. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * tess_memory_new:
 * Zeros, aligned to at least 64 bytes; from 4 MiB on given back to the system
 * as soon as it is freed.
 * @purpose is for the message: "weights".
 * Errors: TESS_ERROR_MEMORY with the numbers.
 */
gpointer tess_memory_new (gsize n_bytes, const gchar *purpose, GError **error);
/* Asks the system for all pages of a new block at once, by all threads: cheaper
 * than one by one as they are first written to. Only saves time. */
void tess_memory_populate (gpointer memory, gsize n_bytes);
void tess_memory_free (gpointer memory, gsize n_bytes); /* may be NULL */

/* For tests: the @nth call of tess_memory_new from now (1: the next) fails;
 * 0: none does. */
void tess_memory_fail_at (gint nth);

/* For tests, before the first block is made: every block lies between two
 * pages of a pattern, looked at when it is freed; tess_memory_n_broken counts
 * the blocks whose pages were written to. */
void tess_memory_guard (void);
gint tess_memory_n_broken (void);

/* Then also: what nobody has written is not a number. */
void tess_memory_spoil (gpointer memory, gsize n_bytes);

G_END_DECLS

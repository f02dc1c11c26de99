/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/harness.h: what every unit test shares. A test file defines
 * tess_test_suite; main is in harness.c, which prints TAP and counts. */
#pragma once

#include <check.h>
#include <glib.h>

Suite *tess_test_suite (void);

/* A test under a name of its own. */
void tess_test_add (Suite *suite, const gchar *name, const TTest *test);

/* A file below tests/data; (transfer full). */
gchar *tess_test_data (const gchar *name);

/* A folder of the reference's golden cases ("golden/sd"), beside the checkout;
 * NULL where it is not there: skip with tess_test_skip. */
gchar *tess_test_shared (const gchar *name);

/* Counts the running test as skipped and says why. */
void tess_test_skip (const gchar *reason);

/* As on a full disk: no file may grow past @n_bytes; 0: as before. */
void tess_test_fill_disk (gsize n_bytes);

/* max |a - b| / max |b| */
gdouble tess_test_error (const gfloat *a, const gfloat *b, gsize n);

#define ck_no_error(error)                                                     \
  ck_assert_msg ((error) == NULL, "%s", (error) ? (error)->message : "")

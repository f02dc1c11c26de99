/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/ops/cpu.c: every op of the oneDNN backend, in float32 and, where the
 * CPU has it, in bfloat16, between guard pages. */
#include "core/memory.h"
#include "core/ops/ops.h"
#include "tests/ops/rows.h"

#include <string.h>

/* In float32 sums of a few thousand products; bfloat16 rounds each result to
 * 8 bits (2^-9 relative: 4e-6 squared) and the weights of attention once
 * more. */
#define BOUND_F32 1e-11
#define BOUND_BF16 2e-5

static TessBackend *
open_cpu (const TessOpsBackend *entry, GError **error)
{
  TessCpuSettings settings = { .storage = entry->storage };

  return tess_backend_cpu_new (&settings, error);
}

const TessOpsBackend *
tess_ops_backends (void)
{
  static TessOpsBackend backends[] = {
    { "f32", open_cpu, TESS_F32, BOUND_F32 },
    { "bf16", open_cpu, TESS_BF16, BOUND_BF16 },
    { NULL },
  };

  if (!tess_backend_cpu_has_bf16 ())
    backends[1].name = NULL;
  return backends;
}

void
tess_ops_check (void)
{
  ck_assert_int_eq (tess_memory_n_broken (), 0);
}

/* Every block refused once: an error each time, and nothing is lost. */
START_TEST (out_of_memory)
{
  g_autoptr (TessBackend) cpu = tess_backend_cpu_new (NULL, NULL);
  g_autoptr (GPtrArray) weights
      = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_weight_free);
  g_autoptr (TessProgram) program = tess_ops_program (cpu, weights, NULL, NULL);
  gint n_failed = 0;
  TessPlan plan;
  TessExec *exec = NULL;

  ck_assert (tess_backend_plan (cpu, program, &plan, NULL));
  ck_assert_uint_gt (plan.arena, 2 * 25 * 96 * 4);
  ck_assert_uint_ge (plan.weights, 96 * 64 * 9 * 4);
  while (exec == NULL)
    {
      g_autoptr (GError) error = NULL;

      tess_memory_fail_at (n_failed + 1);
      exec = tess_backend_compile (cpu, program, &error);
      if (exec == NULL)
        ck_assert_ptr_nonnull (strstr (error->message, "MiB"));
      n_failed++;
      tess_backend_trim (cpu);
    }
  tess_memory_fail_at (0);
  ck_assert_int_eq (n_failed, 4); /* weight, bias, arena; then it works */
  ck_assert (tess_backend_plan (cpu, program, &plan, NULL));
  ck_assert_uint_eq (plan.weights, 0);
  tess_exec_free (exec);
}
END_TEST

START_TEST (cancelled)
{
  g_autoptr (TessBackend) cpu = tess_backend_cpu_new (NULL, NULL);
  g_autoptr (TessProgram) program = tess_program_new ("row", TESS_F32);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  TessShape shape = { 1, 1, 1, 4 };
  g_autoptr (TessBuffer) buffer = tess_buffer_new (cpu, TESS_F32, &shape, NULL);
  TessValue *value = tess_input (program, buffer);
  g_autoptr (TessExec) exec = NULL;

  tess_activate (program, value, TESS_ACT_SILU);
  exec = tess_backend_compile (cpu, program, NULL);
  g_cancellable_cancel (cancellable);
  ck_assert (!tess_exec_run (exec, cancellable, &error));
  ck_assert (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("cpu");
  TCase *tc;

  tess_memory_guard ();
  tess_ops_add_rows (suite);
  tc = tcase_create ("faults");
  tcase_add_test (tc, out_of_memory);
  tcase_add_test (tc, cancelled);
  suite_add_tcase (suite, tc);
  return suite;
}

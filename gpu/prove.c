/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/prove.c: the proof at first use, and its record.
 *
 * One line per variant in the cache: "conv2d<tab>plain<tab>right<tab>error
 * <tab>seconds<tab>cost", or what was wrong instead of "right". "tried" says
 * that the process did not live to tell; it may have been stopped by its user,
 * so that counts the second time. A faulty submit ends its device, so each
 * variant that fails in that way costs a new one. */
#include "gpu/prove.h"

#include "core/error.h"
#include "gpu/backend-private.h"
#include "gpu/cache.h"
#include "gpu/prove-cases.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

/* Squared error over squared answer. float32: what tests/ops asks for with
 * some room for devices whose exp and sqrt are just as good as they must be.
 * float16 rounds what is stored to 2^-12. */
#define BOUND_F32 1e-9
#define BOUND_F16 1e-5

struct _TessGpuProof
{
  TessGpuInfo info; /* borrowed strings */
  gchar *wanted;
  TessType storage;
  gchar *tried;         /* by a process that did not end well; may be NULL */
  GHashTable *verdicts; /* "op\tvariant" -> TessGpuVerdict */
};

static const gchar *spoiled_op, *spoiled;

void
tess_gpu_proof_spoil (const gchar *op, const gchar *variant)
{
  spoiled_op = op;
  spoiled = variant;
}

static void
verdict_free (gpointer data)
{
  g_free (((TessGpuVerdict *) data)->reason);
  g_free (data);
}

static gchar *
key_of (const TessOpClass *klass, const TessGpuVariant *variant)
{
  return g_strdup_printf ("%s\t%s", klass->name, variant->name);
}

const TessGpuVerdict *
tess_gpu_proof_of (const TessGpuProof *proof,
                   const TessOpClass *klass,
                   const TessGpuVariant *variant)
{
  g_autofree gchar *key = key_of (klass, variant);

  return g_hash_table_lookup (proof->verdicts, key);
}

static const gchar *
record_name (const TessGpuProof *proof)
{
  return proof->storage == TESS_F16 ? "proof-f16" : "proof-f32";
}

static void
write_record (const TessGpuProof *proof, const gchar *trying)
{
  g_autoptr (GString) text = g_string_new (NULL);
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, proof->verdicts);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      const TessGpuVerdict *verdict = value;

      g_string_append_printf (text, "%s\t%s\t%g\t%g\t%g\n", (gchar *) key,
                              verdict->wrong ? verdict->reason : "right",
                              verdict->error, verdict->seconds, verdict->cost);
    }
  if (trying != NULL)
    g_string_append_printf (
        text, "%s\t%s\t0\t0\t0\n", trying,
        g_strcmp0 (proof->tried, trying) == 0 ? "tried twice" : "tried");
  else
    g_string_append (text, "complete\n");
  tess_gpu_cache_write (&proof->info, record_name (proof), text->str,
                        text->len);
}

/* TRUE when nothing is left to be found out. */
static gboolean
read_record (TessGpuProof *proof)
{
  gsize n;
  g_autofree gchar *text
      = tess_gpu_cache_read (&proof->info, record_name (proof), &n);
  g_auto (GStrv) lines = text ? g_strsplit (text, "\n", -1) : NULL;
  gboolean complete = FALSE;

  for (gint i = 0; lines && lines[i]; i++)
    {
      g_auto (GStrv) words = g_strsplit (lines[i], "\t", -1);
      TessGpuVerdict *verdict;

      complete |= g_str_equal (lines[i], "complete");
      if (g_strv_length (words) != 6)
        continue;
      if (g_str_equal (words[2], "tried"))
        {
          proof->tried = g_strdup_printf ("%s\t%s", words[0], words[1]);
          continue;
        }
      verdict = g_new0 (TessGpuVerdict, 1);
      verdict->wrong = !g_str_equal (words[2], "right");
      verdict->error = g_ascii_strtod (words[3], NULL);
      verdict->seconds = g_ascii_strtod (words[4], NULL);
      verdict->cost = g_ascii_strtod (words[5], NULL);
      if (g_str_equal (words[2], "tried twice"))
        verdict->reason
            = g_strdup ("the driver failed or hung while trying it");
      else if (verdict->wrong)
        verdict->reason = g_strdup (words[2]);
      g_hash_table_insert (proof->verdicts,
                           g_strdup_printf ("%s\t%s", words[0], words[1]),
                           verdict);
    }
  return complete;
}

/* Proving */

typedef struct
{
  TessGpuProof *proof;
  TessBackend *plain;
  TessGpuBackend *gpu; /* of its own, NULL: the last one failed */
} Prover;

static gboolean
open_backend (Prover *prover, GError **error)
{
  TessVulkanSettings settings = { .device = prover->proof->wanted,
                                  .storage = prover->proof->storage,
                                  .unproven = TRUE };

  if (prover->gpu != NULL && !prover->gpu->device->lost)
    return TRUE;
  if (prover->gpu != NULL)
    tess_backend_unref (&prover->gpu->base);
  prover->gpu = (TessGpuBackend *) tess_backend_vulkan_new (&settings, error);
  return prover->gpu != NULL;
}

static gdouble
squared_error (const gfloat *a, const gfloat *b, gsize n)
{
  gdouble error = 0.0, norm = 1e-30;

  for (gsize i = 0; i < n; i++)
    {
      if (!isfinite (a[i]))
        return INFINITY;
      error += ((gdouble) a[i] - b[i]) * ((gdouble) a[i] - b[i]);
      norm += (gdouble) b[i] * b[i];
    }
  return error / norm;
}

static gdouble
cost_of (const Prover *prover, const TessOp *op, const TessGpuVariant *variant)
{
  const TessGpuCaps *caps = &prover->gpu->device->caps;
  TessType storage = prover->proof->storage;

  if (variant->refuses != NULL
      && variant->refuses (variant, caps, op, storage) != NULL)
    return INFINITY;
  return variant->cost ? variant->cost (variant, caps, op, storage) : 0.0;
}

/* A variant that says it costs that many times the least would never be
 * taken, and could cost minutes to try: matrices on a CPU-type device. */
#define FAR_TOO_MUCH 16.0

/* Whether the variant takes the case's op; and what it says it costs. */
static gboolean
takes (Prover *prover,
       const TessGpuCase *c,
       const TessGpuVariant *variant,
       gdouble *cost)
{
  g_autoptr (GPtrArray) weights
      = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_weight_free);
  g_autoptr (TessBuffer) dst = NULL;
  TessBackend *backend = &prover->gpu->base;
  gdouble least = INFINITY;
  g_autoptr (TessProgram) program
      = tess_gpu_case_record (c, backend, weights, &dst, NULL);
  const TessOp *op;

  if (program == NULL || program->ops->len == 0)
    return FALSE;
  op = program->ops->pdata[0];
  *cost = cost_of (prover, op, variant);
  for (const TessGpuVariant *v = tess_gpu_op_of (c->klass)->variants;
       v->name != NULL; v++)
    if (v->cost != NULL)
      least = MIN (least, cost_of (prover, op, v));
  return isfinite (*cost) && *cost <= FAR_TOO_MUCH * least;
}

static void
judge_case (Prover *prover,
            const TessGpuCase *c,
            const TessGpuVariant *variant,
            TessGpuVerdict *verdict)
{
  gdouble bound = prover->proof->storage == TESS_F16 ? BOUND_F16 : BOUND_F32;
  gdouble difference, cost = 0.0, seconds = 0.0;
  g_autoptr (GError) error = NULL;
  g_autofree gfloat *a = NULL;
  g_autofree gfloat *b = NULL;
  gsize n = 0;

  if (verdict->wrong || !open_backend (prover, NULL)
      || (c->timed && prover->gpu->device->caps.is_cpu)
      || !takes (prover, c, variant, &cost))
    return;
  verdict->n_cases++;
  prover->gpu->only_class = c->klass;
  prover->gpu->only_variant = variant;
  a = tess_gpu_case_run (c, &prover->gpu->base, &n, c->timed ? &seconds : NULL,
                         &error);
  prover->gpu->only_class = NULL;
  tess_backend_trim (&prover->gpu->base);
  if (a == NULL)
    {
      verdict->wrong = TRUE;
      verdict->reason = g_strdelimit (g_strdup (error->message), "\t\n", ' ');
      return;
    }
  if (c->timed)
    {
      verdict->seconds = seconds;
      verdict->cost = cost;
      return;
    }
  if (g_strcmp0 (spoiled, variant->name) == 0)
    a[n / 2] += 1.0f;
  b = tess_gpu_case_run (c, prover->plain, &n, NULL, NULL);
  difference = squared_error (a, b, n);
  verdict->error = MAX (verdict->error, difference);
  if (difference <= bound)
    return;
  verdict->wrong = TRUE;
  verdict->reason = g_strdup_printf ("wrong result, error %.2g", difference);
}

static void
judge (Prover *prover, const TessOpClass *klass, const TessGpuVariant *variant)
{
  TessGpuProof *proof = prover->proof;
  g_autofree gchar *key = key_of (klass, variant);
  TessGpuVerdict *verdict;

  if (g_hash_table_contains (proof->verdicts, key))
    return; /* an earlier process died of it */
  write_record (proof, key);
  verdict = g_new0 (TessGpuVerdict, 1);
  for (const TessGpuCase *c = tess_gpu_cases; c->klass != NULL; c++)
    if (c->klass == klass)
      judge_case (prover, c, variant, verdict);
  if (verdict->wrong)
    g_message ("%s: %s, %s is not used: %s", proof->info.name, klass->name,
               variant->name, verdict->reason);
  if (verdict->n_cases > 0)
    g_hash_table_insert (proof->verdicts, g_steal_pointer (&key), verdict);
  else
    verdict_free (verdict);
}

static gboolean
prove_all (TessGpuProof *proof, GError **error)
{
  Prover prover = { .proof = proof, .plain = tess_backend_plain_new () };
  gboolean ok = open_backend (&prover, error);

  g_debug ("%s: trying each variant", proof->info.name);
  for (const TessGpuOp *const *op = tess_gpu_ops; ok && *op != NULL; op++)
    for (const TessGpuVariant *v = (*op)->variants; v->name != NULL; v++)
      if (spoiled_op == NULL || g_str_equal (spoiled_op, (*op)->klass->name))
        judge (&prover, (*op)->klass, v);
  if (ok)
    write_record (proof, NULL);
  if (prover.gpu != NULL)
    tess_backend_unref (&prover.gpu->base);
  tess_backend_unref (prover.plain);
  return ok;
}

/* The last variant takes everything: where it is wrong nothing is sure. */
static gboolean
check_last (const TessGpuProof *proof, GError **error)
{
  for (const TessGpuOp *const *op = tess_gpu_ops; *op != NULL; op++)
    {
      const TessGpuVariant *v = (*op)->variants;
      const TessGpuVerdict *verdict;

      while (v[1].name != NULL)
        v++;
      verdict = tess_gpu_proof_of (proof, (*op)->klass, v);
      if (verdict == NULL || !verdict->wrong)
        continue;
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_DEVICE,
          _ ("%s does not compute rightly (%s: %s); update its driver, "
             "or choose the processor."),
          proof->info.name, (*op)->klass->name, verdict->reason);
      return FALSE;
    }
  return TRUE;
}

TessGpuProof *
tess_gpu_proof_new (const TessGpuInfo *info,
                    const gchar *wanted,
                    TessType storage,
                    GError **error)
{
  TessGpuProof *proof = g_new0 (TessGpuProof, 1);

  proof->info = *info;
  proof->wanted = g_strdup (wanted);
  proof->storage = storage;
  proof->verdicts
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, verdict_free);
  if ((read_record (proof) || prove_all (proof, error))
      && check_last (proof, error))
    return proof;
  tess_gpu_proof_free (proof);
  return NULL;
}

void
tess_gpu_proof_free (TessGpuProof *proof)
{
  if (proof == NULL)
    return;
  g_hash_table_unref (proof->verdicts);
  g_free (proof->wanted);
  g_free (proof->tried);
  g_free (proof);
}

void
tess_gpu_proof_describe (const TessGpuProof *proof, GString *lines)
{
  for (const TessGpuOp *const *op = tess_gpu_ops; *op != NULL; op++)
    for (const TessGpuVariant *v = (*op)->variants; v->name != NULL; v++)
      {
        const TessGpuVerdict *verdict
            = tess_gpu_proof_of (proof, (*op)->klass, v);

        g_string_append_printf (
            lines, "\t%s\t%s\t%s\t", (*op)->klass->name,
            proof->storage == TESS_F16 ? "float16" : "float32", v->name);
        if (verdict == NULL)
          g_string_append (lines, "not used: nothing here that it is for\n");
        else if (verdict->wrong)
          g_string_append_printf (lines, "NOT USED: %s\n", verdict->reason);
        else if (verdict->seconds > 0.0)
          g_string_append_printf (lines, "right, error %.2g, %.3f ms\n",
                                  verdict->error, verdict->seconds * 1e3);
        else
          g_string_append_printf (lines, "right, error %.2g\n", verdict->error);
      }
}

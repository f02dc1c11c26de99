/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/bench/shaders.c: every variant of products, convolutions and
 * attention on a Vulkan device, at the shapes of the models: how fast, and how
 * far from what some of its numbers ought to be, which are summed up here in
 * double.
 *
 * A run is one submit and one wait, as a step of the sampler is. */
#include "core/program-private.h"
#include "gpu/backend-private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static gchar *device_name, *only_op, *only_variant;
static gboolean cpu_time, f32, chosen;
static gint n_runs = 3;
static gdouble seconds = 20.0;

static const GOptionEntry entries[]
    = { { "device", 'd', 0, G_OPTION_ARG_STRING, &device_name,
          "Part of its name (TESSERA_DEVICE)", "NAME" },
        { "float32", 'f', 0, G_OPTION_ARG_NONE, &f32,
          "Values in float32, not 16", NULL },
        { "op", 'o', 0, G_OPTION_ARG_STRING, &only_op,
          "Only shapes with this in their name", "TEXT" },
        { "variant", 'v', 0, G_OPTION_ARG_STRING, &only_variant,
          "Only variants with this in their name", "TEXT" },
        { "chosen", 'c', 0, G_OPTION_ARG_NONE, &chosen,
          "Only the variant that the backend takes by itself", NULL },
        { "runs", 'r', 0, G_OPTION_ARG_INT, &n_runs, "Runs of each (3)", "N" },
        { "seconds", 's', 0, G_OPTION_ARG_DOUBLE, &seconds,
          "No more runs of a variant after these (20)", "S" },
        { "cpu-time", 'p', 0, G_OPTION_ARG_NONE, &cpu_time,
          "Processor time over the number of cores, for a software device on a "
          "machine that others keep busy",
          NULL },
        { NULL } };

typedef struct
{
  const gchar *name;
  gint n, h, w, ic, oc; /* attention: h queries, w keys, ic heads of oc */
  gint kernel;          /* 0: linear; -1: attention */
  TessActivation act;
} Shape;

static const Shape shapes[] = {
  { "linear 4096x4096 -> 320", 1, 1, 4096, 4096, 320, 0 },
  { "linear 4096x320 -> 4096", 1, 1, 4096, 320, 4096, 0 },
  { "linear 1024x1280 -> 1280", 1, 1, 1024, 1280, 1280, 0 },
  { "linear 77x768 -> 320", 1, 1, 77, 768, 320, 0 },
  { "linear 4096x320 -> 1280, geglu", 1, 1, 4096, 320, 1280, 0,
    TESS_ACT_GEGLU },
  { "conv2d 320 -> 320, 64x64", 1, 64, 64, 320, 320, 3 },
  { "conv2d 1280 -> 1280, 8x8", 1, 8, 8, 1280, 1280, 3 },
  { "conv2d 512 -> 512, 128x128", 1, 128, 128, 512, 512, 3 },
  { "attention 4096, 8 heads of 40", 1, 4096, 4096, 8, 40, -1 },
  { "attention 4096 x 77, 8 heads of 40", 1, 4096, 77, 8, 40, -1 },
  { "attention 1024, 8 heads of 80", 1, 1024, 1024, 8, 80, -1 },
  { "attention 256, 8 heads of 160", 1, 256, 256, 8, 160, -1 },
  { "attention 4096, 1 head of 512", 1, 4096, 4096, 1, 512, -1 },
};

static gdouble
now (void)
{
  struct timespec time;

  clock_gettime (cpu_time ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return (time.tv_sec + time.tv_nsec / 1e9)
         / (cpu_time ? g_get_num_processors () : 1);
}

static void
die (GError *error)
{
  fprintf (stderr, "bench-shaders: %s\n", error->message);
  exit (EXIT_FAILURE);
}

/* A multiple of 1/64 below 1/2, which every storage has. */
static gfloat
number (guint32 *state)
{
  *state = *state * 1664525u + 1013904223u;
  return ((gint) (*state >> 26) - 32) / 64.0f;
}

typedef struct
{
  TessBackend *backend;
  TessProgram *program;
  TessBuffer *dst;
  TessWeight *weight;
  gfloat *src[3]; /* or q, k, v */
} Case;

static TessValue *
source (Case *c, gint i, gint n, gint h, gint w, gint channels)
{
  TessShape shape = { n, h, w, channels };
  gsize size = tess_shape_n_elements (&shape);
  guint32 state = 1 + i;
  GError *error = NULL;
  TessBuffer *buffer = tess_buffer_new (
      c->backend, tess_backend_storage (c->backend), &shape, &error);
  TessValue *value;

  if (buffer == NULL)
    die (error);
  c->src[i] = g_new (gfloat, size);
  for (gsize j = 0; j < size; j++)
    c->src[i][j] = number (&state);
  tess_buffer_write (buffer, 0, n, c->src[i]);
  value = tess_input (c->program, buffer);
  tess_buffer_unref (buffer);
  return value;
}

static TessWeight *
weight_new (const Shape *s)
{
  gint k = MAX (s->kernel, 1), rows = s->oc;
  gint64 dims[4] = { 0, s->ic, k, k };
  GError *error = NULL;
  TessTensor *tensor;
  TessWeight *weight;
  guint32 state = 9;

  if (s->act == TESS_ACT_GEGLU)
    rows *= 2;
  dims[0] = rows;
  tensor = tess_tensor_new (TESS_F32, s->kernel > 0 ? 4 : 2, dims, &error);
  if (tensor == NULL)
    die (error);
  for (gsize i = 0; i < tess_tensor_n_elements (tensor); i++)
    tess_tensor_f32 (tensor)[i] = number (&state) / 4;
  weight = tess_weight_new ("weight", tensor);
  tess_tensor_unref (tensor);
  return weight;
}

static void
record (Case *c, const Shape *s)
{
  TessType type = tess_backend_storage (c->backend);
  GError *error = NULL;
  TessValue *value;

  c->program = tess_program_new (s->name, type);
  if (s->kernel < 0)
    {
      TessAttention args = {
        .q = source (c, 0, s->n, 1, s->h, s->ic * s->oc),
        .k = source (c, 1, s->n, 1, s->w, s->ic * s->oc),
        .v = source (c, 2, s->n, 1, s->w, s->ic * s->oc),
        .n_heads = s->ic,
      };

      value = tess_attention (c->program, &args);
    }
  else
    {
      TessValue *src = source (c, 0, s->n, s->h, s->w, s->ic);

      c->weight = weight_new (s);
      if (s->kernel == 0)
        value = tess_linear (
            c->program,
            &(TessLinear) { .src = src, .weight = c->weight, .act = s->act });
      else
        value = tess_conv2d (c->program,
                             &(TessConv2d) { .src = src,
                                             .weight = c->weight,
                                             .pad_begin = s->kernel / 2,
                                             .pad_end = s->kernel / 2 });
    }
  c->dst = tess_buffer_new (c->backend, type, tess_value_shape (value), &error);
  if (c->dst == NULL)
    die (error);
  tess_store (c->program, value, c->dst);
}

/* What number @at of the answer ought to be. */
static gdouble
product_at (const Case *c, const Shape *s, gsize at, gint column)
{
  gint k = MAX (s->kernel, 1), x = (gint) (at % s->w);
  gint y = (gint) (at / s->w % s->h), n = (gint) (at / s->w / s->h);
  const gfloat *weight
      = tess_tensor_f32 (c->weight->tensor) + (gsize) column * s->ic * k * k;
  gdouble sum = 0.0;

  for (gint ky = 0; ky < k; ky++)
    for (gint kx = 0; kx < k; kx++)
      {
        gint sy = y + ky - k / 2, sx = x + kx - k / 2;
        const gfloat *src
            = c->src[0] + (((gsize) n * s->h + sy) * s->w + sx) * s->ic;

        if (sy < 0 || sx < 0 || sy >= s->h || sx >= s->w)
          continue;
        for (gint i = 0; i < s->ic; i++)
          sum += (gdouble) src[i] * weight[(i * k + ky) * k + kx];
      }
  return sum;
}

static gdouble
attention_at (const Case *c, const Shape *s, gsize token, gint column)
{
  gint d = s->oc, channels = s->ic * d, first = column / d * d;
  const gfloat *q = c->src[0] + token * channels + first;
  gdouble total = 0.0, sum = 0.0;

  for (gint i = 0; i < s->w; i++)
    {
      gdouble score = 0.0;

      for (gint j = 0; j < d; j++)
        score += (gdouble) q[j] * c->src[1][(gsize) i * channels + first + j];
      score = exp (score / sqrt (d)); /* below e^8: no need to shift */
      total += score;
      sum += score * c->src[2][(gsize) i * channels + column];
    }
  return sum / total;
}

/* Root of the squared error over the squared answer, of some numbers. */
static gdouble
error_of (const Case *c, const Shape *s)
{
  const TessShape *shape = tess_buffer_shape (c->dst);
  g_autofree gfloat *dst = g_new (gfloat, tess_shape_n_elements (shape));
  gsize n = tess_shape_n_elements (shape);
  gdouble error = 0.0, norm = 1e-30;

  tess_buffer_read (c->dst, 0, shape->n, dst);
  for (gint i = 0; i < 500; i++)
    {
      gsize at = n < 500 ? (gsize) i % n : (gsize) i * (n / 499 - 1);
      gint column = (gint) (at % shape->c);
      gsize cell = at / shape->c;
      gdouble right;

      if (s->kernel < 0)
        right = attention_at (c, s, cell, column);
      else
        {
          right = product_at (c, s, cell, column);
          if (s->act == TESS_ACT_GEGLU)
            {
              gdouble gate = product_at (c, s, cell, column + s->oc);

              right *= 0.5 * gate * (1.0 + erf (gate * M_SQRT1_2));
            }
        }
      error += (dst[at] - right) * (dst[at] - right);
      norm += right * right;
    }
  return sqrt (error / norm);
}

static void
finish (Case *c)
{
  tess_program_unref (c->program);
  tess_buffer_unref (c->dst);
  tess_weight_free (c->weight);
  for (gint i = 0; i < 3; i++)
    g_free (c->src[i]);
  tess_backend_unref (c->backend);
}

/* @variant: NULL for what the backend takes. */
static void
measure (const Shape *s,
         const TessOpClass *klass,
         const TessGpuVariant *variant)
{
  g_autofree gchar *forced
      = variant != NULL ? g_strdup_printf ("%s=%s", klass->name, variant->name)
                        : g_strdup ("");
  TessVulkanSettings settings = { .device = device_name,
                                  .storage = f32 ? TESS_F32 : TESS_F16,
                                  .variants = forced };
  Case c = { 0 };
  GError *error = NULL;
  TessExec *exec;
  gdouble start, least = G_MAXDOUBLE, begin;
  const TessGpuBackend *gpu;
  const TessOp *op;

  c.backend = tess_backend_vulkan_new (&settings, &error);
  if (c.backend == NULL)
    die (error);
  record (&c, s);
  gpu = (const TessGpuBackend *) c.backend;
  op = c.program->ops->pdata[0];
  if (variant == NULL)
    variant = tess_gpu_choose (gpu, op, settings.storage);
  else if (variant->refuses != NULL
           && variant->refuses (variant, &gpu->device->caps, op,
                                settings.storage)
                  != NULL)
    {
      printf (
          "%-36s %-18s %s\n", s->name, variant->name,
          variant->refuses (variant, &gpu->device->caps, op, settings.storage));
      finish (&c);
      return;
    }
  exec = tess_backend_compile (c.backend, c.program, &error);
  if (exec == NULL || !tess_exec_run (exec, NULL, &error))
    die (error);
  begin = now ();
  for (gint i = 0; i < n_runs && (i == 0 || now () - begin < seconds); i++)
    {
      start = now ();
      if (!tess_exec_run (exec, NULL, &error))
        die (error);
      least = MIN (least, now () - start);
    }
  printf ("%-36s %-18s %10.2f ms %9.1f GFLOP/s, error %.1e\n", s->name,
          variant->name, least * 1e3,
          tess_program_n_flops (c.program) / least * 1e-9, error_of (&c, s));
  fflush (stdout);
  tess_exec_free (exec);
  finish (&c);
}

int
main (int argc, char **argv)
{
  GOptionContext *context = g_option_context_new (NULL);
  GError *error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    die (error);
  g_option_context_free (context);
  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++)
    {
      const Shape *s = &shapes[i];
      const TessOpClass *klass = s->kernel < 0    ? &tess_attention_class
                                 : s->kernel == 0 ? &tess_linear_class
                                                  : &tess_conv2d_class;

      if (only_op != NULL && strstr (s->name, only_op) == NULL)
        continue;
      if (chosen)
        measure (s, klass, NULL);
      else
        for (const TessGpuVariant *variant = tess_gpu_op_of (klass)->variants;
             variant->name != NULL; variant++)
          if (only_variant == NULL
              || strstr (variant->name, only_variant) != NULL)
            measure (s, klass, variant);
    }
  return EXIT_SUCCESS;
}

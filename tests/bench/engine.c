/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/bench/engine.c: how fast the networks run beside what the machine can
 * do, and what memory they take.
 *
 * The peak is that of oneDNN's own matmul, in the same data type, measured in
 * the same process between the networks. Operations are the networks' nominal
 * ones: what an implementation saves by algebra counts as done. Each data
 * type runs in a process of its own, so that peak memory is its own. */
#include "core/backend.h"
#include "core/cpu/dnnl.h"
#include "core/memory.h"
#include "core/model-synthetic.h"
#include "core/program-private.h"
#include "core/text-encoder.h"
#include "core/threads.h"
#include "core/unet.h"
#include "core/vae.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static gchar *kind = "sd15", *type_name, *batches = "1,2,4", *parts;
static gboolean cpu_time;
static gint n_runs = 3, n_threads, side = 64;

static const GOptionEntry entries[] = {
  { "kind", 'k', 0, G_OPTION_ARG_STRING, &kind,
    "Sizes of the model: sd15, sd21, tiny15, tiny21", "KIND" },
  { "type", 't', 0, G_OPTION_ARG_STRING, &type_name,
    "Only f32 or bf16 (both, one after another)", "TYPE" },
  { "batches", 'b', 0, G_OPTION_ARG_STRING, &batches,
    "Batches of the denoiser (1,2,4)", "LIST" },
  { "parts", 'p', 0, G_OPTION_ARG_STRING, &parts, "Only some of text,unet,vae",
    "LIST" },
  { "side", 's', 0, G_OPTION_ARG_INT, &side, "Latent cells a side (64)", "N" },
  { "runs", 'r', 0, G_OPTION_ARG_INT, &n_runs, "Runs of each (3)", "N" },
  { "cpu-time", 'c', 0, G_OPTION_ARG_NONE, &cpu_time,
    "Processor time; with -j 1, where others keep the machine busy", NULL },
  { "threads", 'j', 0, G_OPTION_ARG_INT, &n_threads, "0: one per core", "N" },
  { NULL }
};

static gdouble
now (void)
{
  struct timespec time;

  clock_gettime (cpu_time ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static void
die (GError *error)
{
  fprintf (stderr, "tessera-bench: %s\n", error->message);
  exit (EXIT_FAILURE);
}

/* Seconds since this process began, from /proc. */
static gdouble
process_age (void)
{
  g_autofree gchar *stat = NULL, *uptime = NULL;
  const gchar *field;

  if (!g_file_get_contents ("/proc/self/stat", &stat, NULL, NULL)
      || !g_file_get_contents ("/proc/uptime", &uptime, NULL, NULL))
    return 0.0;
  field = strrchr (stat, ')');
  for (gint i = 0; i < 20 && field != NULL; i++)
    field = strchr (field + 1, ' ');
  if (field == NULL)
    return 0.0;
  return g_ascii_strtod (uptime, NULL)
         - g_ascii_strtod (field, NULL) / sysconf (_SC_CLK_TCK);
}

/* "VmHWM" and the like, in GiB. */
static gdouble
memory_status (const gchar *key)
{
  g_autofree gchar *status = NULL;
  const gchar *line;

  if (!g_file_get_contents ("/proc/self/status", &status, NULL, NULL))
    return 0.0;
  line = strstr (status, key);
  return line != NULL ? g_ascii_strtod (line + strlen (key) + 1, NULL) / 1048576
                      : 0.0;
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  gdouble x = *(const gdouble *) a, y = *(const gdouble *) b;

  return (x > y) - (x < y);
}

/* GFLOP/s of oneDNN's fastest product of a few sizes. */
static gdouble
measure_peak (TessType type)
{
  static const gint sizes[][3]
      = { { 4096, 1280, 1280 }, { 2048, 2048, 2048 }, { 4096, 2560, 320 } };
  gdouble best = 0.0;

  omp_set_num_threads (n_threads > 0 ? n_threads : omp_get_num_procs ());
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      dnnl_dim_t m = sizes[i][0], k = sizes[i][1], n = sizes[i][2];
      dnnl_memory_desc_t src
          = tess_dnnl_desc (type, 2, (dnnl_dim_t[]) { m, k }, NULL);
      dnnl_memory_desc_t weight
          = tess_dnnl_desc_any (type, 2, (dnnl_dim_t[]) { k, n });
      dnnl_memory_desc_t dst
          = tess_dnnl_desc (type, 2, (dnnl_dim_t[]) { m, n }, NULL);
      dnnl_primitive_attr_t attr = tess_dnnl_attr (NULL);
      dnnl_primitive_desc_t desc = NULL;
      TessPrimitive product = { 0 };
      gsize sizes_bytes[3] = { m * k * 4, (k + 64) * (n + 64) * 4, m * n * 4 };
      gpointer memory[4];

      if (dnnl_matmul_primitive_desc_create (&desc, tess_dnnl_engine (), src,
                                             weight, NULL, dst, attr)
              != dnnl_success
          || !tess_primitive_init (&product, desc, FALSE, NULL))
        exit (EXIT_FAILURE);
      for (gint j = 0; j < 3; j++)
        memory[j] = tess_memory_new (sizes_bytes[j], "a trial", NULL);
      memory[3] = tess_memory_new (product.n_scratch, "a trial", NULL);
      tess_primitive_set (&product, DNNL_ARG_SRC, memory[0]);
      tess_primitive_set (&product, DNNL_ARG_WEIGHTS, memory[1]);
      tess_primitive_set (&product, DNNL_ARG_DST, memory[2]);
      tess_primitive_set (&product, DNNL_ARG_SCRATCHPAD, memory[3]);
      for (gint j = 0; j < 6; j++)
        {
          gdouble start = now ();

          tess_primitive_run (&product);
          if (j > 0)
            best = MAX (best, 2e-9 * m * k * n / (now () - start));
        }
      for (gint j = 0; j < 3; j++)
        tess_memory_free (memory[j], sizes_bytes[j]);
      tess_memory_free (memory[3], product.n_scratch);
      tess_primitive_finish (&product);
      dnnl_primitive_attr_destroy (attr);
      tess_dnnl_desc_clear (&src);
      tess_dnnl_desc_clear (&weight);
      tess_dnnl_desc_clear (&dst);
    }
  return best;
}

typedef struct
{
  TessModel *model;
  TessBackend *backend;
  TessType type;
} Bench;

/* The median of @times, of which the first (which compiles) does not count;
 * the peak is measured right after. */
static void
report (const Bench *bench, const gchar *what, gdouble n_flops, gdouble *times)
{
  gdouble peak = measure_peak (bench->type), median, rate;

  qsort (times + 1, n_runs, sizeof *times, compare);
  median = times[1 + n_runs / 2];
  rate = n_flops * 1e-9 / median;
  printf ("%-5s %-22s %8.3f s %9.1f GFLOP/s %6.1f %% of the peak of %.0f; "
          "first %.2f s\n",
          tess_type_name (bench->type), what, median, rate, 100.0 * rate / peak,
          peak, times[0]);
  fflush (stdout);
}

static gboolean
is_wanted (const gchar *part)
{
  g_auto (GStrv) list = parts != NULL ? g_strsplit (parts, ",", -1) : NULL;

  return list == NULL || g_strv_contains ((const gchar *const *) list, part);
}

static void
bench_text (const Bench *bench)
{
  GError *error = NULL;
  const TessTextConfig *config = tess_model_text (bench->model);
  g_autoptr (TessTextEncoder) encoder
      = tess_text_encoder_new (bench->model, bench->backend, &error);
  g_autoptr (TessTensor) ids = NULL;
  g_autofree gdouble *times = g_new (gdouble, n_runs + 1);
  gdouble w = config->width, t = config->n_positions;
  /* four products of w x w, two of w x mlp, the scores and sums */
  gdouble n_flops = config->n_layers * 2.0 * t
                    * (4 * w * w + 2 * w * config->mlp_width + 2 * t * w);

  if (encoder == NULL)
    die (error);
  ids = tess_tensor_new (TESS_I32, 2, (gint64[]) { 1, config->n_positions },
                         NULL);
  for (gint i = 0; i <= n_runs; i++)
    {
      g_autoptr (TessTensor) last = NULL;
      gdouble start = now ();

      if (!tess_text_encoder_run (encoder, ids, &last, NULL, NULL, &error))
        die (error);
      times[i] = now () - start;
    }
  report (bench, "text encoder", n_flops, times);
}

static void
bench_unet (const Bench *bench)
{
  GError *error = NULL;
  const TessUnetConfig *config = tess_model_unet (bench->model);
  g_autoptr (TessUnet) unet
      = tess_unet_new (bench->model, bench->backend, &error);
  g_auto (GStrv) list = g_strsplit (batches, ",", -1);
  g_autoptr (TessTensor) contexts = tess_tensor_new (
      TESS_F32, 3, (gint64[]) { 1, 77, config->context_width }, NULL);
  const gdouble timesteps[] = { 500.0 };
  gboolean first = TRUE;

  if (unet == NULL
      || !tess_unet_condition (unet, contexts, timesteps, 1, NULL, &error))
    die (error);
  for (gchar **item = list; *item != NULL; item++)
    {
      gint n = MAX (1, atoi (*item));
      gsize size = (gsize) n * config->in_channels * side * side;
      g_autofree gfloat *src = g_new0 (gfloat, size);
      g_autofree gfloat *dst = g_new0 (gfloat, size);
      g_autofree gdouble *times = g_new (gdouble, n_runs + 1);
      g_autofree gchar *what = g_strdup_printf ("unet, batch %d", n);
      TessUnetCall call
          = { .n = n, .h = side, .w = side, .src = src, .dst = dst };
      TessUnetCost cost;
      gdouble ready = process_age ();

      if (!tess_unet_cost (unet, n, side, side, 77, 0, FALSE, &cost, &error))
        die (error);
      for (gsize i = 0; i < size; i++)
        src[i] = (gfloat) ((i * 2654435761u >> 8) % 2001) / 1000.0f - 1.0f;
      for (gint i = 0; i <= n_runs; i++)
        {
          gdouble start = now ();

          if (!tess_unet_run (unet, &call, NULL, &error))
            die (error);
          times[i] = now () - start;
        }
      report (bench, what, cost.n_flops, times);
      printf ("      weights to come %.2f GiB, arena %.2f GiB, peak so far "
              "%.2f GiB\n",
              cost.weights / 1073741824.0, cost.arena / 1073741824.0,
              memory_status ("VmHWM:"));
      if (first)
        printf ("      from the start of the process to the first call's work: "
                "%.2f s\n",
                ready + times[0] - times[1 + n_runs / 2]);
      first = FALSE;
    }
}

static gboolean
take_pixels (gint x,
             gint y,
             gint w,
             gint h,
             const gfloat *planes,
             gpointer data,
             GError **error)
{
  return TRUE;
}

static void
bench_vae (const Bench *bench)
{
  GError *error = NULL;
  g_autoptr (TessVae) vae = tess_vae_new (bench->model, bench->backend, &error);
  gint channels = tess_model_vae (bench->model)->latent_channels;
  g_autoptr (TessTensor) latent
      = tess_tensor_new_nchw (1, channels, side, side, NULL);
  TessVaeSettings settings = { .mode = TESS_VAE_EXACT };
  g_autofree gdouble *times = g_new (gdouble, n_runs + 1);
  g_autofree gchar *what = NULL;
  gdouble n_flops = 0.0;

  if (vae == NULL
      || !tess_vae_cost (vae, side, side, TESS_VAE_DECODES, &settings, NULL,
                         NULL, &n_flops, &error))
    die (error);
  what = g_strdup_printf ("vae decode %d px", side * tess_vae_factor (vae));
  for (gint i = 0; i <= n_runs; i++)
    {
      gdouble start = now ();

      if (!tess_vae_decode (vae, latent, &settings, take_pixels, NULL, &error))
        die (error);
      times[i] = now () - start;
    }
  report (bench, what, n_flops, times);
}

/* The model's file, of random weights in f16; made once. */
static gchar *
model_path (void)
{
  g_autofree gchar *folder
      = g_build_filename (g_get_user_cache_dir (), "tessera-bench", NULL);
  g_autofree gchar *name = g_strconcat (kind, ".safetensors", NULL);

  g_mkdir_with_parents (folder, 0755);
  return g_build_filename (folder, name, NULL);
}

static void
make_model (void)
{
  g_autofree gchar *path = model_path ();
  g_autofree gchar *part = g_strconcat (path, ".part", NULL);
  g_autoptr (TessModel) model = NULL;
  GError *error = NULL;

  model = tess_model_new_synthetic (kind, &error);
  if (model == NULL || !tess_model_write_single (model, part, FALSE, &error))
    die (error);
  if (rename (part, path) != 0)
    exit (EXIT_FAILURE);
}

static void
bench_type (void)
{
  g_autofree gchar *path = model_path ();
  TessCpuSettings settings = {
    .n_threads = n_threads,
    .storage = g_strcmp0 (type_name, "bf16") == 0 ? TESS_BF16 : TESS_F32,
  };
  GError *error = NULL;
  Bench bench = { .type = settings.storage };
  gdouble n_params = 0.0;

  bench.model = tess_model_open (path, &error);
  if (bench.model == NULL)
    die (error);
  bench.backend = tess_backend_cpu_new (&settings, &error);
  if (bench.backend == NULL)
    die (error);
  for (gint part = 0; part < TESS_N_PARTS; part++)
    n_params += tess_model_n_params (bench.model, part);
  if (is_wanted ("text"))
    bench_text (&bench);
  if (is_wanted ("unet"))
    bench_unet (&bench);
  if (is_wanted ("vae"))
    bench_vae (&bench);
  printf ("%-5s peak memory %.2f GiB; the weights alone are %.2f GiB in f32\n",
          tess_type_name (bench.type), memory_status ("VmHWM:"),
          n_params * 4 / 1073741824.0);
  tess_backend_unref (bench.backend);
  tess_model_unref (bench.model);
}

/* This program again, with one argument more. */
static void
run_again (gchar **argv, const gchar *argument)
{
  g_autoptr (GPtrArray) args = g_ptr_array_new ();
  GError *error = NULL;
  gint status = 0;

  for (gchar **arg = argv; *arg != NULL; arg++)
    g_ptr_array_add (args, *arg);
  g_ptr_array_add (args, (gpointer) argument);
  g_ptr_array_add (args, NULL);
  fflush (stdout);
  if (!g_spawn_sync (NULL, (gchar **) args->pdata, NULL,
                     G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL, NULL, NULL,
                     &status, &error)
      || !g_spawn_check_wait_status (status, &error))
    die (error);
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context
      = g_option_context_new ("- time the networks on this machine");
  g_auto (GStrv) original = g_strdupv (argv);
  g_autofree gchar *path = NULL;
  GError *error = NULL;

  tess_threads_init (original);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    die (error);
  if (g_strcmp0 (type_name, "model") == 0)
    {
      make_model ();
      return EXIT_SUCCESS;
    }
  n_runs = MAX (n_runs, 1);
  path = model_path ();
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    run_again (original, "--type=model");
  if (type_name != NULL)
    {
      bench_type ();
      return EXIT_SUCCESS;
    }
  printf ("%s, random weights, %d x %d latent cells, faster storage here: %s\n",
          kind, side, side, tess_type_name (tess_backend_cpu_best_storage ()));
  run_again (original, "--type=f32");
  if (tess_backend_cpu_has_bf16 ())
    run_again (original, "--type=bf16");
  return EXIT_SUCCESS;
}

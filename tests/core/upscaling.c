/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/upscaling.c: what upscaling is made of: enlarging part by part,
 * colours by bands, the decoder that looks at the picture by tiles, weights
 * from files, the network that looks. Reference results: tools/check-golden
 * tests/data/golden-stablesr. */
#include "core/colour-fix.h"
#include "core/error.h"
#include "core/json-file.h"
#include "core/model-layout.h"
#include "core/model-private.h"
#include "core/model-synthetic.h"
#include "core/random.h"
#include "core/safetensors.h"
#include "core/sampler.h"
#include "core/unet.h"
#include "core/vae.h"
#include "tests/harness.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

static TessTensor *
noise (gint c, gint h, gint w, guint64 seed)
{
  TessTensor *tensor = tess_tensor_new_nchw (1, c, h, w, NULL);
  TessRandom random;

  tess_random_init (&random, seed);
  tess_random_normal (&random, tess_tensor_f32 (tensor),
                      tess_tensor_n_elements (tensor));
  return tensor;
}

static gdouble
largest (const gfloat *a, const gfloat *b, gsize n)
{
  gdouble worst = 0.0;

  for (gsize i = 0; i < n; i++)
    worst = fmax (worst, fabs ((gdouble) a[i] - b[i]));
  return worst;
}

/* --- enlarging ----------------------------------------------------------- */

START_TEST (parts_are_the_whole)
{
  g_autoptr (TessTensor) src = noise (2, 7, 11, 1);
  TessEnlarged e = { .src = src->data, .channels = 2, .src_w = 11, .src_h = 7 };
  g_autofree gfloat *whole = NULL;
  gfloat part[2 * 5 * 9];

  ck_assert (tess_enlarged_sizes (&e, 3.5, 20, 8));
  ck_assert_int_eq (e.width, 38);
  ck_assert_int_eq (e.height, 24);
  ck_assert_int_eq (e.padded_w, 40);
  ck_assert_int_eq (e.padded_h, 32); /* an aligned side gains a whole step */
  whole = g_new (gfloat, 2 * 40 * 32);
  tess_enlarged_read (&e, 0, 0, 40, 32, whole);
  for (gint y = 0; y + 5 <= 32; y += 3)
    for (gint x = 0; x + 9 <= 40; x += 7)
      {
        tess_enlarged_read (&e, x, y, 9, 5, part);
        for (gint c = 0; c < 2; c++)
          for (gint i = 0; i < 5; i++)
            ck_assert_mem_eq (part + (c * 5 + i) * 9,
                              whole + (c * 32 + y + i) * 40 + x,
                              9 * sizeof *part);
      }
  for (gint y = 0; y < 24; y++) /* the edge is not repeated */
    ck_assert_float_eq (whole[y * 40 + 38], whole[y * 40 + 36]);
}
END_TEST

START_TEST (sizes_that_cannot_be)
{
  TessEnlarged e = { .channels = 1, .src_w = 3, .src_h = 3 };

  ck_assert (!tess_enlarged_sizes (&e, 1e9, 1, 32));
  ck_assert (tess_enlarged_sizes (&e, 32.0, 1, 32));
  ck_assert_int_eq (e.padded_w, 96);
}
END_TEST

/* Mirrored as often as it takes; one cell alone is repeated. */
START_TEST (thin_pictures_are_padded)
{
  static const gfloat src[] = { 1.0f, 2.0f, 5.0f };
  TessEnlarged e = {
    .src = src, .channels = 1, .src_w = 3, .src_h = 1, .width = 3, .height = 1
  };
  gfloat all[16 * 8];

  tess_enlarged_pad (&e, 8, 16);
  ck_assert_int_eq (e.padded_w, 16);
  ck_assert_int_eq (e.padded_h, 16);
  tess_enlarged_read (&e, 0, 8, 16, 8, all);
  for (gint i = 0; i < 16 * 8; i++)
    ck_assert_float_eq (all[i], src[i % 16 % 4 == 3 ? 1 : i % 16 % 4]);
}
END_TEST

/* --- colours ------------------------------------------------------------- */

static TessEnlarged
style_of (const TessTensor *src, gint w, gint h)
{
  return (TessEnlarged) { .src = src->data,
                          .channels = (gint) src->dims[1],
                          .src_w = (gint) src->dims[3],
                          .src_h = (gint) src->dims[2],
                          .width = w,
                          .height = h,
                          .padded_w = w,
                          .padded_h = h };
}

START_TEST (bands_are_the_whole)
{
  static const gint bands[] = { 1, 7, 31, 40, 64, 200 };
  TessColourFix fix = _i == 0 ? TESS_COLOUR_WAVELET : TESS_COLOUR_ADAIN;
  g_autoptr (TessTensor) small = noise (3, 24, 10, 5);
  TessEnlarged style = style_of (small, 41, 97);
  g_autoptr (TessTensor) whole = noise (3, 97, 41, 6);
  gsize n = tess_tensor_n_elements (whole);

  ck_assert (
      tess_colour_fix (fix, whole->data, 41, 97, &style, 97, NULL, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (bands); i++)
    {
      g_autoptr (TessTensor) other = noise (3, 97, 41, 6);

      ck_assert (tess_colour_fix (fix, other->data, 41, 97, &style, bands[i],
                                  NULL, NULL));
      ck_assert_double_lt (largest (whole->data, other->data, n), 2e-6);
    }
}
END_TEST

START_TEST (own_colours_stay)
{
  g_autoptr (TessTensor) x = noise (3, 50, 40, 5);
  g_autoptr (TessTensor) was = noise (3, 50, 40, 5);
  TessEnlarged style = style_of (was, 40, 50);

  ck_assert (tess_colour_fix (_i, x->data, 40, 50, &style, 0, NULL, NULL));
  ck_assert_double_lt (largest (x->data, was->data, 3 * 50 * 40), 1e-6);
}
END_TEST

START_TEST (a_cast_goes)
{
  g_autoptr (TessTensor) x = noise (3, 70, 70, 5);
  g_autoptr (TessTensor) src = noise (3, 70, 70, 5);
  TessEnlarged style = style_of (src, 70, 70);
  gdouble sum = 0.0, wanted = 0.0;

  for (gint i = 0; i < 70 * 70; i++)
    tess_tensor_f32 (x)[i] += 0.4f;
  ck_assert (tess_colour_fix (_i, x->data, 70, 70, &style, 0, NULL, NULL));
  for (gint i = 0; i < 70 * 70; i++)
    {
      sum += tess_tensor_f32 (x)[i];
      wanted += tess_tensor_f32 (src)[i];
    }
  ck_assert_double_lt (fabs (sum - wanted) / (70 * 70), 1e-5);
}
END_TEST

START_TEST (cancelled)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TessTensor) x = noise (1, 9, 9, 5);
  g_autoptr (GError) error = NULL;
  TessEnlarged style = style_of (x, 9, 9);

  g_cancellable_cancel (cancellable);
  ck_assert (
      !tess_colour_fix (_i, x->data, 9, 9, &style, 0, cancellable, &error));
  ck_assert (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
}
END_TEST

/* --- the decoder --------------------------------------------------------- */

static gboolean
give (gint x,
      gint y,
      gint w,
      gint h,
      gfloat *planes,
      gpointer data,
      GError **error)
{
  const TessTensor *canvas = data;

  for (gint c = 0; c < canvas->dims[1]; c++)
    for (gint i = 0; i < h; i++, planes += w)
      tess_tensor_read_f32 (
          canvas, ((gsize) c * canvas->dims[2] + y + i) * canvas->dims[3] + x,
          w, planes);
  return TRUE;
}

static gboolean
keep (gint x,
      gint y,
      gint w,
      gint h,
      const gfloat *planes,
      gpointer data,
      GError **error)
{
  TessTensor *canvas = data;

  for (gint c = 0; c < canvas->dims[1]; c++)
    for (gint i = 0; i < h; i++, planes += w)
      memcpy (tess_tensor_f32 (canvas)
                  + ((gsize) c * canvas->dims[2] + y + i) * canvas->dims[3] + x,
              planes, w * sizeof *planes);
  return TRUE;
}

static TessModel *
new_decoder (void)
{
  g_autofree gchar *path
      = tess_test_data ("golden-stablesr/vae_small.tensors.json");
  g_autoptr (GError) error = NULL;
  TessModel *model = tess_model_new_formula_vae (path, &error);

  ck_no_error (error);
  return model;
}

/* @kept: bytes of states between passes, 0: the default. */
static TessTensor *
decode (TessModel *model,
        const TessTensor *latent,
        TessTensor *picture,
        gdouble fidelity,
        gint tile,
        gsize kept)
{
  g_autoptr (TessBackend) backend = tess_backend_cpu_new (NULL, NULL);
  g_autoptr (TessVae) vae = NULL;
  TessTensor *canvas
      = tess_tensor_new_nchw (1, 3, picture->dims[2], picture->dims[3], NULL);
  const TessVaeLook look = { fidelity, give, picture };
  const TessVaeSettings settings = { .mode = TESS_VAE_EXACT, .tile = tile };
  g_autoptr (GError) error = NULL;

  if (backend == NULL)
    backend = tess_backend_plain_new ();
  vae = tess_vae_new (model, backend, NULL);
  tess_vae_set_limits (vae, 0, kept);
  tess_vae_decode_fused (vae, latent, &look, &settings, keep, canvas, &error);
  ck_no_error (error);
  return canvas;
}

/* Half of the picture bright: where norms of a tile alone would be wrong. The
 * first of three tiles does not see the last. */
START_TEST (fused_tiles_are_the_whole)
{
  static const gsize kept[] = { 0, 200000 };
  g_autoptr (TessModel) model = new_decoder ();
  g_autoptr (TessTensor) latent = noise (4, 1, 72, 1);
  g_autoptr (TessTensor) picture = noise (3, 8, 576, 2);
  g_autoptr (TessTensor) whole = NULL;
  g_autoptr (TessTensor) tiled = NULL;

  for (gint i = 0; i < 3 * 8 * 576; i++)
    tess_tensor_f32 (picture)[i]
        = tess_tensor_f32 (picture)[i] * 0.2f + (i % 576 < 250 ? 0.7f : -0.6f);
  whole = decode (model, latent, picture, 0.5, 72, 0);
  tiled = decode (model, latent, picture, 0.5, 24, kept[_i]);
  ck_assert_double_lt (tess_test_error (tiled->data, whole->data, 3 * 8 * 576),
                       2e-5);
}
END_TEST

START_TEST (fidelity_is_a_scale)
{
  g_autoptr (TessModel) model = new_decoder ();
  g_autoptr (TessTensor) latent = noise (4, 8, 8, 1);
  g_autoptr (TessTensor) picture = noise (3, 64, 64, 2);
  g_autoptr (TessTensor) other = noise (3, 64, 64, 3);
  g_autoptr (TessTensor) none = decode (model, latent, picture, 0.0, 0, 0);
  g_autoptr (TessTensor) little = decode (model, latent, picture, 1e-6, 0, 0);
  g_autoptr (TessTensor) much = decode (model, latent, picture, 1.0, 0, 0);
  g_autoptr (TessTensor) else_where = decode (model, latent, other, 1.0, 0, 0);

  ck_assert_double_lt (tess_test_error (little->data, none->data, 3 * 64 * 64),
                       1e-4);
  ck_assert_double_gt (tess_test_error (much->data, none->data, 3 * 64 * 64),
                       0.05);
  ck_assert_double_gt (
      tess_test_error (else_where->data, much->data, 3 * 64 * 64), 0.01);
}
END_TEST

START_TEST (a_decoder_that_cannot_look)
{
  g_autoptr (TessModel) model = tess_model_new_synthetic ("tiny21", NULL);
  g_autoptr (TessBackend) backend = tess_backend_plain_new ();
  g_autoptr (TessVae) vae = tess_vae_new (model, backend, NULL);
  g_autoptr (TessTensor) latent = noise (4, 8, 8, 1);
  const TessVaeLook look = { 0.5, give, latent };
  const TessVaeSettings settings = { 0 };
  g_autoptr (GError) error = NULL;

  ck_assert (!tess_vae_decode_fused (vae, latent, &look, &settings, keep, NULL,
                                     &error));
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_MODEL));
}
END_TEST

/* --- the network --------------------------------------------------------- */

static TessModel *
new_network (void)
{
  g_autofree gchar *path = tess_test_data ("golden-stablesr/unet.json");
  g_autoptr (GError) error = NULL;
  TessModel *model = tess_model_new_formula (path, &error);

  ck_no_error (error);
  return model;
}

static void
run (TessUnet *unet,
     gint n,
     const TessTensor *x,
     const TessTensor *z,
     gfloat *dst)
{
  const TessUnetCall call = { .n = n,
                              .h = (gint) x->dims[2],
                              .w = (gint) x->dims[3],
                              .step = 1,
                              .src = x->data,
                              .structure = z ? z->data : NULL,
                              .dst = dst };
  g_autoptr (GError) error = NULL;

  tess_unet_run (unet, &call, NULL, &error);
  ck_no_error (error);
}

/* Two tiles at once are each alone; without a structure the network is the
 * plain one again. */
START_TEST (samples_have_structures_of_their_own)
{
  static const gdouble timesteps[] = { 999, 500 };
  g_autoptr (TessModel) model = new_network ();
  g_autoptr (TessBackend) backend = tess_backend_cpu_new (NULL, NULL);
  g_autoptr (TessUnet) unet = NULL;
  g_autoptr (TessTensor) context = tess_tensor_new (
      TESS_F32, 3, (gint64[]) { 1, 7, tess_model_unet (model)->context_width },
      NULL);
  gint64 dims[4] = { 2, 4, 16, 8 };
  g_autoptr (TessTensor) x = tess_tensor_new (TESS_F32, 4, dims, NULL);
  g_autoptr (TessTensor) z = tess_tensor_new (TESS_F32, 4, dims, NULL);
  gfloat both[2 * 512], alone[512], plain[2 * 512], again[2 * 512];
  g_autoptr (GError) error = NULL;
  TessRandom random;

  if (backend == NULL)
    backend = tess_backend_plain_new ();
  tess_random_init (&random, 4);
  tess_random_normal (&random, x->data, 2 * 512);
  tess_random_normal (&random, z->data, 2 * 512);
  unet = tess_unet_new (model, backend, NULL);
  ck_assert (tess_unet_condition (unet, context, timesteps, 2, NULL, &error));
  run (unet, 2, x, NULL, plain);
  ck_assert (tess_unet_structure (unet, TRUE, NULL, &error));
  run (unet, 2, x, z, both);
  for (gint i = 0; i < 2; i++)
    {
      g_autoptr (TessTensor) one
          = tess_tensor_view (x, i * 512 * 4, 4, (gint64[]) { 1, 4, 16, 8 });
      g_autoptr (TessTensor) own
          = tess_tensor_view (z, i * 512 * 4, 4, (gint64[]) { 1, 4, 16, 8 });

      run (unet, 1, one, own, alone);
      ck_assert_double_lt (tess_test_error (both + i * 512, alone, 512), 1e-5);
    }
  ck_assert_double_gt (tess_test_error (both, plain, 2 * 512), 0.05);
  ck_assert (tess_unet_structure (unet, FALSE, NULL, &error));
  run (unet, 2, x, NULL, again);
  ck_assert_mem_eq (again, plain, sizeof plain);
}
END_TEST

START_TEST (a_network_that_cannot_look)
{
  static const gdouble timestep = 5;
  g_autoptr (TessModel) model = tess_model_new_synthetic ("tiny21", NULL);
  g_autoptr (TessBackend) backend = tess_backend_plain_new ();
  g_autoptr (TessUnet) unet = tess_unet_new (model, backend, NULL);
  g_autoptr (TessTensor) context
      = tess_tensor_new (TESS_F32, 3, (gint64[]) { 1, 7, 64 }, NULL);
  g_autoptr (GError) error = NULL;

  ck_assert (tess_unet_condition (unet, context, &timestep, 1, NULL, &error));
  ck_assert (!tess_unet_structure (unet, TRUE, NULL, &error));
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_MODEL));
}
END_TEST

/* --- the sampler --------------------------------------------------------- */

/* Mended DDIM ends with the picture that its last step predicts, and the
 * level it leads from is that of the timestep the network is told. */
START_TEST (a_chain_ends_with_the_picture)
{
  const TessDiffusionConfig diffusion
      = { .n_train_steps = 1000, .beta_start = 0.00085, .beta_end = 0.012 };
  TessSamplerSettings settings = { .kind = TESS_SAMPLER_DDIM,
                                   .n_steps = 20,
                                   .spacing = 1 + TESS_SPACING_LINSPACE,
                                   .pairing = TESS_PAIRING_CHAIN };
  g_autoptr (TessSampler) sampler
      = tess_sampler_new (&diffusion, &settings, NULL);
  gfloat x[3] = { 0.5f, -1.0f, 0.1f };
  const gfloat output[3] = { 0.3f, 0.2f, -0.4f };
  gfloat x0[3];
  g_autoptr (GError) error = NULL;

  ck_assert_ptr_nonnull (sampler);
  ck_assert_double_eq (tess_sampler_timestep (sampler, 0), 999.0);
  ck_assert_double_gt (tess_sampler_noise_level (sampler, 0), 0.997);
  tess_sampler_predict_x0 (sampler, 19, x, output, x0, 3);
  tess_sampler_step (sampler, 19, output, NULL, x, 3);
  for (gint i = 0; i < 3; i++)
    ck_assert_float_eq_tol (x[i], x0[i], 1e-6f);

  settings.kind = TESS_SAMPLER_EULER;
  ck_assert_ptr_null (tess_sampler_new (&diffusion, &settings, &error));
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_REQUEST));
}
END_TEST

/* --- sizes of their own -------------------------------------------------- */

/* Horizon's UNet and VAE, weights from their names. */
static TessModel *
new_horizon (void)
{
  static const TessPart parts[] = { TESS_PART_UNET, TESS_PART_VAE };
  g_autofree gchar *path
      = g_build_filename (g_getenv ("TESS_SOURCE"), "models", "horizon", NULL);
  g_autoptr (TessModel) horizon = tess_model_open (path, NULL);
  TessModel *model = tess_model_new_empty ("formula");

  ck_assert_ptr_nonnull (horizon);
  model->config = horizon->config;
  memset (&model->config.structure, 0, sizeof model->config.structure);
  memset (&model->config.fusion, 0, sizeof model->config.fusion);
  for (guint k = 0; k < G_N_ELEMENTS (parts); k++)
    {
      g_autoptr (GArray) layout = tess_layout_part (&model->config, parts[k]);

      for (guint i = 0; i < layout->len; i++)
        {
          const TessLayoutEntry *entry
              = &g_array_index (layout, TessLayoutEntry, i);
          g_autoptr (TessTensor) tensor = tess_formula_tensor (
              entry->name, entry->n_dims, entry->dims, NULL);

          tess_model_take_weight (model, parts[k], entry, tensor);
        }
    }
  return model;
}

static void
fill (gint i, gpointer dst, gsize n_bytes, gpointer data)
{
  const TessSafetensorsEntry *entry = (TessSafetensorsEntry *) data + i;
  g_autoptr (TessTensor) tensor
      = tess_formula_tensor (entry->name, entry->n_dims, entry->dims, NULL);

  memcpy (dst, tensor->data, n_bytes);
}

static void
write_config (const gchar *folder, const gchar *config)
{
  g_autofree gchar *path = g_build_filename (folder, "config.json", NULL);

  ck_assert (g_file_set_contents (path, config, -1, NULL));
}

/* What tools/train/upscale_model.py would save, weights from their names;
 * @config: beside them. */
static gchar *
write_addition (const gchar *config)
{
  gchar *folder = g_dir_make_tmp ("tessera-upscaling-XXXXXX", NULL);
  g_autofree gchar *path
      = g_build_filename (folder, "diffusion_pytorch_model.safetensors", NULL);
  g_autofree gchar *shapes = tess_test_data ("upscaling/shapes.json");
  g_autoptr (JsonNode) root = tess_json_load (shapes, NULL);
  JsonObject *json = json_node_get_object (root);
  g_autoptr (GList) names = json_object_get_members (json);
  gint n = (gint) g_list_length (names), i = 0;
  g_autofree TessSafetensorsEntry *entries = g_new0 (TessSafetensorsEntry, n);

  for (const GList *l = names; l != NULL; l = l->next, i++)
    {
      JsonArray *dims = json_object_get_array_member (json, l->data);

      entries[i].name = l->data;
      entries[i].type = TESS_F32;
      entries[i].n_dims = (gint) json_array_get_length (dims);
      for (gint d = 0; d < entries[i].n_dims; d++)
        entries[i].dims[d] = json_array_get_int_element (dims, d);
    }
  ck_assert (
      tess_safetensors_write (path, entries, n, NULL, fill, entries, NULL));
  write_config (folder, config);
  return folder;
}

static void
remove_addition (const gchar *folder)
{
  static const gchar *const names[]
      = { "diffusion_pytorch_model.safetensors", "config.json" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree gchar *path = g_build_filename (folder, names[i], NULL);

      g_unlink (path);
    }
  g_rmdir (folder);
}

static TessTensor *
from_formula (const gchar *name, gdouble amplitude, gint c, gint h, gint w)
{
  TessTensor *tensor = tess_tensor_new_nchw (1, c, h, w, NULL);

  tess_formula_values (name, 0.0, amplitude, 0, tess_tensor_n_elements (tensor),
                       tess_tensor_f32 (tensor));
  return tensor;
}

static void
check_decoder (TessModel *model, const TessTensorFile *file)
{
  static const struct
  {
    const gchar *name;
    gdouble fidelity;
  } cases[] = { { "decoder.half", 0.5 }, { "decoder.whole", 1.0 } };
  g_autoptr (TessTensor) z
      = from_formula ("input:z.decoder", sqrt (3.0), 4, 8, 12);
  g_autoptr (TessTensor) picture
      = from_formula ("input:picture", 0.75, 3, 64, 96);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const TessTensor *right = tess_tensor_file_get (file, cases[i].name);
      g_autoptr (TessTensor) found
          = decode (model, z, picture, cases[i].fidelity, 0, 0);

      ck_assert_double_lt (tess_test_error (found->data, right->data,
                                            tess_tensor_n_elements (right)),
                           2e-5);
    }
}

static void
check_network (TessModel *model, const TessTensorFile *file)
{
  static const gint sizes[][2] = { { 32, 32 }, { 16, 40 } };
  const gdouble timesteps[] = { 999.0, 500.0 };
  g_autoptr (TessBackend) backend = tess_backend_cpu_new (NULL, NULL);
  g_autoptr (TessUnet) unet = NULL;
  g_autoptr (TessTensor) context
      = tess_tensor_new (TESS_F32, 3, (gint64[]) { 1, 77, 128 }, NULL);
  g_autoptr (GError) error = NULL;

  if (backend == NULL)
    backend = tess_backend_plain_new ();
  tess_formula_values ("input:context", 0.0, sqrt (3.0), 0, 77 * 128,
                       tess_tensor_f32 (context));
  unet = tess_unet_new (model, backend, NULL);
  ck_assert (tess_unet_condition (unet, context, timesteps, 2, NULL, &error));
  ck_assert (tess_unet_structure (unet, TRUE, NULL, &error));
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      gint h = sizes[i][0], w = sizes[i][1];
      g_autofree gchar *name = g_strdup_printf ("unet.%dx%d", h, w);
      g_autofree gchar *x_name = g_strdup_printf ("input:x.%dx%d", h, w);
      g_autofree gchar *z_name = g_strdup_printf ("input:z.%dx%d", h, w);
      g_autoptr (TessTensor) x = from_formula (x_name, sqrt (3.0), 4, h, w);
      g_autoptr (TessTensor) z = from_formula (z_name, sqrt (3.0), 4, h, w);
      g_autoptr (TessTensor) found = noise (4, h, w, 1);
      const TessTensor *right = tess_tensor_file_get (file, name);

      run (unet, 1, x, z, found->data);
      ck_assert_double_lt (
          tess_test_error (found->data, right->data, 4 * h * w), 2e-5);
    }
}

/* Names, shapes and numbers are those of tools/train/upscale_model.py. */
START_TEST (as_trained)
{
  g_autofree gchar *config_path = tess_test_data ("upscaling/config.json");
  g_autofree gchar *results = tess_test_data ("upscaling/horizon.safetensors");
  g_autofree gchar *config = NULL, *folder = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (TessTensorFile) file = tess_tensor_file_open (results, &error);
  g_autoptr (TessModel) model = new_horizon ();

  ck_no_error (error);
  ck_assert (g_file_get_contents (config_path, &config, NULL, NULL));
  folder = write_addition (config);
  tess_model_add_upscaling (model, folder, &error);
  remove_addition (folder);
  ck_no_error (error);
  ck_assert_int_eq (tess_model_structure (model)->window, 32);
  check_decoder (model, file);
  check_network (model, file);
}
END_TEST

/* What the bundled weights say of themselves. */
START_TEST (horizons_own)
{
  g_autofree gchar *path
      = g_build_filename (g_getenv ("TESS_SOURCE"), "models", "horizon", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (TessModel) model = tess_model_open (path, &error);
  const TessStructureConfig *structure;

  ck_no_error (error);
  structure = tess_model_structure (model);
  ck_assert_ptr_nonnull (structure);
  ck_assert_int_eq (structure->window, 32);
  ck_assert (structure->aside);
  ck_assert_ptr_nonnull (tess_model_fusion (model));
}
END_TEST

START_TEST (sizes_that_do_not_go_together)
{
  static const struct
  {
    const gchar *config, *word;
  } cases[] = {
    { "{\"groups\": 48}", "48 groups" }, { "{\"heads\": 5}", "5 heads" },
    { "{\"groups\": 0}", "'groups'" },   { "{\"heads\": 1.5}", "'heads'" },
    { "{\"window\": -1}", "'window'" },  { "{", "JSON" },
  };
  g_autoptr (TessModel) model = new_horizon ();
  g_autofree gchar *folder = write_addition ("{}");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      write_config (folder, cases[i].config);
      ck_assert (!tess_model_add_upscaling (model, folder, &error));
      ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_MODEL));
      ck_assert_msg (strstr (error->message, cases[i].word) != NULL, "%s",
                     error->message);
      ck_assert_ptr_null (tess_model_structure (model));
    }
  remove_addition (folder);
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("upscaling");
  TCase *tcase = tcase_create ("upscaling");

  tcase_add_test (tcase, parts_are_the_whole);
  tcase_add_test (tcase, sizes_that_cannot_be);
  tcase_add_test (tcase, thin_pictures_are_padded);
  tcase_add_loop_test (tcase, bands_are_the_whole, 0, 2);
  tcase_add_loop_test (tcase, own_colours_stay, 0, TESS_N_COLOUR_FIXES);
  tcase_add_loop_test (tcase, a_cast_goes, 0, 2);
  tcase_add_loop_test (tcase, cancelled, 0, 2);
  tcase_add_loop_test (tcase, fused_tiles_are_the_whole, 0, 2);
  tcase_add_test (tcase, fidelity_is_a_scale);
  tcase_add_test (tcase, a_decoder_that_cannot_look);
  tcase_add_test (tcase, samples_have_structures_of_their_own);
  tcase_add_test (tcase, a_network_that_cannot_look);
  tcase_add_test (tcase, a_chain_ends_with_the_picture);
  tcase_add_test (tcase, as_trained);
  tcase_add_test (tcase, horizons_own);
  tcase_add_test (tcase, sizes_that_do_not_go_together);
  suite_add_tcase (suite, tcase);
  return suite;
}

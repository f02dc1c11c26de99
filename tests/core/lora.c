/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/lora.c: the same additions under every naming; faults. */
#include "core/error.h"
#include "core/lora.h"
#include "core/model-private.h"
#include "core/model-synthetic.h"
#include "tests/harness.h"

#include <math.h>
#include <string.h>

/* A file under construction, in memory. */
static TessTensor *
put (TessTensorFile *file, const gchar *name, gint n_dims, const gint64 *dims)
{
  g_autoptr (TessTensor) tensor
      = tess_tensor_new (TESS_F32, n_dims, dims, NULL);
  gfloat *data = tess_tensor_f32 (tensor);
  guint32 seed = g_str_hash (name + strlen (name) / 2);

  for (gsize i = 0; i < tess_tensor_n_elements (tensor); i++)
    {
      seed = seed * 1664525 + 1013904223;
      data[i] = ((gint) (seed >> 28) - 8) / 16.0f;
    }
  tess_tensor_file_add (file, name, tensor);
  return tensor; /* the file has it */
}

static void
put_number (TessTensorFile *file, const gchar *name, gfloat value)
{
  tess_tensor_f32 (put (file, name, 0, NULL))[0] = value;
}

static TessModel *
new_model (const gchar *kind)
{
  TessModel *model = tess_model_new_synthetic (kind, NULL);

  ck_assert_ptr_nonnull (model);
  return model;
}

enum
{
  RANK = 4
};

/* Four layers of tiny15, one of each kind, as the naming calls them. */
static const struct
{
  TessPart part;
  const gchar *weight;
  gint64 up[4], down[4];
} layers[] = {
  { TESS_PART_UNET,
    "down_blocks.0.attentions.1.transformer_blocks.0.attn1.to_q",
    { 32, RANK, 0 },
    { RANK, 32, 0 } },
  { TESS_PART_UNET,
    "up_blocks.1.attentions.0.transformer_blocks.0.attn2.to_out.0",
    { 128, RANK, 0 },
    { RANK, 128, 0 } },
  { TESS_PART_UNET,
    "mid_block.attentions.0.proj_in",
    { 128, RANK, 1, 1 },
    { RANK, 128, 1, 1 } },
  { TESS_PART_UNET,
    "down_blocks.1.resnets.0.conv1",
    { 64, RANK, 1, 1 },
    { RANK, 32, 3, 3 } },
  { TESS_PART_TEXT,
    "text_model.encoder.layers.2.mlp.fc1",
    { 256, RANK, 0 },
    { RANK, 64, 0 } },
};

static gint
count (const gint64 *dims)
{
  gint n = 0;

  while (n < 4 && dims[n] > 0)
    n++;
  return n;
}

typedef enum
{
  KOHYA,
  KOHYA_ORIGINAL,
  PEFT,
  DIFFUSERS,
  N_NAMINGS
} Naming;

static gchar *
layer_name (Naming naming, gint i, TessModel *model)
{
  gboolean text = layers[i].part == TESS_PART_TEXT;
  g_autofree gchar *weight = g_strconcat (layers[i].weight, ".weight", NULL);
  g_autofree gchar *original = NULL;
  gchar *name;
  gint third;

  switch (naming)
    {
    case KOHYA_ORIGINAL:
      if (!text)
        {
          original = tess_names_original (&model->config, TESS_PART_UNET,
                                          weight, FALSE, &third);
          name = g_strconcat ("lora_unet_",
                              original + strlen (TESS_ORIGINAL_UNET), NULL);
          name[strlen (name) - strlen (".weight")] = '\0';
          return g_strdelimit (name, ".", '_');
        }
      G_GNUC_FALLTHROUGH;
    case KOHYA:
      name = g_strconcat (text ? "lora_te_" : "lora_unet_", layers[i].weight,
                          NULL);
      return g_strdelimit (name, ".", '_');
    case PEFT:
    case DIFFUSERS:
      return g_strconcat (text ? "text_encoder." : "unet.", layers[i].weight,
                          NULL);
    case N_NAMINGS:
      break;
    }
  return NULL;
}

static TessTensorFile *
make_file (Naming naming, gboolean with_alpha, TessModel *model)
{
  static const gchar *const ups[N_NAMINGS]
      = { ".lora_up.weight", ".lora_up.weight", ".lora_B.weight",
          ".lora.up.weight" };
  static const gchar *const downs[N_NAMINGS]
      = { ".lora_down.weight", ".lora_down.weight", ".lora_A.weight",
          ".lora.down.weight" };
  TessTensorFile *file = tess_tensor_file_new ("made.safetensors");

  for (guint i = 0; i < G_N_ELEMENTS (layers); i++)
    {
      g_autofree gchar *name = layer_name (naming, i, model);
      g_autofree gchar *up = g_strconcat (name, ups[naming], NULL);
      g_autofree gchar *down = g_strconcat (name, downs[naming], NULL);
      g_autofree gchar *alpha = g_strconcat (name, ".alpha", NULL);
      TessTensor *tensor;

      /* Numbers by layer, not by name: the same under each naming. */
      tensor = put (file, up, count (layers[i].up), layers[i].up);
      for (gsize k = 0; k < tess_tensor_n_elements (tensor); k++)
        tess_tensor_f32 (tensor)[k] = (gfloat) ((k * 7 + i) % 15) / 8 - 1;
      tensor = put (file, down, count (layers[i].down), layers[i].down);
      for (gsize k = 0; k < tess_tensor_n_elements (tensor); k++)
        tess_tensor_f32 (tensor)[k] = (gfloat) ((k * 5 + i) % 13) / 8 - 1;
      if (with_alpha)
        put_number (file, alpha, 2.0f);
    }
  return file;
}

static gfloat *
read_weight (TessModel *model, gint i, gsize *n)
{
  g_autofree gchar *name = g_strconcat (layers[i].weight, ".weight", NULL);
  const TessWeight *weight
      = tess_model_weight (model, layers[i].part, name, NULL);
  gfloat *values;

  ck_assert_ptr_nonnull (weight);
  *n = tess_tensor_n_elements (weight->tensor);
  values = g_new (gfloat, *n);
  tess_weight_read (weight, 0, tess_weight_n_rows (weight), values);
  return values;
}

/* W + strength * alpha / rank * up * down, written out, for each naming. */
START_TEST (test_namings)
{
  const gdouble strength = 0.5;
  gboolean with_alpha = _i % 2;
  gdouble scale = with_alpha ? strength * 2.0 / RANK : strength;
  g_autoptr (TessModel) plain = new_model ("tiny15");
  g_autoptr (TessModel) model = new_model ("tiny15");
  g_autoptr (TessTensorFile) file = make_file (_i / 2, with_alpha, model);
  g_autoptr (GError) error = NULL;

  tess_lora_apply (model, file, strength, &error);
  ck_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (layers); i++)
    {
      gsize n, rows = layers[i].up[0];
      g_autofree gfloat *was = read_weight (plain, i, &n);
      g_autofree gfloat *is = read_weight (model, i, &n);
      g_autofree gfloat *expected = g_new (gfloat, n);
      gsize length = n / rows;

      for (gsize r = 0; r < rows; r++)
        for (gsize c = 0; c < length; c++)
          {
            gdouble sum = 0.0;

            for (gsize k = 0; k < RANK; k++)
              sum += ((gdouble) (((r * RANK + k) * 7 + i) % 15) / 8 - 1)
                     * ((gdouble) (((k * length + c) * 5 + i) % 13) / 8 - 1);
            expected[r * length + c]
                = (gfloat) (was[r * length + c] + scale * sum);
          }
      ck_assert_double_lt (tess_test_error (is, expected, n), 1e-6);
    }
}
END_TEST

START_TEST (test_several)
{
  g_autoptr (TessModel) once = new_model ("tiny15");
  g_autoptr (TessModel) twice = new_model ("tiny15");
  g_autoptr (TessTensorFile) file = make_file (KOHYA, TRUE, once);

  ck_assert (tess_lora_apply (once, file, 0.75, NULL));
  ck_assert (tess_lora_apply (twice, file, 1.0, NULL));
  ck_assert (tess_lora_apply (twice, file, -0.25, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (layers); i++)
    {
      gsize n;
      g_autofree gfloat *a = read_weight (once, i, &n);
      g_autofree gfloat *b = read_weight (twice, i, &n);

      ck_assert_double_lt (tess_test_error (a, b, n), 1e-6);
    }
}
END_TEST

/* LoCon's middle factor, against the sum written out. */
START_TEST (test_mid)
{
  static const gchar name[] = "down_blocks.1.resnets.0.conv1.weight";
  g_autoptr (TessModel) plain = new_model ("tiny15");
  g_autoptr (TessModel) model = new_model ("tiny15");
  g_autoptr (TessTensorFile) file = tess_tensor_file_new ("made");
  const gchar *layer = "lora_unet_down_blocks_1_resnets_0_conv1";
  g_autofree gchar *up = g_strconcat (layer, ".lora_up.weight", NULL);
  g_autofree gchar *down = g_strconcat (layer, ".lora_down.weight", NULL);
  g_autofree gchar *mid = g_strconcat (layer, ".lora_mid.weight", NULL);
  const gfloat *u, *d, *m;
  gsize n;
  g_autofree gfloat *was = NULL, *is = NULL;
  g_autoptr (GError) error = NULL;

  u = tess_tensor_f32 (put (file, up, 4, (gint64[]) { 64, 3, 1, 1 }));
  d = tess_tensor_f32 (put (file, down, 4, (gint64[]) { 2, 32, 1, 1 }));
  m = tess_tensor_f32 (put (file, mid, 4, (gint64[]) { 3, 2, 3, 3 }));
  tess_lora_apply (model, file, 1.0, &error);
  ck_no_error (error);
  was = read_weight (plain, 3, &n);
  is = read_weight (model, 3, &n);
  ck_assert_str_eq (layers[3].weight, "down_blocks.1.resnets.0.conv1");
  ck_assert (tess_model_has_weight (model, TESS_PART_UNET, name));
  for (gint o = 0; o < 64; o++)
    for (gint c = 0; c < 32; c++)
      for (gint t = 0; t < 9; t++)
        {
          gdouble sum = was[(o * 32 + c) * 9 + t];

          for (gint a = 0; a < 3; a++)
            for (gint b = 0; b < 2; b++)
              sum += (gdouble) u[o * 3 + a] * m[(a * 2 + b) * 9 + t]
                     * d[b * 32 + c];
          ck_assert_double_lt (fabs (is[(o * 32 + c) * 9 + t] - sum), 1e-5);
        }
}
END_TEST

static void
assert_refused (TessModel *model,
                TessTensorFile *file,
                gint code,
                const gchar *word)
{
  g_autoptr (GError) error = NULL;

  ck_assert (!tess_lora_apply (model, file, 1.0, &error));
  ck_assert (g_error_matches (error, TESS_ERROR, code));
  ck_assert_msg (strstr (error->message, word) != NULL, "%s", error->message);
}

START_TEST (test_refused)
{
  static const gchar q[]
      = "lora_unet_down_blocks_0_attentions_1_transformer_blocks_0_attn1_to_q";
  static const struct
  {
    const gchar *ending, *second;
    gint64 dims[3], second_dims[3];
    gint code;
    const gchar *word;
  } rows[] = {
    { ".lora_up.weight", NULL, { 32, 4 }, { 0 }, TESS_ERROR_MODEL, "factors" },
    { ".lora_up.weight",
      ".lora_down.weight",
      { 33, 4 },
      { 4, 32 },
      TESS_ERROR_MODEL,
      "[33, 4]" },
    { ".lora_up.weight",
      ".lora_down.weight",
      { 32, 4 },
      { 5, 32 },
      TESS_ERROR_MODEL,
      "[5, 32]" },
    { ".lora_up.weight",
      ".lora_down.weight",
      { 32, 4 },
      { 2, 64 },
      TESS_ERROR_MODEL,
      "[2, 64]" },
    { ".lora_up.weight",
      ".lora_down.weight",
      { 32 },
      { 4, 32 },
      TESS_ERROR_MODEL,
      "[32]" },
    { ".lora_up.weight",
      ".lora_down.weight",
      { 32, 0 },
      { 0, 32 },
      TESS_ERROR_MODEL,
      "another kind" },
    { ".hada_w1_a", NULL, { 32, 4 }, { 0 }, TESS_ERROR_UNSUPPORTED, "LoHa" },
    { ".lokr_w1", NULL, { 32, 4 }, { 0 }, TESS_ERROR_UNSUPPORTED, "LoKr" },
    { "x.lora_up.weight", NULL, { 32, 4 }, { 0 }, TESS_ERROR_MODEL, "none" },
    { ".nothing", NULL, { 32, 4 }, { 0 }, TESS_ERROR_MODEL, "none" },
  };
  g_autoptr (TessModel) model = new_model ("tiny15");

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (TessTensorFile) file = tess_tensor_file_new ("made");
      g_autofree gchar *name = g_strconcat (q, rows[i].ending, NULL);
      gint n = rows[i].dims[1] > 0 || rows[i].second_dims[1] == 32 ? 2 : 1;

      if (i == 4)
        n = 1;
      put (file, name, n, rows[i].dims);
      if (rows[i].second != NULL)
        {
          g_autofree gchar *second = g_strconcat (q, rows[i].second, NULL);

          put (file, second, 2, rows[i].second_dims);
        }
      assert_refused (model, file, rows[i].code, rows[i].word);
    }
  for (guint i = 0; i < G_N_ELEMENTS (layers); i++)
    {
      g_autofree gchar *name = g_strconcat (layers[i].weight, ".weight", NULL);
      const TessWeight *weight
          = tess_model_weight (model, layers[i].part, name, NULL);

      ck_assert_ptr_null (weight->deltas); /* nothing stayed behind */
    }
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("lora");
  TCase *tests = tcase_create ("lora");

  tcase_add_loop_test (tests, test_namings, 0, 2 * N_NAMINGS);
  tcase_add_test (tests, test_several);
  tcase_add_test (tests, test_mid);
  tcase_add_test (tests, test_refused);
  suite_add_tcase (suite, tests);
  return suite;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/core/request.c: settings and job files. */
#include "core/request.h"
#include "core/error.h"
#include "tests/harness.h"

#include <string.h>

START_TEST (test_round_trip)
{
  static const gchar json[]
      = "{ \"prompt\": \"a lake \\u00e9\", \"negative\": \"blur\","
        "  \"width\": 2049, \"height\": 511, \"steps\": 7,"
        "  \"guidance\": 3.25, \"guidance-rescale\": 0.5,"
        "  \"sampler\": \"euler-a\", \"seed\": 9007199254740995,"
        "  \"grid\": \"anchored\", \"method\": \"ring-1\", \"wrap\": \"both\","
        "  \"weight\": \"uniform\", \"overlap\": 24,"
        "  \"zero-snr\": \"no\", \"storage\": \"bfloat16\", \"memory\": \"6G\","
        "  \"init\": \"in.png\", \"strength\": 0.5, \"model\": \"horizon\","
        "  \"loras\": [ { \"path\": \"a.safetensors\", \"strength\": 0.7 },"
        "               { \"path\": \"/b.safetensors\" } ],"
        "  \"regions\": [ { \"prompt\": \"a tree\", \"mask\": \"m/1.png\","
        "                   \"negative\": \"leaves\" } ] }";
  g_autoptr (GError) error = NULL;
  g_autoptr (TessRequest) first
      = tess_request_from_json (json, "/jobs", &error);
  g_autofree gchar *text = NULL;
  g_autoptr (TessRequest) request = NULL;
  g_autoptr (TessRequest) dup = NULL;
  g_autofree gchar *again = NULL;

  ck_no_error (error);
  text = tess_request_to_json (first);
  request = tess_request_from_json (text, NULL, &error);
  ck_no_error (error);
  dup = tess_request_dup (request);
  again = tess_request_to_json (dup);
  ck_assert_str_eq (text, again);

  ck_assert_str_eq (dup->prompt, "a lake é");
  ck_assert_int_eq (dup->width, 2049);
  ck_assert_int_eq (dup->sampler, TESS_SAMPLER_EULER_ANCESTRAL);
  ck_assert (dup->seed == G_GINT64_CONSTANT (9007199254740995));
  ck_assert_int_eq (dup->grid, TESS_GRID_ANCHORED);
  ck_assert_int_eq (dup->method, TESS_TILING_RING_1);
  ck_assert_int_eq (dup->wrap, TESS_WRAP_BOTH);
  ck_assert_int_eq (dup->zero_snr, -1);
  ck_assert_int_eq (dup->storage, 1 + TESS_BF16);
  ck_assert (dup->memory == G_GUINT64_CONSTANT (6) << 30);
  ck_assert_str_eq (dup->init_path, "/jobs/in.png");
  ck_assert_str_eq (dup->model, "horizon");
  ck_assert_uint_eq (dup->loras->len, 2);
  ck_assert_str_eq (((TessLora *) dup->loras->pdata[0])->path,
                    "/jobs/a.safetensors");
  ck_assert_str_eq (((TessLora *) dup->loras->pdata[1])->path,
                    "/b.safetensors");
  ck_assert_double_eq (((TessLora *) dup->loras->pdata[1])->strength, 1.0);
  ck_assert_uint_eq (dup->regions->len, 1);
  ck_assert_str_eq (((TessRegion *) dup->regions->pdata[0])->mask_path,
                    "/jobs/m/1.png");
  ck_assert_str_eq (((TessRegion *) dup->regions->pdata[0])->negative,
                    "leaves");
}
END_TEST

/* Each is refused with a message that names what is wrong. */
static const struct
{
  const gchar *json, *names;
} bad[] = {
  { "", "JSON" },
  { "{", "JSON" },
  { "\xff\xfe", "JSON" },
  { "[]", "object" },
  { "{ \"promt\": \"x\" }", "promt" },
  { "{ \"prompt\": 7 }", "prompt" },
  { "{ \"prompt\": null }", "prompt" },
  { "{ \"width\": \"wide\" }", "width" },
  { "{ \"width\": 8 }", "width" },
  { "{ \"width\": 512.5 }", "width" },
  { "{ \"width\": 1e300 }", "width" },
  { "{ \"width\": 131072, \"height\": 131072 }", "megapixels" },
  { "{ \"steps\": 0 }", "steps" },
  { "{ \"steps\": true }", "steps" },
  { "{ \"guidance\": 0.5 }", "guidance" },
  { "{ \"sampler\": \"magic\" }", "magic" },
  { "{ \"overlap\": -2 }", "overlap" },
  { "{ \"memory\": \"6T\" }", "memory" },
  { "{ \"memory\": -1 }", "memory" },
  { "{ \"init\": \"a.png\", \"strength\": 0 }", "strength" },
  { "{ \"loras\": {} }", "loras" },
  { "{ \"loras\": [ 1 ] }", "loras" },
  { "{ \"loras\": [ { \"strength\": 1 } ] }", "loras.path" },
  { "{ \"loras\": [ { \"path\": 1 } ] }", "loras.path" },
  { "{ \"loras\": [ { \"path\": \"a\", \"weight\": 1 } ] }", "loras.weight" },
  { "{ \"regions\": [ { \"prompt\": \"a\" } ] }", "regions.mask" },
  { "{ \"regions\": [ { \"mask\": \"a\" } ] }", "regions.prompt" },
};

START_TEST (test_refused)
{
  g_autoptr (GError) error = NULL;

  ck_assert_ptr_null (tess_request_from_json (bad[_i].json, NULL, &error));
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_REQUEST));
  ck_assert_msg (strstr (error->message, bad[_i].names) != NULL, "%s",
                 error->message);
}
END_TEST

START_TEST (test_fields)
{
  guint n;
  const TessRequestField *fields = tess_request_fields (&n);
  g_autoptr (TessRequest) request = tess_request_new ();
  g_autoptr (GError) error = NULL;

  ck_assert (tess_request_check (request, &error));
  ck_assert (tess_request_set (request, "seed", "12", &error));
  ck_assert (!tess_request_set (request, "sede", "12", NULL));
  ck_assert (!tess_request_set (request, "seed", "", NULL));
  ck_assert (!tess_request_set (request, "guidance", "nan", NULL));
  ck_assert (request->seed == 12);
  for (guint i = 0; i < n; i++)
    {
      ck_assert_ptr_nonnull (fields[i].help);
      ck_assert (fields[i].choices != NULL
                 || fields[i].kind != TESS_FIELD_CHOICE);
    }
  request->guidance = 1.0 / 0.0;
  ck_assert (!tess_request_check (request, NULL));
  request->guidance = 7.5;
  request->vae_mode = (TessVaeMode) 77;
  ck_assert (!tess_request_check (request, NULL));
}
END_TEST

START_TEST (test_lora_lines)
{
  static const struct
  {
    const gchar *line, *path;
    gdouble strength;
  } lines[] = {
    { " /a/b.safetensors ", "/a/b.safetensors", 1.0 },
    { "/a/b.safetensors:0.8", "/a/b.safetensors", 0.8 },
    { "/a/b:-1", "/a/b", -1.0 },
    { "/a/b:old", "/a/b:old", 1.0 },
    { "/a/b:", "/a/b:", 1.0 },
    { "/a/b:nan", "/a/b:nan", 1.0 },
    { "/a:1:0.5", "/a:1", 0.5 },
    { "  ", NULL, 1.0 },
    { ":0.5", NULL, 0.5 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      gdouble strength;
      g_autofree gchar *path
          = tess_request_parse_lora (lines[i].line, &strength);

      ck_assert_pstr_eq (path, lines[i].path);
      ck_assert_double_eq (strength, lines[i].strength);
    }
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("request");
  TCase *tcase = tcase_create ("request");

  tcase_add_test (tcase, test_round_trip);
  tcase_add_loop_test (tcase, test_refused, 0, G_N_ELEMENTS (bad));
  tcase_add_test (tcase, test_fields);
  tcase_add_test (tcase, test_lora_lines);
  suite_add_tcase (suite, tcase);
  return suite;
}

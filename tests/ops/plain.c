/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/ops/plain.c: the plain answers against loops that share nothing with
 * them, written from the formulas, in double precision. */
#include "core/ops/ops.h"
#include "core/backend.h"
#include "core/error.h"
#include "tests/harness.h"

#include <math.h>
#include <string.h>

/* Whole numbers of -2 .. 2 from a small generator, or reals. */
static guint32 state = 1;

static gfloat
next_whole (void)
{
  state = state * 1664525u + 1013904223u;
  return (gfloat) (gint) ((state >> 16) % 5) - 2.0f;
}

static TessWeight *
whole_weight (gint n_dims, const gint64 *dims)
{
  g_autoptr (TessTensor) tensor
      = tess_tensor_new (TESS_F32, n_dims, dims, NULL);

  for (gsize i = 0; i < tess_tensor_n_elements (tensor); i++)
    tess_tensor_f32 (tensor)[i] = next_whole ();
  return tess_weight_new ("test", tensor);
}

static gfloat *
whole_numbers (gsize n)
{
  gfloat *numbers = g_new (gfloat, n);

  for (gsize i = 0; i < n; i++)
    numbers[i] = next_whole ();
  return numbers;
}

static TessBuffer *
buffer_of (TessBackend *backend, const TessShape *shape, const gfloat *numbers)
{
  TessBuffer *buffer = tess_buffer_new (backend, TESS_F32, shape, NULL);

  if (numbers != NULL)
    tess_buffer_write (buffer, 0, shape->n, numbers);
  return buffer;
}

/* Runs a program whose last value is @value; (transfer full). */
static gfloat *
run (TessBackend *backend, TessProgram *program, TessValue *value)
{
  const TessShape *shape = tess_value_shape (value);
  g_autoptr (TessBuffer) dst = buffer_of (backend, shape, NULL);
  g_autoptr (TessExec) exec = NULL;
  GError *error = NULL;
  gfloat *result = g_new (gfloat, tess_shape_n_elements (shape));

  tess_store (program, value, dst);
  exec = tess_backend_compile (backend, program, &error);
  ck_no_error (error);
  ck_assert (tess_exec_run (exec, NULL, &error));
  tess_buffer_read (dst, 0, shape->n, result);
  return result;
}

START_TEST (conv2d)
{
  static const struct
  {
    gint n, h, w, ic, oc, k, stride, begin, end, up;
  } rows[] = {
    { 1, 5, 7, 3, 4, 3, 1, 1, 1, 1 },   { 2, 4, 6, 65, 67, 3, 2, 1, 1, 1 },
    { 1, 6, 6, 2, 3, 3, 2, 0, 1, 1 },   { 2, 3, 5, 3, 5, 3, 1, 1, 1, 2 },
    { 1, 3, 3, 4, 130, 1, 1, 0, 0, 1 },
  };
  g_autoptr (TessBackend) backend = tess_backend_plain_new ();

  for (guint r = 0; r < G_N_ELEMENTS (rows); r++)
    {
      gint h = rows[r].h * rows[r].up, w = rows[r].w * rows[r].up;
      gint k = rows[r].k, ic = rows[r].ic, oc = rows[r].oc;
      gint oh = (h + rows[r].begin + rows[r].end - k) / rows[r].stride + 1;
      gint ow = (w + rows[r].begin + rows[r].end - k) / rows[r].stride + 1;
      TessShape shape = { rows[r].n, rows[r].h, rows[r].w, ic };
      g_autofree gfloat *src = whole_numbers (tess_shape_n_elements (&shape));
      g_autoptr (TessWeight) weight
          = whole_weight (4, (gint64[]) { oc, ic, k, k });
      g_autoptr (TessWeight) bias = whole_weight (1, (gint64[]) { oc });
      g_autoptr (TessProgram) program = tess_program_new ("test", TESS_F32);
      g_autoptr (TessBuffer) buffer = buffer_of (backend, &shape, src);
      TessValue *dst
          = tess_conv2d (program, &(TessConv2d) {
                                      .src = tess_input (program, buffer),
                                      .weight = weight,
                                      .bias = bias,
                                      .stride = rows[r].stride,
                                      .pad_begin = rows[r].begin,
                                      .pad_end = rows[r].end,
                                      .upsample = rows[r].up,
                                  });
      g_autofree gfloat *result = run (backend, program, dst);

      ck_assert_int_eq (tess_value_shape (dst)->h, oh);
      ck_assert_int_eq (tess_value_shape (dst)->w, ow);
      for (gint i = 0; i < rows[r].n * oh * ow * oc; i++)
        {
          gint o = i % oc, x = i / oc % ow, y = i / oc / ow % oh;
          gint n = i / oc / ow / oh;
          gdouble sum = tess_tensor_f32 (bias->tensor)[o];

          for (gint c = 0; c < ic; c++)
            for (gint j = 0; j < k * k; j++)
              {
                gint sy = y * rows[r].stride - rows[r].begin + j / k;
                gint sx = x * rows[r].stride - rows[r].begin + j % k;

                if (sy >= 0 && sy < h && sx >= 0 && sx < w)
                  sum += tess_tensor_f32 (
                             weight->tensor)[(o * ic + c) * k * k + j]
                         * src[((n * shape.h + sy / rows[r].up) * shape.w
                                + sx / rows[r].up)
                                   * ic
                               + c];
              }
          ck_assert_float_eq (result[i], (gfloat) sum);
        }
    }
}
END_TEST

START_TEST (linear_and_geglu)
{
  g_autoptr (TessBackend) backend = tess_backend_plain_new ();
  TessShape shape = { 2, 1, 3, 70 };
  g_autofree gfloat *src = whole_numbers (tess_shape_n_elements (&shape));
  g_autoptr (TessWeight) weight = whole_weight (2, (gint64[]) { 10, 70 });
  g_autoptr (TessWeight) bias = whole_weight (1, (gint64[]) { 10 });

  for (gint gated = 0; gated < 2; gated++)
    {
      g_autoptr (TessProgram) program = tess_program_new ("test", TESS_F32);
      g_autoptr (TessBuffer) buffer = buffer_of (backend, &shape, src);
      TessValue *dst = tess_linear (
          program,
          &(TessLinear) { .src = tess_input (program, buffer),
                          .weight = weight,
                          .bias = bias,
                          .act = gated ? TESS_ACT_GEGLU : TESS_ACT_NONE });
      g_autofree gfloat *result = run (backend, program, dst);
      gint c = gated ? 5 : 10;

      ck_assert_int_eq (tess_value_shape (dst)->c, c);
      for (gint i = 0; i < 6 * c; i++)
        {
          gdouble sums[2];

          for (gint half = 0; half < 2; half++)
            {
              gint o = i % c + half * c * gated;

              sums[half] = tess_tensor_f32 (bias->tensor)[o];
              for (gint j = 0; j < 70; j++)
                sums[half] += tess_tensor_f32 (weight->tensor)[o * 70 + j]
                              * src[i / c * 70 + j];
            }
          if (gated)
            sums[0] *= 0.5 * sums[1] * (1.0 + erf (sums[1] / sqrt (2.0)));
          ck_assert_float_eq_tol (result[i], sums[0],
                                  1e-6 * MAX (1.0, fabs (sums[0])));
        }
    }
}
END_TEST

START_TEST (attention)
{
  g_autoptr (TessBackend) backend = tess_backend_plain_new ();
  enum
  {
    N = 3,
    M = 2,
    TQ = 5,
    TK = 7,
    HEADS = 2,
    D = 19,
    C = HEADS * D
  };
  TessShape q_shape = { N, 1, TQ, C }, k_shape = { M, 1, TK, C };
  TessShape rows_shape = { 1, 1, 1, N };
  static const gint32 rows[N] = { 1, 0, 1 };
  g_autofree gfloat *q = whole_numbers (N * TQ * C);
  g_autofree gfloat *k = whole_numbers (M * TK * C);
  g_autofree gfloat *v = whole_numbers (M * TK * C);
  g_autoptr (TessBuffer) qb = buffer_of (backend, &q_shape, q);
  g_autoptr (TessBuffer) kb = buffer_of (backend, &k_shape, k);
  g_autoptr (TessBuffer) vb = buffer_of (backend, &k_shape, v);
  g_autoptr (TessBuffer) rb
      = tess_buffer_new (backend, TESS_I32, &rows_shape, NULL);

  tess_buffer_write_i32 (rb, rows);
  for (gint causal = 0; causal < 2; causal++)
    {
      g_autoptr (TessProgram) program = tess_program_new ("test", TESS_F32);
      TessValue *dst = tess_attention (
          program, &(TessAttention) { .q = tess_input (program, qb),
                                      .k = tess_input (program, kb),
                                      .v = tess_input (program, vb),
                                      .rows = tess_input (program, rb),
                                      .n_heads = HEADS,
                                      .causal = causal });
      g_autofree gfloat *result = run (backend, program, dst);

      for (gint i = 0; i < N * TQ * C; i++)
        {
          gint head = i % C / D, t = i / C % TQ, n = i / C / TQ;
          gdouble total = 0.0, sum = 0.0;

          for (gint j = 0; j < (causal ? t + 1 : TK); j++)
            {
              gsize at = (rows[n] * TK + j) * C;
              gdouble score = 0.0;

              for (gint e = head * D; e < (head + 1) * D; e++)
                score += (gdouble) q[(n * TQ + t) * C + e] * k[at + e];
              total += exp (score / sqrt (D));
              sum += exp (score / sqrt (D)) * v[at + i % C];
            }
          ck_assert_float_eq_tol (result[i], sum / total, 2e-6);
        }
    }
}
END_TEST

/* Norms, concat, crop, add, views: through one program each. */
START_TEST (group_norm)
{
  g_autoptr (TessBackend) backend = tess_backend_plain_new ();
  TessShape shape = { 2, 3, 5, 12 };
  g_autofree gfloat *src = whole_numbers (tess_shape_n_elements (&shape));
  g_autoptr (TessWeight) scale = whole_weight (1, (gint64[]) { 12 });
  g_autoptr (TessWeight) shift = whole_weight (1, (gint64[]) { 12 });
  g_autoptr (TessBuffer) buffer = buffer_of (backend, &shape, src);

  for (gint given = 0; given < 2; given++)
    {
      g_autoptr (TessProgram) program = tess_program_new ("test", TESS_F32);
      TessValue *value = tess_input (program, buffer);
      TessValue *stats = tess_group_stats (
          program, &(TessGroupStats) { .src = value, .n_groups = 4 });
      TessValue *dst = tess_group_norm (
          program, &(TessGroupNorm) { .src = value,
                                      .scale = scale,
                                      .shift = shift,
                                      .stats = given ? stats : NULL,
                                      .n_groups = 4,
                                      .eps = 1e-5f });
      g_autofree gfloat *result = run (backend, program, dst);

      for (gint i = 0; i < 2 * 15 * 12; i++)
        {
          gint n = i / 180, c = i % 12, group = c / 3;
          gdouble sum = 0.0, squares = 0.0, mean, expected;

          for (gint j = 0; j < 45; j++)
            {
              gdouble x = src[n * 180 + j / 3 * 12 + group * 3 + j % 3];

              sum += x;
              squares += x * x;
            }
          mean = sum / 45;
          expected = (src[i] - mean) / sqrt (squares / 45 - mean * mean + 1e-5)
                         * tess_tensor_f32 (scale->tensor)[c]
                     + tess_tensor_f32 (shift->tensor)[c];
          ck_assert_float_eq_tol (result[i], expected, 1e-5);
        }
    }
}
END_TEST

START_TEST (copies)
{
  g_autoptr (TessBackend) backend = tess_backend_plain_new ();
  TessShape shape = { 2, 3, 4, 5 }, row = { 1, 1, 1, 5 };
  g_autofree gfloat *src = whole_numbers (120);
  g_autoptr (TessBuffer) buffer = buffer_of (backend, &shape, src);
  g_autoptr (TessProgram) program = tess_program_new ("test", TESS_F32);
  TessValue *value = tess_input (program, buffer);
  TessValue *sum
      = tess_add (program, value, tess_view (program, value, 7, &row));
  TessValue *both = tess_concat (program, sum, value);
  TessValue *dst = tess_crop (program, both, 1, 2, 2, 2);
  g_autofree gfloat *result = run (backend, program, dst);

  ck_assert_int_eq (tess_value_shape (dst)->c, 10);
  for (gint i = 0; i < 2 * 2 * 2 * 10; i++)
    {
      gint c = i % 10, x = i / 10 % 2 + 2, y = i / 20 % 2 + 1, n = i / 40;
      gfloat at = src[((n * 3 + y) * 4 + x) * 5 + c % 5];

      ck_assert_float_eq (result[i], c < 5 ? at + src[7 + c] : at);
    }
}
END_TEST

/* Tokens from elsewhere are as good as own ones: the answer of attention over
 * both, each ground token as often as its bias says. */
START_TEST (grounded_attention)
{
  enum
  {
    T = 6,
    U = 3,
    C = 8,
    ALL = T + 1 + 2 + 5
  };
  static const gint counts[U] = { 1, 2, 5 };
  g_autoptr (TessBackend) backend = tess_backend_plain_new ();
  g_autoptr (TessProgram) program = tess_program_new ("test", TESS_F32);
  TessShape own = { 1, 1, T, C }, ground = { 1, 1, U, C };
  TessShape all = { 1, 1, ALL, C }, row = { 1, 1, 1, U }, one = { 1, 1, 1, 1 };
  g_autofree gfloat *q = whole_numbers (T * C), *k = whole_numbers (ALL * C);
  g_autofree gfloat *v = whole_numbers (ALL * C), *gk = g_new (gfloat, U * C);
  g_autofree gfloat *gv = g_new (gfloat, U * C);
  gfloat bias[U];
  gint32 zero = 0;

  for (gint u = 0, at = T; u < U; at += counts[u++])
    {
      memcpy (gk + u * C, k + at * C, C * sizeof *gk);
      memcpy (gv + u * C, v + at * C, C * sizeof *gv);
      bias[u] = logf (counts[u]);
      for (gint i = 1; i < counts[u]; i++)
        {
          memcpy (k + (at + i) * C, k + at * C, C * sizeof *k);
          memcpy (v + (at + i) * C, v + at * C, C * sizeof *v);
        }
    }
  g_autoptr (TessBuffer) q_all = buffer_of (backend, &own, q);
  g_autoptr (TessBuffer) k_all = buffer_of (backend, &all, k);
  g_autoptr (TessBuffer) v_all = buffer_of (backend, &all, v);
  g_autoptr (TessBuffer) k_own = buffer_of (backend, &own, k);
  g_autoptr (TessBuffer) v_own = buffer_of (backend, &own, v);
  g_autoptr (TessBuffer) k_ground = buffer_of (backend, &ground, gk);
  g_autoptr (TessBuffer) v_ground = buffer_of (backend, &ground, gv);
  g_autoptr (TessBuffer) biases = buffer_of (backend, &row, bias);
  g_autoptr (TessBuffer) rows = tess_buffer_new (backend, TESS_I32, &one, NULL);

  tess_buffer_write_i32 (rows, &zero);
  TessValue *plain = tess_attention (
      program, &(TessAttention) { .q = tess_input (program, q_all),
                                  .k = tess_input (program, k_all),
                                  .v = tess_input (program, v_all),
                                  .n_heads = 2 });
  TessValue *grounded = tess_grounded_attention (
      program,
      &(TessGroundedAttention) { .q = tess_input (program, q_all),
                                 .k = tess_input (program, k_own),
                                 .v = tess_input (program, v_own),
                                 .ground_k = tess_input (program, k_ground),
                                 .ground_v = tess_input (program, v_ground),
                                 .bias = tess_input (program, biases),
                                 .rows = tess_input (program, rows),
                                 .n_heads = 2 });
  g_autofree gfloat *expected = run (backend, program, plain);
  g_autofree gfloat *result = run (backend, program, grounded);

  for (gint i = 0; i < T * C; i++)
    ck_assert_float_eq_tol (result[i], expected[i], 1e-5f);
}
END_TEST

/* Against the discrete Fourier transform itself, real part. */
START_TEST (scale_low)
{
  static const gint sizes[][2]
      = { { 4, 6 }, { 5, 3 }, { 1, 4 }, { 3, 1 }, { 2, 2 }, { 1, 1 } };
  g_autoptr (TessBackend) backend = tess_backend_plain_new ();

  for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
    {
      gint h = sizes[s][0], w = sizes[s][1];
      TessShape shape = { 1, h, w, 1 }, one = { 1, 1, 1, 1 };
      gfloat scale = 1.75f;
      g_autofree gfloat *src = whole_numbers (h * w);
      g_autoptr (TessProgram) program = tess_program_new ("test", TESS_F32);
      g_autoptr (TessBuffer) buffer = buffer_of (backend, &shape, src);
      g_autoptr (TessBuffer) factor = buffer_of (backend, &one, &scale);
      g_autofree gfloat *result
          = run (backend, program,
                 tess_scale_low (program, tess_input (program, buffer),
                                 tess_input (program, factor)));

      for (gint y = 0; y < h; y++)
        for (gint x = 0; x < w; x++)
          {
            gdouble sum = 0.0;

            for (gint u = 0; u < h; u++)
              for (gint v = 0; v < w; v++)
                {
                  gboolean low
                      = (u == 0 || u == h - 1) && (v == 0 || v == w - 1);

                  for (gint i = 0; i < h * w; i++)
                    sum += src[i] * (low ? scale : 1.0)
                           * cos (2.0 * G_PI
                                  * ((gdouble) u * (y - i / w) / h
                                     + (gdouble) v * (x - i % w) / w));
                }
            ck_assert_double_eq_tol (result[y * w + x], sum / (h * w), 1e-5);
          }
    }
}
END_TEST

/* The same as a whole convolution whose kernel is zero between channels. */
START_TEST (depthwise_and_scale)
{
  enum
  {
    C = 3,
    K = 5
  };
  g_autoptr (TessBackend) backend = tess_backend_plain_new ();
  g_autoptr (TessProgram) program = tess_program_new ("test", TESS_F32);
  TessShape shape = { 2, 4, 7, C }, row = { 1, 1, 1, C };
  g_autofree gfloat *src = whole_numbers (2 * 28 * C);
  g_autofree gfloat *factors = whole_numbers (C);
  g_autoptr (TessBuffer) buffer = buffer_of (backend, &shape, src);
  g_autoptr (TessBuffer) factor = buffer_of (backend, &row, factors);
  g_autoptr (TessWeight) own = whole_weight (4, (gint64[]) { C, 1, K, K });
  g_autoptr (TessWeight) bias = whole_weight (1, (gint64[]) { C });
  g_autoptr (TessWeight) whole = whole_weight (4, (gint64[]) { C, C, K, K });
  TessValue *value = tess_input (program, buffer);

  for (gint i = 0; i < C * C * K * K; i++)
    {
      gint o = i / (C * K * K), c = i / (K * K) % C;

      tess_tensor_f32 (whole->tensor)[i]
          = o == c ? tess_tensor_f32 (own->tensor)[o * K * K + i % (K * K)]
                   : 0.0f;
    }
  TessValue *a = tess_depthwise (
      program, &(TessDepthwise) { .src = value, .weight = own, .bias = bias });
  TessValue *b = tess_conv2d (program, &(TessConv2d) { .src = value,
                                                       .weight = whole,
                                                       .bias = bias,
                                                       .pad_begin = K / 2,
                                                       .pad_end = K / 2 });
  TessValue *c = tess_scale (
      program, &(TessScale) { .src = a,
                              .factor = tess_input (program, factor),
                              .residual = value });
  g_autofree gfloat *first = run (backend, program, a);
  g_autofree gfloat *second = run (backend, program, b);
  g_autofree gfloat *third = run (backend, program, c);

  for (gint i = 0; i < 2 * 28 * C; i++)
    {
      ck_assert_float_eq (first[i], second[i]);
      ck_assert_float_eq (third[i], first[i] * factors[i % C] + src[i]);
    }
}
END_TEST

START_TEST (first_fault_comes_out)
{
  g_autoptr (TessBackend) backend = tess_backend_plain_new ();
  TessShape shape = { 1, 3, 4, 5 };
  g_autoptr (TessBuffer) buffer = buffer_of (backend, &shape, NULL);
  g_autoptr (TessWeight) weight = whole_weight (2, (gint64[]) { 8, 6 });
  g_autoptr (TessProgram) program = tess_program_new ("test", TESS_F32);
  g_autoptr (GError) error = NULL;
  TessValue *value = tess_linear (
      program,
      &(TessLinear) { .src = tess_input (program, buffer), .weight = weight });

  ck_assert_int_eq (tess_value_shape (value)->c, 8);
  tess_crop (program, value, 0, 0, 9, 9);
  ck_assert_ptr_null (tess_backend_compile (backend, program, &error));
  ck_assert (g_error_matches (error, TESS_ERROR, TESS_ERROR_SHAPE));
  ck_assert_ptr_nonnull (strstr (error->message, "test, linear: "));
}
END_TEST

Suite *
tess_test_suite (void)
{
  Suite *suite = suite_create ("plain");
  TCase *tc;

#define add(name)                                                              \
  tc = tcase_create (#name);                                                   \
  tcase_add_test (tc, name);                                                   \
  suite_add_tcase (suite, tc)
  add (conv2d);
  add (linear_and_geglu);
  add (attention);
  add (group_norm);
  add (copies);
  add (grounded_attention);
  add (scale_low);
  add (depthwise_and_scale);
  add (first_fault_comes_out);
#undef add
  return suite;
}

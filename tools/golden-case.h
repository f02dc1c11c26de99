/* SPDX-License-Identifier: GPL-3.0-or-later
 * tools/golden-case.h: a case of a JSON file whose numbers come from a formula
 * (core/model-synthetic.h): its settings, inputs and expected outputs. */
#pragma once

#include "tools/golden.h"

#include "core/model.h"

G_BEGIN_DECLS

typedef struct
{
  Golden *golden;
  const gchar *path;
  gchar *label;     /* of the file */
  JsonObject *root; /* of the file */
  TessTensorFile *file;
  TessModel *model; /* NULL until a case needs it */
  GHashTable *seen; /* the case's outputs that were compared */
} GoldenSet;

typedef struct
{
  GoldenSet *set;
  const gchar *name;
  JsonObject *object; /* all of it */
  JsonObject *inputs, *outputs;
} GoldenCase;

/* {"value": ...} of an input; NULL when it is not given. */
JsonNode *golden_setting (const GoldenCase *c, const gchar *name);
gdouble
golden_number (const GoldenCase *c, const gchar *name, gdouble fallback);
const gchar *golden_text (const GoldenCase *c, const gchar *name);

gboolean golden_has_input (const GoldenCase *c, const gchar *name);
gboolean golden_has_output (const GoldenCase *c, const gchar *name);

/* Where the loop's canvas may stay, NULL: it lies here. */
TessBackend *golden_card (const GoldenCase *c);

/* Dimensions of an input or output; the number of elements. */
gsize golden_shape (JsonObject *object,
                    const gchar *member,
                    gint *n_dims,
                    gint64 *dims);

/* An input that is made or stored, as float32. (transfer full) */
TessTensor *
golden_input (const GoldenCase *c, const gchar *name, GError **error);

/* "file case part" (transfer full) */
gchar *golden_title (const GoldenCase *c, const gchar *part);

/* Compares with the output @name, of which every start + i * step is stored.
 * @x has as many dimensions as the whole output. */
void
golden_compare (const GoldenCase *c, const gchar *name, const TessTensor *x);
/* The same for numbers in the order of the whole output. */
void golden_compare_numbers (const GoldenCase *c,
                             const gchar *name,
                             const gfloat *x);

/* One line for a case that could not be run: skipped where the error is
 * TESS_ERROR_UNSUPPORTED. Takes the error. */
void golden_case_fail (const GoldenCase *c, const gchar *part, GError *error);

/* Cases of InstanceDiffusion; FALSE: not one of them. */
gboolean golden_instance (const GoldenCase *c);

/* Cases of StableSR; FALSE: not one of them. */
gboolean golden_stablesr (const GoldenCase *c);

G_END_DECLS

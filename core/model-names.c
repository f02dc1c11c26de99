/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/model-names.c: what a weight is called in the files of others. */
#include "core/model-names.h"

#include <string.h>

/* What diffusers called the attention of its VAE before 0.18. */
static const struct
{
  const gchar *now, *then;
} old_attention[] = {
  { ".to_q.", ".query." },
  { ".to_k.", ".key." },
  { ".to_v.", ".value." },
  { ".to_out.0.", ".proj_attn." },
};

static TessTensor *
find_exactly (const GPtrArray *files, const gchar *name, const gchar **why)
{
  for (guint i = 0; i < files->len; i++)
    {
      const TessTensorFile *file = g_ptr_array_index (files, i);
      TessTensor *tensor = tess_tensor_file_get (file, name);

      if (tensor != NULL)
        return tess_tensor_ref (tensor);
      if (why != NULL && *why == NULL)
        *why = g_hash_table_lookup (file->refused, name);
    }
  return NULL;
}

static gchar *
replace (const gchar *name, const gchar *from, const gchar *to)
{
  const gchar *at = strstr (name, from);

  if (at == NULL)
    return NULL;
  return g_strdup_printf ("%.*s%s%s", (gint) (at - name), name, to,
                          at + strlen (from));
}

static TessTensor *
find_diffusers (TessPart part,
                const gchar *name,
                const GPtrArray *files,
                const gchar **why)
{
  TessTensor *tensor = find_exactly (files, name, why);

  if (tensor != NULL)
    return tensor;
  if (part == TESS_PART_TEXT && g_str_has_prefix (name, "text_model."))
    return find_exactly (files, name + strlen ("text_model."), why);
  if (part != TESS_PART_VAE || strstr (name, ".attentions.") == NULL)
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (old_attention); i++)
    {
      g_autofree gchar *then
          = replace (name, old_attention[i].now, old_attention[i].then);

      if (then != NULL)
        return find_exactly (files, then, why);
    }
  return NULL;
}

/* Rows @third * n to (@third + 1) * n of a tensor of 3 * n rows. */
static TessTensor *
view_third (TessTensor *whole, gint third)
{
  gint64 dims[TESS_MAX_DIMS];

  if (whole->n_dims < 1 || whole->dims[0] % 3 != 0)
    return NULL;
  memcpy (dims, whole->dims, sizeof dims);
  dims[0] /= 3;
  return tess_tensor_view (whole, whole->n_bytes / 3 * third, whole->n_dims,
                           dims);
}

static TessTensor *
find_original (const TessModelConfig *config,
               TessPart part,
               const gchar *name,
               const GPtrArray *files,
               const gchar **why)
{
  /* Some writers leave "text_model." out here as well. */
  for (gint openclip = 0; openclip <= (part == TESS_PART_TEXT); openclip++)
    {
      gint third;
      g_autofree gchar *original
          = tess_names_original (config, part, name, openclip, &third);
      g_autofree gchar *plain = NULL;
      g_autoptr (TessTensor) tensor = NULL;

      if (original == NULL)
        continue;
      tensor = find_exactly (files, original, why);
      if (tensor == NULL && part == TESS_PART_TEXT && !openclip)
        {
          plain = replace (original, "text_model.", "");
          tensor = plain ? find_exactly (files, plain, why) : NULL;
        }
      if (tensor != NULL)
        return third < 0 ? g_steal_pointer (&tensor)
                         : view_third (tensor, third);
    }
  return NULL;
}

/* In either naming, with or without the prefix of what it is added to. */
static TessTensor *
find_addition (const TessModelConfig *config,
               TessPart part,
               const gchar *name,
               const GPtrArray *files,
               const gchar **why)
{
  static const gchar *const prefixes[]
      = { "", TESS_ORIGINAL_UNET, TESS_ORIGINAL_VAE };
  gint third;
  g_autofree gchar *original
      = tess_names_original (config, part, name, FALSE, &third);

  for (guint i = 0; i < G_N_ELEMENTS (prefixes); i++)
    for (gint k = 0; k < 2; k++)
      {
        const gchar *wanted = k == 0 ? name : original;
        g_autofree gchar *full = g_strconcat (prefixes[i], wanted, NULL);
        TessTensor *tensor
            = wanted != NULL ? find_exactly (files, full, why) : NULL;

        if (tensor != NULL)
          return tensor;
      }
  return NULL;
}

TessTensor *
tess_names_find (TessNaming naming,
                 const TessModelConfig *config,
                 TessPart part,
                 const gchar *name,
                 const GPtrArray *files,
                 const gchar **why)
{
  if (part >= TESS_PART_INSTANCE)
    return find_addition (config, part, name, files, why);
  if (naming == TESS_NAMING_DIFFUSERS)
    return find_diffusers (part, name, files, why);
  return find_original (config, part, name, files, why);
}

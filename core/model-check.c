/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/model-check.c: bounds of a configuration, so that no network that is
 * made from it can divide by zero or overflow. */
#include "core/model-config.h"
#include "core/error.h"

#include <glib/gi18n-lib.h>

G_GNUC_PRINTF (3, 4)
static gboolean
refuse (const gchar *file, GError **error, const gchar *format, ...)
{
  g_autofree gchar *what = NULL;
  va_list args;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL, _ ("%s: %s."), file, what);
  return FALSE;
}

static gboolean
check_levels (const gchar *file,
              gint n_levels,
              const gint *channels,
              gint norm_groups,
              GError **error)
{
  if (n_levels < 1 || n_levels > TESS_MAX_LEVELS)
    return refuse (file, error, "%d levels; 1 to %d are supported", n_levels,
                   TESS_MAX_LEVELS);
  for (gint i = 0; i < n_levels; i++)
    if (channels[i] < 1 || channels[i] > 1 << 14 || norm_groups < 1
        || channels[i] % norm_groups != 0)
      return refuse (file, error,
                     "%d channels do not part into %d groups of the norm",
                     channels[i], norm_groups);
  return TRUE;
}

gboolean
tess_config_check_unet (const TessUnetConfig *config,
                        const gchar *file,
                        GError **error)
{
  if (!check_levels (file, config->n_levels, config->channels,
                     config->norm_groups, error))
    return FALSE;
  for (gint i = 0; i < config->n_levels; i++)
    if (config->n_heads[i] < 1 || config->channels[i] % config->n_heads[i] != 0)
      return refuse (file, error, "%d channels do not part into %d heads",
                     config->channels[i], config->n_heads[i]);
  if (config->channels[0] % 2 != 0)
    return refuse (file, error, "%d channels at the top, which is odd",
                   config->channels[0]);
  if (!(config->norm_eps > 0.0f && config->norm_eps < 1.0f))
    return refuse (file, error, "'norm_eps' is %g", config->norm_eps);
  if (!(config->freq_shift >= 0.0f
        && config->freq_shift < config->channels[0] / 2))
    return refuse (file, error, "'freq_shift' is %g", config->freq_shift);
  return TRUE;
}

gboolean
tess_config_check_vae (const TessVaeConfig *config,
                       const gchar *file,
                       GError **error)
{
  if (!check_levels (file, config->n_levels, config->channels,
                     config->norm_groups, error))
    return FALSE;
  if (!(config->scaling_factor > 1e-6f && config->scaling_factor < 1e6f))
    return refuse (file, error, "'scaling_factor' is %g",
                   config->scaling_factor);
  if (!(config->shift_factor > -1e6f && config->shift_factor < 1e6f))
    return refuse (file, error, "'shift_factor' is %g", config->shift_factor);
  return TRUE;
}

gboolean
tess_config_check_text (const TessTextConfig *config,
                        const gchar *file,
                        GError **error)
{
  gint n = config->n_tokens;

  if (config->n_heads < 1 || config->width % config->n_heads != 0)
    return refuse (file, error, "a width of %d does not part into %d heads",
                   config->width, config->n_heads);
  if (config->bos_id >= n || config->eos_id >= n || config->pad_id < 0
      || config->pad_id >= n)
    return refuse (file, error,
                   "the special tokens %d, %d and %d are not among the %d of "
                   "the vocabulary",
                   config->bos_id, config->eos_id, config->pad_id, n);
  if (!(config->norm_eps > 0.0f && config->norm_eps < 1.0f))
    return refuse (file, error, "'layer_norm_eps' is %g", config->norm_eps);
  return TRUE;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/studio.c: opening, and keeping what can be kept. */
#include "core/studio.h"

#include "core/devices.h"
#include "core/error.h"
#include "core/told.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

TessStudio *
tess_studio_new (void)
{
  TessStudio *studio = g_new0 (TessStudio, 1);

  g_mutex_init (&studio->lock);
  return studio;
}

static void
close_model (TessStudio *studio)
{
  g_clear_pointer (&studio->text, tess_text_encoder_free);
  g_clear_pointer (&studio->unet, tess_unet_free);
  g_clear_pointer (&studio->vae, tess_vae_free);
  g_clear_pointer (&studio->tokenizer, tess_tokenizer_unref);
  g_clear_pointer (&studio->model, tess_model_unref);
  g_clear_pointer (&studio->model_key, g_free);
  if (studio->backend)
    tess_backend_trim (studio->backend);
}

void
tess_studio_free (TessStudio *studio)
{
  if (studio == NULL)
    return;
  close_model (studio);
  tess_backend_unref (studio->backend);
  tess_backend_unref (studio->left);
  g_free (studio->device_key);
  g_mutex_clear (&studio->lock);
  g_free (studio);
}

static gboolean
open_device (TessStudio *studio, const TessRequest *request, GError **error)
{
  TessRequest wanted = *request;
  g_autofree gchar *key = NULL;

  /* A card that failed once is not asked again by itself. */
  if (studio->gpu_failed && wanted.device == TESS_DEVICE_AUTO)
    wanted.device = TESS_DEVICE_CPU;
  key = g_strdup_printf ("%d %d %d %" G_GSIZE_FORMAT " %s", wanted.device,
                         wanted.storage, wanted.n_threads, wanted.memory,
                         wanted.card ? wanted.card : "");
  if (g_strcmp0 (key, studio->device_key) == 0)
    return TRUE;
  close_model (studio);
  g_clear_pointer (&studio->backend, tess_backend_unref);
  g_clear_pointer (&studio->device_key, g_free);
  studio->backend = tess_device_open (&wanted, error);
  if (studio->backend == NULL)
    return FALSE;
  studio->device_key = g_steal_pointer (&key);
  return TRUE;
}

static gchar *
list_names (GPtrArray *models)
{
  GString *list = g_string_new (NULL);

  for (guint i = 0; i < models->len; i++)
    g_string_append_printf (list, "%s%s", i ? ", " : "",
                            ((TessModelEntry *) models->pdata[i])->name);
  return g_string_free (list, FALSE);
}

/* The file of the model asked for by path or name, or the bundled one. */
static gchar *
find_model (const gchar *wanted, GError **error)
{
  g_autoptr (GPtrArray) models = NULL;
  g_autofree gchar *names = NULL;

  if (wanted && *wanted && g_file_test (wanted, G_FILE_TEST_EXISTS))
    return g_strdup (wanted);
  models = tess_models_find (NULL);
  for (guint i = 0; i < models->len; i++)
    {
      const TessModelEntry *entry = models->pdata[i];

      if (g_ascii_strcasecmp (entry->name,
                              wanted && *wanted ? wanted : "horizon")
          == 0)
        return g_strdup (entry->path);
    }
  if (models->len > 0 && (wanted == NULL || *wanted == '\0'))
    return g_strdup (((TessModelEntry *) models->pdata[0])->path);
  names = list_names (models);
  g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
               _ ("%s%s%s; put one into %s/tessera/models, or give %s%s"),
               wanted && *wanted ? "there is no model \"" : "no model is found",
               wanted && *wanted ? wanted : "", wanted && *wanted ? "\"" : "",
               g_get_user_data_dir (),
               models->len > 0 ? "a path, or one of: " : "the path of one",
               names);
  return NULL;
}

/* Another file under the same name is another model. */
static gchar *
model_key (const TessRequest *request, const gchar *path)
{
  GString *key = g_string_new (NULL);
  GStatBuf st = { 0 };

  g_stat (path, &st);
  g_string_append_printf (
      key, "%s %" G_GINT64_FORMAT " %d", path, (gint64) st.st_mtime,
      request->prediction > 0 ? request->prediction
                              : tess_told_prediction (path));
  if (request->instance_model)
    g_string_append_printf (key, " instances %s", request->instance_model);
  if (request->upscale_model)
    g_string_append_printf (key, " upscale %s", request->upscale_model);
  if (request->upscale_decoder)
    g_string_append_printf (key, " wrapped %s", request->upscale_decoder);
  for (guint i = 0; i < request->loras->len; i++)
    {
      const TessLora *lora = request->loras->pdata[i];

      g_string_append_printf (key, " %s*%.17g", lora->path, lora->strength);
    }
  return g_string_free (key, FALSE);
}

static gboolean
check_model (TessModel *model, GError **error)
{
  const TessUnetConfig *unet = tess_model_unet (model);
  const TessVaeConfig *vae = tess_model_vae (model);

  if (unet->in_channels == vae->latent_channels
      && unet->out_channels == vae->latent_channels && vae->image_channels == 3)
    return TRUE;
  g_set_error (
      error, TESS_ERROR, TESS_ERROR_UNSUPPORTED,
      _ ("%s takes %d channels and gives %d where the decoder has %d: it "
         "is made for something else (inpainting, depth); take a plain "
         "text-to-image model"),
      tess_model_name (model), unet->in_channels, unet->out_channels,
      vae->latent_channels);
  return FALSE;
}

static gboolean
open_networks (TessStudio *studio, GError **error)
{
  g_autofree gchar *merges = NULL;

  if (!check_model (studio->model, error))
    return FALSE;
  merges = tess_model_find_merges (studio->model, error);
  if (merges == NULL)
    return FALSE;
  studio->tokenizer = tess_tokenizer_new (merges, error);
  if (studio->tokenizer == NULL)
    return FALSE;
  studio->text = tess_text_encoder_new (studio->model, studio->backend, error);
  if (studio->text == NULL)
    return FALSE;
  studio->unet = tess_unet_new (studio->model, studio->backend, error);
  if (studio->unet == NULL)
    return FALSE;
  studio->vae = tess_vae_new (studio->model, studio->backend, error);
  return studio->vae != NULL;
}

static gboolean
add_upscaling (TessStudio *studio, const gchar *path, GError **error)
{
  return path == NULL || *path == '\0'
         || tess_model_add_upscaling (studio->model, path, error);
}

/* As asked for, which is remembered of a file that does not say it; else as it
 * was said of that file before. */
static void
set_prediction (TessModel *model, const gchar *path, gint prediction)
{
  gboolean guessed = tess_model_diffusion (model)->prediction_guessed;

  if (prediction > 0 && guessed)
    tess_tell_prediction (path, prediction);
  else if (prediction == 0 && guessed)
    prediction = tess_told_prediction (path);
  if (prediction > 0)
    tess_model_set_prediction (model, (TessPrediction) (prediction - 1));
}

static gboolean
open_model (TessStudio *studio, const TessRequest *request, GError **error)
{
  g_autofree gchar *path = find_model (request->model, error);
  g_autofree gchar *key = NULL;

  if (path == NULL)
    return FALSE;
  key = model_key (request, path);
  if (g_strcmp0 (key, studio->model_key) == 0)
    return TRUE;
  close_model (studio);
  studio->model = tess_model_open (path, error);
  if (studio->model == NULL)
    return FALSE;
  for (guint i = 0; i < request->loras->len; i++)
    {
      const TessLora *lora = request->loras->pdata[i];

      if (!tess_model_add_lora (studio->model, lora->path, lora->strength,
                                error))
        return FALSE;
    }
  if (request->instance_model && *request->instance_model
      && !tess_model_add_instances (studio->model, request->instance_model,
                                    error))
    return FALSE;
  if (!add_upscaling (studio, request->upscale_model, error)
      || !add_upscaling (studio, request->upscale_decoder, error))
    return FALSE;
  set_prediction (studio->model, path, request->prediction);
  if (!open_networks (studio, error))
    return FALSE;
  studio->model_key = g_steal_pointer (&key);
  return TRUE;
}

gboolean
tess_studio_open (TessStudio *studio,
                  const TessRequest *request,
                  GError **error)
{
  if (open_device (studio, request, error)
      && open_model (studio, request, error))
    return TRUE;
  close_model (studio);
  return FALSE;
}

gboolean
tess_studio_leave_gpu (TessStudio *studio,
                       const TessRequest *request,
                       GError **error)
{
  TessRequest wanted = *request;

  wanted.device = TESS_DEVICE_CPU;
  if (!tess_device_is_gpu (studio->backend))
    return FALSE;
  studio->gpu_failed = TRUE;
  g_clear_pointer (&studio->text, tess_text_encoder_free);
  g_clear_pointer (&studio->unet, tess_unet_free);
  g_clear_pointer (&studio->vae, tess_vae_free);
  g_clear_pointer (&studio->tokenizer, tess_tokenizer_unref);
  tess_backend_trim (studio->backend);
  tess_backend_unref (studio->left);
  studio->left = g_steal_pointer (&studio->backend);
  g_clear_pointer (&studio->device_key, g_free);
  studio->backend = tess_device_open (&wanted, error);
  return studio->backend != NULL && open_networks (studio, error);
}

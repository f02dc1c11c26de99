/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/model-folder.c: the configuration files of a diffusers folder. */
#include "core/model-config.h"
#include "core/error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* NULL without an error where the file does not exist. */
static JsonNode *
load_optional (const gchar *path, GError **error)
{
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return NULL;
  return tess_json_load (path, error);
}

static const gchar *
string_member (JsonObject *json, const gchar *key)
{
  JsonNode *node = json_object_get_member (json, key);

  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node)) /* an AddedToken */
    return string_member (json_node_get_object (node), "content");
  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node))
    return NULL;
  return json_node_get_string (node);
}

/* Which id fills a chunk up is the tokenizer's business: the text encoder's
 * own "pad_token_id" is 1 in every published model and right in none. */
static gboolean
read_pad_token (const gchar *folder, TessTextConfig *config, GError **error)
{
  g_autofree gchar *path
      = g_build_filename (folder, "tokenizer", "tokenizer_config.json", NULL);
  g_autofree gchar *vocab_path
      = g_build_filename (folder, "tokenizer", "vocab.json", NULL);
  g_autoptr (GError) fault = NULL;
  g_autoptr (JsonNode) root = load_optional (path, &fault);
  g_autoptr (JsonNode) vocab = NULL;
  const gchar *pad, *eos;

  if (fault != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&fault));
      return FALSE;
    }
  if (root == NULL)
    return TRUE;
  pad = string_member (json_node_get_object (root), "pad_token");
  eos = string_member (json_node_get_object (root), "eos_token");
  if (pad == NULL)
    return TRUE;
  if (g_strcmp0 (pad, eos) == 0 || g_str_equal (pad, "<|endoftext|>"))
    config->pad_id = config->eos_id;
  else if (g_str_equal (pad, "!")) /* the first token of CLIP's vocabulary */
    config->pad_id = 0;
  else
    {
      vocab = load_optional (vocab_path, &fault);
      if (fault != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&fault));
          return FALSE;
        }
      if (vocab != NULL)
        config->pad_id = json_object_get_int_member_with_default (
            json_node_get_object (vocab), pad, config->pad_id);
    }
  return TRUE;
}

/* Tessera's own file, which says what no other does. */
static gboolean
read_own (const gchar *folder, TessTextConfig *config, GError **error)
{
  g_autofree gchar *path = g_build_filename (folder, "tessera.json", NULL);
  const struct
  {
    const gchar *key;
    gchar *to;
  } words[] = { { "words_above", config->words_above },
                { "words_below", config->words_below } };
  g_autoptr (GError) fault = NULL;
  g_autoptr (JsonNode) root = load_optional (path, &fault);

  if (fault != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&fault));
      return FALSE;
    }
  for (guint i = 0; root != NULL && i < G_N_ELEMENTS (words); i++)
    {
      const gchar *text
          = string_member (json_node_get_object (root), words[i].key);

      if (text != NULL
          && g_strlcpy (words[i].to, text, TESS_MAX_WORDS) >= TESS_MAX_WORDS)
        {
          g_set_error (error, TESS_ERROR, TESS_ERROR_MODEL,
                       _ ("%s: \"%s\" is longer than %d bytes"), path,
                       words[i].key, TESS_MAX_WORDS - 1);
          return FALSE;
        }
    }
  return TRUE;
}

gboolean
tess_config_read_folder (const gchar *folder,
                         TessModelConfig *config,
                         GError **error)
{
  g_autofree gchar *unet_path
      = g_build_filename (folder, "unet", "config.json", NULL);
  g_autofree gchar *vae_path
      = g_build_filename (folder, "vae", "config.json", NULL);
  g_autofree gchar *text_path
      = g_build_filename (folder, "text_encoder", "config.json", NULL);
  g_autofree gchar *scheduler_path
      = g_build_filename (folder, "scheduler", "scheduler_config.json", NULL);
  g_autoptr (JsonNode) unet = NULL, vae = NULL, text = NULL, scheduler = NULL;
  g_autoptr (GError) fault = NULL;

  unet = tess_json_load (unet_path, error);
  if (unet == NULL
      || !tess_config_read_unet (json_node_get_object (unet), unet_path,
                                 &config->unet, error))
    return FALSE;
  vae = tess_json_load (vae_path, error);
  if (vae == NULL
      || !tess_config_read_vae (json_node_get_object (vae), vae_path,
                                &config->vae, error))
    return FALSE;
  text = tess_json_load (text_path, error);
  if (text == NULL
      || !tess_config_read_text (json_node_get_object (text), text_path,
                                 &config->text, error))
    return FALSE;
  tess_config_default_diffusion (&config->diffusion);
  scheduler = load_optional (scheduler_path, &fault);
  if (fault != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&fault));
      return FALSE;
    }
  if (scheduler != NULL
      && !tess_config_read_scheduler (json_node_get_object (scheduler),
                                      scheduler_path, &config->diffusion,
                                      error))
    return FALSE;
  return read_pad_token (folder, &config->text, error)
         && read_own (folder, &config->text, error)
         && tess_config_check_text (&config->text, text_path, error);
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/choices.c: words and their labels. */
#include "ui/choices.h"

#include <string.h>
#include <glib/gi18n-lib.h>
#include <libgimp/gimpui.h>
#include "core/error.h"
#include "core/quality.h"

static const TessChoice inits[] = {
  { "none", TESS_INIT_NONE },
  { "layer", TESS_INIT_LAYER },
  { "visible", TESS_INIT_VISIBLE },
  { NULL },
};

static const TessChoice sources[] = {
  { "visible", TESS_SOURCE_VISIBLE },
  { "layer", TESS_SOURCE_LAYER },
  { NULL },
};

static const TessChoice outputs[] = {
  { "layer", TESS_OUTPUT_LAYER },
  { "image", TESS_OUTPUT_IMAGE },
  { NULL },
};

static const TessChoice shapes[] = {
  { "sphere", TESS_PANORAMA_SPHERE },
  { "ring", TESS_PANORAMA_RING },
  { "wide", TESS_PANORAMA_WIDE },
  { "texture-x", TESS_PANORAMA_TEXTURE_X },
  { "texture-y", TESS_PANORAMA_TEXTURE_Y },
  { "texture", TESS_PANORAMA_TEXTURE },
  { NULL },
};

static const TessChoice projections[] = {
  { "cube", TESS_PROJECTION_CUBE },
  { "planet", TESS_PROJECTION_PLANET },
  { "view", TESS_PROJECTION_VIEW },
  { NULL },
};

static const struct
{
  const gchar *name, *nick, *label;
} labels[] = {
  { "projection", "cube", N_ ("Six cube faces") },
  { "projection", "planet", N_ ("A little planet") },
  { "projection", "view", N_ ("A view as from a camera") },
  { "sampler", "ddim", N_ ("DDIM") },
  { "sampler", "euler", N_ ("Euler") },
  { "sampler", "euler-a", N_ ("Euler ancestral") },
  { "sampler", "dpmpp-2m", N_ ("DPM++ 2M") },
  { "sampler", "dpmpp-2m-karras", N_ ("DPM++ 2M Karras") },
  { "sampler", "unipc", N_ ("UniPC") },
  { "sampler", "ddpm", N_ ("DDPM") },
  { "sampler", "plms", N_ ("PLMS") },
  { "spacing", "model", N_ ("As the model says") },
  { "spacing", "leading", N_ ("Leading") },
  { "spacing", "trailing", N_ ("Trailing") },
  { "spacing", "linspace", N_ ("Even, both ends") },
  { "zero-snr", "model", N_ ("As the model says") },
  { "zero-snr", "yes", N_ ("Yes") },
  { "zero-snr", "no", N_ ("No") },
  { "instance-prompts", "model", N_ ("As the weights need it") },
  { "instance-prompts", "yes", N_ ("Yes: plainer, takes longer") },
  { "instance-prompts", "no", N_ ("No: blends in") },
  { "prediction", "model", N_ ("As the model says") },
  { "prediction", "eps", N_ ("Noise (eps)") },
  { "prediction", "v", N_ ("Velocity (v)") },
  { "prediction", "x0", N_ ("Picture (x0)") },
  { "shape", "sphere", N_ ("Full sphere, 360° × 180°") },
  { "shape", "ring", N_ ("Strip all around, 360°") },
  { "shape", "wide", N_ ("Wide strip, ends stay open") },
  { "shape", "texture-x", N_ ("Seamless texture, sideways") },
  { "shape", "texture-y", N_ ("Seamless texture, up and down") },
  { "shape", "texture", N_ ("Seamless texture, both ways") },
  { "method", "multidiffusion", N_ ("Overlapping tiles (MultiDiffusion)") },
  { "method", "ring", N_ ("Overlapping tiles on a ring") },
  { "method", "ring-1", N_ ("All at once, turning: fast") },
  { "method", "stitch", N_ ("StitchDiffusion, as published") },
  { "method", "shifted", N_ ("Shifting tiles: fast") },
  { "method", "spot", N_ ("SpotDiffusion") },
  { "method", "fstd", N_ ("Any-Size-Diffusion's tiles, as published") },
  { "method", "any-size", N_ ("Small first, then large") },
  { "wrap", "auto", N_ ("As the method does") },
  { "wrap", "none", N_ ("None") },
  { "wrap", "horizontal", N_ ("Left and right") },
  { "wrap", "vertical", N_ ("Top and bottom") },
  { "wrap", "both", N_ ("All four") },
  { "refine", "auto", N_ ("What suits the method") },
  { "refine", "shifted", N_ ("Shifting tiles: fast") },
  { "refine", "multidiffusion", N_ ("Overlapping tiles: smoother, slower") },
  { "refine", "spot", N_ ("SpotDiffusion") },
  { "refine", "fstd", N_ ("Any-Size-Diffusion, as published") },
  { "refine", "demofusion", N_ ("DemoFusion: larger and larger, slow") },
  { "grid", "even", N_ ("Spread evenly") },
  { "grid", "anchored", N_ ("In fixed steps") },
  { "weight", "auto", N_ ("What suits the method") },
  { "weight", "gaussian", N_ ("Gaussian") },
  { "weight", "uniform", N_ ("Uniform") },
  { "weight", "quartic", N_ ("Quartic") },
  { "vae", "auto", N_ ("Automatic") },
  { "vae", "exact", N_ ("Exact") },
  { "vae", "estimate", N_ ("Estimate, less memory") },
  { "device", "auto", N_ ("Automatic") },
  { "device", "gpu", N_ ("Graphics card") },
  { "device", "cpu", N_ ("Processor") },
  { "device", "plain", N_ ("Processor, plain C (slow)") },
  { "storage", "auto", N_ ("The faster one") },
  { "storage", "float32", N_ ("Exact (float32)") },
  { "storage", "float16", N_ ("Half the memory, graphics cards (float16)") },
  { "storage", "bfloat16", N_ ("Half the memory (bfloat16)") },
  { "init", "none", N_ ("Nothing: from the text alone") },
  { "init", "layer", N_ ("The selected layer") },
  { "init", "visible", N_ ("What is visible") },
  { "second", "auto", N_ ("As suits the model") },
  { "second", "repaint", N_ ("Painted anew over the enlarged one") },
  { "second", "upscale", N_ ("Upscaled (StableSR)") },
  { "source", "visible", N_ ("What is visible") },
  { "source", "layer", N_ ("The selected layer") },
  { "quality", "reference", N_ ("Reference: 200 steps, slow") },
  { "quality", "good", N_ ("Good: 50 steps") },
  { "quality", "quick", N_ ("Quick: 20 steps") },
  { "quality", "fast", N_ ("Fast: 20 steps, shifting tiles") },
  { "colours", "wavelet", N_ ("Of the picture wherever coarse (wavelet)") },
  { "colours", "adain", N_ ("Mean and spread of the picture (AdaIN)") },
  { "colours", "keep", N_ ("As painted") },
  { "output", "layer", N_ ("New layer") },
  { "output", "image", N_ ("New image") },
};

#define MAX_METHODS 16

/* Those that paint anew: enlarging a picture is no way of doing that. */
static const TessChoice *
painting_methods (const TessChoice *all)
{
  static TessChoice methods[MAX_METHODS + 1];
  static gsize once;

  if (g_once_init_enter (&once))
    {
      for (gint n = 0; all->nick && n < MAX_METHODS; all++)
        if (all->value != TESS_TILING_UPSCALE)
          methods[n++] = *all;
      g_once_init_leave (&once, 1);
    }
  return methods;
}

const TessChoice *
tess_choices_of (const gchar *name)
{
  guint n;
  const TessRequestField *fields = tess_request_fields (&n);

  /* "init" of a request is a file; here it is a layer. */
  if (strcmp (name, "init") == 0)
    return inits;
  if (strcmp (name, "source") == 0)
    return sources;
  if (strcmp (name, "quality") == 0)
    return tess_qualities ();
  if (strcmp (name, "output") == 0)
    return outputs;
  if (strcmp (name, "shape") == 0)
    return shapes;
  if (strcmp (name, "projection") == 0)
    return projections;
  for (guint i = 0; i < n; i++)
    if (strcmp (fields[i].name, name) == 0)
      return strcmp (name, "method") == 0 ? painting_methods (fields[i].choices)
                                          : fields[i].choices;
  g_return_val_if_reached (inits);
}

/* A word that has no label yet is shown as it is. */
static const gchar *
label_of (const gchar *name, const gchar *nick)
{
  for (gsize i = 0; i < G_N_ELEMENTS (labels); i++)
    if (strcmp (labels[i].name, name) == 0
        && strcmp (labels[i].nick, nick) == 0)
      return _ (labels[i].label);
  return nick;
}

gchar *
tess_choice_words (const gchar *name)
{
  const TessChoice *choice = tess_choices_of (name);
  GString *words = g_string_new (choice->nick);

  for (choice++; choice->nick; choice++)
    {
      g_string_append (words, choice[1].nick ? ", " : _ (" or "));
      g_string_append (words, choice->nick);
    }
  return g_string_free (words, FALSE);
}

gboolean
tess_choice_parse (const gchar *name,
                   const gchar *nick,
                   gint *value,
                   GError **error)
{
  g_autofree gchar *words = NULL;

  for (const TessChoice *c = tess_choices_of (name); c->nick; c++)
    if (g_strcmp0 (c->nick, nick) == 0)
      {
        *value = c->value;
        return TRUE;
      }
  words = tess_choice_words (name);
  g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
               _ ("There is no %s “%s”: write %s."), name, nick ? nick : "",
               words);
  return FALSE;
}

GtkWidget *
tess_choice_combo_new_of (GObject *config,
                          const gchar *name,
                          const gchar *const *nicks)
{
  g_autoptr (GtkListStore) store
      = gtk_list_store_new (2, G_TYPE_STRING, G_TYPE_STRING);

  for (const TessChoice *c = tess_choices_of (name); c->nick; c++)
    if (!nicks || g_strv_contains (nicks, c->nick))
      gtk_list_store_insert_with_values (store, NULL, -1, 0, c->nick, 1,
                                         label_of (name, c->nick), -1);
  return gimp_prop_string_combo_box_new (config, name, GTK_TREE_MODEL (store),
                                         0, 1);
}

GtkWidget *
tess_choice_combo_new (GObject *config, const gchar *name)
{
  return tess_choice_combo_new_of (config, name, NULL);
}

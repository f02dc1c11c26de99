/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/request.c: a request: defaults, copies, checks, settings by name. The
 * table of settings is in core/request-fields.c, job files in
 * core/request-json.c. */
#include "core/request.h"

#include "core/error.h"
#include "core/instances.h"

#include <glib/gi18n-lib.h>
#include <errno.h>
#include <math.h>

/* Of a picture that is not an enlarged one, in pixels. */
#define MIN_SIDE 16

static void
region_free (gpointer data)
{
  TessRegion *region = data;

  g_free (region->prompt);
  g_free (region->negative);
  g_free (region->mask_path);
  g_clear_object (&region->mask);
  g_free (region);
}

static void
lora_free (gpointer data)
{
  TessLora *lora = data;

  g_free (lora->path);
  g_free (lora);
}

TessRequest *
tess_request_new (void)
{
  TessRequest *request = g_new0 (TessRequest, 1);

  request->loras = g_ptr_array_new_with_free_func (lora_free);
  request->regions = g_ptr_array_new_with_free_func (region_free);
  request->instances
      = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_instance_free);
  request->instance_strength = 0.75;
  request->instance_apart = 0.36;
  request->width = 512;
  request->height = 512;
  request->steps = 25;
  request->guidance = 7.5;
  request->sampler = TESS_SAMPLER_DPMPP_2M;
  request->seed = -1;
  request->overlap = -1;
  request->bootstrap = 0.2;
  request->strength = 0.75;
  request->detail = 0.4;
  request->fidelity = 0.5;
  return request;
}

gchar *
tess_request_parse_lora (const gchar *line, gdouble *strength)
{
  gchar *path = g_strstrip (g_strdup (line)), *colon = strrchr (path, ':');

  *strength = 1.0;
  if (colon && colon[1])
    {
      gchar *end;
      gdouble number = g_ascii_strtod (colon + 1, &end);

      if (*end == '\0' && isfinite (number))
        {
          *strength = number;
          *colon = '\0';
        }
    }
  if (*path == '\0')
    g_clear_pointer (&path, g_free);
  return path;
}

void
tess_request_add_lora (TessRequest *request,
                       const gchar *path,
                       gdouble strength)
{
  TessLora *lora = g_new (TessLora, 1);

  lora->path = g_strdup (path);
  lora->strength = strength;
  g_ptr_array_add (request->loras, lora);
}

void
tess_request_add_region (TessRequest *request,
                         const gchar *prompt,
                         const gchar *negative,
                         GeglBuffer *mask,
                         const gchar *mask_path)
{
  TessRegion *region = g_new0 (TessRegion, 1);

  region->prompt = g_strdup (prompt);
  region->negative = g_strdup (negative);
  region->mask = mask ? g_object_ref (mask) : NULL;
  region->mask_path = g_strdup (mask_path);
  g_ptr_array_add (request->regions, region);
}

TessRequest *
tess_request_dup (const TessRequest *request)
{
  TessRequest *dup = g_new (TessRequest, 1);

  *dup = *request;
  dup->loras = g_ptr_array_new_with_free_func (lora_free);
  dup->regions = g_ptr_array_new_with_free_func (region_free);
  dup->model = g_strdup (request->model);
  dup->prompt = g_strdup (request->prompt);
  dup->negative = g_strdup (request->negative);
  dup->init_path = g_strdup (request->init_path);
  dup->instance_model = g_strdup (request->instance_model);
  dup->upscale_model = g_strdup (request->upscale_model);
  dup->upscale_decoder = g_strdup (request->upscale_decoder);
  dup->card = g_strdup (request->card);
  dup->instances
      = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_instance_free);
  for (guint i = 0; i < request->instances->len; i++)
    g_ptr_array_add (dup->instances,
                     tess_instance_dup (request->instances->pdata[i]));
  if (dup->init)
    g_object_ref (dup->init);
  for (guint i = 0; i < request->loras->len; i++)
    {
      const TessLora *lora = request->loras->pdata[i];

      tess_request_add_lora (dup, lora->path, lora->strength);
    }
  for (guint i = 0; i < request->regions->len; i++)
    {
      const TessRegion *region = request->regions->pdata[i];

      tess_request_add_region (dup, region->prompt, region->negative,
                               region->mask, region->mask_path);
    }
  return dup;
}

void
tess_request_free (TessRequest *request)
{
  if (request == NULL)
    return;
  g_ptr_array_unref (request->loras);
  g_ptr_array_unref (request->regions);
  g_free (request->model);
  g_free (request->prompt);
  g_free (request->negative);
  g_free (request->init_path);
  g_ptr_array_unref (request->instances);
  g_free (request->instance_model);
  g_free (request->upscale_model);
  g_free (request->upscale_decoder);
  g_free (request->card);
  g_clear_object (&request->init);
  g_free (request);
}

static gdouble
field_number (const TessRequestField *field, const TessRequest *request)
{
  gconstpointer at = G_STRUCT_MEMBER_P (request, field->offset);

  switch (field->kind)
    {
    case TESS_FIELD_INT:
    case TESS_FIELD_CHOICE:
      return *(const gint *) at;
    case TESS_FIELD_INT64:
      return (gdouble) * (const gint64 *) at;
    case TESS_FIELD_SIZE:
      return (gdouble) * (const gsize *) at;
    case TESS_FIELD_REAL:
      return *(const gdouble *) at;
    case TESS_FIELD_TEXT:
    case TESS_FIELD_PATH:
      break;
    }
  return 0.0;
}

static gboolean
field_check (const TessRequestField *field, gdouble value, GError **error)
{
  /* Written so that NaN is refused. */
  if (value >= field->min && value <= field->max)
    return TRUE;
  g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
               _ ("%s is %.10g; take %.10g to %.10g"), field->name, value,
               field->min, field->max);
  return FALSE;
}

static gboolean
choice_check (const TessRequestField *field, gint value, GError **error)
{
  for (const TessChoice *c = field->choices; c->nick; c++)
    if (c->value == value)
      return TRUE;
  g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
               _ ("%s is %d, which is none of its choices"), field->name,
               value);
  return FALSE;
}

/* Settings that want others. */
static gboolean
panorama_check (const TessRequest *request, GError **error)
{
  if (request->close > 0 && request->init == NULL && request->init_path == NULL)
    g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                 _ ("close is %d, but there is no picture whose seam could be "
                    "closed; give one as init"),
                 request->close);
  else if (request->close > 0 && request->wrap == TESS_WRAP_NONE)
    g_set_error (
        error, TESS_ERROR, TESS_ERROR_REQUEST,
        _ ("close is %d, but wrap lets no edges meet; take horizontal, "
           "vertical or both"),
        request->close);
  else if (request->poles > 0.0 && request->width != 2 * request->height)
    g_set_error (
        error, TESS_ERROR, TESS_ERROR_REQUEST,
        _ ("only a panorama twice as wide as high has poles, %d x %d is "
           "not; set poles to 0, or the height to %d"),
        request->width, request->height, request->width / 2);
  else if (request->method == TESS_TILING_ANY_SIZE && !(request->detail > 0.0))
    g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                 _ ("a detail of 0 would paint nothing; take more, up to 1"));
  else
    return TRUE;
  return FALSE;
}

static gboolean
demofusion_check (const TessRequest *request, GError **error)
{
  gboolean alone = request->method == TESS_TILING_DEMOFUSION;

  if (!alone
      && (request->method != TESS_TILING_ANY_SIZE
          || request->refine != TESS_REFINE_DEMOFUSION))
    return TRUE;
  if (alone && request->init == NULL && request->init_path == NULL)
    g_set_error (
        error, TESS_ERROR, TESS_ERROR_REQUEST,
        _ ("there is no picture that demofusion could paint larger; give "
           "one as init, or take any-size and refine it so"));
  else if (request->sampler == TESS_SAMPLER_UNIPC)
    g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                 _ ("demofusion mixes the small picture in between two steps, "
                    "which unipc takes back; take another sampler"));
  else
    return TRUE;
  return FALSE;
}

static gboolean
upscale_check (const TessRequest *request, GError **error)
{
  if (request->method == TESS_TILING_ANY_SIZE
      && request->second == TESS_SECOND_UPSCALE)
    {
      gboolean wrap_x, wrap_y;

      tess_request_wraps (request, &wrap_x, &wrap_y);
      if (wrap_x || wrap_y || request->poles > 0.0
          || request->refine == TESS_REFINE_DEMOFUSION)
        {
          g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                       _ ("a second picture that is upscaled closes no edges "
                          "and is one; take repaint for second, or wrap none, "
                          "poles 0 and another refine than demofusion"));
          return FALSE;
        }
    }
  if (request->method != TESS_TILING_UPSCALE)
    return TRUE;
  if (request->init == NULL && request->init_path == NULL)
    g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                 _ ("there is no picture to be enlarged; give one as init"));
  else if (request->regions->len > 0)
    g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                 _ ("upscale has no regions; leave them out"));
  else if (request->refine == TESS_REFINE_DEMOFUSION)
    g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                 _ ("upscale paints one picture, demofusion several; take "
                    "another refine"));
  else if (request->poles > 0.0 || request->close > 0
           || (request->wrap != TESS_WRAP_AUTO
               && request->wrap != TESS_WRAP_NONE))
    g_set_error (
        error, TESS_ERROR, TESS_ERROR_REQUEST,
        _ ("upscale closes no edges; set wrap to none, close and poles "
           "to 0"));
  else
    return TRUE;
  return FALSE;
}

void
tess_request_wraps (const TessRequest *request,
                    gboolean *wrap_x,
                    gboolean *wrap_y)
{
  gboolean closes = request->method == TESS_TILING_RING
                    || request->method == TESS_TILING_RING_1
                    || request->method == TESS_TILING_STITCH
                    || request->close > 0;

  *wrap_x = request->wrap == TESS_WRAP_HORIZONTAL
            || request->wrap == TESS_WRAP_BOTH
            || (request->wrap == TESS_WRAP_AUTO && closes);
  *wrap_y
      = request->wrap == TESS_WRAP_VERTICAL || request->wrap == TESS_WRAP_BOTH;
}

/* Tokens are made once for each tile, so tiles must stay. */
static gboolean
instances_check (const TessRequest *request, GError **error)
{
  if (request->instances->len == 0)
    return TRUE;
  if (request->method != TESS_TILING_MULTIDIFFUSION
      && request->method != TESS_TILING_RING
      && request->method != TESS_TILING_ANY_SIZE)
    g_set_error (
        error, TESS_ERROR, TESS_ERROR_REQUEST,
        _ ("instances need tiles that stay where they are; take the "
           "method multidiffusion, ring for a panorama that closes, or "
           "any-size"));
  else if (request->poles > 0.0)
    g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                 _ ("poles cannot be painted anew in a picture with instances; "
                    "set poles to 0"));
  else
    return TRUE;
  return FALSE;
}

static gboolean
regions_check (const TessRequest *request, GError **error)
{
  for (guint i = 0; i < request->regions->len; i++)
    {
      const TessRegion *region = request->regions->pdata[i];

      if (region->mask == NULL && region->mask_path == NULL)
        {
          g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                       _ ("region %u (\"%s\") has no mask; give one"), i + 1,
                       region->prompt ? region->prompt : "");
          return FALSE;
        }
    }
  return TRUE;
}

gboolean
tess_request_check (const TessRequest *request, GError **error)
{
  guint n_fields;
  const TessRequestField *fields = tess_request_fields (&n_fields);

  for (guint i = 0; i < n_fields; i++)
    {
      const TessRequestField *field = &fields[i];
      gdouble value = field_number (field, request);

      if (field->kind == TESS_FIELD_TEXT || field->kind == TESS_FIELD_PATH)
        continue;
      if (field->kind == TESS_FIELD_CHOICE
              ? !choice_check (field, (gint) value, error)
              : !field_check (field, value, error))
        return FALSE;
    }
  if (request->method != TESS_TILING_UPSCALE
      && MIN (request->width, request->height) < MIN_SIDE)
    {
      gboolean narrow = request->width < MIN_SIDE;

      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   _ ("%s is %d; take %d to 131072"),
                   narrow ? "width" : "height",
                   narrow ? request->width : request->height, MIN_SIDE);
      return FALSE;
    }
  for (guint i = 0; i < request->loras->len; i++)
    {
      const TessLora *lora = request->loras->pdata[i];

      if (isfinite (lora->strength))
        continue;
      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   _ ("the strength of %s is not a number"), lora->path);
      return FALSE;
    }
  if ((gint64) request->width * request->height > G_GINT64_CONSTANT (1) << 30)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   _ ("%d x %d pixels are more than %d megapixels; take a "
                      "smaller canvas"),
                   request->width, request->height, (1 << 30) / 1000000);
      return FALSE;
    }
  if ((request->init || request->init_path) && !(request->strength > 0.0))
    {
      g_set_error (
          error, TESS_ERROR, TESS_ERROR_REQUEST,
          _ ("a strength of 0 would paint nothing; take more, up to 1"));
      return FALSE;
    }
  return panorama_check (request, error) && demofusion_check (request, error)
         && upscale_check (request, error) && regions_check (request, error)
         && instances_check (request, error);
}

static gboolean
set_choice (TessRequest *request,
            const TessRequestField *field,
            const gchar *text,
            GError **error)
{
  g_autoptr (GString) list = g_string_new (NULL);

  for (const TessChoice *c = field->choices; c->nick; c++)
    {
      if (g_str_equal (c->nick, text))
        {
          *(gint *) G_STRUCT_MEMBER_P (request, field->offset) = c->value;
          return TRUE;
        }
      g_string_append_printf (list, "%s%s", list->len ? ", " : "", c->nick);
    }
  g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
               _ ("%s cannot be \"%s\"; take one of %s"), field->name, text,
               list->str);
  return FALSE;
}

static gdouble
size_unit (gchar letter)
{
  switch (g_ascii_toupper (letter))
    {
    case 'K':
      return 0x1p10;
    case 'M':
      return 0x1p20;
    case 'G':
      return 0x1p30;
    default:
      return 0.0;
    }
}

static gboolean
set_number (TessRequest *request,
            const TessRequestField *field,
            const gchar *text,
            GError **error)
{
  gpointer at = G_STRUCT_MEMBER_P (request, field->offset);
  gchar *end = NULL;
  gboolean whole = field->kind != TESS_FIELD_REAL;
  gdouble value = g_ascii_strtod (text, &end);
  gint64 exact;

  if (field->kind == TESS_FIELD_SIZE && *end && size_unit (*end) > 0.0)
    {
      value = floor (value * size_unit (*end));
      end++;
    }
  if (end == text || *end || !isfinite (value)
      || (whole && value != floor (value)))
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   whole ? _ ("%s cannot be \"%s\"; give a whole number")
                         : _ ("%s cannot be \"%s\"; give a number"),
                   field->name, text);
      return FALSE;
    }
  if (!field_check (field, value, error))
    return FALSE;
  switch (field->kind)
    {
    case TESS_FIELD_REAL:
      *(gdouble *) at = value;
      break;
    case TESS_FIELD_SIZE:
      *(gsize *) at = (gsize) value;
      break;
    case TESS_FIELD_INT64: /* all 63 bits of a seed */
      exact = g_ascii_strtoll (text, NULL, 10);
      *(gint64 *) at = exact;
      break;
    default:
      *(gint *) at = (gint) value;
    }
  return TRUE;
}

gboolean
tess_request_set (TessRequest *request,
                  const gchar *name,
                  const gchar *text,
                  GError **error)
{
  guint n_fields;
  const TessRequestField *fields = tess_request_fields (&n_fields);

  for (guint i = 0; i < n_fields; i++)
    {
      const TessRequestField *field = &fields[i];
      gchar **at = G_STRUCT_MEMBER_P (request, field->offset);

      if (!g_str_equal (field->name, name))
        continue;
      switch (field->kind)
        {
        case TESS_FIELD_TEXT:
        case TESS_FIELD_PATH:
          g_free (*at);
          *at = g_strdup (text);
          return TRUE;
        case TESS_FIELD_CHOICE:
          return set_choice (request, field, text, error);
        default:
          return set_number (request, field, text, error);
        }
    }
  g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
               _ ("there is no setting \"%s\""), name);
  return FALSE;
}

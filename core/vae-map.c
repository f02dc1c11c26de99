/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/vae-map.c: the state of a whole canvas in host memory. */
#include "core/vae-map.h"
#include "core/error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

TessVaeMap *
tess_vae_map_new (TessType type, gint h, gint w, gint c, GError **error)
{
  gsize n_bytes = (gsize) h * w * c * tess_type_size (type);
  guint8 *data = g_try_malloc (n_bytes);
  TessVaeMap *map;

  g_return_val_if_fail (
      type == TESS_F32 || type == TESS_F16 || type == TESS_BF16, NULL);

  if (data == NULL)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_MEMORY,
                   _ ("No memory for %.1f MiB of the decoder's state; choose a "
                      "smaller canvas."),
                   n_bytes / 1048576.0);
      return NULL;
    }
  map = g_new (TessVaeMap, 1);
  *map = (TessVaeMap) { .h = h, .w = w, .c = c, .type = type, .data = data };
  return map;
}

void
tess_vae_map_free (TessVaeMap *map)
{
  if (map == NULL)
    return;
  g_free (map->data);
  g_free (map);
}

static void
read_row (const TessVaeMap *map, gint y, gint x, gint n, gfloat *dst)
{
  gsize first = ((gsize) y * map->w + x) * map->c, count = (gsize) n * map->c;
  const guint8 *src = map->data + first * tess_type_size (map->type);

  if (map->type == TESS_F32)
    memcpy (dst, src, count * sizeof *dst);
  else if (map->type == TESS_BF16)
    tess_bf16_to_f32 ((const guint16 *) (gconstpointer) src, dst, count);
  else
    tess_f16_to_f32 ((const guint16 *) (gconstpointer) src, dst, count);
}

static gint
modulo (gint a, gint n)
{
  return (a % n + n) % n;
}

void
tess_vae_map_read (const TessVaeMap *map, const TessVaeRect *rect, gfloat *dst)
{
  for (gint y = rect->y0; y < rect->y1; y++)
    for (gint x = rect->x0; x < rect->x1;)
      {
        gint x_map = modulo (x, map->w);
        gint n = MIN (rect->x1 - x, map->w - x_map);

        read_row (map, modulo (y, map->h), x_map, n, dst);
        dst += (gsize) n * map->c;
        x += n;
      }
}

void
tess_vae_map_write (TessVaeMap *map, const TessVaeRect *rect, const gfloat *src)
{
  gsize count = (gsize) (rect->x1 - rect->x0) * map->c;

  for (gint y = rect->y0; y < rect->y1; y++, src += count)
    {
      guint8 *dst = map->data
                    + ((gsize) y * map->w + rect->x0) * map->c
                          * tess_type_size (map->type);

      if (map->type == TESS_F32)
        memcpy (dst, src, count * sizeof *src);
      else if (map->type == TESS_BF16)
        tess_f32_to_bf16 (src, (guint16 *) (gpointer) dst, count);
      else
        tess_f32_to_f16 (src, (guint16 *) (gpointer) dst, count);
    }
}

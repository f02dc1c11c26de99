/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/png-file.c: libpng, whose errors jump. What must be let go of after a
 * jump is kept in structs of the callers; the functions that jump own nothing.
 */
#include "core/png-file.h"

#include "core/error.h"

#include <glib/gi18n-lib.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <png.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  const gchar *path;
  png_struct *png;
  png_info *info;
  FILE *file;
  gchar message[128];
  GeglBuffer *buffer;
  gint width, height, depth;
  gboolean alpha; /* of what is written */
  guint8 *rows;   /* one row, or all of an interlaced file */
  guint8 **row_list;
  gfloat *mask_row;
} File;

static void
on_error (png_struct *png, const char *message)
{
  File *file = png_get_error_ptr (png);

  g_strlcpy (file->message, message, sizeof file->message);
  png_longjmp (png, 1);
}

static void
on_warning (png_struct *png, const char *message)
{
}

static void
set_file_error (GError **error, const gchar *what, const gchar *path)
{
  gint number = errno;

  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (number),
               _ ("%s cannot be %s: %s"), path, what, g_strerror (number));
}

static void
mask_from_bytes (const File *file, const guint8 *row)
{
  for (gint x = 0; x < file->width; x++)
    if (file->depth == 16)
      {
        guint16 v[2];

        memcpy (v, row + (gsize) x * 4, 4);
        file->mask_row[x] = v[0] / 65535.0f * (v[1] / 65535.0f);
      }
    else
      file->mask_row[x] = row[2 * x] / 255.0f * (row[2 * x + 1] / 255.0f);
}

static void
keep_row (File *file, gint y, const guint8 *row, TessPngKind kind)
{
  const GeglRectangle rect = { 0, y, file->width, 1 };

  if (kind == TESS_PNG_MASK)
    mask_from_bytes (file, row);
  gegl_buffer_set (file->buffer, &rect, 0, NULL,
                   kind == TESS_PNG_MASK ? (const void *) file->mask_row : row,
                   GEGL_AUTO_ROWSTRIDE);
}

/* Everything becomes 8 or 16 bits, grey or colour, with alpha. */
static void
normalise (File *file, TessPngKind kind)
{
  png_struct *png = file->png;
  gint colour = png_get_color_type (png, file->info);

  png_set_expand (png);
  if (G_BYTE_ORDER == G_LITTLE_ENDIAN)
    png_set_swap (png);
  if (kind == TESS_PNG_MASK && colour & PNG_COLOR_MASK_COLOR)
    png_set_rgb_to_gray (png, PNG_ERROR_ACTION_NONE, -1, -1);
  if (kind == TESS_PNG_PICTURE && !(colour & PNG_COLOR_MASK_COLOR))
    png_set_gray_to_rgb (png);
  png_set_add_alpha (png, 0xffff, PNG_FILLER_AFTER);
}

static gboolean
read_rows (File *file, TessPngKind kind)
{
  png_struct *png = file->png;
  gboolean interlaced;
  gsize n_bytes;

  if (setjmp (png_jmpbuf (png)))
    return FALSE;
  png_init_io (png, file->file);
  png_read_info (png, file->info);
  normalise (file, kind);
  interlaced = png_set_interlace_handling (png) > 1;
  png_read_update_info (png, file->info);
  file->width = png_get_image_width (png, file->info);
  file->height = png_get_image_height (png, file->info);
  file->depth = png_get_bit_depth (png, file->info);
  n_bytes = png_get_rowbytes (png, file->info);
  if ((gint64) file->width * file->height > G_GINT64_CONSTANT (1) << 30)
    png_error (png, "more than a thousand million pixels");

  file->rows = g_try_malloc_n (interlaced ? file->height : 1, n_bytes);
  if (file->rows == NULL)
    png_error (png, "no memory for its rows");
  if (kind == TESS_PNG_MASK)
    file->mask_row = g_new (gfloat, file->width);
  file->buffer
      = gegl_buffer_new (GEGL_RECTANGLE (0, 0, file->width, file->height),
                         babl_format (kind == TESS_PNG_MASK ? "Y float"
                                      : file->depth == 16   ? "R'G'B'A u16"
                                                            : "R'G'B'A u8"));
  if (interlaced)
    {
      file->row_list = g_new (guint8 *, file->height);
      for (gint y = 0; y < file->height; y++)
        file->row_list[y] = file->rows + y * n_bytes;
      png_read_image (png, file->row_list);
    }
  for (gint y = 0; y < file->height; y++)
    {
      if (!interlaced)
        png_read_row (png, file->rows, NULL);
      keep_row (file, y, interlaced ? file->row_list[y] : file->rows, kind);
    }
  png_read_end (png, NULL);
  return TRUE;
}

GeglBuffer *
tess_png_load (const gchar *path, TessPngKind kind, GError **error)
{
  File file = { .path = path, .file = g_fopen (path, "rb") };
  gboolean good;

  if (file.file == NULL)
    {
      set_file_error (error, "opened", path);
      return NULL;
    }
  file.png = png_create_read_struct (PNG_LIBPNG_VER_STRING, &file, on_error,
                                     on_warning);
  file.info = png_create_info_struct (file.png);
  good = read_rows (&file, kind);
  png_destroy_read_struct (&file.png, &file.info, NULL);
  fclose (file.file);
  g_free (file.rows);
  g_free (file.row_list);
  g_free (file.mask_row);
  if (!good)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST,
                   _ ("%s cannot be read as a PNG picture: %s"), path,
                   file.message);
      g_clear_object (&file.buffer);
    }
  return file.buffer;
}

static void
write_header (File *file, const TessPngSettings *settings)
{
  png_struct *png = file->png;

  png_set_IHDR (png, file->info, file->width, file->height, file->depth,
                file->alpha ? PNG_COLOR_TYPE_RGB_ALPHA : PNG_COLOR_TYPE_RGB,
                PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                PNG_FILTER_TYPE_DEFAULT);
  png_set_sRGB_gAMA_and_cHRM (png, file->info, PNG_sRGB_INTENT_PERCEPTUAL);
  if (settings->text)
    {
      png_text chunk = {
        .compression = PNG_ITXT_COMPRESSION_NONE,
        .key = (gchar *) settings->key,
        .text = (gchar *) settings->text,
        .itxt_length = strlen (settings->text),
      };

      png_set_text (png, file->info, &chunk, 1);
    }
  png_write_info (png, file->info);
  if (file->depth == 16 && G_BYTE_ORDER == G_LITTLE_ENDIAN)
    png_set_swap (png);
}

static gboolean
write_rows (File *file,
            const TessPngSettings *settings,
            GCancellable *cancellable)
{
  const Babl *format = babl_format (
      file->alpha ? (file->depth == 16 ? "R'G'B'A u16" : "R'G'B'A u8")
                  : (file->depth == 16 ? "R'G'B' u16" : "R'G'B' u8"));
  const GeglRectangle *extent = gegl_buffer_get_extent (file->buffer);

  if (setjmp (png_jmpbuf (file->png)))
    return FALSE;
  png_init_io (file->png, file->file);
  write_header (file, settings);
  for (gint y = 0; y < file->height; y++)
    {
      const GeglRectangle rect = { extent->x, extent->y + y, extent->width, 1 };

      if (g_cancellable_is_cancelled (cancellable))
        png_error (file->png, "cancelled");
      gegl_buffer_get (file->buffer, &rect, 1.0, format, file->rows,
                       GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      png_write_row (file->png, file->rows);
    }
  png_write_end (file->png, NULL);
  return TRUE;
}

/* O_EXCL: nobody else's file, no link is followed. */
static FILE *
open_beside (const gchar *path, gchar **beside)
{
  gint fd = -1;

  for (gint i = 0; i < 10 && fd < 0; i++)
    {
      g_free (*beside);
      *beside = g_strdup_printf ("%s.%08x.part", path, g_random_int ());
      fd = g_open (*beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (fd < 0 && errno != EEXIST)
        return NULL;
    }
  return fd < 0 ? NULL : fdopen (fd, "wb");
}

gboolean
tess_png_save (GeglBuffer *buffer,
               const gchar *path,
               const TessPngSettings *settings,
               GCancellable *cancellable,
               GError **error)
{
  const GeglRectangle *extent = gegl_buffer_get_extent (buffer);
  File file = {
    .path = path,
    .buffer = buffer,
    .width = extent->width,
    .height = extent->height,
    .depth = settings->depth == 16 ? 16 : 8,
    .alpha = babl_format_has_alpha (gegl_buffer_get_format (buffer)),
  };
  g_autofree gchar *beside = NULL;
  gboolean good;

  file.file = open_beside (path, &beside);
  if (file.file == NULL)
    {
      set_file_error (error, "written", path);
      return FALSE;
    }
  file.rows = g_malloc ((gsize) file.width * 8);
  file.png = png_create_write_struct (PNG_LIBPNG_VER_STRING, &file, on_error,
                                      on_warning);
  file.info = png_create_info_struct (file.png);
  errno = 0;
  good = write_rows (&file, settings, cancellable);
  png_destroy_write_struct (&file.png, &file.info);
  g_free (file.rows);
  good = good && fflush (file.file) == 0 && fsync (fileno (file.file)) == 0;
  if (fclose (file.file) != 0)
    good = FALSE;
  if (good && g_rename (beside, path) == 0)
    return TRUE;
  if (!g_cancellable_set_error_if_cancelled (cancellable, error))
    set_file_error (error, "written", path);
  g_unlink (beside);
  return FALSE;
}

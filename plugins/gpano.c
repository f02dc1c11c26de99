/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/gpano.c: Xmp.GPano tags. */
#include "plugins/gpano.h"

gboolean
tess_gpano_suits (const TessRequest *request)
{
  gboolean wrap_x, wrap_y;

  tess_request_wraps (request, &wrap_x, &wrap_y);
  return wrap_x && !wrap_y && request->width >= 2 * request->height;
}

static void
set_tag (GimpMetadata *metadata, const gchar *name, const gchar *value)
{
  g_autofree gchar *tag = g_strconcat ("Xmp.GPano.", name, NULL);
  g_autoptr (GError) error = NULL;

  /* Newer releases call it by another name, which means something else in
   * older ones. */
  G_GNUC_BEGIN_IGNORE_DEPRECATIONS
  if (!gexiv2_metadata_try_set_tag_string (GEXIV2_METADATA (metadata), tag,
                                           value, &error))
    g_debug ("%s: %s", tag, error ? error->message : "not set");
  G_GNUC_END_IGNORE_DEPRECATIONS
}

static void
set_number (GimpMetadata *metadata, const gchar *name, gint value)
{
  gchar text[16];

  g_snprintf (text, sizeof text, "%d", value);
  set_tag (metadata, name, text);
}

void
tess_gpano_attach (GimpImage *image)
{
  g_autoptr (GimpMetadata) metadata = gimp_image_get_metadata (image);
  gint width = gimp_image_get_width (image);
  gint height = gimp_image_get_height (image);
  gint full = MAX (width / 2, height);

  if (!metadata)
    metadata = gimp_metadata_new ();
  set_tag (metadata, "ProjectionType", "equirectangular");
  set_tag (metadata, "UsePanoramaViewer", "True");
  set_number (metadata, "FullPanoWidthPixels", width);
  set_number (metadata, "FullPanoHeightPixels", full);
  set_number (metadata, "CroppedAreaImageWidthPixels", width);
  set_number (metadata, "CroppedAreaImageHeightPixels", height);
  set_number (metadata, "CroppedAreaLeftPixels", 0);
  set_number (metadata, "CroppedAreaTopPixels", (full - height) / 2);
  if (!gimp_image_set_metadata (image, metadata))
    g_debug ("the panorama's metadata could not be kept");
}

void
tess_gpano_scale (GimpImage *image, gdouble factor_x, gdouble factor_y)
{
  static const struct
  {
    const gchar *name;
    gboolean y;
  } tags[] = {
    { "FullPanoWidthPixels", FALSE },
    { "FullPanoHeightPixels", TRUE },
    { "CroppedAreaImageWidthPixels", FALSE },
    { "CroppedAreaImageHeightPixels", TRUE },
    { "CroppedAreaLeftPixels", FALSE },
    { "CroppedAreaTopPixels", TRUE },
  };
  g_autoptr (GimpMetadata) metadata = gimp_image_get_metadata (image);
  gboolean any = FALSE;

  for (gsize i = 0; metadata && i < G_N_ELEMENTS (tags); i++)
    {
      g_autofree gchar *tag = g_strconcat ("Xmp.GPano.", tags[i].name, NULL);
      g_autofree gchar *text = NULL;

      G_GNUC_BEGIN_IGNORE_DEPRECATIONS
      text = gexiv2_metadata_try_get_tag_string (GEXIV2_METADATA (metadata),
                                                 tag, NULL);
      G_GNUC_END_IGNORE_DEPRECATIONS
      if (!text)
        continue;
      any = TRUE;
      set_number (metadata, tags[i].name,
                  (gint) (g_ascii_strtod (text, NULL)
                              * (tags[i].y ? factor_y : factor_x)
                          + 0.5));
    }
  if (any && !gimp_image_set_metadata (image, metadata))
    g_debug ("the panorama's metadata could not be kept");
}

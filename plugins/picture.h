/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/picture.h: between a GIMP image and a request: which part of the
 * image is meant, what is read from its layers, where the result goes.
 * Main thread only, as all of libgimp. What a request gets are private
 * buffers, so that the worker thread never touches GIMP. */
#pragma once

#include <libgimp/gimp.h>
#include "core/request.h"

G_BEGIN_DECLS

/* What of an image is meant. */
typedef enum
{
  TESS_EXTENT_SELECTION, /* the selection; the image where nothing is selected
                          */
  TESS_EXTENT_IMAGE,     /* the whole image, whatever is selected */
  TESS_EXTENT_LAYER,     /* the selected layer, what of it lies in the selection
                            where there is one */
} TessExtent;

/* Where a picture comes from and where it goes, in pixels of the image. */
typedef struct
{
  GeglRectangle from;
  GeglRectangle to; /* as large as the picture becomes */
} TessPlace;

/**
 * tess_picture_extent:
 * Errors: TESS_ERROR_REQUEST where no single layer is selected, or none of it
 * lies in the selection.
 */
gboolean tess_picture_extent (GimpImage *image,
                              TessExtent what,
                              GeglRectangle *extent,
                              GError **error);

/* Indexed images cannot hold what is painted. Errors: TESS_ERROR_REQUEST. */
gboolean tess_picture_check_mode (GimpImage *image, GError **error);

/**
 * tess_picture_read_source:
 * What is seen of the image, or its selected layer, in @from, to be enlarged:
 * with what it lets through, in sRGB, in as many bits as it has, at @from: its
 * extent says where it was. @empty: without the pixels, for a plan.
 * Errors: as tess_picture_extent.
 */
GeglBuffer *tess_picture_read_source (GimpImage *image,
                                      gboolean layer,
                                      const GeglRectangle *from,
                                      gboolean empty,
                                      GError **error);

/**
 * tess_picture_read_layer / tess_picture_read_visible:
 * What lies in @area, over white where it is transparent; "R'G'B' float" from
 * (0, 0). Of what is visible @area may be NULL: the whole image. Errors:
 * TESS_ERROR_REQUEST where no single layer is selected.
 */
GeglBuffer *tess_picture_read_layer (GimpImage *image,
                                     const GeglRectangle *area,
                                     GError **error);
GeglBuffer *tess_picture_read_visible (GimpImage *image,
                                       const GeglRectangle *area,
                                       GError **error);

/**
 * tess_picture_read_regions:
 * Adds a region for each visible child of @group that meets @area: mask or
 * alpha, times opacity. With @tiny the masks are of one pixel: for a plan.
 * Errors: TESS_ERROR_REQUEST where @group is not a layer group.
 */
gboolean tess_picture_read_regions (GimpItem *group,
                                    const GeglRectangle *area,
                                    gboolean tiny,
                                    TessRequest *request,
                                    GError **error);

/* The visible layers of a group: (element-type GimpLayer) (transfer
 * container). Errors: TESS_ERROR_REQUEST where @group is no layer group. */
GPtrArray *tess_picture_group_layers (GimpItem *group, GError **error);

/* A layer's mask, else its alpha, times @opacity, in pixels of @area; "Y u8"
 * keeps the 8 bits that masks mostly have in a quarter of the memory. @any:
 * whether something is covered at all. */
GeglBuffer *tess_picture_read_layer_coverage (GimpLayer *layer,
                                              gdouble opacity,
                                              const GeglRectangle *area,
                                              gboolean *any);

/**
 * tess_picture_read_instances:
 * Adds an instance for each visible child of @group: its text and its place as
 * ui/object-layers.h has them. With @tiny no pixels are read: for a plan.
 * Errors: TESS_ERROR_REQUEST: @group is no layer group, a layer is empty.
 */
gboolean tess_picture_read_instances (GimpItem *group,
                                      const GeglRectangle *area,
                                      gboolean tiny,
                                      TessRequest *request,
                                      GError **error);

/* The selection as a region. Errors: TESS_ERROR_REQUEST: nothing selected. */
gboolean tess_picture_read_selection (GimpImage *image,
                                      const gchar *prompt,
                                      const GeglRectangle *area,
                                      gboolean tiny,
                                      TessRequest *request,
                                      GError **error);

typedef struct
{
  GeglBuffer *result;
  const TessRequest *request; /* prompt and recipe */
  const gchar *procedure;     /* for the recipe */
  GeglRectangle area;         /* where it goes */
  const GeglRectangle *from;  /* of a picture painted larger: where it was; else
                                 NULL */
  gboolean keep_recipe;
  gboolean whole; /* the selection does not become the layer's mask */
  const GimpItem *regions, *instances; /* groups that it is not to be in; may
                                          be NULL */
} TessPictureResult;

/**
 * tess_picture_add_layer:
 * The result as a new layer above the selected one, the selection as its
 * mask: one undo step. Nothing is left behind on failure.
 */
GimpLayer *tess_picture_add_layer (GimpImage *image,
                                   const TessPictureResult *result,
                                   GError **error);

/**
 * tess_picture_new_image:
 * The same as an image of its own, not yet shown. Of a picture painted larger
 * it is as @image (else NULL): mode, precision, profile, metadata, resolution;
 * channels, paths and guides are larger too.
 */
GimpImage *tess_picture_new_image (GimpImage *image,
                                   const TessPictureResult *result,
                                   GError **error);

G_END_DECLS

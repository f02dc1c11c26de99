/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/trial.c: a spot, before and after. */
#include "ui/trial.h"

#include <math.h>
#include <glib/gi18n-lib.h>
#include "ui/pixbufs.h"
#include "ui/split-view.h"

#define PICTURE_SIDE 1024
#define PAGE_WHOLE "whole"
#define PAGE_SPOT "spot"

struct _TessTrial
{
  TessTilePreview *preview;
  TessSplitView *split;
  GtkWidget *stack;
  GtkWidget *box;
  GeglBuffer *source;
  GdkPixbuf *picture;
  GdkPixbuf *before;  /* of the spot */
  gint width, height; /* of the result */
  gint side;          /* of a spot; 0: not known yet */
  gdouble at_x, at_y; /* its middle, 0..1 of the picture */
};

/* Where the spot is in a picture of w x h that becomes width x height. */
static GeglRectangle
spot_of (const TessTrial *trial, gint w, gint h, gint width, gint height)
{
  GeglRectangle spot = {
    .width = CLAMP ((gint) ceil ((gdouble) trial->side * w / width), 1, w),
    .height = CLAMP ((gint) ceil ((gdouble) trial->side * h / height), 1, h),
  };

  spot.x = CLAMP ((gint) lround (trial->at_x * w - spot.width / 2.0), 0,
                  w - spot.width);
  spot.y = CLAMP ((gint) lround (trial->at_y * h - spot.height / 2.0), 0,
                  h - spot.height);
  return spot;
}

static void
add_point (GArray *line, gdouble x, gdouble y)
{
  g_array_append_val (line, x);
  g_array_append_val (line, y);
}

/* Its frame on the whole picture. */
static void
mark_spot (TessTrial *trial)
{
  GPtrArray *marks = g_ptr_array_new_with_free_func (tess_mark_free);

  if (trial->source && trial->side > 0)
    {
      gint w = gegl_buffer_get_width (trial->source);
      gint h = gegl_buffer_get_height (trial->source);
      GeglRectangle spot = spot_of (trial, w, h, trial->width, trial->height);
      gdouble fx = (gdouble) trial->width / w, fy = (gdouble) trial->height / h;
      TessMark *mark = g_new0 (TessMark, 1);
      GArray *line = g_array_new (FALSE, FALSE, sizeof (gdouble));

      add_point (line, spot.x * fx, spot.y * fy);
      add_point (line, (spot.x + spot.width) * fx, spot.y * fy);
      add_point (line, (spot.x + spot.width) * fx, (spot.y + spot.height) * fy);
      add_point (line, spot.x * fx, (spot.y + spot.height) * fy);
      mark->text = g_strdup (_ ("Spot"));
      mark->lines
          = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
      g_ptr_array_add (mark->lines, line);
      mark->closed = TRUE;
      g_ptr_array_add (marks, mark);
    }
  tess_tile_preview_set_marks (trial->preview, marks, trial->width,
                               trial->height, FALSE, FALSE);
}

static void
on_picked (TessTilePreview *preview, gdouble x, gdouble y, TessTrial *trial)
{
  trial->at_x = x;
  trial->at_y = y;
  mark_spot (trial);
}

TessTrial *
tess_trial_new (TessTilePreview *preview)
{
  TessTrial *trial = g_new0 (TessTrial, 1);
  GtkWidget *switcher = gtk_stack_switcher_new ();

  trial->preview = preview;
  trial->at_x = trial->at_y = 0.5;
  trial->width = trial->height = 1;
  trial->split = TESS_SPLIT_VIEW (tess_split_view_new (
      _ ("Press on the picture where you want to see it, then press “Paint "
         "the Spot”: it is painted by itself, which is quick.")));
  trial->stack = gtk_stack_new ();
  gtk_stack_add_titled (GTK_STACK (trial->stack), GTK_WIDGET (preview),
                        PAGE_WHOLE, _ ("Whole Picture"));
  gtk_stack_add_titled (GTK_STACK (trial->stack), GTK_WIDGET (trial->split),
                        PAGE_SPOT, _ ("Before and After"));
  gtk_stack_switcher_set_stack (GTK_STACK_SWITCHER (switcher),
                                GTK_STACK (trial->stack));
  gtk_widget_set_halign (switcher, GTK_ALIGN_CENTER);
  gtk_widget_set_margin_top (switcher, 6);
  trial->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  gtk_box_pack_start (GTK_BOX (trial->box), switcher, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (trial->box), trial->stack, TRUE, TRUE, 0);
  g_signal_connect (preview, "picked", G_CALLBACK (on_picked), trial);
  gtk_widget_set_tooltip_text (GTK_WIDGET (preview),
                               _ ("Press where the spot is to be"));
  return trial;
}

void
tess_trial_free (TessTrial *trial)
{
  if (!trial)
    return;
  g_signal_handlers_disconnect_by_data (trial->preview, trial);
  g_clear_object (&trial->source);
  g_clear_object (&trial->picture);
  g_clear_object (&trial->before);
  g_free (trial);
}

GtkWidget *
tess_trial_widget (TessTrial *trial)
{
  return trial->box;
}

void
tess_trial_set_source (TessTrial *trial, GeglBuffer *source)
{
  g_set_object (&trial->source, source);
  g_clear_object (&trial->picture);
  trial->picture = tess_pixbuf_shrunk (source, PICTURE_SIDE);
  mark_spot (trial);
}

GdkPixbuf *
tess_trial_picture (TessTrial *trial)
{
  return trial->picture;
}

void
tess_trial_set_size (TessTrial *trial, gint width, gint height, gint side)
{
  trial->width = MAX (width, 1);
  trial->height = MAX (height, 1);
  trial->side = side;
  mark_spot (trial);
}

TessRequest *
tess_trial_request (TessTrial *trial, const TessRequest *whole)
{
  TessRequest *request = tess_request_dup (whole);
  const GeglRectangle *extent = gegl_buffer_get_extent (whole->init);
  GeglRectangle spot = spot_of (trial, extent->width, extent->height,
                                whole->width, whole->height);
  const GeglRectangle there
      = { extent->x + spot.x, extent->y + spot.y, spot.width, spot.height };
  const GeglRectangle here = { 0, 0, spot.width, spot.height };

  g_object_unref (request->init);
  request->init = gegl_buffer_new (&here, gegl_buffer_get_format (whole->init));
  gegl_buffer_copy (whole->init, &there, GEGL_ABYSS_NONE, request->init, &here);
  request->width = MAX (
      (gint) lround ((gdouble) spot.width * whole->width / extent->width), 1);
  request->height = MAX (
      (gint) lround ((gdouble) spot.height * whole->height / extent->height),
      1);
  return request;
}

static void
show_page (TessTrial *trial, const gchar *name)
{
  gtk_stack_set_visible_child_name (GTK_STACK (trial->stack), name);
}

void
tess_trial_begin (TessTrial *trial, const TessRequest *request)
{
  g_clear_object (&trial->before);
  trial->before
      = tess_pixbuf_enlarged (request->init, request->width, request->height);
  tess_split_view_set (trial->split, trial->before, NULL);
  show_page (trial, PAGE_SPOT);
}

void
tess_trial_show_preview (TessTrial *trial, GdkPixbuf *picture)
{
  tess_split_view_set (trial->split, trial->before, picture);
}

void
tess_trial_show (TessTrial *trial, GeglBuffer *result)
{
  g_autoptr (GdkPixbuf) after
      = tess_pixbuf_part (result, gegl_buffer_get_extent (result));

  tess_split_view_set (trial->split, trial->before, after);
}

void
tess_trial_look (TessTrial *trial,
                 GeglBuffer *result,
                 const TessRequest *request)
{
  g_autoptr (TessRequest) part = tess_trial_request (trial, request);
  const GeglRectangle *extent = gegl_buffer_get_extent (request->init);
  GeglRectangle spot = spot_of (trial, extent->width, extent->height,
                                request->width, request->height);
  const GeglRectangle there = {
    (gint) lround ((gdouble) spot.x * request->width / extent->width),
    (gint) lround ((gdouble) spot.y * request->height / extent->height),
    part->width,
    part->height,
  };
  g_autoptr (GdkPixbuf) after = tess_pixbuf_part (result, &there);

  tess_trial_begin (trial, part);
  tess_split_view_set (trial->split, trial->before, after);
}

void
tess_trial_show_whole (TessTrial *trial)
{
  show_page (trial, PAGE_WHOLE);
}

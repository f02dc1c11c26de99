/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/tessera-project.c: plug-in-tessera-project: a panorama as cube faces,
 * as a little planet, or as an ordinary view: a new image of its own. */
#include <glib/gi18n-lib.h>
#include <libgimp/gimp.h>
#include <libgimp/gimpui.h>
#include "core/error.h"
#include "plugins/arguments.h"
#include "plugins/common.h"
#include "plugins/picture.h"
#include "ui/choices.h"
#include "ui/panorama-project.h"
#include "ui/setting-table.h"

#define RW G_PARAM_READWRITE
#define DEGREES (G_PI / 180.0)
#define N_FACES 6
#define MAX_SIDE 16384

/* The unfolded cube: the four sides in a row, up and down at the front. The
 * names are those that other programs know, in every language. */
static const struct
{
  const gchar *name;
  gint column, row;
  gdouble yaw, pitch;
} faces[N_FACES] = {
  { "left", 0, 1, -90, 0 }, { "front", 1, 1, 0, 0 }, { "right", 2, 1, 90, 0 },
  { "back", 3, 1, 180, 0 }, { "up", 1, 0, 0, 90 },   { "down", 1, 2, 0, -90 },
};

typedef struct
{
  gint projection; /* TessProjection */
  gint side;
  gdouble yaw, pitch, fov; /* degrees; fov 0: the usual one */
} Settings;

static gboolean
read_settings (GObject *config,
               GimpImage *image,
               Settings *settings,
               GError **error)
{
  gint width = gimp_image_get_width (image);

  if (!tess_arguments_read_word (config, "projection", &settings->projection,
                                 error))
    return FALSE;
  g_object_get (config, "side", &settings->side, "yaw", &settings->yaw, "pitch",
                &settings->pitch, "fov", &settings->fov, NULL);
  if (settings->side == 0)
    settings->side = CLAMP (
        settings->projection == TESS_PROJECTION_CUBE ? width / 4 : width / 2,
        16, MAX_SIDE);
  return TRUE;
}

/* How far the whole is, of several pictures. */
typedef struct
{
  gint n, done;
} Progress;

static gboolean
on_progress (gdouble fraction, gpointer data)
{
  Progress *progress = data;

  gimp_progress_update ((progress->done + fraction) / progress->n);
  return TRUE;
}

static TessCamera
camera_of (const Settings *settings, gint face)
{
  TessCamera camera;

  tess_camera_reset (&camera, settings->projection == TESS_PROJECTION_PLANET);
  camera.yaw = settings->yaw * DEGREES;
  if (settings->projection == TESS_PROJECTION_CUBE)
    {
      camera.yaw += faces[face].yaw * DEGREES;
      camera.pitch = faces[face].pitch * DEGREES;
      return camera;
    }
  if (settings->projection == TESS_PROJECTION_VIEW)
    camera.pitch = settings->pitch * DEGREES;
  if (settings->fov > 0.0)
    camera.fov = settings->fov * DEGREES;
  tess_camera_clamp (&camera);
  return camera;
}

static gboolean
add_layer (
    GimpImage *image, const gchar *name, GeglBuffer *picture, gint x, gint y)
{
  gint side = gegl_buffer_get_width (picture);
  GimpLayer *layer = gimp_layer_new (image, name, side, side, GIMP_RGBA_IMAGE,
                                     100.0, GIMP_LAYER_MODE_NORMAL);
  g_autoptr (GeglBuffer) dst = NULL;

  if (!layer)
    return FALSE;
  dst = gimp_drawable_get_buffer (GIMP_DRAWABLE (layer));
  gegl_buffer_copy (picture, NULL, GEGL_ABYSS_NONE, dst, NULL);
  gegl_buffer_flush (dst);
  gimp_layer_set_offsets (layer, x, y);
  return gimp_image_insert_layer (image, layer, NULL, 0);
}

static gboolean
project_all (GimpImage *image,
             GimpImage *made,
             const Settings *settings,
             GError **error)
{
  gboolean cube = settings->projection == TESS_PROJECTION_CUBE;
  Progress progress = { cube ? N_FACES : 1, 0 };
  g_autoptr (GeglBuffer) panorama
      = tess_picture_read_visible (image, NULL, error);
  g_autoptr (TessPanoramaSource) source = NULL;

  if (!panorama)
    return FALSE;
  source = tess_panorama_source_new (panorama);
  gimp_progress_init (_ ("Projecting"));
  for (; progress.done < progress.n; progress.done++)
    {
      gint i = progress.done;
      TessCamera camera = camera_of (settings, i);
      g_autoptr (GeglBuffer) picture = tess_panorama_project (
          source, &camera, settings->side, on_progress, &progress);

      if (add_layer (made,
                     cube            ? _ (faces[i].name)
                     : camera.planet ? _ ("Little planet")
                                     : _ ("View"),
                     picture, cube ? faces[i].column * settings->side : 0,
                     cube ? faces[i].row * settings->side : 0))
        continue;
      g_set_error (error, TESS_ERROR, TESS_ERROR_REQUEST, "%s: %s",
                   _ ("No layer could be made"),
                   gimp_pdb_get_last_error (gimp_get_pdb ()));
      return FALSE;
    }
  return TRUE;
}

static GimpImage *
project (GimpImage *image, const Settings *settings, GError **error)
{
  gboolean cube = settings->projection == TESS_PROJECTION_CUBE;
  GimpImage *made = gimp_image_new_with_precision (
      (cube ? 4 : 1) * settings->side, (cube ? 3 : 1) * settings->side,
      GIMP_RGB, gimp_image_get_precision (image));

  if (!made)
    {
      g_set_error_literal (error, TESS_ERROR, TESS_ERROR_REQUEST,
                           _ ("No image could be made"));
      return NULL;
    }
  gimp_image_undo_disable (made);
  if (!project_all (image, made, settings, error))
    {
      gimp_image_delete (made);
      return NULL;
    }
  gimp_image_undo_enable (made);
  gimp_image_clean_all (made);
  return made;
}

/* What the chosen projection does not have cannot be touched. */
static void
on_projection (GObject *config, GParamSpec *pspec, GtkWidget **widgets)
{
  gint projection = TESS_PROJECTION_CUBE;

  tess_arguments_read_word (config, "projection", &projection, NULL);
  gtk_widget_set_sensitive (widgets[0], projection == TESS_PROJECTION_VIEW);
  gtk_widget_set_sensitive (widgets[1], projection != TESS_PROJECTION_CUBE);
}

static GtkWidget *
add_angle (TessTable *table,
           const gchar *text,
           const gchar *property,
           const gchar *tip)
{
  GtkWidget *spin
      = gimp_prop_spin_button_new (table->config, property, 5, 15, 0);

  gtk_widget_set_halign (spin, GTK_ALIGN_START);
  tess_table_add (table, text, spin, spin, tip);
  return spin;
}

static gboolean
ask (GObject *config)
{
  GtkWidget *widgets[2];
  GtkWidget *dialog, *box;
  TessTable table;
  gulong handler;
  gboolean ok;

  gimp_ui_init ("tessera");
  table = tess_table_new (config);
  dialog = gimp_dialog_new (_ ("Project Panorama"), "tessera-project", NULL, 0,
                            NULL, NULL, _ ("_Cancel"), GTK_RESPONSE_CANCEL,
                            _ ("_Project"), GTK_RESPONSE_OK, NULL);
  gtk_dialog_set_default_response (GTK_DIALOG (dialog), GTK_RESPONSE_OK);
  tess_table_add_note (&table,
                       _ ("The panorama as another picture, in an image of its "
                          "own. The middle of the panorama is ahead."));
  tess_table_add_choice (
      &table, _ ("_As"), "projection",
      _ ("Cube faces are what games and web viewers take: six layers, "
         "unfolded. "
         "A little planet shows all of it from above. A view is what a camera "
         "sees."));
  tess_table_add_spin (&table, _ ("_Side, pixels"), "side", 64, 0,
                       _ ("Of a face or of the picture; 0: as fine as the "
                          "panorama"));
  add_angle (&table, _ ("_Turned, degrees"), "yaw",
             _ ("Where to look or, of a planet, how it lies: to the right"));
  widgets[0] = add_angle (&table, _ ("_Up, degrees"), "pitch",
                          _ ("Of a view; negative: down"));
  widgets[1] = add_angle (&table, _ ("_Width, degrees"), "fov",
                          _ ("How much is seen; 0: 90 for a view, 240 for a "
                             "planet, of which more shows more sky"));
  on_projection (config, NULL, widgets);
  handler = g_signal_connect (config, "notify::projection",
                              G_CALLBACK (on_projection), widgets);
  box = gtk_dialog_get_content_area (GTK_DIALOG (dialog));
  gtk_container_set_border_width (GTK_CONTAINER (table.grid), 12);
  gtk_box_pack_start (GTK_BOX (box), GTK_WIDGET (table.grid), TRUE, TRUE, 0);
  gtk_widget_show_all (box);
  ok = gimp_dialog_run (GIMP_DIALOG (dialog)) == GTK_RESPONSE_OK;
  g_signal_handler_disconnect (config, handler);
  gtk_widget_destroy (dialog);
  return ok;
}

static GimpValueArray *
run (GimpProcedure *procedure, GimpProcedureConfig *config, gpointer data)
{
  g_autoptr (GimpImage) image = NULL;
  GimpImage *made;
  GimpValueArray *values;
  GError *error = NULL;
  Settings settings;
  GimpRunMode mode;

  tess_common_start ();
  image = tess_common_read_image (
      config, &mode, _ ("There is no panorama to project: open one."), &error);
  if (!image)
    return tess_common_fail (procedure, error);
  if (mode == GIMP_RUN_INTERACTIVE && !ask (G_OBJECT (config)))
    return gimp_procedure_new_return_values (procedure, GIMP_PDB_CANCEL, NULL);
  made = read_settings (G_OBJECT (config), image, &settings, &error)
             ? project (image, &settings, &error)
             : NULL;
  if (!made)
    return tess_common_fail (procedure, error);
  if (mode != GIMP_RUN_NONINTERACTIVE)
    {
      gimp_display_new (made);
      gimp_displays_flush ();
    }
  values = gimp_procedure_new_return_values (procedure, GIMP_PDB_SUCCESS, NULL);
  GIMP_VALUES_SET_IMAGE (values, 1, made);
  return values;
}

GimpProcedure *
tess_project_create (GimpPlugIn *plug_in, const gchar *name)
{
  const TessProcedureText text = {
    .menu_label = _ ("_Cube Faces or Little Planet..."),
    .menu_path = "<Image>/Filters/Tessera",
    .blurb = _ ("Show a panorama as cube faces, a little planet or a view"),
    .help = _ ("The visible image, taken as a panorama all around, becomes a "
               "new image: the six faces of a cube as layers, unfolded; a "
               "little planet; or what a camera sees."),
    .sensitive = TESS_SENSITIVE_IMAGE,
  };
  GimpProcedure *procedure
      = tess_common_create (plug_in, name, &text, run, NULL);

  tess_common_declare_image (procedure, _ ("The panorama"));
  tess_arguments_declare_word (procedure, "projection", _ ("Projection"),
                               _ ("What it becomes"), "cube");
  gimp_procedure_add_int_argument (
      procedure, "side", _ ("Side"),
      _ ("Of a face or the picture, in pixels; 0: as fine as the panorama"), 0,
      MAX_SIDE, 0, RW);
  gimp_procedure_add_double_argument (procedure, "yaw", _ ("Turned"),
                                      _ ("To the right, in degrees"), -360.0,
                                      360.0, 0.0, RW);
  gimp_procedure_add_double_argument (procedure, "pitch", _ ("Up"),
                                      _ ("Of a view, in degrees"), -90.0, 90.0,
                                      0.0, RW);
  gimp_procedure_add_double_argument (
      procedure, "fov", _ ("Width in degrees"),
      _ ("How much is seen; 0: 90 for a view, 240 for a planet"), 0.0, 330.0,
      0.0, RW);
  gimp_procedure_add_image_return_value (procedure, "result", _ ("Image"),
                                         _ ("The new image"), TRUE, RW);
  return procedure;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugins/painter.c: one call of a procedure that paints: from its arguments
 * and the image to a request, through the dialog or without one, and the
 * picture back into the image.
 *
 * These are plain procedures rather than image procedures: in GIMP 3.0 the
 * list of drawables of an image procedure can neither be empty nor be left
 * out, so a script could not call one without an image. GIMP's menus fill in
 * the image all the same. */
#include "plugins/painter.h"

#include <glib/gi18n-lib.h>
#include <libgimp/gimpui.h>
#include "core/error.h"
#include "plugins/arguments.h"
#include "plugins/common.h"
#include "plugins/gpano.h"
#include "plugins/picture.h"
#include "ui/choices.h"
#include "ui/object-layers.h"
#include "ui/settings.h"
#include "ui/worker.h"

#define DEFAULT_WIDTH 768
#define DEFAULT_HEIGHT 512

typedef struct
{
  GimpProcedure *procedure;
  GObject *config;
  const TessPainter *painter;
  GimpImage *image; /* borrowed, NULL: none */
  gboolean interactive;
  GimpImage *made; /* borrowed: the last new image */
} Call;

static gboolean
for_image (const Call *call)
{
  return (call->painter->sets & TESS_ARGUMENTS_IMAGE) != 0;
}

/* Objects and selection of the image. */
static gboolean
read_regions (Call *call,
              gboolean tiny,
              const GeglRectangle *area,
              TessRequest *request,
              GError **error)
{
  g_autoptr (GimpLayer) group = NULL;
  g_autoptr (GimpLayer) instances = NULL;
  g_autofree gchar *prompt = NULL;

  if (!tess_arguments_has (call->config, "regions"))
    return TRUE;
  g_object_get (call->config, "regions", &group, "selection-prompt", &prompt,
                "bootstrap", &request->bootstrap, "instance-layers", &instances,
                NULL);
  if (instances
      && !tess_picture_read_instances (GIMP_ITEM (instances), area, tiny,
                                       request, error))
    return FALSE;
  if (group
      && !tess_picture_read_regions (GIMP_ITEM (group), area, tiny, request,
                                     error))
    return FALSE;
  if (!prompt || !*prompt)
    return TRUE;
  return tess_picture_read_selection (call->image, prompt, area, tiny, request,
                                      error);
}

/* What is to be painted anew, flat. */
static gboolean
read_start (Call *call,
            gboolean tiny,
            const GeglRectangle *area,
            TessRequest *request,
            GError **error)
{
  static const GeglRectangle one = { 0, 0, 1, 1 };
  gint init;

  if (!tess_arguments_read_word (call->config, "init", &init, error))
    return FALSE;
  if (init == TESS_INIT_NONE && request->close > 0)
    init = TESS_INIT_VISIBLE;
  if (init == TESS_INIT_NONE)
    return TRUE;
  if (!call->image)
    {
      g_set_error_literal (error, TESS_ERROR, TESS_ERROR_REQUEST,
                           _ ("There is no image to start from: give one, or "
                              "set “init” to “none”."));
      return FALSE;
    }
  g_object_get (call->config, "strength", &request->strength, NULL);
  if (tiny)
    request->init = gegl_buffer_new (&one, babl_format ("R'G'B' float"));
  else if (init == TESS_INIT_LAYER)
    request->init = tess_picture_read_layer (call->image, area, error);
  else
    request->init = tess_picture_read_visible (call->image, area, error);
  return request->init != NULL;
}

static gboolean
read_init (Call *call,
           gboolean tiny,
           const TessPlace *place,
           TessRequest *request,
           GError **error)
{
  gint source;

  if (!call->painter->enlarges)
    return !for_image (call)
           || read_start (call, tiny, &place->to, request, error);
  if (!tess_arguments_read_word (call->config, "source", &source, error))
    return FALSE;
  request->init = tess_picture_read_source (
      call->image, source == TESS_SOURCE_LAYER, &place->from, tiny, error);
  return request->init != NULL;
}

/* Which part of the image is meant. */
static gboolean
extent_of (Call *call, GeglRectangle *extent, GError **error)
{
  TessExtent what
      = call->painter->whole ? TESS_EXTENT_IMAGE : TESS_EXTENT_SELECTION;
  gint source;

  if (!call->painter->enlarges)
    return tess_picture_check_mode (call->image, error)
           && tess_picture_extent (call->image, what, extent, error);
  if (!tess_arguments_read_word (call->config, "source", &source, error))
    return FALSE;
  if (source == TESS_SOURCE_LAYER)
    what = TESS_EXTENT_LAYER;
  return tess_picture_extent (call->image, what, extent, error);
}

/* A picture begins at the corner of what is meant; one that becomes larger
 * stays about its middle. */
static gboolean
place_of (Call *call, gint width, gint height, TessPlace *place, GError **error)
{
  const TessPainter *painter = call->painter;
  GeglRectangle from = { 0, 0, painter->width ? painter->width : DEFAULT_WIDTH,
                         painter->height ? painter->height : DEFAULT_HEIGHT };
  GeglRectangle *to = &place->to;

  if (call->image && !extent_of (call, &from, error))
    return FALSE;
  if (painter->enlarges && !call->image)
    {
      g_set_error_literal (error, TESS_ERROR, TESS_ERROR_REQUEST,
                           _ ("There is no image to be enlarged: open one."));
      return FALSE;
    }
  if (painter->size)
    painter->size (call->config, &from, &width, &height);
  *to = (GeglRectangle) { from.x, from.y, width > 0 ? width : from.width,
                          height > 0 ? height : from.height };
  if (painter->enlarges)
    {
      to->x -= (to->width - from.width) / 2;
      to->y -= (to->height - from.height) / 2;
    }
  place->from = painter->enlarges ? from : *to;
  return TRUE;
}

static TessRequest *
make_request (gboolean tiny, GeglRectangle *area, GError **error, gpointer data)
{
  Call *call = data;
  g_autoptr (TessRequest) request = tess_arguments_read (call->config, error);
  TessPlace place;
  gint output = TESS_OUTPUT_IMAGE;

  /* Only used when the picture is kept, but better refused before. */
  if (for_image (call)
      && !tess_arguments_read_word (call->config, "output", &output, error))
    return NULL;
  if (call->painter->enlarges && call->image && output == TESS_OUTPUT_LAYER
      && !tess_picture_check_mode (call->image, error))
    return NULL;
  if (!request
      || !place_of (call, request->width, request->height, &place, error))
    return NULL;
  *area = place.to;
  request->width = area->width;
  request->height = area->height;
  if (call->painter->read
      && !call->painter->read (call->config, call->image, request, error))
    return NULL;
  /* Checked with a stand-in, so that no pixels are read for a bad request. */
  if (!read_init (call, TRUE, &place, request, error)
      || !tess_request_check (request, error))
    return NULL;
  if (!tiny)
    {
      g_clear_object (&request->init);
      if (!read_init (call, FALSE, &place, request, error))
        return NULL;
    }
  if (call->image && !read_regions (call, tiny, area, request, error))
    return NULL;
  return g_steal_pointer (&request);
}

/* Only where the panorama is the whole image. */
static void
mark_panorama (Call *call,
               GimpImage *image,
               const TessRequest *request,
               const GeglRectangle *area)
{
  gboolean is = call->painter->panorama
                    ? call->painter->panorama (call->config, request)
                    : tess_gpano_suits (request);

  if (is && area->x == 0 && area->y == 0
      && area->width == gimp_image_get_width (image)
      && area->height == gimp_image_get_height (image))
    tess_gpano_attach (image);
}

static gboolean
keep (GeglBuffer *buffer,
      const TessRequest *request,
      const GeglRectangle *area,
      GError **error,
      gpointer data)
{
  Call *call = data;
  TessPictureResult result
      = { .result = buffer,
          .request = request,
          .procedure = gimp_procedure_get_name (call->procedure),
          .area = *area,
          /* where it was read, whichever procedure began the job */
          .from = request->method == TESS_TILING_UPSCALE && request->init
                      ? gegl_buffer_get_extent (request->init)
                      : NULL,
          .whole = call->painter->whole };
  g_autoptr (GimpLayer) regions = NULL;
  g_autoptr (GimpLayer) instances = NULL;
  gint output = TESS_OUTPUT_IMAGE;

  if (for_image (call)
      && !tess_arguments_read_word (call->config, "output", &output, error))
    return FALSE;
  if (tess_arguments_has (call->config, "regions"))
    g_object_get (call->config, "regions", &regions, "instance-layers",
                  &instances, NULL);
  result.regions = (GimpItem *) regions;
  result.instances = (GimpItem *) instances;
  g_object_get (call->config, "keep-recipe", &result.keep_recipe, NULL);
  if (call->image && output == TESS_OUTPUT_LAYER)
    {
      if (!tess_picture_add_layer (call->image, &result, error))
        return FALSE;
      mark_panorama (call, call->image, request, area);
    }
  else
    {
      call->made = tess_picture_new_image (call->image, &result, error);
      if (!call->made)
        return FALSE;
      mark_panorama (call, call->made, request,
                     GEGL_RECTANGLE (0, 0, area->width, area->height));
      if (call->interactive)
        gimp_display_new (call->made);
    }
  if (call->interactive)
    gimp_displays_flush ();
  return TRUE;
}

static void
failed (const GError *error, gpointer data)
{
  Call *call = data;

  tess_settings_set_last_error (gimp_procedure_get_name (call->procedure),
                                error->message);
}

/* Without a dialog. */
typedef struct
{
  GMainLoop *loop;
  gboolean quiet; /* GIMP's own progress instead of lines */
  gint step, tile;
  GeglBuffer *result;
  TessRequest *request;
  GeglRectangle area;
  TessJobFolder *folder;
  GError *error;
} Batch;

static void
batch_progress (const TessProgress *progress, gpointer data)
{
  Batch *batch = data;

  if (batch->quiet)
    {
      gimp_progress_update (progress->fraction);
      return;
    }
  if (progress->stage != TESS_STAGE_SAMPLE
      || (progress->step == batch->step && progress->tile == batch->tile))
    return;
  batch->step = progress->step;
  batch->tile = progress->tile;
  g_printerr ("tessera: step %d/%d tile %d/%d\n",
              MIN (progress->step + 1, progress->n_steps), progress->n_steps,
              progress->tile, progress->n_tiles);
}

static void
batch_painted (GeglBuffer *result,
               const TessRequest *request,
               const GeglRectangle *area,
               TessJobFolder *folder,
               const GError *error,
               gpointer data)
{
  Batch *batch = data;

  batch->area = *area;
  batch->folder = folder;
  if (result)
    {
      batch->result = g_object_ref (result);
      batch->request = tess_request_dup (request);
    }
  else
    batch->error = g_error_copy (error);
  g_main_loop_quit (batch->loop);
}

/* The job is kept on disk until the picture is in the image. */
static gboolean
paint (Call *call, gboolean quiet, GError **error)
{
  static const TessWorkerFuncs funcs
      = { .progress = batch_progress, .painted = batch_painted };
  Batch batch = { .loop = g_main_loop_new (NULL, FALSE), .quiet = quiet };
  TessWorker *worker = tess_worker_new (&funcs, &batch);
  TessJobFolder *folder = NULL;
  GeglRectangle area;
  TessRequest *request = NULL;
  gboolean ok = FALSE;

  if (call->painter->resumes)
    folder = tess_worker_open_last (&request, &area, error);
  else
    request = make_request (FALSE, &area, error, call);
  if (request)
    {
      if (quiet)
        gimp_progress_init (_ ("Painting"));
      tess_worker_paint (worker, request, &area, folder);
      g_main_loop_run (batch.loop);
      if (batch.error)
        g_propagate_error (error, batch.error);
      else
        ok = keep (batch.result, batch.request, &batch.area, error, call);
      if (ok)
        g_clear_pointer (&batch.folder, tess_job_folder_remove);
    }
  tess_worker_free (worker);
  g_main_loop_unref (batch.loop);
  g_clear_object (&batch.result);
  g_clear_pointer (&batch.request, tess_request_free);
  g_clear_pointer (&batch.folder, tess_job_folder_close);
  return ok;
}

/* What the dialog starts from: sizes of this image, its objects, the prompt of
 * a run that did not end well. */
static void
prepare_dialog (Call *call, TessPlace *place)
{
  g_autofree gchar *prompt = NULL;
  gint width, height;

  if (call->painter->prepare && call->painter->enlarges)
    {
      call->painter->prepare (call->config, call->image);
      return;
    }

  g_object_get (call->config, "prompt", &prompt, "width", &width, "height",
                &height, NULL);
  if (!prompt || !*prompt)
    {
      g_autofree gchar *last = tess_settings_get_prompt ();
      g_autofree gchar *negative = tess_settings_get_negative ();

      g_object_set (call->config, "prompt", last, "negative", negative, NULL);
    }
  if (call->image)
    {
      GimpItem *regions = tess_object_group (call->image, TESS_REGION_GROUP);
      GimpItem *instances
          = tess_object_group (call->image, TESS_INSTANCE_GROUP);

      width = height = 0;
      if (regions)
        g_object_set (call->config, "regions", regions, NULL);
      if (instances)
        g_object_set (call->config, "instance-layers", instances, NULL);
    }
  place_of (call, width, height, place, NULL);
  g_object_set (call->config, "width", place->to.width, "height",
                place->to.height, NULL);
  if (call->painter->prepare)
    call->painter->prepare (call->config, call->image);
}

static GimpPDBStatusType
run_dialog (Call *call, GError **error)
{
  TessStudioHost host = { .image = call->image,
                          .request = make_request,
                          .keep = keep,
                          .failed = failed,
                          .data = call };
  TessPlace place;
  gboolean painted;
  gint width, height;

  if (call->painter->resumes)
    {
      gimp_ui_init ("tessera");
      return tess_studio_dialog_run (call->config, call->painter->studio, &host)
                 ? GIMP_PDB_SUCCESS
                 : GIMP_PDB_CANCEL;
    }
  if (!place_of (call, 0, 0, &place, error))
    return GIMP_PDB_EXECUTION_ERROR;
  gimp_ui_init ("tessera");
  prepare_dialog (call, &place);
  painted = tess_studio_dialog_run (call->config, call->painter->studio, &host);

  /* "As the image" is what Repeat Last should do with another image. */
  g_object_get (call->config, "width", &width, "height", &height, NULL);
  if (call->image && !call->painter->enlarges && width == place.to.width
      && height == place.to.height)
    g_object_set (call->config, "width", 0, "height", 0, NULL);
  return painted ? GIMP_PDB_SUCCESS : GIMP_PDB_CANCEL;
}

static GimpValueArray *
run (GimpProcedure *procedure, GimpProcedureConfig *config, gpointer data)
{
  const TessPainter *painter = data;
  Call call = { .procedure = procedure,
                .config = G_OBJECT (config),
                .painter = painter };
  g_autoptr (GimpImage) image = NULL;
  GimpRunMode mode;
  GimpPDBStatusType status = GIMP_PDB_SUCCESS;
  GError *error = NULL;
  GimpValueArray *values;

  tess_common_start ();
  g_object_get (config, "run-mode", &mode, NULL);
  if (painter->sets & TESS_ARGUMENTS_IMAGE)
    g_object_get (config, "image", &image, NULL);
  call.image = image;
  call.interactive = mode != GIMP_RUN_NONINTERACTIVE;

  if (mode == GIMP_RUN_INTERACTIVE)
    status = run_dialog (&call, &error);
  else if (!paint (&call, call.interactive, &error))
    status = GIMP_PDB_EXECUTION_ERROR;

  if (error)
    return tess_common_fail (procedure, error);
  values = gimp_procedure_new_return_values (procedure, status, NULL);
  if (status == GIMP_PDB_SUCCESS)
    GIMP_VALUES_SET_IMAGE (values, 1, call.made ? call.made : image);
  return values;
}

GimpProcedure *
tess_painter_create (GimpPlugIn *plug_in,
                     const gchar *name,
                     const TessPainter *painter)
{
  const TessProcedureText text = {
    .menu_label = _ (painter->menu_label),
    .menu_path = painter->menu_path,
    .blurb = _ (painter->blurb),
    .help = _ (painter->help),
    .sensitive = TESS_SENSITIVE_IMAGE
                 | (painter->enlarges ? 0 : GIMP_PROCEDURE_SENSITIVE_NO_IMAGE),
  };
  GimpProcedure *procedure
      = tess_common_create (plug_in, name, &text, run, (gpointer) painter);

  if (painter->resumes)
    {
      tess_arguments_declare_run (procedure, painter->sets);
      tess_arguments_declare_word (procedure, "output", _ ("Result"),
                                   _ ("Where the picture goes"), "image");
      tess_arguments_declare_recipe (procedure);
    }
  else
    tess_arguments_declare (procedure, painter->sets, painter->standards);
  if (painter->declare)
    painter->declare (procedure);
  gimp_procedure_add_image_return_value (
      procedure, "result", _ ("Image"),
      _ ("The image with the new layer, or the new image"), TRUE,
      G_PARAM_READWRITE);
  return procedure;
}

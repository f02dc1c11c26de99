/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/panorama-view.c: input, and the two ways to draw: a full-screen triangle
 * whose fragments do what tess_view_look does, or that function itself. */
#include "ui/panorama-view.h"

#include <epoxy/gl.h>
#include <math.h>

#define DEGREES (G_PI / 180.0)
#define KEY_TURN (5.0 * DEGREES)
#define ZOOM 1.1
#define SLOW_FRAME 30000 /* us: coarser while the picture moves */
#define REST 200         /* ms without movement */

struct _TessPanoramaView
{
  GtkEventBox parent;
  TessCamera camera;
  GdkPixbuf *picture;
  GtkWidget *area; /* GtkGLArea or GtkDrawingArea */
  gboolean gl;
  gchar *renderer;

  gboolean dragging;
  gdouble drag_x, drag_y;

  /* the processor's way */
  cairo_surface_t *frame;
  gboolean coarse;
  guint rest_source;

  /* OpenGL's */
  GLuint program, vertices, texture;
  gboolean upload;
  GLint max_side;
};

G_DEFINE_TYPE (TessPanoramaView, tess_panorama_view, GTK_TYPE_EVENT_BOX)

static guint signal_moved;

/* OpenGL */

static const gchar *const vertex_text = "in vec2 at;\n"
                                        "out vec2 place;\n"
                                        "void main ()\n"
                                        "{\n"
                                        "  place = at;\n"
                                        "  gl_Position = vec4 (at, 0.0, 1.0);\n"
                                        "}\n";

/* Neighbours left and right of the back differ by a whole turn in u; without
 * that the finest mipmap is told from the true slope, and the viewer itself
 * draws no line there. */
static const gchar *const fragment_text
    = "#define TURN 6.283185307\n"
      "in vec2 place;\n"
      "out vec4 color;\n"
      "uniform sampler2D panorama;\n"
      "uniform vec3 right, up, ahead;\n"
      "uniform vec2 scale;\n"
      "uniform float span;\n"
      "uniform bool planet;\n"
      "void main ()\n"
      "{\n"
      "  vec3 p = vec3 (place * scale, 1.0);\n"
      "  if (planet)\n"
      "    p = vec3 (4.0 * p.xy, 4.0 - dot (p.xy, p.xy));\n"
      "  vec3 d = p.x * right + p.y * up + p.z * ahead;\n"
      "  float lat = atan (d.y, length (d.xz));\n"
      "  vec2 uv = vec2 (atan (d.x, d.z) / TURN + 0.5, 0.5 - lat / span);\n"
      "  vec2 dx = dFdx (uv), dy = dFdy (uv);\n"
      "  dx.x -= floor (dx.x + 0.5);\n"
      "  dy.x -= floor (dy.x + 0.5);\n"
      "  vec4 seen = textureGrad (panorama, uv, dx, dy);\n"
      "  color = uv.y < 0.0 || uv.y > 1.0 ? vec4 (vec3 (0.125), 1.0) : seen;\n"
      "}\n";

static GLuint
shader_new (GLenum kind, gboolean es, const gchar *text, GError **error)
{
  const gchar *parts[]
      = { es ? "#version 300 es\nprecision highp float;\n" : "#version 150\n",
          text };
  GLuint shader = glCreateShader (kind);
  GLint good;

  glShaderSource (shader, G_N_ELEMENTS (parts), parts, NULL);
  glCompileShader (shader);
  glGetShaderiv (shader, GL_COMPILE_STATUS, &good);
  if (!good)
    {
      gchar log[512] = "";

      glGetShaderInfoLog (shader, sizeof log, NULL, log);
      g_set_error (error, GDK_GL_ERROR, GDK_GL_ERROR_NOT_AVAILABLE, "%s", log);
    }
  return shader;
}

static gboolean
link_program (TessPanoramaView *view, GError **error)
{
  static const gfloat triangle[] = { -1, -1, 3, -1, -1, 3 };
  gboolean es = gdk_gl_context_get_use_es (
      gtk_gl_area_get_context (GTK_GL_AREA (view->area)));
  GLuint vertex = shader_new (GL_VERTEX_SHADER, es, vertex_text, error);
  GLuint fragment = 0, buffer;
  GLint good = 0;

  if (!*error)
    fragment = shader_new (GL_FRAGMENT_SHADER, es, fragment_text, error);
  if (!*error)
    {
      view->program = glCreateProgram ();
      glAttachShader (view->program, vertex);
      glAttachShader (view->program, fragment);
      glBindAttribLocation (view->program, 0, "at");
      glLinkProgram (view->program);
      glGetProgramiv (view->program, GL_LINK_STATUS, &good);
      if (!good)
        g_set_error_literal (error, GDK_GL_ERROR, GDK_GL_ERROR_NOT_AVAILABLE,
                             "the shaders do not link");
    }
  glDeleteShader (vertex);
  glDeleteShader (fragment);
  if (*error)
    return FALSE;

  glGenVertexArrays (1, &view->vertices);
  glBindVertexArray (view->vertices);
  glGenBuffers (1, &buffer);
  glBindBuffer (GL_ARRAY_BUFFER, buffer);
  glBufferData (GL_ARRAY_BUFFER, sizeof triangle, triangle, GL_STATIC_DRAW);
  glEnableVertexAttribArray (0);
  glVertexAttribPointer (0, 2, GL_FLOAT, GL_FALSE, 0, NULL);
  glGenTextures (1, &view->texture);
  glGetIntegerv (GL_MAX_TEXTURE_SIZE, &view->max_side);
  view->upload = TRUE;
  return TRUE;
}

static void use_processor (TessPanoramaView *view, const gchar *why);

/* A widget is not taken out of its parent while it is being realized. */
static gboolean
give_up_gl (gpointer data)
{
  use_processor (data, "OpenGL does not work");
  return G_SOURCE_REMOVE;
}

static void
on_gl_realize (GtkGLArea *area, TessPanoramaView *view)
{
  g_autoptr (GError) error = NULL;

  gtk_gl_area_make_current (area);
  if (gtk_gl_area_get_error (area))
    error = g_error_copy (gtk_gl_area_get_error (area));
  if (!error && link_program (view, &error))
    {
      g_free (view->renderer);
      view->renderer = g_strdup_printf (
          "OpenGL: %s", (const gchar *) glGetString (GL_RENDERER));
      g_debug ("viewer: %s", view->renderer);
      return;
    }
  g_debug ("viewer: %s", error->message);
  g_idle_add_full (G_PRIORITY_HIGH, give_up_gl, g_object_ref (view),
                   g_object_unref);
}

static void
on_gl_unrealize (GtkGLArea *area, TessPanoramaView *view)
{
  gtk_gl_area_make_current (area);
  if (gtk_gl_area_get_error (area))
    return;
  if (view->program)
    glDeleteProgram (view->program);
  if (view->vertices)
    glDeleteVertexArrays (1, &view->vertices);
  if (view->texture)
    glDeleteTextures (1, &view->texture);
  view->program = view->vertices = view->texture = 0;
}

static void
upload_texture (TessPanoramaView *view)
{
  gint width = gdk_pixbuf_get_width (view->picture);
  gint height = gdk_pixbuf_get_height (view->picture);
  gdouble scale = MIN (1.0, (gdouble) view->max_side / MAX (width, height));
  g_autoptr (GdkPixbuf) fitting
      = scale < 1.0 ? gdk_pixbuf_scale_simple (
                          view->picture, MAX ((gint) (width * scale), 1),
                          MAX ((gint) (height * scale), 1), GDK_INTERP_BILINEAR)
                    : g_object_ref (view->picture);

  glBindTexture (GL_TEXTURE_2D, view->texture);
  glPixelStorei (GL_UNPACK_ALIGNMENT, 1);
  glPixelStorei (GL_UNPACK_ROW_LENGTH, gdk_pixbuf_get_rowstride (fitting) / 3);
  if (gdk_pixbuf_get_rowstride (fitting) % 3)
    {
      glPixelStorei (GL_UNPACK_ROW_LENGTH, 0);
      glPixelStorei (GL_UNPACK_ALIGNMENT, 4); /* as pixbufs are */
    }
  glTexImage2D (GL_TEXTURE_2D, 0, GL_RGB8, gdk_pixbuf_get_width (fitting),
                gdk_pixbuf_get_height (fitting), 0, GL_RGB, GL_UNSIGNED_BYTE,
                gdk_pixbuf_read_pixels (fitting));
  glTexParameteri (GL_TEXTURE_2D, GL_TEXTURE_WRAP_S, GL_REPEAT);
  glTexParameteri (GL_TEXTURE_2D, GL_TEXTURE_WRAP_T, GL_CLAMP_TO_EDGE);
  glTexParameteri (GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_LINEAR);
  glTexParameteri (GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER,
                   GL_LINEAR_MIPMAP_LINEAR);
  glGenerateMipmap (GL_TEXTURE_2D);
  view->upload = FALSE;
}

static gboolean
on_gl_render (GtkGLArea *area, GdkGLContext *context, TessPanoramaView *view)
{
  gint width = gtk_widget_get_allocated_width (view->area);
  gint height = gtk_widget_get_allocated_height (view->area);
  TessView look;

  glClearColor (0.125F, 0.125F, 0.125F, 1.0F);
  glClear (GL_COLOR_BUFFER_BIT);
  if (!view->picture || !view->program)
    return TRUE;
  if (view->upload)
    upload_texture (view);
  tess_view_init (&look, &view->camera, width, height);

#define AT(name) glGetUniformLocation (view->program, name)
  glUseProgram (view->program);
  glUniform3fv (AT ("right"), 1, look.right);
  glUniform3fv (AT ("up"), 1, look.up);
  glUniform3fv (AT ("ahead"), 1, look.ahead);
  glUniform2f (AT ("scale"), look.scale_x, look.scale_y);
  glUniform1f (AT ("span"), (gfloat) tess_panorama_span (
                                gdk_pixbuf_get_width (view->picture),
                                gdk_pixbuf_get_height (view->picture)));
  glUniform1i (AT ("planet"), look.planet);
#undef AT
  glBindVertexArray (view->vertices);
  glDrawArrays (GL_TRIANGLES, 0, 3);
  return TRUE;
}

/* The processor */

static gboolean
on_rest (gpointer data)
{
  TessPanoramaView *view = data;

  view->rest_source = 0;
  view->coarse = FALSE;
  gtk_widget_queue_draw (view->area);
  return G_SOURCE_REMOVE;
}

static cairo_surface_t *
frame_of (TessPanoramaView *view, gint width, gint height)
{
  if (!view->frame || cairo_image_surface_get_width (view->frame) != width
      || cairo_image_surface_get_height (view->frame) != height)
    {
      g_clear_pointer (&view->frame, cairo_surface_destroy);
      view->frame
          = cairo_image_surface_create (CAIRO_FORMAT_RGB24, width, height);
    }
  return view->frame;
}

static gboolean
on_draw (GtkWidget *area, cairo_t *cr, TessPanoramaView *view)
{
  gint width = gtk_widget_get_allocated_width (area);
  gint height = gtk_widget_get_allocated_height (area);
  gint shrink = view->coarse ? 2 : 1;
  gint64 begin = g_get_monotonic_time ();
  cairo_surface_t *frame;
  TessPixels src;

  cairo_set_source_rgb (cr, 0.125, 0.125, 0.125);
  cairo_paint (cr);
  if (!view->picture)
    return FALSE;
  src = (TessPixels) { gdk_pixbuf_get_pixels (view->picture),
                       gdk_pixbuf_get_width (view->picture),
                       gdk_pixbuf_get_height (view->picture),
                       gdk_pixbuf_get_rowstride (view->picture) };
  frame = frame_of (view, MAX (width / shrink, 1), MAX (height / shrink, 1));
  cairo_surface_flush (frame);
  tess_panorama_draw (
      &src, &view->camera, (guint32 *) cairo_image_surface_get_data (frame),
      cairo_image_surface_get_width (frame),
      cairo_image_surface_get_height (frame),
      cairo_image_surface_get_stride (frame) / (gint) sizeof (guint32));
  cairo_surface_mark_dirty (frame);
  cairo_scale (cr, (gdouble) width / cairo_image_surface_get_width (frame),
               (gdouble) height / cairo_image_surface_get_height (frame));
  cairo_set_source_surface (cr, frame, 0, 0);
  cairo_paint (cr);

  /* Slow machines see a coarser picture while it moves. */
  if (!view->coarse && view->dragging
      && g_get_monotonic_time () - begin > SLOW_FRAME)
    view->coarse = TRUE;
  if (view->coarse)
    {
      g_clear_handle_id (&view->rest_source, g_source_remove);
      view->rest_source = g_timeout_add (REST, on_rest, view);
    }
  return FALSE;
}

static void
set_area (TessPanoramaView *view, GtkWidget *area)
{
  if (view->area)
    gtk_widget_destroy (view->area);
  view->area = area;
  gtk_container_add (GTK_CONTAINER (view), area);
  gtk_widget_show (area);
}

static void
use_processor (TessPanoramaView *view, const gchar *why)
{
  GtkWidget *area = gtk_drawing_area_new ();

  view->gl = FALSE;
  g_free (view->renderer);
  view->renderer = g_strdup ("processor");
  g_debug ("viewer: drawn by the processor: %s", why);
  g_signal_connect (area, "draw", G_CALLBACK (on_draw), view);
  set_area (view, area);
}

static void
use_gl (TessPanoramaView *view)
{
  GtkWidget *area = gtk_gl_area_new ();

  view->gl = TRUE;
  gtk_gl_area_set_auto_render (GTK_GL_AREA (area), TRUE);
  g_signal_connect (area, "realize", G_CALLBACK (on_gl_realize), view);
  g_signal_connect (area, "unrealize", G_CALLBACK (on_gl_unrealize), view);
  g_signal_connect (area, "render", G_CALLBACK (on_gl_render), view);
  set_area (view, area);
}

static void
redraw (TessPanoramaView *view)
{
  if (view->gl)
    gtk_gl_area_queue_render (GTK_GL_AREA (view->area));
  else
    gtk_widget_queue_draw (view->area);
}

/* Input */

static void
move_camera (TessPanoramaView *view, gdouble yaw, gdouble pitch, gdouble zoom)
{
  TessCamera camera = view->camera;

  camera.yaw += yaw;
  camera.pitch += pitch;
  camera.fov /= zoom;
  tess_panorama_view_set_camera (view, &camera);
}

static gboolean
tess_panorama_view_button (GtkWidget *widget, GdkEventButton *event)
{
  TessPanoramaView *view = TESS_PANORAMA_VIEW (widget);

  gtk_widget_grab_focus (widget);
  if (event->button != GDK_BUTTON_PRIMARY)
    return FALSE;
  view->dragging = event->type == GDK_BUTTON_PRESS;
  view->drag_x = event->x;
  view->drag_y = event->y;
  return TRUE;
}

/* The picture goes with the hand. */
static gboolean
tess_panorama_view_motion (GtkWidget *widget, GdkEventMotion *event)
{
  TessPanoramaView *view = TESS_PANORAMA_VIEW (widget);
  gint longer = MAX (gtk_widget_get_allocated_width (widget),
                     gtk_widget_get_allocated_height (widget));
  gdouble per_pixel = view->camera.fov / MAX (longer, 1);

  if (!view->dragging)
    return FALSE;
  if (view->camera.planet) /* it turns like a wheel, as wide as it is */
    move_camera (view, (view->drag_x - event->x) * per_pixel, 0.0, 1.0);
  else
    move_camera (view, (view->drag_x - event->x) * per_pixel,
                 (event->y - view->drag_y) * per_pixel, 1.0);
  view->drag_x = event->x;
  view->drag_y = event->y;
  return TRUE;
}

static gboolean
tess_panorama_view_scroll (GtkWidget *widget, GdkEventScroll *event)
{
  gdouble dx, dy = 0.0;

  if (event->direction == GDK_SCROLL_SMOOTH)
    gdk_event_get_scroll_deltas ((GdkEvent *) event, &dx, &dy);
  else
    dy = event->direction == GDK_SCROLL_DOWN ? 1.0
         : event->direction == GDK_SCROLL_UP ? -1.0
                                             : 0.0;
  move_camera (TESS_PANORAMA_VIEW (widget), 0.0, 0.0, pow (ZOOM, -dy));
  return TRUE;
}

static gboolean
tess_panorama_view_key (GtkWidget *widget, GdkEventKey *event)
{
  TessPanoramaView *view = TESS_PANORAMA_VIEW (widget);
  gdouble turn = event->state & GDK_SHIFT_MASK ? KEY_TURN / 5.0 : KEY_TURN;
  TessCamera camera = view->camera;

  switch (event->keyval)
    {
    case GDK_KEY_Left:
      camera.yaw -= turn;
      break;
    case GDK_KEY_Right:
      camera.yaw += turn;
      break;
    case GDK_KEY_Up:
      camera.pitch += turn;
      break;
    case GDK_KEY_Down:
      camera.pitch -= turn;
      break;
    case GDK_KEY_plus:
    case GDK_KEY_equal:
    case GDK_KEY_KP_Add:
      camera.fov /= ZOOM;
      break;
    case GDK_KEY_minus:
    case GDK_KEY_KP_Subtract:
      camera.fov *= ZOOM;
      break;
    case GDK_KEY_Home:
      tess_camera_reset (&camera, camera.planet);
      break;
    default:
      return GTK_WIDGET_CLASS (tess_panorama_view_parent_class)
          ->key_press_event (widget, event);
    }
  tess_panorama_view_set_camera (view, &camera);
  return TRUE;
}

static void
tess_panorama_view_finalize (GObject *object)
{
  TessPanoramaView *view = TESS_PANORAMA_VIEW (object);

  g_clear_handle_id (&view->rest_source, g_source_remove);
  g_clear_pointer (&view->frame, cairo_surface_destroy);
  g_clear_object (&view->picture);
  g_free (view->renderer);
  G_OBJECT_CLASS (tess_panorama_view_parent_class)->finalize (object);
}

static void
tess_panorama_view_class_init (TessPanoramaViewClass *klass)
{
  GtkWidgetClass *widget = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = tess_panorama_view_finalize;
  widget->button_press_event = tess_panorama_view_button;
  widget->button_release_event = tess_panorama_view_button;
  widget->motion_notify_event = tess_panorama_view_motion;
  widget->scroll_event = tess_panorama_view_scroll;
  widget->key_press_event = tess_panorama_view_key;
  signal_moved
      = g_signal_new ("moved", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                      NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
tess_panorama_view_init (TessPanoramaView *view)
{
  const gchar *wanted = g_getenv ("TESSERA_GL");

  tess_camera_reset (&view->camera, FALSE);
  gtk_widget_add_events (GTK_WIDGET (view),
                         GDK_BUTTON_PRESS_MASK | GDK_BUTTON_RELEASE_MASK
                             | GDK_BUTTON1_MOTION_MASK | GDK_SCROLL_MASK
                             | GDK_SMOOTH_SCROLL_MASK | GDK_KEY_PRESS_MASK);
  gtk_widget_set_can_focus (GTK_WIDGET (view), TRUE);
  gtk_event_box_set_above_child (GTK_EVENT_BOX (view), TRUE);
  gtk_widget_set_size_request (GTK_WIDGET (view), 320, 200);
  if (g_strcmp0 (wanted, "0") == 0)
    use_processor (view, "TESSERA_GL=0");
  else
    use_gl (view);
}

GtkWidget *
tess_panorama_view_new (void)
{
  return g_object_new (tess_panorama_view_get_type (), NULL);
}

void
tess_panorama_view_set_picture (TessPanoramaView *view, GdkPixbuf *picture)
{
  g_set_object (&view->picture, picture);
  view->upload = TRUE;
  redraw (view);
}

const TessCamera *
tess_panorama_view_get_camera (TessPanoramaView *view)
{
  return &view->camera;
}

void
tess_panorama_view_set_camera (TessPanoramaView *view, const TessCamera *camera)
{
  view->camera = *camera;
  tess_camera_clamp (&view->camera);
  g_debug ("viewer: yaw %.1f pitch %.1f fov %.1f%s", view->camera.yaw / DEGREES,
           view->camera.pitch / DEGREES, view->camera.fov / DEGREES,
           view->camera.planet ? " planet" : "");
  redraw (view);
  g_signal_emit (view, signal_moved, 0);
}

const gchar *
tess_panorama_view_renderer (TessPanoramaView *view)
{
  return view->renderer;
}

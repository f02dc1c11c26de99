/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/plugin/make-instance.c: make-instance MODEL FOLDER writes weights for
 * instances on top of the MODEL, values from their names, into the FOLDER. */
#include "core/model-private.h"
#include "core/model.h"
#include "tests/small-instance.h"

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TessModel) model = NULL;
  TessInstanceConfig config = tess_test_instance;

  if (argc != 3)
    {
      g_printerr ("make-instance MODEL FOLDER\n");
      return 2;
    }
  model = tess_model_open (argv[1], &error);
  if (model)
    {
      config.text_width = model->config.text.width;
      config.token_width = model->config.text.width;
    }
  if (!model
      || !tess_test_write_instance (
          argv[2], &model->config.unet, &config, 0,
          "[\"box\", \"point\", \"scribble\", \"mask\"]", &error))
    {
      g_printerr ("make-instance: %s\n", error->message);
      return 1;
    }
  return 0;
}

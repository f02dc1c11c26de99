/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/fuzz/fuzz.h: what the libFuzzer programs share. */
#pragma once

#include "core/tensor-file.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

/* Reads every tensor as a network would, up to a limit for each. */
static inline void
tess_fuzz_read_all (const TessTensorFile *file)
{
  for (guint i = 0; i < file->names->len; i++)
    {
      const TessTensor *tensor
          = tess_tensor_file_get (file, g_ptr_array_index (file->names, i));
      gsize n = MIN (tess_tensor_n_elements (tensor), 4096);
      gfloat values[4096];

      tess_tensor_read_f32 (tensor, 0, n, values);
      tess_tensor_read_f32 (tensor, tess_tensor_n_elements (tensor) - n, n,
                            values);
    }
}

/* A refusal must say something. */
static inline void
tess_fuzz_check (gconstpointer result, const GError *error)
{
  g_assert ((result == NULL) == (error != NULL));
  g_assert (error == NULL || g_utf8_validate (error->message, -1, NULL));
}

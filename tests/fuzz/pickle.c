/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/fuzz/pickle.c: any bytes as a PyTorch archive, or as the pickle in a
 * sound one. */
#include "core/pickle.h"
#include "tests/fuzz/fuzz.h"
#include "tests/make-zip.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  static const gchar storage[64];
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (TessTensorFile) parsed = NULL;

  bytes = g_bytes_new (data, size);
  if (!tess_pickle_is (bytes))
    {
      const TessTestMember members[]
          = { { "a/data.pkl", data, size, 0 },
              { "a/data/0", storage, sizeof storage, 0 } };

      g_bytes_unref (bytes);
      bytes = tess_test_zip (members, G_N_ELEMENTS (members));
    }
  parsed = tess_pickle_parse (
      &(TessFileBytes) { .bytes = bytes, .path = "fuzz" }, &error);
  tess_fuzz_check (parsed, error);
  if (parsed != NULL)
    tess_fuzz_read_all (parsed);
  return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/fuzz/safetensors.c: any bytes as a safetensors file. A header length
 * is put in front, else hardly any would be sound. */
#include "core/safetensors.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autofree guint8 *file = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (TessTensorFile) parsed = NULL;
  guint64 length;

  if (size < 2)
    return 0;
  /* The first two bytes: how long the header is; all ones: as it stands. */
  if (data[0] == 0xff && data[1] == 0xff)
    bytes = g_bytes_new (data + 2, size - 2);
  else
    {
      length = GUINT64_TO_LE ((data[0] | data[1] << 8) % (size - 1));
      file = g_malloc (size + 6);
      memcpy (file, &length, sizeof length);
      memcpy (file + 8, data + 2, size - 2);
      bytes = g_bytes_new_take (g_steal_pointer (&file), size + 6);
    }
  parsed = tess_safetensors_parse (
      &(TessFileBytes) { .bytes = bytes, .path = "fuzz" }, &error);
  tess_fuzz_check (parsed, error);
  if (parsed != NULL)
    tess_fuzz_read_all (parsed);
  return 0;
}

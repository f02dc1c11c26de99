/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/fuzz/tokenizer.c: any text, in any vocabulary. The input up to the
 * first zero byte is a merges file, the rest a text. */
#include "tests/fuzz/tokenizer-file.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  const guint8 *zero = memchr (data, 0, size);
  size_t n_merges = zero ? (size_t) (zero - data) : size / 2;
  g_autofree gchar *text
      = g_strndup ((const gchar *) data + n_merges + (zero != NULL),
                   size - n_merges - (zero != NULL));
  g_autoptr (GError) error = NULL;
  g_autoptr (TessTokenizer) tokenizer = NULL;
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (gint32));

  tokenizer = tess_fuzz_tokenizer (data, n_merges, &error);
  tess_fuzz_check (tokenizer, error);
  if (tokenizer == NULL)
    return 0;
  tess_tokenizer_encode (tokenizer, text, ids);
  for (guint i = 0; i < ids->len; i++)
    g_assert (g_array_index (ids, gint32, i) >= 0
              && g_array_index (ids, gint32, i)
                     < tess_tokenizer_n_tokens (tokenizer));
  return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * tests/fuzz/prompt.c: any prompt, with any settings. */
#include "tests/fuzz/tokenizer-file.h"
#include "core/prompt.h"
#include "tests/fuzz/fuzz.h"

#include <math.h>

/* A few merges are enough: what is tried is the brackets. */
static const gchar merges[] = "#version: 0.2\na b\na b</w>\nab c</w>\n";

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  static TessTokenizer *tokenizer;
  g_autofree gchar *text = NULL;
  g_autoptr (TessPrompt) prompt = NULL;
  TessPromptSettings settings;

  if (tokenizer == NULL)
    tokenizer = tess_fuzz_tokenizer (merges, sizeof merges - 1, NULL);
  if (size < 2)
    return 0;
  settings = (TessPromptSettings) {
    .n_positions = data[0] & 1 ? 3 + (data[0] >> 4) : 0,
    .min_chunks = data[0] >> 2 & 3,
    .pad_id = data[0] & 2 ? 0 : tess_tokenizer_eos (tokenizer),
    .truncate = data[1] & 1,
    .literal = data[1] >> 1 & 1,
  };
  text = g_strndup ((const gchar *) data + 2, size - 2);
  prompt = tess_prompt_parse (tokenizer, text, &settings);
  g_assert (prompt->n_chunks >= MAX (settings.min_chunks, 1)
            || settings.truncate);
  for (gint i = 0; i < prompt->n_chunks * prompt->n_positions; i++)
    g_assert (prompt->ids[i] >= 0
              && prompt->ids[i] < tess_tokenizer_n_tokens (tokenizer)
              && isfinite (prompt->weights[i]));
  return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/pickle.h: PyTorch's own files (.ckpt, .pth, .bin): a zip archive with
 * a pickle that describes tensors and one member of raw bytes for each
 * storage. Only tensors are taken; nothing in the file is ever run. Stored
 * members (PyTorch never packs) are used in place, mapped.
 * Source: torch/serialization.py, torch/csrc/jit/serialization (1.6 to 2.9). */
#pragma once

#include "core/tensor-file.h"

G_BEGIN_DECLS

/* Is it such a file, or PyTorch's format before 1.6, which is refused? */
gboolean tess_pickle_is (GBytes *bytes);

/**
 * tess_pickle_parse:
 * The tensors of the dict at the top, or of its "state_dict" (or "params_ema",
 * "params", "ema", "model"); whole numbers and texts beside them become
 * metadata. Where there are none, those of dicts in dicts, as "key.key.name".
 * Errors: TESS_ERROR_MODEL; TESS_ERROR_UNSUPPORTED for the old format;
 * TESS_ERROR_MEMORY.
 */
TessTensorFile *tess_pickle_parse (const TessFileBytes *src, GError **error);

G_END_DECLS

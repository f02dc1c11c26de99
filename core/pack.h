/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/pack.h: weights in the layout that a kernel reads, each once per
 * backend, shared between programs.
 *
 * A pack is found by its tensors and deltas (which it keeps alive, so that an
 * address never comes to mean another weight) and by the name of its layout. */
#pragma once

#include "core/weight.h"

G_BEGIN_DECLS

typedef struct _TessPacks TessPacks; /* all packs of a backend */
typedef struct _TessPack TessPack;
typedef struct _TessPackSpec TessPackSpec;

#define TESS_PACK_WEIGHTS 3

struct _TessPackSpec
{
  const TessWeight *weights[TESS_PACK_WEIGHTS]; /* one after another */
  gchar *layout;                                /* owned */
  gsize n_bytes;
  gboolean (*fill) (const TessPackSpec *spec, gpointer dst, GError **error);
  gpointer data; /* for fill */
  GDestroyNotify free_data;
};

void tess_pack_spec_clear (TessPackSpec *spec);

/* Where packs are kept, for backends that do not compute in host memory;
 * @make takes the bytes and fills them. */
typedef struct
{
  gpointer (*make) (const TessPackSpec *spec, gpointer data, GError **error);
  void (*free) (gpointer pack, gsize n_bytes, gpointer data);
} TessPackStore;

/* @store: NULL: host memory. */
TessPacks *tess_packs_new (const TessPackStore *store, gpointer data);
void tess_packs_free (TessPacks *packs); /* may be NULL */

/* Packs that no kernel holds are freed. */
void tess_packs_trim (TessPacks *packs);

gboolean tess_packs_has (TessPacks *packs, const TessPackSpec *spec);

/* Found, or made and filled. (transfer full): tess_pack_unref.
 * Errors: TESS_ERROR_MEMORY, or fill's. */
TessPack *
tess_packs_get (TessPacks *packs, const TessPackSpec *spec, GError **error);

gpointer tess_pack_data (TessPack *pack);
void tess_pack_unref (TessPack *pack); /* may be NULL; stays until a trim */

G_END_DECLS

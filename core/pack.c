/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/pack.c: weights in the layout that a kernel reads. */
#include "core/pack.h"
#include "core/memory.h"

struct _TessPacks
{
  GHashTable *packs; /* key -> TessPack, both owned */
  const TessPackStore *store;
  gpointer store_data;
};

struct _TessPack
{
  TessPacks *packs;
  gint n_users;
  gpointer data;
  gsize n_bytes;
  GPtrArray *tensors; /* kept so that their addresses stay theirs */
};

static gpointer
make_in_host (const TessPackSpec *spec, gpointer data, GError **error)
{
  gpointer pack = tess_memory_new (spec->n_bytes, "weights", error);

  if (pack == NULL)
    return NULL;
  tess_memory_populate (pack, spec->n_bytes);
  if (spec->fill (spec, pack, error))
    return pack;
  tess_memory_free (pack, spec->n_bytes);
  return NULL;
}

static void
free_in_host (gpointer pack, gsize n_bytes, gpointer data)
{
  tess_memory_free (pack, n_bytes);
}

static const TessPackStore host_store = { make_in_host, free_in_host };

static void
pack_free (gpointer data)
{
  TessPack *pack = data;

  pack->packs->store->free (pack->data, pack->n_bytes, pack->packs->store_data);
  g_ptr_array_unref (pack->tensors);
  g_free (pack);
}

void
tess_pack_spec_clear (TessPackSpec *spec)
{
  if (spec->free_data != NULL)
    spec->free_data (spec->data);
  g_free (spec->layout);
  *spec = (TessPackSpec) { 0 };
}

TessPacks *
tess_packs_new (const TessPackStore *store, gpointer data)
{
  TessPacks *packs = g_new0 (TessPacks, 1);

  packs->store = store != NULL ? store : &host_store;
  packs->store_data = data;
  packs->packs
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, pack_free);
  return packs;
}

void
tess_packs_free (TessPacks *packs)
{
  if (packs == NULL)
    return;
  g_hash_table_unref (packs->packs);
  g_free (packs);
}

static gboolean
is_unused (gpointer key, gpointer value, gpointer data)
{
  return ((TessPack *) value)->n_users == 0;
}

void
tess_packs_trim (TessPacks *packs)
{
  g_hash_table_foreach_remove (packs->packs, is_unused, NULL);
}

static void
add_tensor (GString *key, GPtrArray *tensors, TessTensor *tensor)
{
  g_string_append_printf (key, "%p ", (void *) tensor);
  if (tensors != NULL && tensor != NULL)
    g_ptr_array_add (tensors, tess_tensor_ref (tensor));
}

/* @tensors may be NULL, else gets a reference to everything in the key. */
static gchar *
make_key (const TessPackSpec *spec, GPtrArray *tensors)
{
  GString *key = g_string_new (NULL);

  for (gint i = 0; i < TESS_PACK_WEIGHTS && spec->weights[i] != NULL; i++)
    {
      const TessWeight *weight = spec->weights[i];

      add_tensor (key, tensors, weight->tensor);
      for (guint j = 0; weight->deltas != NULL && j < weight->deltas->len; j++)
        {
          const TessWeightDelta *delta
              = &g_array_index (weight->deltas, TessWeightDelta, j);

          add_tensor (key, tensors, delta->up);
          add_tensor (key, tensors, delta->down);
          g_string_append_printf (key, "*%a ", delta->scale);
        }
    }
  g_string_append (key, spec->layout);
  return g_string_free (key, FALSE);
}

gboolean
tess_packs_has (TessPacks *packs, const TessPackSpec *spec)
{
  g_autofree gchar *key = make_key (spec, NULL);

  return g_hash_table_contains (packs->packs, key);
}

static gboolean
check_weights (const TessPackSpec *spec, GError **error)
{
  for (gint i = 0; i < TESS_PACK_WEIGHTS && spec->weights[i] != NULL; i++)
    if (!tess_weight_check (spec->weights[i], error))
      return FALSE;
  return TRUE;
}

TessPack *
tess_packs_get (TessPacks *packs, const TessPackSpec *spec, GError **error)
{
  g_autofree gchar *key = make_key (spec, NULL);
  g_autofree gchar *same = NULL;
  TessPack *pack = g_hash_table_lookup (packs->packs, key);
  gpointer data;

  if (pack == NULL)
    {
      data = packs->store->make (spec, packs->store_data, error);
      if (data == NULL)
        return NULL;
      if (!check_weights (spec, error))
        {
          packs->store->free (data, spec->n_bytes, packs->store_data);
          return NULL;
        }
      for (gint i = 0; i < TESS_PACK_WEIGHTS && spec->weights[i] != NULL; i++)
        tess_weight_drop_pages (spec->weights[i]);

      pack = g_new0 (TessPack, 1);
      pack->packs = packs;
      pack->data = data;
      pack->n_bytes = spec->n_bytes;
      pack->tensors
          = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_tensor_unref);
      same = make_key (spec, pack->tensors);
      g_hash_table_insert (packs->packs, g_steal_pointer (&key), pack);
    }
  pack->n_users++;
  return pack;
}

gpointer
tess_pack_data (TessPack *pack)
{
  return pack->data;
}

void
tess_pack_unref (TessPack *pack)
{
  if (pack != NULL)
    pack->n_users--;
}

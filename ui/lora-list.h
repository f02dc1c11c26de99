/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui/lora-list.h: LoRA files, each with its weight, as rows. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

G_DECLARE_FINAL_TYPE (TessLoraList, tess_lora_list, TESS, LORA_LIST, GtkBox)

/* Shows and changes the property "loras" of @config: lines as
 * tess_request_parse_lora reads them. */
GtkWidget *tess_lora_list_new (GObject *config);

G_END_DECLS

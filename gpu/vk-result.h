/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/vk-result.h: what Vulkan answers, as a GError; failures on demand. */
#pragma once

#include <glib.h>
#include <volk.h>

G_BEGIN_DECLS

/**
 * tess_vk_ok:
 * FALSE, with @error set, where @result is a failure of @what
 * ("vkCreateBuffer").
 * Errors: TESS_ERROR_MEMORY when memory ran out; TESS_ERROR_DEVICE otherwise.
 */
gboolean tess_vk_ok (VkResult result, const gchar *what, GError **error);

/* Every call that can fail goes through this one: made, unless a test wants
 * it to fail. @name is the function's, the rest its arguments. */
#define TESS_VK(error, name, ...)                                              \
  tess_vk_ok (tess_vk_shall_fail (#name) ? tess_vk_failure ()                  \
                                         : name (__VA_ARGS__),                 \
              #name, error)

/* For tests: the @nth call from now (1: the next) answers @failure instead of
 * being made; 0: none does. Only calls whose name has @only in it are counted
 * where it is not NULL. */
void tess_vk_fail_at (gint nth, const gchar *only, VkResult failure);
/* TRUE when that call was reached. */
gboolean tess_vk_has_failed (void);

gboolean tess_vk_shall_fail (const gchar *name);
VkResult tess_vk_failure (void);

G_END_DECLS

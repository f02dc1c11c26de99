/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/instance.h: Vulkan itself: loaded when first wanted, one instance for
 * the process, gone with its last user. */
#pragma once

#include <glib.h>
#include <volk.h>

G_BEGIN_DECLS

/* Counted: each answer that is no null handle wants one release.
 * Errors: TESS_ERROR_DEVICE where there is no Vulkan. */
VkInstance tess_vk_instance_get (GError **error);
void tess_vk_instance_release (void);

G_END_DECLS

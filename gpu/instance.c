/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/instance.c: Vulkan itself, and what the validation layer says. */
#include "gpu/instance.h"

#include "core/error.h"
#include "gpu/device.h"
#include "gpu/vk-result.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define LAYER "VK_LAYER_KHRONOS_validation"

static GMutex lock;
static VkInstance the_instance;
static VkDebugUtilsMessengerEXT messenger;
static gint n_users;
static gint n_messages;

static VKAPI_ATTR VkBool32 VKAPI_CALL
take_message (VkDebugUtilsMessageSeverityFlagBitsEXT severity,
              VkDebugUtilsMessageTypeFlagsEXT types,
              const VkDebugUtilsMessengerCallbackDataEXT *message,
              void *data)
{
  /* Checks inside of shaders need features and limits that it then sets. */
  if (strstr (message->pMessage, "validation is adjusting settings"))
    return VK_FALSE;
  g_atomic_int_inc (&n_messages);
  g_printerr ("validation: %s\n", message->pMessage);
  return VK_FALSE;
}

gint
tess_gpu_n_messages (void)
{
  return g_atomic_int_get (&n_messages);
}

static gboolean
has_layer (void)
{
  g_autofree VkLayerProperties *list = NULL;
  guint32 n = 0;

  vkEnumerateInstanceLayerProperties (&n, NULL);
  list = g_new0 (VkLayerProperties, n + 1);
  vkEnumerateInstanceLayerProperties (&n, list);
  for (guint32 i = 0; i < n; i++)
    if (strcmp (list[i].layerName, LAYER) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
make (GError **error)
{
  static const gchar *const layers[] = { LAYER };
  static const gchar *const extensions[] = {
    VK_EXT_DEBUG_UTILS_EXTENSION_NAME,
    VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME,
  };
  /* One or the other: the layer itself advises against both, and either is slow
   * enough. */
  static const VkValidationFeatureEnableEXT outside
      = VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT;
  static const VkValidationFeatureEnableEXT inside
      = VK_VALIDATION_FEATURE_ENABLE_GPU_ASSISTED_EXT;
  static const VkValidationFeatureDisableEXT no_core
      = VK_VALIDATION_FEATURE_DISABLE_CORE_CHECKS_EXT;
  const gchar *wanted = g_getenv ("TESSERA_GPU_VALIDATION");
  gboolean is_inside = g_strcmp0 (wanted, "gpu") == 0;
  gboolean validate
      = (is_inside || g_strcmp0 (wanted, "1") == 0) && has_layer ();
  VkDebugUtilsMessengerCreateInfoEXT messages = {
    .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
    .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT
                       | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
    .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
    .pfnUserCallback = take_message,
  };
  VkValidationFeaturesEXT features = {
    .sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
    .pNext = &messages,
    .enabledValidationFeatureCount = 1,
    .pEnabledValidationFeatures = is_inside ? &inside : &outside,
    .disabledValidationFeatureCount = is_inside,
    .pDisabledValidationFeatures = &no_core,
  };
  VkApplicationInfo application = {
    .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
    .pApplicationName = "Tessera",
    .apiVersion = VK_API_VERSION_1_3,
  };
  VkInstanceCreateInfo create = {
    .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
    .pNext = validate ? &features : NULL,
    .pApplicationInfo = &application,
    .enabledLayerCount = validate ? G_N_ELEMENTS (layers) : 0,
    .ppEnabledLayerNames = layers,
    .enabledExtensionCount = validate ? G_N_ELEMENTS (extensions) : 0,
    .ppEnabledExtensionNames = extensions,
  };

  if (!TESS_VK (error, vkCreateInstance, &create, NULL, &the_instance))
    return FALSE;
  volkLoadInstance (the_instance);
  if (validate
      && !TESS_VK (error, vkCreateDebugUtilsMessengerEXT, the_instance,
                   &messages, NULL, &messenger))
    {
      vkDestroyInstance (the_instance, NULL);
      the_instance = VK_NULL_HANDLE;
      return FALSE;
    }
  return TRUE;
}

VkInstance
tess_vk_instance_get (GError **error)
{
  static gsize once;
  VkInstance instance = VK_NULL_HANDLE;

  if (g_once_init_enter (&once))
    g_once_init_leave (&once, volkInitialize () == VK_SUCCESS ? 1 : 2);
  if (once == 2)
    {
      g_set_error (error, TESS_ERROR, TESS_ERROR_DEVICE,
                   _ ("there is no Vulkan on this computer; choose the CPU."));
      return VK_NULL_HANDLE;
    }
  g_mutex_lock (&lock);
  if (n_users > 0 || make (error))
    {
      n_users++;
      instance = the_instance;
    }
  g_mutex_unlock (&lock);
  return instance;
}

void
tess_vk_instance_release (void)
{
  g_mutex_lock (&lock);
  if (--n_users == 0)
    {
      if (messenger != VK_NULL_HANDLE)
        vkDestroyDebugUtilsMessengerEXT (the_instance, messenger, NULL);
      vkDestroyInstance (the_instance, NULL);
      messenger = VK_NULL_HANDLE;
      the_instance = VK_NULL_HANDLE;
    }
  g_mutex_unlock (&lock);
}

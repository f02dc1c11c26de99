/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/pipeline.c: compiled shaders, kept in memory and in the user's cache. */
#include "gpu/pipeline.h"

#include "gpu/cache.h"
#include "gpu/vk-result.h"

struct _TessGpuPipelines
{
  TessGpuDevice *device; /* borrowed */
  VkPipelineCache cache;
  gsize n_cached; /* bytes read from the user's cache */
  VkDescriptorSetLayout set_layouts[TESS_GPU_BINDINGS + 1];
  VkPipelineLayout layouts[TESS_GPU_BINDINGS + 1];
  GHashTable *pipelines; /* key -> VkPipeline * */
};

static gboolean
make_layout (TessGpuPipelines *pipelines, guint n, GError **error)
{
  VkDevice device = pipelines->device->device;
  VkDescriptorSetLayoutBinding bindings[TESS_GPU_BINDINGS];
  VkDescriptorSetLayoutCreateInfo set = {
    .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
    .bindingCount = n,
    .pBindings = bindings,
  };
  VkPushConstantRange push
      = { .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = TESS_GPU_PUSH };
  VkPipelineLayoutCreateInfo layout = {
    .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
    .setLayoutCount = 1,
    .pSetLayouts = &pipelines->set_layouts[n],
    .pushConstantRangeCount = 1,
    .pPushConstantRanges = &push,
  };

  for (guint i = 0; i < n; i++)
    bindings[i] = (VkDescriptorSetLayoutBinding) {
      .binding = i,
      .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
      .descriptorCount = 1,
      .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
    };
  return TESS_VK (error, vkCreateDescriptorSetLayout, device, &set, NULL,
                  &pipelines->set_layouts[n])
         && TESS_VK (error, vkCreatePipelineLayout, device, &layout, NULL,
                     &pipelines->layouts[n]);
}

TessGpuPipelines *
tess_gpu_pipelines_new (TessGpuDevice *device, GError **error)
{
  TessGpuPipelines *pipelines = g_new0 (TessGpuPipelines, 1);
  g_autofree gchar *data = NULL;
  VkPipelineCacheCreateInfo cache
      = { .sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO };

  pipelines->device = device;
  pipelines->pipelines
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  /* The driver looks at the header by itself; another's is not used. */
  data = tess_gpu_cache_read (&device->info, "pipelines", &pipelines->n_cached);
  cache.initialDataSize = pipelines->n_cached;
  cache.pInitialData = data;
  if (!TESS_VK (error, vkCreatePipelineCache, device->device, &cache, NULL,
                &pipelines->cache))
    goto fail;
  for (guint n = 1; n <= TESS_GPU_BINDINGS; n++)
    if (!make_layout (pipelines, n, error))
      goto fail;
  return pipelines;

fail:
  tess_gpu_pipelines_free (pipelines);
  return NULL;
}

static void
save_cache (TessGpuPipelines *pipelines)
{
  VkDevice device = pipelines->device->device;
  g_autofree gchar *data = NULL;
  size_t n = 0;

  if (pipelines->device->lost || g_hash_table_size (pipelines->pipelines) == 0
      || vkGetPipelineCacheData (device, pipelines->cache, &n, NULL)
             != VK_SUCCESS
      || n <= pipelines->n_cached)
    return;
  data = g_try_malloc (n);
  if (data != NULL
      && vkGetPipelineCacheData (device, pipelines->cache, &n, data)
             == VK_SUCCESS)
    tess_gpu_cache_write (&pipelines->device->info, "pipelines", data, n);
}

void
tess_gpu_pipelines_free (TessGpuPipelines *pipelines)
{
  VkDevice device;
  GHashTableIter iter;
  gpointer pipeline;

  if (pipelines == NULL)
    return;
  device = pipelines->device->device;
  if (pipelines->cache != VK_NULL_HANDLE)
    {
      save_cache (pipelines);
      vkDestroyPipelineCache (device, pipelines->cache, NULL);
    }
  g_hash_table_iter_init (&iter, pipelines->pipelines);
  while (g_hash_table_iter_next (&iter, NULL, &pipeline))
    vkDestroyPipeline (device, *(VkPipeline *) pipeline, NULL);
  g_hash_table_unref (pipelines->pipelines);
  for (guint i = 0; i <= TESS_GPU_BINDINGS; i++)
    {
      if (pipelines->layouts[i] != VK_NULL_HANDLE)
        vkDestroyPipelineLayout (device, pipelines->layouts[i], NULL);
      if (pipelines->set_layouts[i] != VK_NULL_HANDLE)
        vkDestroyDescriptorSetLayout (device, pipelines->set_layouts[i], NULL);
    }
  g_free (pipelines);
}

VkDescriptorSetLayout
tess_gpu_set_layout (const TessGpuPipelines *pipelines, guint n_bindings)
{
  return pipelines->set_layouts[n_bindings];
}

VkPipelineLayout
tess_gpu_pipeline_layout (const TessGpuPipelines *pipelines, guint n_bindings)
{
  return pipelines->layouts[n_bindings];
}

static VkPipeline
make_pipeline (TessGpuPipelines *pipelines,
               const TessGpuShader *shader,
               guint n_bindings,
               const guint32 *constants,
               guint n_constants,
               GError **error)
{
  VkDevice device = pipelines->device->device;
  VkSpecializationMapEntry entries[TESS_GPU_CONSTANTS];
  VkSpecializationInfo special = {
    .mapEntryCount = n_constants,
    .pMapEntries = entries,
    .dataSize = n_constants * sizeof *constants,
    .pData = constants,
  };
  VkShaderModuleCreateInfo module = {
    .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
    .codeSize = shader->n_bytes,
    .pCode = shader->words,
  };
  VkComputePipelineCreateInfo create = {
    .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
    .stage = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
      .stage = VK_SHADER_STAGE_COMPUTE_BIT,
      .pName = "main",
      .pSpecializationInfo = &special,
    },
    .layout = pipelines->layouts[n_bindings],
  };
  VkPipeline pipeline = VK_NULL_HANDLE;
  gboolean ok;

  for (guint i = 0; i < n_constants; i++)
    entries[i] = (VkSpecializationMapEntry) {
      .constantID = i,
      .offset = i * sizeof *constants,
      .size = sizeof *constants,
    };
  if (!TESS_VK (error, vkCreateShaderModule, device, &module, NULL,
                &create.stage.module))
    return VK_NULL_HANDLE;
  ok = TESS_VK (error, vkCreateComputePipelines, device, pipelines->cache, 1,
                &create, NULL, &pipeline);
  vkDestroyShaderModule (device, create.stage.module, NULL);
  return ok ? pipeline : VK_NULL_HANDLE;
}

VkPipeline
tess_gpu_pipeline_get (TessGpuPipelines *pipelines,
                       const TessGpuShader *shader,
                       guint n_bindings,
                       const guint32 *constants,
                       guint n_constants,
                       GError **error)
{
  g_autoptr (GString) key = g_string_new (shader->name);
  VkPipeline *found, pipeline;

  for (guint i = 0; i < n_constants; i++)
    g_string_append_printf (key, " %u", constants[i]);
  found = g_hash_table_lookup (pipelines->pipelines, key->str);
  if (found != NULL)
    return *found;
  pipeline = make_pipeline (pipelines, shader, n_bindings, constants,
                            n_constants, error);
  if (pipeline == VK_NULL_HANDLE)
    return VK_NULL_HANDLE;
  found = g_new (VkPipeline, 1);
  *found = pipeline;
  g_hash_table_insert (pipelines->pipelines, g_strdup (key->str), found);
  return pipeline;
}

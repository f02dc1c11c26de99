/* SPDX-License-Identifier: GPL-3.0-or-later
 * tools/shader-stats.c: what a driver that can tell makes of every shader;
 * run by tools/shader-stats on a device that only compiles.
 *
 *   shader-stats                                      every variant of every op
 *   shader-stats FILE.spv BINDINGS PUSH CONSTANT...   one shader of anybody's
 *
 * Registers, spills, shared memory and waves are the driver's own figures.
 * Counted here, from its disassembly: the inner loop is the loop with the most
 * multiply-adds for its length; "share" is that of multiply-adds among its
 * vector instructions; "cycles" are the driver's inverse throughput over the
 * multiply-adds of one wave, in cycles for a thousand, both weighed as the
 * driver does: eight rounds for each loop, a share of that under an if. Left
 * out where loops lie in loops, which it weighs otherwise. */
#include "gpu/kernel.h"
#include "core/backend.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static VkInstance instance;
static VkPhysicalDevice physical;
static VkDevice device;
static TessGpuCaps caps;
static GHashTable *seen;
static gint n_spilled;

static G_NORETURN void
die (const gchar *message)
{
  fprintf (stderr, "shader-stats: %s\n", message);
  exit (EXIT_FAILURE);
}

static void
check (VkResult result, const gchar *what)
{
  g_autofree gchar *message = NULL;

  if (result == VK_SUCCESS)
    return;
  message = g_strdup_printf ("%s: error %d", what, result);
  die (message);
}

static gboolean
has_extension (const gchar *name)
{
  VkExtensionProperties list[512];
  guint32 n = G_N_ELEMENTS (list);

  vkEnumerateDeviceExtensionProperties (physical, NULL, &n, list);
  for (guint32 i = 0; i < n; i++)
    if (g_str_equal (list[i].extensionName, name))
      return TRUE;
  return FALSE;
}

static void
open_device (void)
{
  VkApplicationInfo app = { .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                            .apiVersion = VK_API_VERSION_1_3 };
  VkInstanceCreateInfo instance_info
      = { .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
          .pApplicationInfo = &app };
  VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR telling = {
    .sType
    = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR,
  };
  VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrices = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR,
    .pNext = &telling,
  };
  VkPhysicalDeviceVulkan13Features v13
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES };
  VkPhysicalDeviceVulkan12Features v12
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
          .pNext = &v13 };
  VkPhysicalDeviceVulkan11Features v11
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
          .pNext = &v12 };
  VkPhysicalDeviceFeatures2 features
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
          .pNext = &v11 };
  const gchar *extensions[2] = { "VK_KHR_pipeline_executable_properties",
                                 "VK_KHR_cooperative_matrix" };
  gfloat priority = 1.0f;
  VkDeviceQueueCreateInfo queue
      = { .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
          .queueCount = 1,
          .pQueuePriorities = &priority };
  VkDeviceCreateInfo info = { .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                              .pNext = &features,
                              .queueCreateInfoCount = 1,
                              .pQueueCreateInfos = &queue,
                              .enabledExtensionCount = 1,
                              .ppEnabledExtensionNames = extensions };
  VkPhysicalDeviceVulkan11Properties properties11
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES };
  VkPhysicalDeviceProperties2 properties
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
          .pNext = &properties11 };
  guint32 n = 1;

  check (volkInitialize (), "Vulkan's loader");
  check (vkCreateInstance (&instance_info, NULL, &instance), "an instance");
  volkLoadInstance (instance);
  vkEnumeratePhysicalDevices (instance, &n, &physical);
  if (n == 0)
    die ("there is no Vulkan device");
  if (!has_extension (extensions[0]))
    die ("the driver does not tell what it makes of shaders");
  v13.pNext = has_extension (extensions[1]) ? (void *) &matrices : &telling;
  vkGetPhysicalDeviceFeatures2 (physical, &features);
  vkGetPhysicalDeviceProperties2 (physical, &properties);
  caps = (TessGpuCaps) {
    .f16_storage = TRUE,
    .f16_math = TRUE,
    .subgroups = TRUE,
    .subgroup_size = properties11.subgroupSize,
    .n_shared = properties.properties.limits.maxComputeSharedMemorySize,
    .n_threads = properties.properties.limits.maxComputeWorkGroupInvocations,
    .n_bytes_binding = G_MAXUINT32,
    .n_bytes_block = G_MAXUINT32,
    .align = 256,
  };
  if (v13.pNext == &matrices && matrices.cooperativeMatrix)
    {
      info.enabledExtensionCount = 2;
      caps.matrices[caps.n_matrices++] = (TessGpuMatrix) { 16, 16, 16 };
    }
  check (vkCreateDevice (physical, &info, NULL, &device), "the device");
  volkLoadDevice (device);
  printf ("## %s\n\n", properties.properties.deviceName);
}

/* Reading the disassembly */

typedef struct
{
  gchar *text;
  gint macs;   /* multiply-adds of one lane; of a wave for matrices */
  gint depth;  /* of loops round it */
  gint target; /* of a branch: the block's number, -1: none */
} Line;

static const struct
{
  const gchar *name;
  gint macs;
} mac_names[] = {
  { "v_wmma", -4096 },      { "v_pk_fma", 2 },    { "v_dot2", 2 },
  { "v_dual_fmac_f32", 1 }, { "v_fma_mix", 1 },   { "v_fmac_f32", 1 },
  { "v_fma_f32", 1 },       { "v_fmaak_f32", 1 }, { "v_fmamk_f32", 1 },
  { "v_fma_f16", 1 },       { "v_fmac_f16", 1 },
};

static gint
macs_of (const gchar *text)
{
  gint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (mac_names); i++)
    for (const gchar *at = strstr (text, mac_names[i].name); at != NULL;
         at = strstr (at + 1, mac_names[i].name))
      n += mac_names[i].macs;
  return n;
}

typedef struct
{
  gdouble share, n_macs; /* of one wave, weighted */
  gint n_loop, n_vector, n_loop_macs;
  gint depth; /* of the deepest multiply-add */
} Loop;

static Loop
read_assembly (const gchar *assembly, gint lanes)
{
  g_auto (GStrv) rows = g_strsplit (assembly, "\n", -1);
  g_autoptr (GArray) lines = g_array_new (FALSE, TRUE, sizeof (Line));
  g_autoptr (GHashTable) blocks = g_hash_table_new (NULL, NULL);
  Loop loop = { 0 };
  gdouble best = 0.0;

  for (gchar **row = rows; *row != NULL; row++)
    {
      gchar *text = g_strstrip (*row);
      Line line = { .text = text, .target = -1 };
      gchar *block;

      if (text[0] == 'B' && text[1] == 'B')
        g_hash_table_insert (blocks, GINT_TO_POINTER (atoi (text + 2) + 1),
                             GINT_TO_POINTER (lines->len + 1));
      if (!g_str_has_prefix (text, "v_") && !g_str_has_prefix (text, "s_")
          && !g_str_has_prefix (text, "ds_")
          && !g_str_has_prefix (text, "buffer_")
          && !g_str_has_prefix (text, "global_")
          && !g_str_has_prefix (text, "scratch_"))
        continue;
      line.macs = macs_of (text);
      block = strstr (text, " BB");
      if (g_str_has_prefix (text, "s_") && strstr (text, "branch") != NULL
          && block != NULL)
        line.target = atoi (block + 3);
      g_array_append_val (lines, line);
    }
  for (guint i = 0; i < lines->len; i++)
    {
      Line *branch = &g_array_index (lines, Line, i);
      guint to = GPOINTER_TO_UINT (
          g_hash_table_lookup (blocks, GINT_TO_POINTER (branch->target + 1)));
      gint n_macs = 0, n_vector = 0;

      if (branch->target < 0 || to == 0 || to - 1 > i)
        continue;
      for (guint j = to - 1; j <= i; j++)
        {
          Line *line = &g_array_index (lines, Line, j);

          line->depth++;
          n_vector += line->text[0] == 'v';
          n_macs += line->macs != 0;
        }
      if (n_macs > 8 && n_macs / (gdouble) (i + 2 - to) > best)
        {
          best = n_macs / (gdouble) (i + 2 - to);
          loop.n_loop = i + 2 - to;
          loop.n_vector = n_vector;
          loop.n_loop_macs = n_macs;
          loop.share = n_macs / (gdouble) n_vector;
        }
    }
  for (guint i = 0; i < lines->len; i++)
    {
      const Line *line = &g_array_index (lines, Line, i);

      if (line->macs != 0)
        loop.depth = MAX (loop.depth, line->depth);
      loop.n_macs += pow (8.0, line->depth)
                     * (line->macs < 0 ? -line->macs : line->macs * lanes);
    }
  return loop;
}

/* Reading the compiler's own text: how often it believes that multiply-adds
 * are reached, to be reached in each round being 1. Half of the time under an
 * if that all lanes take alike, three quarters under one that each lane takes
 * for itself (Mesa, src/amd/compiler/aco_statistics.cpp). Each value is named
 * there with what it is, as in "div 1 %926 = ult ...". */
static gdouble
read_weight (const gchar *nir)
{
  g_auto (GStrv) rows = g_strsplit (nir, "\n", -1);
  g_autoptr (GHashTable) of_each_lane
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GArray) round = g_array_new (FALSE, FALSE, sizeof (gdouble));
  gdouble weight = 1.0, sum = 0.0;
  gint n = 0;

  for (gchar **row = rows; *row != NULL; row++)
    {
      const gchar *text = g_strstrip (*row);
      gchar name[16];

      if (sscanf (text, "div %*s %15s =", name) == 1)
        g_hash_table_add (of_each_lane, g_strdup (name));
      if (text[0] == '}' && !g_str_has_suffix (text, "{") && round->len > 0)
        {
          weight = g_array_index (round, gdouble, round->len - 1);
          g_array_set_size (round, round->len - 1);
        }
      else if (text[0] != '}' && g_str_has_suffix (text, "{"))
        {
          g_array_append_val (round, weight);
          if (sscanf (text, "if %15s {", name) == 1)
            weight *= g_hash_table_contains (of_each_lane, name) ? 0.75 : 0.5;
        }
      else if (strstr (text, "= ffma") != NULL
               || strstr (text, "= @cmat_muladd") != NULL)
        {
          sum += weight;
          n++;
        }
    }
  return n > 0 ? sum / n : 1.0;
}

/* Compiling */

static gdouble
statistic (const VkPipelineExecutableStatisticKHR *list,
           guint32 n,
           const gchar *name)
{
  for (guint32 i = 0; i < n; i++)
    if (g_str_equal (list[i].name, name))
      return list[i].format
                     == VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_FLOAT64_KHR
                 ? list[i].value.f64
                 : (gdouble) list[i].value.u64;
  return NAN;
}

static void
tell (VkPipeline pipeline, const gchar *what, const gchar *how)
{
  VkPipelineInfoKHR info
      = { .sType = VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, .pipeline = pipeline };
  VkPipelineExecutableInfoKHR executable
      = { .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR,
          .pipeline = pipeline };
  VkPipelineExecutablePropertiesKHR properties
      = { .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR };
  VkPipelineExecutableStatisticKHR list[64];
  VkPipelineExecutableInternalRepresentationKHR texts[8];
  guint32 one = 1, n = G_N_ELEMENTS (list), n_texts = G_N_ELEMENTS (texts);
  Loop loop = { 0 };
  gdouble spills, cycles, weight = 1.0;

  for (guint i = 0; i < G_N_ELEMENTS (list); i++)
    list[i] = (VkPipelineExecutableStatisticKHR) {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR,
    };
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    texts[i] = (VkPipelineExecutableInternalRepresentationKHR) {
      .sType
      = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR,
    };
  vkGetPipelineExecutablePropertiesKHR (device, &info, &one, &properties);
  vkGetPipelineExecutableStatisticsKHR (device, &executable, &n, list);
  vkGetPipelineExecutableInternalRepresentationsKHR (device, &executable,
                                                     &n_texts, texts);
  for (guint32 i = 0; i < n_texts; i++)
    texts[i].pData = g_malloc0 (texts[i].dataSize + 1);
  vkGetPipelineExecutableInternalRepresentationsKHR (device, &executable,
                                                     &n_texts, texts);
  for (guint32 i = 0; i < n_texts; i++)
    {
      if (g_str_equal (texts[i].name, "Assembly"))
        loop = read_assembly (texts[i].pData, properties.subgroupSize);
      else if (g_str_has_prefix (texts[i].name, "NIR"))
        weight = read_weight (texts[i].pData);
      g_free (texts[i].pData);
    }
  spills = statistic (list, n, "Spilled VGPRs")
           + statistic (list, n, "Spilled SGPRs");
  n_spilled += spills != 0.0;
  cycles = statistic (list, n, "Inverse Throughput") / (loop.n_macs * weight)
           * 1000.0;
  printf ("| %s | %s | %u | %.0f | %.0f | %.0f | %.0f | %.0f |", what, how,
          properties.subgroupSize, statistic (list, n, "VGPRs"), spills,
          statistic (list, n, "LDS size"),
          statistic (list, n, "Subgroups per SIMD"),
          statistic (list, n, "Instructions"));
  if (loop.n_loop_macs == 0)
    printf (" | |\n");
  else if (loop.depth > 1) /* the two weights of loops in loops differ */
    printf (" %d of %d, %.0f %% | |\n", loop.n_loop_macs, loop.n_vector,
            100.0 * loop.share);
  else
    printf (" %d of %d, %.0f %% | %.1f |\n", loop.n_loop_macs, loop.n_vector,
            100.0 * loop.share, cycles);
  fflush (stdout);
}

static void
compile (const guint32 *words,
         gsize n_bytes,
         guint n_bindings,
         guint32 n_push,
         const guint32 *constants,
         guint n_constants,
         const gchar *what,
         const gchar *how)
{
  VkShaderModuleCreateInfo module_info
      = { .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
          .codeSize = n_bytes,
          .pCode = words };
  VkDescriptorSetLayoutBinding bindings[16] = { 0 };
  VkDescriptorSetLayoutCreateInfo set_info
      = { .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
          .bindingCount = n_bindings,
          .pBindings = bindings };
  VkDescriptorSetLayout set;
  VkPushConstantRange push
      = { .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = n_push };
  VkPipelineLayoutCreateInfo layout_info
      = { .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
          .setLayoutCount = 1,
          .pSetLayouts = &set,
          .pushConstantRangeCount = n_push > 0,
          .pPushConstantRanges = &push };
  VkSpecializationMapEntry entries[32];
  VkSpecializationInfo special = { .mapEntryCount = n_constants,
                                   .pMapEntries = entries,
                                   .dataSize = n_constants * 4,
                                   .pData = constants };
  VkComputePipelineCreateInfo info
      = { .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
          .flags
          = VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR
            | VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR };
  VkPipeline pipeline;

  for (guint i = 0; i < n_bindings; i++)
    bindings[i] = (VkDescriptorSetLayoutBinding) {
      .binding = i,
      .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
      .descriptorCount = 1,
      .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
    };
  for (guint i = 0; i < n_constants; i++)
    entries[i] = (VkSpecializationMapEntry) { i, i * 4, 4 };
  info.stage = (VkPipelineShaderStageCreateInfo) {
    .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
    .stage = VK_SHADER_STAGE_COMPUTE_BIT,
    .pName = "main",
    .pSpecializationInfo = &special,
  };
  check (vkCreateShaderModule (device, &module_info, NULL, &info.stage.module),
         what);
  check (vkCreateDescriptorSetLayout (device, &set_info, NULL, &set), what);
  check (vkCreatePipelineLayout (device, &layout_info, NULL, &info.layout),
         what);
  check (vkCreateComputePipelines (device, VK_NULL_HANDLE, 1, &info, NULL,
                                   &pipeline),
         what);
  tell (pipeline, what, how);
  vkDestroyPipeline (device, pipeline, NULL);
  vkDestroyPipelineLayout (device, info.layout, NULL);
  vkDestroyDescriptorSetLayout (device, set, NULL);
  vkDestroyShaderModule (device, info.stage.module, NULL);
}

/* Our own shaders: each op recorded, each of its variants asked */

static void
compile_dispatch (const TessGpuDispatch *dispatch, const gchar *how)
{
  g_autoptr (GString) key = g_string_new (dispatch->shader->name);

  for (guint i = 0; i < dispatch->n_constants; i++)
    g_string_append_printf (key, " %u", dispatch->constants[i]);
  if (!g_hash_table_add (seen, g_strdup (key->str)))
    return;
  compile (dispatch->shader->words, dispatch->shader->n_bytes,
           dispatch->n_bindings, TESS_GPU_PUSH, dispatch->constants,
           dispatch->n_constants, dispatch->shader->name, how);
}

static void
tell_op (const TessOp *op, const gchar *how, TessType storage)
{
  for (const TessGpuVariant *variant = tess_gpu_op_of (op->klass)->variants;
       variant->name != NULL; variant++)
    {
      g_autofree gchar *text
          = g_strdup_printf ("%s%s%s", variant->name, how[0] ? ", " : "", how);
      TessGpuKernel *kernel;

      if (variant->refuses != NULL
          && variant->refuses (variant, &caps, op, storage) != NULL)
        continue;
      kernel = tess_gpu_kernel_new (op, variant, &caps, storage);
      for (guint i = 0; i < kernel->dispatches->len; i++)
        compile_dispatch (
            &g_array_index (kernel->dispatches, TessGpuDispatch, i), text);
      tess_gpu_kernel_free (kernel);
    }
}

static TessWeight *
weight_new (gint n_dims, gint64 a, gint64 b, gint64 k)
{
  TessTensor *tensor
      = tess_tensor_new (TESS_F32, n_dims, (gint64[]) { a, b, k, k }, NULL);
  TessWeight *weight = tess_weight_new ("weight", tensor);

  tess_tensor_unref (tensor);
  return weight;
}

static TessValue *
table (TessProgram *program, TessType type, gint n, gint length)
{
  return tess_value_new_typed (program, type, &(TessShape) { 1, 1, n, length });
}

/* What instances add to a network, and the loop's own ops. */
static void
record_rest (TessProgram *program, TessValue *map, const TessWeight *window)
{
  TessValue *factor = table (program, TESS_F32, 1, 1);
  TessShape shape = { 2, 64, 64, 4 };
  TessValue *tiles = tess_value_new (program, &shape);
  TessValue *canvas;

  tess_scale (program,
              &(TessScale) { .src = map, .factor = factor, .residual = map });
  tess_scale_low (program, map, factor);
  tess_depthwise (program, &(TessDepthwise) { .src = map, .weight = window });
  canvas = tess_fuse (
      program, &(TessFuse) { .tiles = tiles,
                             .places = table (program, TESS_I32, 2, 4),
                             .weights_x = table (program, TESS_F32, 2, 64),
                             .weights_y = table (program, TESS_F32, 2, 64),
                             .height = 64,
                             .width = 96 });
  tess_gather (program,
               &(TessGather) { .canvas = canvas,
                               .places = table (program, TESS_I32, 2, 2),
                               .factor = factor,
                               .h = 64,
                               .w = 64 });
  tess_mix (program, &(TessMix) { .src = { canvas, canvas, canvas },
                                  .n_src = 3,
                                  .weights = table (program, TESS_F32, 1, 8) });
  tess_rescale (program,
                &(TessRescale) { .src = canvas,
                                 .stats = table (program, TESS_F32, 1, 2),
                                 .like = table (program, TESS_F32, 1, 2) });
}

static void
record_grounded (TessProgram *program, TessValue *value)
{
  TessShape shape = { 1, 1, 184, value->shape.c };
  TessValue *ground = tess_value_new (program, &shape);
  TessValue *bias = table (program, TESS_F32, 1, 184);

  tess_grounded_attention (program, &(TessGroundedAttention) {
                                        .q = value,
                                        .k = value,
                                        .v = value,
                                        .ground_k = ground,
                                        .ground_v = ground,
                                        .bias = bias,
                                        .rows = table (program, TESS_I32, 1, 1),
                                        .n_heads = 8 });
}

static void
tell_all (TessType storage)
{
  g_autoptr (TessBackend) backend = tess_backend_plain_new ();
  g_autoptr (TessProgram) program = tess_program_new ("stats", storage);
  static const gint widths[] = { 40, 64, 80, 160, 512 };
  TessShape shape = { 1, 64, 64, 320 };
  g_autoptr (TessBuffer) buffer
      = tess_buffer_new (backend, TESS_F32, &shape, NULL);
  g_autoptr (TessWeight) square = weight_new (4, 320, 320, 3);
  g_autoptr (TessWeight) wide = weight_new (2, 2560, 320, 1);
  g_autoptr (TessWeight) vector = weight_new (1, 320, 1, 1);
  g_autoptr (TessWeight) window = weight_new (4, 320, 1, 7);
  /* What the buffer gives is brought to the program's storage. */
  TessValue *map
      = tess_activate (program, tess_input (program, buffer), TESS_ACT_SILU);

  tess_conv2d (program, &(TessConv2d) { .src = map,
                                        .weight = square,
                                        .bias = vector,
                                        .residual = map,
                                        .pad_begin = 1,
                                        .pad_end = 1 });
  tess_linear (program, &(TessLinear) { .src = map, .weight = wide });
  tess_linear (
      program,
      &(TessLinear) { .src = map, .weight = wide, .act = TESS_ACT_GEGLU });
  tess_group_norm (program, &(TessGroupNorm) { .src = map,
                                               .scale = vector,
                                               .shift = vector,
                                               .n_groups = 32,
                                               .act = TESS_ACT_SILU });
  tess_group_stats (program, &(TessGroupStats) { .src = map, .n_groups = 32 });
  tess_layer_norm (program, &(TessLayerNorm) {
                                .src = map, .scale = vector, .shift = vector });
  tess_concat (program, tess_add (program, map, map), map);
  tess_crop (program, map, 1, 1, 8, 8);
  tess_constant (program, wide);
  tess_store (program, map, buffer);
  record_rest (program, map, window);
  for (guint i = 0; i < program->ops->len; i++)
    tell_op (program->ops->pdata[i], "", storage);
  for (guint i = 0; i < G_N_ELEMENTS (widths); i++)
    {
      TessShape tokens = { 1, 1, 256, 8 * widths[i] };
      TessValue *value = tess_value_new (program, &tokens);
      g_autofree gchar *how = g_strdup_printf ("heads of %d", widths[i]);

      tess_attention (program,
                      &(TessAttention) {
                          .q = value, .k = value, .v = value, .n_heads = 8 });
      if (program->error == NULL)
        tell_op (program->ops->pdata[program->ops->len - 1], how, storage);
      record_grounded (program, value);
      if (program->error == NULL)
        tell_op (program->ops->pdata[program->ops->len - 1], how, storage);
    }
  if (program->error != NULL)
    die (program->error->message);
}

int
main (int argc, char **argv)
{
  open_device ();
  printf ("| shader | variant | wave | registers | spills | shared bytes | "
          "waves a SIMD | instructions | share in the inner loop | cycles "
          "|\n"
          "|---|---|---|---|---|---|---|---|---|---|\n");
  seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (argc > 3)
    {
      g_autofree gchar *words = NULL;
      g_autofree gchar *name = g_path_get_basename (argv[1]);
      guint32 constants[32] = { 0 };
      gsize n_bytes;

      if (!g_file_get_contents (argv[1], &words, &n_bytes, NULL))
        die ("the file cannot be read");
      for (gint i = 4; i < argc && i < 36; i++)
        constants[i - 4] = (guint32) atoi (argv[i]);
      compile ((guint32 *) words, n_bytes, atoi (argv[2]), atoi (argv[3]),
               constants, MIN (argc - 4, 32), name, "");
    }
  else
    {
      tell_all (TESS_F16);
      tell_all (TESS_F32);
      printf ("\n%s: %d with spills\n\n", "shaders", n_spilled);
    }
  g_hash_table_unref (seen);
  return n_spilled == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/model.h: a Stable Diffusion checkpoint: configuration and weights by
 * name, from a diffusers folder or a single file in the original naming
 * (safetensors, .ckpt, .pth). Weights are memory-mapped where the file
 * allows it; nothing is converted on the user's disk. The file is not to be
 * trusted. */
#pragma once

#include "core/weight.h"

G_BEGIN_DECLS

#define TESS_MAX_LEVELS 8

typedef enum
{
  TESS_PREDICTION_EPS,
  TESS_PREDICTION_V,
  TESS_PREDICTION_X0,
} TessPrediction;

typedef enum
{
  TESS_SPACING_LEADING,
  TESS_SPACING_TRAILING,
  TESS_SPACING_LINSPACE,
} TessSpacing;

typedef enum
{
  TESS_BETAS_SCALED_LINEAR,
  TESS_BETAS_LINEAR,
  TESS_BETAS_COSINE, /* squaredcos_cap_v2 */
} TessBetas;

/* UNet2DConditionModel of diffusers. */
typedef struct
{
  gint in_channels;
  gint out_channels;
  gint n_levels;
  gint channels[TESS_MAX_LEVELS];           /* block_out_channels */
  gboolean attention_down[TESS_MAX_LEVELS]; /* CrossAttnDownBlock2D */
  gboolean attention_up[TESS_MAX_LEVELS];   /* CrossAttnUpBlock2D, in order */
  gint n_heads[TESS_MAX_LEVELS];            /* "attention_head_dim" of SD 1/2
                                               is the number of heads */
  gint depth[TESS_MAX_LEVELS];              /* transformer_layers_per_block */
  gint layers_per_block;
  gboolean mid_attention;
  gint context_width; /* cross_attention_dim */
  gint norm_groups;
  gfloat norm_eps;
  gboolean linear_projection;
  gboolean flip_sin_to_cos;
  gfloat freq_shift;
  gint sample_size; /* in latent cells: the window it was trained on */
} TessUnetConfig;

/* AutoencoderKL of diffusers. */
typedef struct
{
  gint image_channels;
  gint latent_channels;
  gint n_levels;
  gint channels[TESS_MAX_LEVELS];
  gint layers_per_block;
  gint norm_groups;
  gboolean mid_attention;
  gboolean quant_conv;
  gboolean post_quant_conv;
  gfloat scaling_factor;
  gfloat shift_factor; /* 0: none */
} TessVaeConfig;

typedef enum
{
  TESS_ACT_NONE,
  TESS_ACT_SILU,
  TESS_ACT_GELU, /* with erf */
  TESS_ACT_QUICK_GELU,
  TESS_ACT_GEGLU, /* first half * gelu (second half) */
  TESS_ACT_RELU,
  TESS_ACT_LEAKY_RELU, /* 0.2 of what is below 0 */
} TessActivation;

#define TESS_MAX_WORDS 64

/* CLIPTextModel of transformers. */
typedef struct
{
  gint width;
  gint n_layers;
  gint n_heads;
  gint mlp_width;
  gint n_tokens; /* of the vocabulary */
  gint n_positions;
  TessActivation act;
  gfloat norm_eps;
  gint bos_id, eos_id, pad_id;
  gint clip_skip; /* 0: last layer with final norm; 1: the one before, still
                     with the final norm (SD 2 single files, whose encoder has
                     one layer more than diffusers keeps) */
  /* What a model of scenes was told of crops out of the upper and the lower
   * part of one, with % where the prompt goes; empty: nothing. From the
   * folder's tessera.json. */
  gchar words_above[TESS_MAX_WORDS], words_below[TESS_MAX_WORDS];
} TessTextConfig;

typedef struct
{
  gint n_train_steps;
  gdouble beta_start, beta_end;
  TessBetas betas;
  TessPrediction prediction;
  gboolean prediction_guessed; /* nothing in the file or about it says it */
  TessSpacing spacing;
  gint steps_offset;
  gboolean set_alpha_to_one;
  gboolean zero_snr; /* rescale_betas_zero_snr */
} TessDiffusionConfig;

/* How an instance may say where it is. */
typedef enum
{
  TESS_FORMAT_BOX = 1 << 0,
  TESS_FORMAT_POINT = 1 << 1,
  TESS_FORMAT_SCRIBBLE = 1 << 2,
  TESS_FORMAT_MASK = 1 << 3, /* polygon and segmentation */
} TessFormat;

#define TESS_MAX_NAMES 256
#define TESS_MAX_SLOTS 30 /* as many as sets of regions have bits for */

/* What InstanceDiffusion adds to a UNet: a tokenizer, a fuser in each
 * transformer block, ScaleU on the way up. */
typedef struct
{
  gint n_slots;     /* instances of a tile at most, up to TESS_MAX_SLOTS; 0: the
                       model has none */
  gint text_width;  /* of a text's pooled state */
  gint token_width; /* of what fusers read */
  gint mlp_width;
  gint n_scribble; /* points of a scribble */
  gint n_polygon;  /* points of a mask */
  gint mask_side;  /* pixels of the masks' picture */
  gint n_stages;   /* of the trunk that looks at masks */
  gint trunk_channels[TESS_MAX_LEVELS];
  gint trunk_depths[TESS_MAX_LEVELS];
  TessFormat formats; /* those that it was trained on */
  gboolean masked; /* the finest fusers let a cell read only of what lies there:
                      tess_grounding_cells */
  gboolean prompts; /* they show a thing plainly only where its text is the
                       prompt as well */
  gchar names[TESS_MAX_NAMES]; /* all that it was shown, "tree, house"; empty:
                                  whatever the base model knows */
} TessInstanceConfig;

#define TESS_STRUCTURE_GROUPS 32 /* of norms, as published */

/* What StableSR adds to a UNet: an encoder that looks at a picture's latent
 * and at the time, and a modulation (SPADE) in every residual block. */
typedef struct
{
  gint width;    /* of the encoder's first level; 0: the model has none */
  gint n_levels; /* as many as the UNet's */
  gint channels[TESS_MAX_LEVELS];
  gboolean attention[TESS_MAX_LEVELS];
  gint n_heads;
  gint n_groups;     /* of its norms and of the modulations' */
  gboolean aside;    /* any-size takes it only when it is told to */
  gint map_channels; /* of what it tells the UNet at each level */
  gint hidden;       /* of a modulation */
  gint window;       /* in latent cells: what it was trained on; 0: nothing
                        says */
} TessStructureConfig;

/* What StableSR adds to a VAE's decoder (controllable feature wrapping). */
typedef struct
{
  gint n_layers;                  /* levels that are fused, from the second
                                     on; 0: the model has none */
  gint channels[TESS_MAX_LEVELS]; /* of layer i + 1 */
  gint n_blocks;                  /* dense ones in each */
  gint growth;
} TessFusionConfig;

typedef enum
{
  TESS_PART_UNET,
  TESS_PART_VAE,
  TESS_PART_TEXT,
  TESS_PART_INSTANCE, /* this and the following may be absent */
  TESS_PART_STRUCTURE,
  TESS_PART_FUSION,
  TESS_N_PARTS
} TessPart;

typedef struct _TessModel TessModel;

/**
 * tess_model_open:
 * Opens a diffusers folder or a single file. Names are diffusers' afterwards,
 * whatever the file uses; every weight that the configuration asks for is
 * there with a shape that fits it, so that networks need not check again.
 *
 * Errors: TESS_ERROR_MODEL, naming file, tensor, what was expected and what
 * was found; G_FILE_ERROR.  Memory: transfer full.
 * Threads: read-only after opening, may be shared.
 */
TessModel *tess_model_open (const gchar *path, GError **error);
TessModel *tess_model_ref (TessModel *model);
void tess_model_unref (TessModel *model); /* may be NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessModel, tess_model_unref)

/**
 * tess_model_add_lora:
 * Adds a LoRA (kohya's or diffusers' naming; safetensors) with a strength.
 * Only before the first network is made from the model.
 * Errors: TESS_ERROR_MODEL when no key of it fits, or a shape does not.
 */
gboolean tess_model_add_lora (TessModel *model,
                              const gchar *path,
                              gdouble strength,
                              GError **error);

/**
 * tess_model_add_instances:
 * Adds InstanceDiffusion's weights, a file (.pth as published, or safetensors,
 * in the original or diffusers' naming; whatever else it holds is let be), a
 * folder with diffusion_pytorch_model.safetensors, or position_net.ckpt,
 * fusers.ckpt and scaleu.ckpt (the folder, or one of them). A model's own
 * folder "instance", and a single file that has them, are added when it is
 * opened. Only before the first network is made from the model. Errors:
 * TESS_ERROR_MODEL when the weights are of another UNet.
 */
gboolean
tess_model_add_instances (TessModel *model, const gchar *path, GError **error);

/**
 * tess_model_add_upscaling:
 * Adds StableSR's weights: what a file (.ckpt as published, whole or the
 * StableSR module alone; safetensors) has of the structure encoder with its
 * modulations, and of the decoder's fusions. Whatever else it holds is let be.
 * A model's own folder "upscaling", and a single file that has them, are added
 * when it is opened. Only before the first network is made from the model.
 * Errors: TESS_ERROR_MODEL when the weights are of another UNet or VAE.
 */
gboolean
tess_model_add_upscaling (TessModel *model, const gchar *path, GError **error);

const gchar *tess_model_path (TessModel *model);
const gchar *tess_model_name (TessModel *model); /* for people */
const TessUnetConfig *tess_model_unet (TessModel *model);
const TessVaeConfig *tess_model_vae (TessModel *model);
const TessTextConfig *tess_model_text (TessModel *model);
const TessDiffusionConfig *tess_model_diffusion (TessModel *model);
/* NULL: no instances. */
const TessInstanceConfig *tess_model_instance (TessModel *model);
/* NULL: it cannot upscale. */
const TessStructureConfig *tess_model_structure (TessModel *model);
/* NULL: its decoder does not look at the picture. */
const TessFusionConfig *tess_model_fusion (TessModel *model);

/* What a single file does not say (eps or v of some SD 2 files): told by the
 * caller. Where it had to be guessed the window goes with it: SD 2's v models
 * were trained on 768 pixels, the others on 512. */
void tess_model_set_prediction (TessModel *model, TessPrediction prediction);

/* The merges.txt, tokenizer.json or bpe_simple_vocab_16e6.txt[.gz] that
 * belongs to the model (a vocab.json may lie beside it), else, for models with
 * CLIP's vocabulary, one found near the model or in the models folders; NULL
 * with an error that names the file and where to put it. (transfer full) */
gchar *tess_model_find_merges (TessModel *model, GError **error);

/**
 * tess_model_weight:
 * The weight of that name (diffusers'), borrowed from the model; NULL with
 * TESS_ERROR_MODEL when it is missing. tess_model_has_weight does not complain.
 */
const TessWeight *tess_model_weight (TessModel *model,
                                     TessPart part,
                                     const gchar *name,
                                     GError **error);
gboolean
tess_model_has_weight (TessModel *model, TessPart part, const gchar *name);
gsize tess_model_n_params (TessModel *model, TessPart part);

/* What a file, or a diffusers folder, holds. */
enum
{
  TESS_HOLDS_MODEL = 1 << 0,     /* a UNet */
  TESS_HOLDS_STRUCTURE = 1 << 1, /* StableSR's encoder and modulations */
  TESS_HOLDS_FUSION = 1 << 2,    /* the fusions of its decoder */
};

/* By the names alone: no weight is read, and nothing says that they fit one
 * another. 0: nothing of these, or the file cannot be read. */
guint tess_model_holds (const gchar *path);

/* A model or a LoRA on disk. */
typedef struct
{
  gchar *path;
  gchar *name; /* for people: the file's without its ending */
} TessModelEntry;

/**
 * tess_models_find:
 * Models in the folders of TESSERA_MODELS (a list, parted as in PATH), the
 * given extra folders (may be NULL), the user's data folder
 * ("tessera/models"), and the installed data folder. A folder may be a
 * diffusers model, a folder of models, or an installation of ComfyUI or A1111.
 * Nothing is opened, only looked at. In that order, by name within a folder.
 * Returns: (element-type TessModelEntry) (transfer full).
 */
GPtrArray *tess_models_find (const gchar *const *extra_folders);

/* The same for LoRA files: in "loras" and "Lora" beside or below the models. */
GPtrArray *tess_loras_find (const gchar *const *extra_folders);

G_END_DECLS

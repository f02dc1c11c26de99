/* SPDX-License-Identifier: GPL-3.0-or-later
 * core/request-fields.c: the table of settings: names, limits, choices. */
#include "core/request.h"

static const TessChoice samplers[] = {
  { "ddim", TESS_SAMPLER_DDIM },
  { "euler", TESS_SAMPLER_EULER },
  { "euler-a", TESS_SAMPLER_EULER_ANCESTRAL },
  { "dpmpp-2m", TESS_SAMPLER_DPMPP_2M },
  { "dpmpp-2m-karras", TESS_SAMPLER_DPMPP_2M_KARRAS },
  { "unipc", TESS_SAMPLER_UNIPC },
  { "ddpm", TESS_SAMPLER_DDPM },
  { "plms", TESS_SAMPLER_PLMS },
  { NULL },
};

static const TessChoice spacings[] = {
  { "model", 0 },
  { "leading", 1 + TESS_SPACING_LEADING },
  { "trailing", 1 + TESS_SPACING_TRAILING },
  { "linspace", 1 + TESS_SPACING_LINSPACE },
  { NULL },
};

static const TessChoice yes_no[]
    = { { "model", 0 }, { "yes", 1 }, { "no", -1 }, { NULL } };

static const TessChoice predictions[] = {
  { "model", 0 },
  { "eps", 1 + TESS_PREDICTION_EPS },
  { "v", 1 + TESS_PREDICTION_V },
  { "x0", 1 + TESS_PREDICTION_X0 },
  { NULL },
};

static const TessChoice methods[] = {
  { "multidiffusion", TESS_TILING_MULTIDIFFUSION },
  { "ring", TESS_TILING_RING },
  { "ring-1", TESS_TILING_RING_1 },
  { "stitch", TESS_TILING_STITCH },
  { "shifted", TESS_TILING_SHIFTED },
  { "spot", TESS_TILING_SPOT },
  { "fstd", TESS_TILING_FSTD },
  { "any-size", TESS_TILING_ANY_SIZE },
  { "upscale", TESS_TILING_UPSCALE },
  { "demofusion", TESS_TILING_DEMOFUSION },
  { NULL },
};

static const TessChoice colour_fixes[] = {
  { "wavelet", TESS_COLOUR_WAVELET },
  { "adain", TESS_COLOUR_ADAIN },
  { "keep", TESS_COLOUR_KEEP },
  { NULL },
};

static const TessChoice refines[] = {
  { "auto", TESS_REFINE_AUTO },
  { "shifted", TESS_REFINE_SHIFTED },
  { "multidiffusion", TESS_REFINE_MULTIDIFFUSION },
  { "spot", TESS_REFINE_SPOT },
  { "fstd", TESS_REFINE_FSTD },
  { "demofusion", TESS_REFINE_DEMOFUSION },
  { NULL },
};

static const TessChoice seconds[] = {
  { "auto", TESS_SECOND_AUTO },
  { "repaint", TESS_SECOND_REPAINT },
  { "upscale", TESS_SECOND_UPSCALE },
  { NULL },
};

static const TessChoice wraps[] = {
  { "auto", TESS_WRAP_AUTO },
  { "none", TESS_WRAP_NONE },
  { "horizontal", TESS_WRAP_HORIZONTAL },
  { "vertical", TESS_WRAP_VERTICAL },
  { "both", TESS_WRAP_BOTH },
  { NULL },
};

static const TessChoice grids[] = {
  { "even", TESS_GRID_EVEN },
  { "anchored", TESS_GRID_ANCHORED },
  { NULL },
};

static const TessChoice weights[] = {
  { "auto", 0 },
  { "gaussian", 1 + TESS_WEIGHT_GAUSSIAN },
  { "uniform", 1 + TESS_WEIGHT_UNIFORM },
  { "quartic", 1 + TESS_WEIGHT_QUARTIC },
  { NULL },
};

static const TessChoice vae_modes[] = {
  { "auto", TESS_VAE_AUTO },
  { "exact", TESS_VAE_EXACT },
  { "estimate", TESS_VAE_ESTIMATE },
  { NULL },
};

static const TessChoice devices[] = {
  { "auto", TESS_DEVICE_AUTO },
  { "gpu", TESS_DEVICE_GPU },
  { "cpu", TESS_DEVICE_CPU },
  { "plain", TESS_DEVICE_PLAIN },
  { NULL },
};

static const TessChoice storages[] = {
  { "auto", 0 },
  { "float32", 1 + TESS_F32 },
  { "float16", 1 + TESS_F16 },
  { "bfloat16", 1 + TESS_BF16 },
  { NULL },
};

#define AT(member) G_STRUCT_OFFSET (TessRequest, member)
#define TEXT(name, member, help)                                               \
  { name, TESS_FIELD_TEXT, AT (member), 0, 0, NULL, help }
#define PATH(name, member, help)                                               \
  { name, TESS_FIELD_PATH, AT (member), 0, 0, NULL, help }
#define INT(name, member, min, max, help)                                      \
  { name, TESS_FIELD_INT, AT (member), min, max, NULL, help }
#define REAL(name, member, min, max, help)                                     \
  { name, TESS_FIELD_REAL, AT (member), min, max, NULL, help }
#define CHOICE(name, member, choices, help)                                    \
  { name, TESS_FIELD_CHOICE, AT (member), 0, 0, choices, help }

static const TessRequestField fields[] = {
  PATH ("model",
        model,
        "model folder or file, or the name of one that --models lists; "
        "default: Horizon, else the first found"),
  TEXT ("prompt", prompt, "what to paint"),
  TEXT ("negative", negative, "what to keep out"),
  INT ("width", width, 1, 131072, "in pixels"),
  INT ("height", height, 1, 131072, "in pixels"),
  INT ("steps",
       steps,
       1,
       1000,
       "of the sampler; more are slower and, up to about 30, better"),
  REAL ("guidance",
        guidance,
        1.0,
        100.0,
        "how closely to follow the prompt; 1: no guidance, twice as fast"),
  REAL ("guidance-rescale",
        guidance_rescale,
        0.0,
        1.0,
        "takes back the contrast that much guidance adds; 0: none"),
  CHOICE ("sampler", sampler, samplers, "the way from noise to picture"),
  REAL ("eta", eta, 0.0, 1.0, "ddim: fresh noise in each step; 0: none"),
  CHOICE ("spacing",
          spacing,
          spacings,
          "how steps are laid over the model's schedule"),
  CHOICE ("zero-snr",
          zero_snr,
          yes_no,
          "schedule that ends in pure noise; for models trained so"),
  CHOICE ("prediction",
          prediction,
          predictions,
          "what the model predicts; for single files that do not say"),
  INT ("clip-skip",
       clip_skip,
       0,
       12,
       "text layer, counted from the end; 0: the model's"),
  { "seed", TESS_FIELD_INT64, AT (seed), -1, (gdouble) G_MAXINT64, NULL,
    "the same number gives the same picture; -1: a new one" },
  CHOICE ("method",
          method,
          methods,
          "how tiles work together; ring, ring-1 (fast) and stitch (as "
          "published) close a panorama; any-size composes small and "
          "paints that large; shifted is its fast second part, spot and fstd "
          "are others' ways to it; upscale paints init larger with StableSR, "
          "demofusion with the model alone"),
  CHOICE ("wrap",
          wrap,
          wraps,
          "which edges meet; horizontal: panoramas, both: textures; auto: as "
          "the method does"),
  CHOICE ("grid", grid, grids, "how tiles lie along edges that do not meet"),
  CHOICE ("weight",
          weight,
          weights,
          "how tiles are averaged; auto: what suits the method"),
  INT ("tile",
       tile,
       0,
       1024,
       "side in latent cells (8 pixels each); 0: the model's window"),
  INT ("overlap",
       overlap,
       -1,
       1023,
       "of tiles, in latent cells; less is faster, more hides seams; "
       "-1: half the tile"),
  INT ("batch", batch, 0, 64, "tiles at once; 0: what memory allows"),
  REAL ("bootstrap",
        bootstrap,
        0.0,
        1.0,
        "part of the steps in which each region is painted alone, which "
        "keeps things inside their masks"),
  PATH ("instance-model",
        instance_model,
        "InstanceDiffusion's weights, for models without their own"),
  REAL ("instance-strength",
        instance_strength,
        0.0,
        1.0,
        "part of the steps in which instances are put in their places; less "
        "lets the prompt blend them in"),
  REAL ("instance-apart",
        instance_apart,
        0.0,
        1.0,
        "part of the steps in which each instance is painted by itself; more "
        "keeps them from mixing and takes longer; 0: none; not where "
        "instance-prompts keeps them apart"),
  CHOICE ("instance-prompts",
          instance_prompts,
          yes_no,
          "whether each instance's text is also the prompt of its place: "
          "things are plainer, each takes a call more in every step; model: "
          "where its weights need it"),
  PATH ("init", init_path, "PNG picture to start from, scaled to the canvas"),
  REAL ("strength",
        strength,
        0.0,
        1.0,
        "with init: how much is painted anew, above 0; 1: everything"),
  PATH ("upscale-model",
        upscale_model,
        "upscale: StableSR's weights, for models without their own"),
  PATH ("upscale-decoder",
        upscale_decoder,
        "upscale: the weights of StableSR's decoder (vqgan_cfw), for models "
        "without their own"),
  REAL ("fidelity",
        fidelity,
        0.0,
        1.0,
        "upscale: how much the decoder keeps to init; less invents more"),
  CHOICE ("colours",
          colours,
          colour_fixes,
          "upscale: how colours are brought back to those of init; wavelet: "
          "whatever is coarse; adain: mean and spread; keep: not at all"),
  CHOICE ("second",
          second,
          seconds,
          "any-size: how the large picture is made of the small one: repaint "
          "as far as detail says, or upscale with StableSR's weights; auto: "
          "the latter where the model has them"),
  CHOICE ("refine",
          refine,
          refines,
          "any-size and upscale: how tiles of the large picture lie; auto: "
          "shifted for any-size, overlapping by half for upscale; "
          "multidiffusion is slower and smoother, shifted fast, demofusion "
          "paints larger and larger, which takes longest and keeps things from "
          "appearing twice"),
  REAL ("detail",
        detail,
        0.0,
        1.0,
        "any-size, demofusion: how much of the enlarged picture is painted "
        "anew, above 0"),
  INT ("close",
       close,
       0,
       131072,
       "with init: paints only a band of so many pixels about the seam, so "
       "that left and right edge (or those that wrap says) meet; 0: all"),
  REAL ("poles",
        poles,
        0.0,
        1.0,
        "full panoramas, twice as wide as high: how much of zenith and nadir "
        "is painted anew, seen straight; 0: none"),
  CHOICE ("vae",
          vae_mode,
          vae_modes,
          "exact: as if decoded in one piece; estimate: less memory"),
  CHOICE ("device",
          device,
          devices,
          "what computes; gpu: the graphics card; plain is for checking"),
  TEXT ("card",
        card,
        "part of the graphics card's name, or its place in the list of "
        "--devices, from 0; "
        "default: the one that TESSERA_DEVICE names, else the best"),
  CHOICE ("storage",
          storage,
          storages,
          "of numbers on the device; auto: the faster"),
  INT ("threads", n_threads, 0, 4096, "0: all cores"),
  { "memory", TESS_FIELD_SIZE, AT (memory), 0, 0x1p62, NULL,
    "bytes that the job may take (6G, 800M); 0: what is free" },
};

const TessRequestField *
tess_request_fields (guint *n)
{
  *n = G_N_ELEMENTS (fields);
  return fields;
}

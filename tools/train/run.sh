#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# From the Debian package to models/horizon. Each stage goes on from its checkpoint in $HORIZON_WORK.
# Minutes of wall clock per stage: AE_MINUTES, LDM_MINUTES, DECODER_MINUTES (0: leave the stage out).
# LDM_OPTIONS goes to train_ldm.py, for instance "--coarse 0.3" for a first run.
set -e
cd "$(dirname "$0")"
: "${PYTHON:=python3}" "${HORIZON_WORK:=$(cd ../.. && pwd)/build-train}"
: "${AE_MINUTES:=30}" "${LDM_MINUTES:=240}" "${DECODER_MINUTES:=30}" "${LDM_OPTIONS:=}"
export HORIZON_WORK
mkdir -p "$HORIZON_WORK"
[ -f "$HORIZON_WORK/tokenizer/vocab.json" ] || $PYTHON vocabulary.py "$HORIZON_WORK/tokenizer"
# The latents fix the encoder: it is trained only while there are none.
[ -f "$HORIZON_WORK/latents.pt" ] || $PYTHON train_ae.py --minutes "$AE_MINUTES" --lr 6e-4
$PYTHON cache_latents.py
[ "$LDM_MINUTES" = 0 ] || $PYTHON train_ldm.py --minutes "$LDM_MINUTES" $LDM_OPTIONS
[ "$DECODER_MINUTES" = 0 ] || $PYTHON train_ae.py --decoder-only --minutes "$DECODER_MINUTES" --lr 5e-4
$PYTHON export.py
$PYTHON make_golden.py

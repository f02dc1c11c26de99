#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# From the Debian package to models/horizon and tests/data/horizon, every stage from its start. Files in $HORIZON_WORK.
# AE_OPTIONS, CACHE_OPTIONS and LDM_OPTIONS go to the long stages. To see the chain through on a small machine:
# AE_OPTIONS="--steps 4" CACHE_OPTIONS="--variants 1" LDM_OPTIONS="--steps 4 --batch 16".
set -e
cd "$(dirname "$0")"
: "${PYTHON:=python3}" "${HORIZON_WORK:=$(cd ../.. && pwd)/build-train}"
: "${AE_OPTIONS:=}" "${CACHE_OPTIONS:=}" "${LDM_OPTIONS:=}"
export HORIZON_WORK
mkdir -p "$HORIZON_WORK"
[ -f "$HORIZON_WORK/photographs/list.json" ] || $PYTHON data.py
$PYTHON vocabulary.py "$HORIZON_WORK/tokenizer"
$PYTHON train_ae.py $AE_OPTIONS
$PYTHON cache_latents.py $CACHE_OPTIONS
$PYTHON train_ldm.py $LDM_OPTIONS
$PYTHON export.py
$PYTHON even_cells.py
$PYTHON make_golden.py

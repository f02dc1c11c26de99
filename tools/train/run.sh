#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# From the Debian package to models/horizon and tests/data/horizon, every stage from its start. Files in $HORIZON_WORK.
# AE_OPTIONS and LDM_OPTIONS go to the two trainings, for instance LDM_OPTIONS="--batch 32" on a small machine.
set -e
cd "$(dirname "$0")"
: "${PYTHON:=python3}" "${HORIZON_WORK:=$(cd ../.. && pwd)/build-train}" "${AE_OPTIONS:=}" "${LDM_OPTIONS:=}"
export HORIZON_WORK
mkdir -p "$HORIZON_WORK"
[ -f "$HORIZON_WORK/photographs/list.json" ] || $PYTHON data.py
$PYTHON vocabulary.py "$HORIZON_WORK/tokenizer"
$PYTHON train_ae.py $AE_OPTIONS
$PYTHON cache_latents.py
$PYTHON train_ldm.py $LDM_OPTIONS
$PYTHON export.py
$PYTHON make_golden.py

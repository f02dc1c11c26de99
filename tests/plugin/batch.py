#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tests/plugin/batch.py SCRIPT: the checks of one script in one GIMP without a
display; TAP. The model is the smallest there is, sizes are tiny."""
import os
import re
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from gimp import Gimp, Tap, complaints  # noqa: E402


def truncate_model(models, folder):
    """A copy of a model whose network ends too early."""
    source = next(models.glob('*/model_index.json')).parent
    copy = folder / 'truncated'
    shutil.copytree(source, copy)
    weights = max((copy / 'unet').glob('*.safetensors'),
                  key=lambda path: path.stat().st_size)
    os.chmod(weights, 0o644)
    with open(weights, 'r+b') as file:
        file.truncate(weights.stat().st_size // 2)
    return copy, weights.name


def main():
    script = sys.argv[1]
    expected = len(re.findall(r'^\s*\((?:check|refuses) "',
                              (Path(__file__).parent / script).read_text(),
                              re.M))
    tap = Tap()
    with Gimp() as gimp:
        truncated, name = truncate_model(gimp.models, gimp.folder)
        empty = gimp.folder / 'empty'
        empty.mkdir()
        path = gimp.script(script, TRUNCATED=truncated, TRUNCATED_NAME=name,
                           EMPTY=empty)
        status, output = gimp.batch(path)
        done = re.findall(r'^TEST (ok|failed) (.*)$', output, re.M)
        for verdict, case in done:
            tap.check(verdict == 'ok', case, '' if verdict == 'ok' else output)
        tap.check(len(done) == expected, f'all {expected} checks of {script} ran',
                  output)
        tap.check(status == 0, 'GIMP ended well', output)
        tap.check(not complaints(output), 'the plug-in complained of nothing',
                  '\n'.join(complaints(output)))
    return tap.finish()


if __name__ == '__main__':
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tests/plugin/batch.py SCRIPT: the checks of one script in one GIMP without a
display; TAP. The model is the smallest there is, sizes are tiny."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import profiles  # noqa: E402
from gimp import Gimp, Tap, complaints, write_lora  # noqa: E402


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


def read_metadata(tap, folder):
    """What others read of the panoramas that the script exported."""
    if not shutil.which('exiftool'):
        print('# exiftool is not installed: metadata are not looked at')
        return
    done = subprocess.run(
        ['exiftool', '-json', '-G1', '-XMP-GPano:all',
         *sorted(map(str, folder.glob('*.png')))],
        text=True, stdout=subprocess.PIPE)
    told = {Path(one['SourceFile']).stem:
            [one.get('XMP-GPano:' + name) for name in
             ('ProjectionType', 'UsePanoramaViewer', 'FullPanoWidthPixels',
              'FullPanoHeightPixels', 'CroppedAreaImageWidthPixels',
              'CroppedAreaImageHeightPixels', 'CroppedAreaLeftPixels',
              'CroppedAreaTopPixels')]
            for one in json.loads(done.stdout or '[]')}
    for name, wanted in (
            ('sphere', ['equirectangular', True, 128, 64, 128, 64, 0, 0]),
            ('strip', ['equirectangular', True, 192, 96, 192, 64, 0, 16]),
            ('texture', [None] * 8)):
        tap.check(told.get(name) == wanted, f'metadata of the {name}',
                  told.get(name))


def cut_off(tap, gimp):
    """A job that is killed after its third step."""
    path = gimp.script('cut.scm')
    process = subprocess.Popen(
        [gimp.console, '-idf', '--batch-interpreter=plug-in-script-fu-eval',
         '-b', f'(load "{path}")', '--quit'],
        env=gimp.env, cwd=gimp.folder, text=True, errors='replace',
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    killed = False
    output = ''
    for line in process.stdout:
        output += line
        if not killed and 'tessera: step 4/8' in line:
            for pid in gimp.helpers():
                os.kill(pid, signal.SIGKILL)
                killed = True
    process.wait(60)
    tap.check(killed, 'the plug-in was killed at its fourth step', output)


def instances_of(recipes, name):
    """By their texts, in their order."""
    return {one['text']: one
            for one in recipes.get(name, {}).get('instances', [])}


def near(numbers, wanted, slack=0.01):
    return numbers is not None and len(numbers) == len(wanted) and all(
        abs(a - b) <= slack for a, b in zip(numbers, wanted))


def compare_places(tap, output):
    """What became of layers, masks and paths, by the recipes."""
    recipes = {name: json.loads(text)['request'] for name, text in
               re.findall(r'^RECIPE (\w+)\n(.*?)\nEND$', output, re.M | re.S)}
    kinds = instances_of(recipes, 'kinds')
    tap.check(list(kinds) == ['gull', 'road', 'box', 'mask', 'alpha'],
              'the visible layers, from the top', kinds)
    tap.check(near(kinds['alpha'].get('box'), (20, 16, 24, 20)),
              'alpha: the box round what is painted', kinds)
    tap.check(near(kinds['mask'].get('box'), (96, 40, 16, 12)),
              'a layer mask counts instead', kinds)
    tap.check(near(kinds['box'].get('box'), (100, -10, 60, 30)),
              'a full layer goes on past the edges', kinds)
    tap.check(kinds['box'].get('strength') == 0.5
              and 'strength' not in kinds['mask'],
              'opacity is how much it is heeded', kinds)
    stroke = kinds['road'].get('scribble', [])
    tap.check(near(stroke[:2], (10, 60)) and near(stroke[-2:], (90, 50)),
              'a path is a scribble', kinds)
    tap.check(near(kinds['gull'].get('point'), (70, 6))
              and 'box' not in kinds['gull'], 'an anchor is a point', kinds)
    formats = instances_of(recipes, 'formats')
    tap.check(near(formats['box'].get('box'), (30, 10, 40, 20))
              and near(formats['point'].get('point'), (50, 20))
              and near(formats['mask'].get('box'), (30, 10, 40, 20)),
              'box, point and mask of the same pixels', formats)
    stroke = formats['scribble'].get('scribble', [])
    tap.check(len(stroke) == 40
              and all(30 <= x < 70 for x in stroke[0::2])
              and all(10 <= y < 30 for y in stroke[1::2]),
              'a scribble drawn inside of them', formats)
    tap.check(near(instances_of(recipes, 'selection')['box'].get('box'),
                   (10, 10, 30, 20)), 'counted from the selection', recipes)
    tap.check(near(instances_of(recipes, 'soft')['soft'].get('box'),
                   (40, 16, 40, 32), 2), 'soft edges end at their half',
              instances_of(recipes, 'soft'))
    both = recipes.get('both', {})
    tap.check(list(instances_of(recipes, 'both')) == ['barn']
              and [one['prompt'] for one in both.get('regions', [])]
              == ['snow'], 'regions and instances are both asked for', both)


def speak_german(gimp):
    """The neutral locale by a German name: libc wants one of that name before
    it looks for translations, and few machines have it."""
    shutil.copytree('/usr/lib/locale/C.utf8',
                    gimp.folder / 'locales' / 'de_DE.utf8')
    gimp.env |= {'LOCPATH': str(gimp.folder / 'locales'),
                 'LC_ALL': 'de_DE.UTF-8', 'LANGUAGE': 'de'}


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
        if script == 'resume.scm':
            cut_off(tap, gimp)
        if script == 'german.scm':
            speak_german(gimp)
        files = {'LORA': gimp.folder / 'lora.safetensors'}
        write_lora(next(gimp.models.glob('*/model_index.json')).parent,
                   files['LORA'], 0.1)
        if script == 'upscale.scm':
            gimp.add_upscaler()
            files |= profiles.write(gimp.folder)
        if script == 'found-upscaler.scm':
            files['MODEL'] = gimp.add_upscaling_weights()
        if script == 'no-upscaler.scm':
            files['NAME'] = gimp.copy_model('upscaling').name
        if script == 'no-instances.scm':
            gimp.copy_model('instance')
        path = gimp.script(script, **files, TRUNCATED=truncated,
                           TRUNCATED_NAME=name, EMPTY=empty,
                           FOLDER=gimp.folder)
        status, output = gimp.batch(path)
        done = re.findall(r'^TEST (ok|failed) (.*)$', output, re.M)
        for verdict, case in done:
            tap.check(verdict == 'ok', case, '' if verdict == 'ok' else output)
        tap.check(len(done) == expected, f'all {expected} checks of {script} ran',
                  output)
        tap.check(status == 0, 'GIMP ended well', output)
        if script == 'upscale.scm':
            tap.check(profiles.of_png(gimp.folder / 'wide.png')
                      == files['WIDE'].read_bytes(),
                      'the profile is that of the image')
        if script == 'panorama.scm':
            read_metadata(tap, gimp.folder)
        if script == 'placed.scm':
            compare_places(tap, output)
        tap.check(not complaints(output), 'the plug-in complained of nothing',
                  '\n'.join(complaints(output)))
    return tap.finish()


if __name__ == '__main__':
    sys.exit(main())

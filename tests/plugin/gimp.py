# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plug-in tests share: a GIMP profile with the plug-in just built,
Script-Fu and nothing else, so that GIMP starts fast and knows nothing of its
user; running scripts in it; TAP.
"""
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAMES = ['gimp-console', 'gimp-console-3', 'gimp-console-3.2',
         'gimp-console-3.0']
# Beside the plug-in under test: the interpreter, and PNG for the demo.
PLUG_INS = ['script-fu', 'file-png']
LORA_RANK = 2
GIMPRC = """(plug-in-path "{stage}")
(config-version "{version}")
(show-welcome-dialog no)
(check-updates no)
(color-profile-policy keep)
(undo-levels 50)
"""


def skip(reason):
    print(f'1..0 # SKIP {reason}')
    sys.exit(77)


def find_program(names, what):
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    skip(f'{what} is not installed')


def find_models():
    """The bundled model's folder, else that of the reference's small ones."""
    for folder in os.environ['TESS_MODELS'].split(':'):
        if list(Path(folder).glob('*/model_index.json')):
            return Path(folder)
    skip('no model is there')


def write_lora(model, path, value=0.01):
    """A LoRA in kohya's names for one product of the model's denoiser, all of one
    value."""
    file = next((model / 'unet').glob('*.safetensors'))
    with file.open('rb') as stream:
        header = json.loads(stream.read(*struct.unpack('<Q', stream.read(8))))
    name = next(name for name in sorted(header)
                if name.endswith('attn1.to_q.weight'))
    rows, columns = header[name]['shape']
    stem = 'lora_unet_' + name.removesuffix('.weight').replace('.', '_')
    shapes = {stem + '.lora_down.weight': [LORA_RANK, columns],
              stem + '.lora_up.weight': [rows, LORA_RANK]}
    entries, end = {}, 0
    for key, shape in shapes.items():
        size = 4 * shape[0] * shape[1]
        entries[key] = {'dtype': 'F32', 'shape': shape,
                        'data_offsets': [end, end + size]}
        end += size
    text = json.dumps(entries).encode()
    path.write_bytes(struct.pack('<Q', len(text)) + text
                     + struct.pack('<f', value) * (end // 4))


class Gimp:
    """A profile below a temporary folder that goes with the object."""

    def __init__(self):
        self.models = find_models()
        self.console = find_program(NAMES, 'gimp-console')
        self.folder = Path(tempfile.mkdtemp(prefix='tessera-test-'))
        self.profile = self.folder / 'profile'
        self.stage = self.folder / 'plug-ins'
        plug_in = Path(os.environ['TESS_PLUG_IN'])
        target = self.stage / 'tessera'
        target.mkdir(parents=True)
        shutil.copy2(plug_in, target / 'tessera')
        locale = os.environ.get('TESS_LOCALE')
        if locale and Path(locale).exists():
            (target / 'locale').symlink_to(locale)
        for name in PLUG_INS:
            folder = Path(os.environ['TESS_GIMP_PLUG_INS']) / name
            if folder.exists():
                (self.stage / name).symlink_to(folder)
        self.profile.mkdir()
        (self.profile / 'gimprc').write_text(GIMPRC.format(
            stage=self.stage, version=self.version()))
        self.env = {**os.environ,
                    'GIMP3_DIRECTORY': str(self.profile),
                    'XDG_CONFIG_HOME': str(self.folder / 'config'),
                    'XDG_DATA_HOME': str(self.folder / 'data'),
                    'XDG_CACHE_HOME': str(self.folder / 'cache'),
                    'HOME': str(self.folder),
                    'TESSERA_MODELS': str(self.models),
                    'NO_AT_BRIDGE': '1'}

    def copy_model(self, *but):
        """A folder with all that the model's has but for parts called @but;
        the only one that is found from now on."""
        source = next(self.models.glob('*/model_index.json')).parent
        copy = self.folder / 'models' / source.name
        copy.mkdir(parents=True)
        for path in source.iterdir():
            if path.name not in but:
                (copy / path.name).symlink_to(path)
        self.env['TESSERA_MODELS'] = str(copy.parent)
        return copy

    def add_upscaler(self, *kind):
        """A small model that can enlarge, alone in its folder."""
        folder = self.folder / 'models'
        folder.mkdir()
        subprocess.run([os.environ['TESS_MAKE_UPSCALER'],
                        str(folder / 'upscaler.safetensors'), *kind], check=True)
        shutil.copy2(HERE.parent / 'data' / 'tokenizer' / 'merges.txt', folder)
        self.env['TESSERA_MODELS'] = str(folder)

    def add_upscaling_weights(self):
        """The model's folder once more, and a third time with weights for
        enlarging that are made of their names; the name of that."""
        copy = self.copy_model('upscaling')
        able = copy.with_name('with-upscaling')
        shutil.copytree(copy, able, symlinks=True)
        (able / 'upscaling').mkdir()
        subprocess.run([os.environ['TESS_MAKE_UPSCALER'], str(
            able / 'upscaling' / 'diffusion_pytorch_model.safetensors'),
            str(copy)], check=True)
        return able.name

    def version(self):
        text = subprocess.run([self.console, '--version'], text=True,
                              stdout=subprocess.PIPE).stdout
        return re.search(r'\d+\.\d+\.\d+', text)[0]

    def helpers(self):
        """Process ids of the plug-in in this profile."""
        done = subprocess.run(['ps', '-eo', 'pid,args'], text=True,
                              stdout=subprocess.PIPE).stdout
        program = str(self.stage / 'tessera' / 'tessera')
        return [int(line.split()[0]) for line in done.splitlines()
                if line.split()[1:2] == [program]]

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.close()

    def script(self, name, **names):
        """A script of this folder with @NAME@ filled in, after the prelude."""
        text = ((HERE / 'prelude.scm').read_text() + (HERE / name).read_text()
                + '(for-each gimp-image-delete (vector->list (gimp-get-images)))\n')
        for key, value in names.items():
            text = text.replace(f'@{key}@', str(value))
        path = self.folder / name
        path.write_text(text)
        return path

    def batch(self, path, timeout=600):
        """Runs a script in the console: exit status and all output."""
        done = subprocess.run(
            [self.console, '-idf',
             '--batch-interpreter=plug-in-script-fu-eval',
             '-b', f'(load "{path}")', '--quit'],
            env=self.env, cwd=self.folder, timeout=timeout, errors='replace',
            text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        return done.returncode, done.stdout


def complaints(output, *known):
    """Lines in which our own program complains about itself, but for those
    with @known in them. libgimp 3.0 says at the end of a call, at times, that
    GIMP has hung up already."""
    known = 'atspi', 'gimp_flush(): error', *known
    return [line for line in output.splitlines()
            if re.search(r'tessera\S*:\d+\): .*(CRITICAL|WARNING)', line)
            and not any(word in line for word in known)
            or re.search(r'(duplicate|no) mnemonic', line)
            or 'fatal error' in line or 'crashed' in line]


class Tap:
    def __init__(self):
        self.n = self.n_failed = 0

    def check(self, ok, name, detail=''):
        self.n += 1
        if not ok:
            self.n_failed += 1
        print(f"{'ok' if ok else 'not ok'} {self.n} - {name}", flush=True)
        if not ok and detail:
            for line in str(detail).splitlines()[-30:]:
                print('# ' + line)
        return ok

    def finish(self):
        print(f'1..{self.n}')
        return 1 if self.n_failed or self.n == 0 else 0

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tests/plugin/models.py: the studio for a new image on a machine where no
model is found: a folder is added, a LoRA is added, a picture is painted with
both and kept; TAP."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from gimp import Gimp, write_lora  # noqa: E402
from gui import (Screen, Session, place, run, shoot, until, window,  # noqa: E402
                 xdo)

def choose(tap, title, path):
    """Types a path into a file chooser and accepts it."""
    found = until(lambda: window(f'^{title}$'), 20)
    if not tap.check(found, f'“{title}” opens'):
        return
    xdo('windowactivate', '--sync', found)
    time.sleep(0.5)
    xdo('type', '/')  # opens the line for it
    time.sleep(1)
    for _ in range(3):  # where its list of completions came too late
        xdo('key', '--clearmodifiers', 'ctrl+a')
        xdo('type', '--delay', '30', str(path))
        time.sleep(1)
        shoot(title.replace(' ', '-'))
        for _ in range(2):  # at times one is for the list
            xdo('key', '--clearmodifiers', 'Return')
            if until(lambda: not window(f'^{title}$'), 4):
                return tap.check(True, f'“{title}” is answered')
    tap.check(False, f'“{title}” is answered')


def rows_below(session):
    """What the settings below the LoRAs look like: they move down for each."""
    x, y, width, height = place(session.dialog)
    return Screen().part(x + 20, y + height * 13 // 20, width // 3, height // 8)


def models(tap):
    with Gimp() as gimp:
        model = next(path.parent for path in
                     sorted(gimp.models.glob('*/model_index.json')))
        mine, empty = gimp.folder / 'my models', gimp.folder / 'nothing'
        mine.mkdir()
        empty.mkdir()
        (mine / 'landscapes').symlink_to(model)
        write_lora(model, gimp.folder / 'style.safetensors')
        del gimp.env['TESSERA_MODELS']
        session = Session(gimp, tap, 'Create an Image From Text',script='models.scm')
        shoot('no-model')
        settings = gimp.folder / 'config' / 'tessera' / 'settings.ini'

        session.key('alt+m', 'Tab', 'space')
        choose(tap, 'Add a Folder With Models', empty)
        time.sleep(1)
        shoot('empty-folder')
        session.key('Escape')
        tap.check(not settings.exists()
                  or str(empty) not in settings.read_text(),
                  'a folder without a model is not remembered')

        session.focus()
        session.key('alt+m', 'Tab', 'space')
        choose(tap, 'Add a Folder With Models', mine)
        time.sleep(1)
        shoot('model')
        tap.check(settings.exists() and str(mine) in settings.read_text(),
                  'the folder is remembered')

        session.focus()
        session.key('alt+v')  # Advanced
        time.sleep(1)
        before = rows_below(session)
        session.key('alt+r')
        choose(tap, 'Add LoRAs', gimp.folder / 'style.safetensors')
        time.sleep(1)
        shoot('lora')
        tap.check(rows_below(session) != before, 'the list shows the LoRA')

        session.focus()
        tap.check(session.generate('a lake at dawn'), 'painting begins',
                  session.text())
        until(lambda: not session.painting(), 240)
        time.sleep(1)
        shoot('created')
        session.focus()
        session.key('alt+k')
        time.sleep(2)
        shoot('kept-image')
        session.focus()
        session.key('alt+c')
        tap.check(until(session.closed, 20), 'the dialog closes',
                  session.text())
        tap.check('IMAGES 1' in session.text(), 'there is a new image',
                  session.text())
        tap.check('style.safetensors' in session.text(),
                  'the settings kept with it name the LoRA', session.text())
        # GTK's file chooser, at times: when a key closes it, and about the
        # list of completions that it has not made yet.
        session.end('WIDGET_REALIZED_FOR_EVENT', 'GTK_IS_TREE_MODEL')


if __name__ == '__main__':
    sys.exit(run([models]))

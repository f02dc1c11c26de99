; SPDX-License-Identifier: GPL-3.0-or-later
; tests/plugin/german.scm: where GIMP speaks German, so do the faults that the
; plug-in finds, and those that its inference core does.

(define image (rgb-image 64 64))

(refuses "what the plug-in says" "Bild"
  (lambda () (plug-in-tessera-generate #:run-mode RUN-NONINTERACTIVE
               #:prompt "a" #:init "layer" #:steps 2)))
(refuses "what the core says" "ist 3; nehmen Sie"
  (lambda () (quick image #:prompt "a" #:width 3)))
(refuses "what a model's reader says" "keine heile safetensors-Datei"
  (lambda () (quick image #:prompt "a" #:model "@TRUNCATED@")))

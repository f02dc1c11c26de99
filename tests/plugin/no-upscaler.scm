; SPDX-License-Identifier: GPL-3.0-or-later
; tests/plugin/no-upscaler.scm: where no weights for enlarging are found.

(define image (rgb-image 40 30))
(refuses "what to put where" "stablesr_000117.ckpt into"
  (lambda () (plug-in-tessera-upscale #:run-mode RUN-NONINTERACTIVE
                                      #:image image)))
(refuses "the same of a model that cannot" "cannot enlarge"
  (lambda () (plug-in-tessera-upscale #:run-mode RUN-NONINTERACTIVE
                                      #:image image #:model "@NAME@")))
(refuses "any size that is to upscale" "cannot enlarge"
  (lambda () (plug-in-tessera-any-size #:run-mode RUN-NONINTERACTIVE
                                       #:image image #:second "upscale")))
(check "the image is as it was"
  (lambda () (and (= (n-layers image) 1) (not (gimp-image-is-dirty image)))))

; SPDX-License-Identifier: GPL-3.0-or-later
; tests/plugin/found-upscaler.scm: a model whose folder has weights for
; enlarging, beside one that has none and comes first.

(check "the model that can is found by itself"
  (lambda ()
    (let* ((made (plug-in-tessera-upscale
                   #:run-mode RUN-NONINTERACTIVE #:image (rgb-image 24 16)
                   #:scale 2 #:steps 2 #:tile 8 #:storage "float32"))
           (recipe (car (cddr (gimp-image-get-parasite made "tessera-run")))))
      (and (= (gimp-image-get-width made) 48)
           (contains? recipe "@MODEL@")))))

(check "any size finds it where it is named"
  (lambda ()
    (let ((image (rgb-image 96 64)))
      (plug-in-tessera-any-size #:run-mode RUN-NONINTERACTIVE #:image image
        #:prompt "hills" #:model "@MODEL@" #:second "upscale" #:steps 2
        #:tile 8 #:storage "float32")
      (= (n-layers image) 2))))

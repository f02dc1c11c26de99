; SPDX-License-Identifier: GPL-3.0-or-later
; tests/plugin/no-instances.scm: a model that was never taught to put things in
; places.

(define image (rgb-image 64 64))
(refuses "things for a model without weights" "cannot put instances in places"
  (lambda ()
    (plug-in-tessera-generate #:run-mode RUN-NONINTERACTIVE #:image image
      #:prompt "hills" #:steps 1
      #:instances "[{\"text\": \"snow\", \"box\": [8, 8, 32, 32]}]")))
(refuses "weights that are not there" "nowhere.pth"
  (lambda ()
    (plug-in-tessera-generate #:run-mode RUN-NONINTERACTIVE #:image image
      #:prompt "hills" #:steps 1 #:instance-model "@EMPTY@/nowhere.pth"
      #:instances "[{\"text\": \"snow\", \"box\": [8, 8, 32, 32]}]")))
(check "the image is as it was"
  (lambda () (and (= (n-layers image) 1) (not (gimp-image-is-dirty image)))))
(check "without things it paints"
  (lambda ()
    (plug-in-tessera-generate #:run-mode RUN-NONINTERACTIVE #:image image
                              #:prompt "hills" #:steps 1)
    (= (n-layers image) 2)))

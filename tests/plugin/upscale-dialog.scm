; SPDX-License-Identifier: GPL-3.0-or-later
; tests/plugin/upscale-dialog.scm: opens the dialog of Upscale on a picture, then
; says now and then how many layers there are.

(define image (rgb-image @WIDTH@ @HEIGHT@))
(for-each
  (lambda (i)
    (gimp-image-select-rectangle image CHANNEL-OP-REPLACE (* i 24)
                                 (modulo (* i 40) @HEIGHT@) 20 30)
    (gimp-context-set-foreground (list (modulo (* i 70) 256)
                                       (modulo (* i 110) 256)
                                       (modulo (* i 40) 256)))
    (gimp-drawable-edit-fill (layer-at image 0) FILL-FOREGROUND))
  '(0 1 2 3 4 5 6 7))
(gimp-selection-none image)
(gimp-image-undo-disable image)
(gimp-image-undo-enable image)
(gimp-image-clean-all image)

(define (tell)
  (display (string-append "LAYERS " (number->string (n-layers image)) " "
                          (if (gimp-image-is-dirty image) "dirty" "clean")))
  (newline))

(define (wait seconds)
  (let ((end (+ (realtime) seconds)))
    (let loop () (if (< (realtime) end) (loop)))))

(gimp-display-new image)
(tell)
(catch (begin (display last-error) (newline))
  (plug-in-tessera-upscale #:run-mode RUN-INTERACTIVE #:image image
                           #:steps 8 #:tile 16 #:storage "float32"))
(display "CLOSED")
(newline)
(let loop ((n 0))
  (tell)
  (wait 1)
  (if (< n @SECONDS@) (loop (+ n 1))))

; SPDX-License-Identifier: GPL-3.0-or-later
; tests/plugin/dialog.scm: opens a dialog on an image, then says now and
; then how many layers there are, so that what was done by hand can be seen.

(define image (rgb-image @WIDTH@ @HEIGHT@))
(gimp-image-undo-disable image)
(gimp-image-undo-enable image)

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
  (@PROCEDURE@ #:run-mode RUN-INTERACTIVE #:image image))
(catch #f (display (car (cddr (gimp-item-get-parasite
                               (vector-ref (gimp-image-get-layers image) 0)
                               "tessera-run")))) (newline))
(display "CLOSED")
(newline)
(let loop ((n 0))
  (tell)
  (wait 1)
  (if (< n @SECONDS@) (loop (+ n 1))))

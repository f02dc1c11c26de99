; SPDX-License-Identifier: GPL-3.0-or-later
; tests/plugin/models.scm: the studio for a new image, then what came of it.

(define (wait seconds)
  (let ((end (+ (realtime) seconds)))
    (let loop () (if (< (realtime) end) (loop)))))

(define before (vector-length (gimp-get-images)))
(catch (begin (display last-error) (newline))
  (plug-in-tessera-create #:run-mode RUN-INTERACTIVE))
(let ((images (gimp-get-images)))
  (display (string-append "IMAGES " (number->string
                                      (- (vector-length images) before))))
  (newline)
  (if (> (vector-length images) before)
      (let ((image (vector-ref images 0)))
        (display (string-append "SIZE " (number->string
                                          (gimp-image-get-width image))
                                " " (number->string
                                      (gimp-image-get-height image))))
        (newline)
        (display (car (cddr (gimp-image-get-parasite image "tessera-run"))))
        (newline))))
(display "CLOSED")
(newline)
(wait 5)

; SPDX-License-Identifier: GPL-3.0-or-later
; tests/plugin/viewer.scm: a panorama of four colors, a quarter turn each, and
; the viewer on it; then says now and then what is at its left edge.

(define image (rgb-image 1024 512))
(define paper (layer-at image 0))

(define (fill x color)
  (gimp-image-select-rectangle image CHANNEL-OP-REPLACE x 0 256 512)
  (gimp-context-set-foreground color)
  (gimp-drawable-edit-fill paper FILL-FOREGROUND))

(fill 0 '(200 0 0))
(fill 256 '(0 160 0))
(fill 512 '(0 0 200))
(fill 768 '(200 200 0))
(gimp-selection-none image)
; A second layer that is smaller than the image, above the red and the green.
(let ((small (gimp-layer-new image "small" 64 64 RGBA-IMAGE 100
                             LAYER-MODE-NORMAL)))
  (gimp-image-insert-layer image small 0 0)
  (gimp-layer-set-offsets small 224 0)
  (gimp-drawable-fill small FILL-WHITE))
(gimp-image-undo-disable image)
(gimp-image-undo-enable image)
(gimp-image-clean-all image)

(define (tell)
  (let ((color (gimp-drawable-get-pixel paper 0 300)))
    (display (string-append "LEFT "
      (cond ((> (cadr color) 100) "yellow")
            ((> (car color) 100) "red")
            (else "blue"))
      " " (number->string (n-layers image))
      " " (if (gimp-image-is-dirty image) "dirty" "clean")))
    (newline)))

(define (wait seconds)
  (let ((end (+ (realtime) seconds)))
    (let loop () (if (< (realtime) end) (loop)))))

(gimp-display-new image)
(tell)
(catch (begin (display last-error) (newline))
  (plug-in-tessera-view #:run-mode RUN-INTERACTIVE #:image image))
(display "CLOSED")
(newline)
(tell)
(wait 1)

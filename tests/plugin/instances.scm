; SPDX-License-Identifier: GPL-3.0-or-later
; tests/plugin/instances.scm: opens a dialog on an image with a group of three
; layers and a path; then says what became of them.

(define image (rgb-image @WIDTH@ @HEIGHT@))
(define group (gimp-group-layer-new image "@GROUP@"))
(gimp-image-insert-layer image group 0 0)

(define (add-layer name x y width height)
  (let ((layer (gimp-layer-new image name width height RGBA-IMAGE 100
                               LAYER-MODE-NORMAL)))
    (gimp-image-insert-layer image layer group -1)
    (gimp-layer-set-offsets layer x y)
    layer))

; An ellipse on a layer as large as the image: a mask.
(define forest (add-layer "forest" 0 0 @WIDTH@ @HEIGHT@))
(gimp-context-set-foreground '(40 140 60))
(gimp-image-select-ellipse image CHANNEL-OP-REPLACE 16 40 96 64)
(gimp-drawable-edit-fill forest FILL-FOREGROUND)
(gimp-selection-none image)

; A layer that is full: a box.
(define city (add-layer "city" 152 48 64 40))
(gimp-context-set-foreground '(180 40 30))
(gimp-drawable-edit-fill city FILL-FOREGROUND)

; A layer with nothing on it, and a path of its name: a scribble.
(define snow (add-layer "snow" 0 0 8 8))
(define path (gimp-path-new image "snow"))
(gimp-image-insert-path image path 0 0)
(gimp-path-bezier-stroke-new-moveto path 120 120)
(gimp-path-bezier-stroke-lineto path
  (vector-ref (gimp-path-get-strokes path) 0) 240 100)

(define (add-wrong)
  (add-layer "nothing yet" 0 0 40 40)
  (gimp-drawable-edit-fill (add-layer "a far tower" 900 700 40 40)
                           FILL-FOREGROUND))
(if @WRONG@ (add-wrong))
(gimp-image-set-selected-layers image (vector forest))

(define (tell)
  (display (string-append "LAYERS " (number->string (n-layers image)) " "
                          (if (gimp-image-is-dirty image) "dirty" "clean")))
  (newline)
  (for-each
    (lambda (item)
      (display (string-append "NAME " (gimp-item-get-name item)
                              (if (gimp-item-get-visible item) "" ", hidden")))
      (newline))
    (append (vector->list (gimp-item-get-children group))
            (vector->list (gimp-image-get-paths image)))))

(define (wait seconds)
  (let ((end (+ (realtime) seconds)))
    (let loop () (if (< (realtime) end) (loop)))))

(gimp-display-new image)
(catch (begin (display last-error) (newline))
  (@PROCEDURE@ #:run-mode RUN-INTERACTIVE #:image image))
(display "CLOSED")
(newline)
(tell)
(wait 3)

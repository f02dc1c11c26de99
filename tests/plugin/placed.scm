; SPDX-License-Identifier: GPL-3.0-or-later
; tests/plugin/placed.scm: what layers, masks and paths of a group are to a
; picture with instances: read from the recipes (batch.py compares them).

; Hands the recipe of a layer to batch.py.
(define (hand-over name layer)
  (display (string-append "RECIPE " name "\n"
    (car (cddr (gimp-item-get-parasite layer "tessera-run")))
    "\nEND\n")))

(define (add-group image)
  (let ((group (gimp-group-layer-new image "things")))
    (gimp-image-insert-layer image group 0 0)
    group))

(define (add-layer image group name x y width height)
  (let ((layer (gimp-layer-new image name width height RGBA-IMAGE 100
                               LAYER-MODE-NORMAL)))
    (gimp-image-insert-layer image layer group 0)
    (gimp-layer-set-offsets layer x y)
    layer))

(define (fill-rectangle image drawable x y width height)
  (gimp-image-select-rectangle image CHANNEL-OP-REPLACE x y width height)
  (gimp-drawable-edit-fill drawable FILL-WHITE)
  (gimp-selection-none image))

(define (add-path image name x0 y0 x1 y1)
  (let ((path (gimp-path-new image name)))
    (gimp-image-insert-path image path 0 0)
    (let ((stroke (gimp-path-bezier-stroke-new-moveto path x0 y0)))
      (if x1 (gimp-path-bezier-stroke-lineto path stroke x1 y1)))))

(define-macro (placed image group . rest)
  `(quick ,image #:prompt "meadows" #:seed 4 #:instance-layers ,group
          #:instance-apart 0.5 ,@rest))

(define (place-as layer word)
  (gimp-item-attach-parasite layer (list "tessera-place" 1 word)))

(check "a mask by alpha, one by layer mask, a box, a scribble, a point"
  (lambda ()
    (let* ((image (rgb-image 128 64))
           (group (add-group image))
           (alpha (add-layer image group "alpha" 4 8 60 40))
           (mask (add-layer image group "mask" 0 0 128 64))
           (own #f))
      (fill-rectangle image alpha 20 16 24 20)
      ; The mask counts, whatever is painted below it.
      (gimp-drawable-fill mask FILL-WHITE)
      (set! own (gimp-layer-create-mask mask ADD-MASK-BLACK))
      (gimp-layer-add-mask mask own)
      (fill-rectangle image own 96 40 16 12)
      (let ((box (add-layer image group "box" 100 -10 60 30)))
        (gimp-drawable-fill box FILL-WHITE)
        (gimp-layer-set-opacity box 50))
      (gimp-layer-set-opacity (add-layer image group "clear" 0 0 8 8) 0)
      (add-layer image group "road" 0 0 8 8)
      (add-path image "road" 10 60 90 50)
      (add-layer image group "gull" 0 0 8 8)
      (add-path image "gull" 70 6 #f #f)
      (gimp-item-set-visible (add-layer image group "hidden" 0 0 8 8) #f)
      (placed image group)
      (hand-over "kinds" (layer-at image 0))
      #t)))

(check "the same layers in other formats"
  (lambda ()
    (let* ((image (rgb-image 128 64))
           (group (add-group image))
           (layer #f))
      (for-each
        (lambda (word)
          (set! layer (add-layer image group word 0 0 128 64))
          (fill-rectangle image layer 30 10 40 20)
          (place-as layer word))
        '("box" "point" "scribble" "mask"))
      (placed image group)
      (hand-over "formats" (layer-at image 0))
      #t)))

(check "in a selection places are those of the selection"
  (lambda ()
    (let* ((image (rgb-image 160 128))
           (group (add-group image)))
      (gimp-drawable-fill (add-layer image group "box" 60 40 30 20) FILL-WHITE)
      (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 50 30 80 64)
      (placed image group)
      (hand-over "selection" (layer-at image 0))
      #t)))

(check "32 bit linear, with soft edges"
  (lambda ()
    (let* ((image (new-image 128 64 RGB PRECISION-FLOAT-LINEAR))
           (group (add-group image))
           (layer (add-layer image group "soft" 0 0 128 64)))
      (gimp-context-set-feather #t)
      (gimp-context-set-feather-radius 6 6)
      (fill-rectangle image layer 40 16 40 32)
      (gimp-context-set-feather #f)
      (placed image group)
      (hand-over "soft" (layer-at image 0))
      #t)))

; Red less blue of what was painted where a layer lies.
(define (warmth image layer)
  (let ((picture (layer-at image 0))
        (corner (gimp-drawable-get-offsets layer)))
    (gimp-image-select-rectangle image CHANNEL-OP-REPLACE (car corner)
      (cadr corner) (gimp-drawable-get-width layer)
      (gimp-drawable-get-height layer))
    (let ((red (car (gimp-drawable-histogram picture HISTOGRAM-RED 0.0 1.0)))
          (blue (car (gimp-drawable-histogram picture HISTOGRAM-BLUE 0.0
                                              1.0))))
      (gimp-selection-none image)
      (- red blue))))

; The warmth of two layers after their names were painted.
(define (warmths left-name right-name)
  (let* ((image (rgb-image 256 256))
         (group (add-group image))
         (left (add-layer image group left-name 16 64 96 128))
         (right (add-layer image group right-name 144 64 96 128)))
    (gimp-drawable-fill left FILL-WHITE)
    (gimp-drawable-fill right FILL-WHITE)
    (plug-in-tessera-generate #:run-mode RUN-NONINTERACTIVE #:image image
      #:prompt "mountains" #:seed 1 #:steps 8 #:storage "float32"
      #:instance-layers group)
    (list (warmth image left) (warmth image right))))

(check "what a layer is called is painted where it lies"
  (lambda ()
    (let ((there (warmths "desert" "snow"))
          (back (warmths "snow" "desert")))
      (and (> (car there) (+ (car back) 20))
           (< (cadr there) (- (cadr back) 20))))))

(define both (rgb-image 128 64))
(define both-things (add-group both))
(gimp-drawable-fill (add-layer both both-things "barn" 80 20 40 30) FILL-WHITE)
(define both-regions (add-group both))
(gimp-drawable-fill (add-layer both both-regions "snow" 0 0 64 64) FILL-WHITE)
; Pictures come above the paper: the first is 1 from below, and so on.
(define (from-below i)
  (layer-at both (- (n-layers both) i 1)))
(define (select-paper)
  (gimp-image-set-selected-layers both (vector (from-below 0))))

(check "regions and instances together: either changes the picture"
  (lambda ()
    (select-paper)
    (placed both both-things)
    (placed both both-things #:regions both-regions)
    (hand-over "both" (from-below 2))
    (quick both #:prompt "meadows" #:seed 4 #:regions both-regions)
    (and (not (same? both (from-below 1) (from-below 2)))
         (not (same? both (from-below 2) (from-below 3)))
         (= (vector-length (gimp-item-get-children both-things)) 1))))

(check "composed small, then large"
  (lambda ()
    (select-paper)
    (plug-in-tessera-any-size #:run-mode RUN-NONINTERACTIVE #:image both
      #:prompt "meadows" #:seed 4 #:steps 2 #:width 384 #:height 192
      #:storage "float32" #:instance-layers both-things)
    (= (gimp-drawable-get-width (from-below 1)) 384)))

; The same mask, once on a layer that goes on past the edge and once on both
; sides of it.
(check "a mask across the place where a panorama closes"
  (lambda ()
    (let* ((image (rgb-image 128 64))
           (across-group (add-group image))
           (across (add-layer image across-group "ship" 96 0 64 64))
           (sides-group (add-group image))
           (sides (add-layer image sides-group "ship" 0 0 128 64))
           (paper (layer-at image 2)))
      ; Beyond the image there is no selection: the pixels are moved there.
      (gimp-layer-set-offsets across 80 0)
      (fill-rectangle image across 96 16 32 24)
      (gimp-layer-set-offsets across 96 0)
      (fill-rectangle image sides 112 16 16 24)
      (fill-rectangle image sides 0 16 16 24)
      (for-each
        (lambda (group)
          (gimp-image-set-selected-layers image (vector paper))
          (placed image group #:method "ring" #:width 128 #:height 64))
        (list across-group sides-group))
      (gimp-image-set-selected-layers image (vector paper))
      (placed image sides-group #:method "multidiffusion")
      (let ((n (n-layers image)))
        (and (same? image (layer-at image (- n 3)) (layer-at image (- n 4)))
             (not (same? image (layer-at image (- n 2))
                         (layer-at image (- n 3)))))))))

(check "a picture made twice is the same"
  (lambda ()
    (select-paper)
    (placed both both-things)
    (placed both both-things)
    (same? both (from-below 1) (from-below 2))))

(define wrong (rgb-image 64 64))
(define wrong-group (add-group wrong))
(define wrong-layer (add-layer wrong wrong-group "a ghost" 0 0 32 32))
(refuses "a layer with nothing on it" "Nothing is painted on “a ghost”"
  (lambda () (placed wrong wrong-group)))
(gimp-drawable-fill wrong-layer FILL-WHITE)
(gimp-layer-set-offsets wrong-layer 200 0)
(refuses "a layer outside of the canvas" "lies outside of the canvas"
  (lambda () (placed wrong wrong-group)))
(refuses "poles and instances" "poles"
  (lambda () (plug-in-tessera-panorama #:run-mode RUN-NONINTERACTIVE
               #:image wrong #:prompt "a" #:width 128 #:height 64 #:steps 2
               #:poles 0.5 #:instance-layers wrong-group)))
(refuses "tiles that move" "stay where they are"
  (lambda () (placed wrong wrong-group #:method "shifted")))
(let loop ((i 0))
  (if (< i 31)
      (begin
        (gimp-drawable-fill (add-layer wrong wrong-group "a dot" i i 8 8)
                            FILL-WHITE)
        (loop (+ i 1)))))
(gimp-layer-set-offsets wrong-layer 0 0)
(refuses "more than a tile takes" "32 instances lie in the tile"
  (lambda () (placed wrong wrong-group)))
(check "those errors left it as it was"
  (lambda () (= (n-layers wrong) 2)))

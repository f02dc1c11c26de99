; SPDX-License-Identifier: GPL-3.0-or-later
; tests/plugin/documents.scm: every kind of document, selections, objects.

(define (paints-in type precision)
  (lambda ()
    (let ((image (new-image 64 64 type precision)))
      (quick image #:prompt "a lake" #:seed 3)
      (and (= (n-layers image) 2)
           (= (gimp-image-get-precision image) precision)
           (gimp-drawable-has-alpha (layer-at image 0))
           (> (cadr (looks (layer-at image 0))) 0.0)))))

(check "8 bit" (paints-in RGB PRECISION-U8-NON-LINEAR))
(check "8 bit linear" (paints-in RGB PRECISION-U8-LINEAR))
(check "16 bit" (paints-in RGB PRECISION-U16-NON-LINEAR))
(check "32 bit" (paints-in RGB PRECISION-U32-LINEAR))
(check "half" (paints-in RGB PRECISION-HALF-NON-LINEAR))
(check "float linear" (paints-in RGB PRECISION-FLOAT-LINEAR))
(check "gray" (paints-in GRAY PRECISION-U8-NON-LINEAR))
(check "gray 16 bit" (paints-in GRAY PRECISION-U16-NON-LINEAR))

(check "float and 8 bit documents get the same picture"
  (lambda ()
    (let ((a (rgb-image 64 64))
          (b (new-image 64 64 RGB PRECISION-FLOAT-LINEAR)))
      (quick a #:prompt "a lake" #:seed 3)
      (quick b #:prompt "a lake" #:seed 3)
      (gimp-image-convert-precision b PRECISION-U8-NON-LINEAR)
      (< (abs (- (car (looks (layer-at a 0))) (car (looks (layer-at b 0)))))
         1.0))))

(let ((image (rgb-image 64 64)))
  (gimp-image-convert-indexed image CONVERT-DITHER-NONE
                              CONVERT-PALETTE-GENERATE 16 #f #f "")
  (refuses "an indexed image, saying what to do" "Image > Mode > RGB"
    (lambda () (quick image #:prompt "a lake"))))

(check "a selection is place, size and mask"
  (lambda ()
    (let ((image (rgb-image 160 128)))
      (gimp-image-select-ellipse image CHANNEL-OP-REPLACE 24 16 80 64)
      (quick image #:prompt "a lake")
      (let* ((layer (layer-at image 0))
             (offsets (gimp-drawable-get-offsets layer))
             (mask (gimp-layer-get-mask layer)))
        (and (= (car offsets) 24) (= (cadr offsets) 16)
             (= (gimp-drawable-get-width layer) 80)
             (= (gimp-drawable-get-height layer) 64)
             (> mask 0)
             (< (car (looks mask)) 254))))))

(check "a canvas beyond the image's edges"
  (lambda ()
    (let ((image (rgb-image 64 64)))
      (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 40 40 16 16)
      (quick image #:prompt "a lake" #:width 96 #:height 80)
      (let ((layer (layer-at image 0)))
        (and (= (car (gimp-drawable-get-offsets layer)) 40)
             (= (gimp-drawable-get-width layer) 96))))))

(check "from the layer: a low strength stays near it"
  (lambda ()
    (let ((image (rgb-image 64 64)))
      (quick image #:prompt "a lake" #:init "layer" #:strength 0.05 #:steps 20
             #:seed 1)
      (quick image #:prompt "a lake" #:seed 1)
      (> (car (looks (layer-at image 1))) (car (looks (layer-at image 0)))))))

(check "from what is visible, with a layer beyond the edges"
  (lambda ()
    (let ((image (rgb-image 64 64)))
      (gimp-layer-set-offsets (layer-at image 0) -20 300)
      (quick image #:prompt "a lake" #:init "visible" #:strength 0.5)
      (quick image #:prompt "a lake" #:init "layer" #:strength 0.5)
      (= (n-layers image) 3))))

; A group with an object on the left half.
(define (add-objects image)
  (let ((group (gimp-group-layer-new image "Tessera objects"))
        (left (gimp-layer-new image "a red boat" 64 64 RGBA-IMAGE 100
                              LAYER-MODE-NORMAL)))
    (gimp-image-insert-layer image group 0 0)
    (gimp-image-insert-layer image left group 0)
    (gimp-drawable-fill left FILL-WHITE)
    group))

(check "objects of a group are painted; the result lies above the group"
  (lambda ()
    (let* ((image (rgb-image 128 64))
           (group (add-objects image)))
      (quick image #:prompt "a lake" #:seed 4 #:regions group)
      (let ((with-objects (layer-at image 0)))
        (quick image #:prompt "a lake" #:seed 4)
        (and (= (n-layers image) 4)
             (= (vector-length (gimp-item-get-children group)) 1)
             (contains? (car (cddr (gimp-item-get-parasite with-objects
                                                           "tessera-run")))
                        "a red boat")
             (not (same? image (layer-at image 0) with-objects)))))))

(check "an object's text may be a parasite; hidden objects do not count"
  (lambda ()
    (let* ((image (rgb-image 128 64))
           (group (add-objects image))
           (child (vector-ref (gimp-item-get-children group) 0)))
      (gimp-item-attach-parasite child
        (list "tessera-object" 1 "a blue whale"))
      (quick image #:prompt "a lake" #:regions group)
      (let ((first (layer-at image 0)))
        (gimp-item-set-visible child #f)
        (quick image #:prompt "a lake" #:regions group)
        (and (contains? (car (cddr (gimp-item-get-parasite first
                                                           "tessera-run")))
                        "a blue whale")
             (not (contains?
                    (car (cddr (gimp-item-get-parasite (layer-at image 0)
                                                       "tessera-run")))
                    "a blue whale")))))))

(check "a selection with words of its own"
  (lambda ()
    (let ((image (rgb-image 128 64)))
      (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 0 0 64 64)
      (quick image #:prompt "a lake" #:selection-prompt "a boat" #:width 128
             #:height 64)
      (contains? (car (cddr (gimp-item-get-parasite (layer-at image 0)
                                                    "tessera-run")))
                 "a boat"))))

; A group with a mask, a box and a path in it.
(define (add-instances image)
  (let ((group (gimp-group-layer-new image "things"))
        (mask (gimp-layer-new image "a hill" 64 64 RGBA-IMAGE 100
                              LAYER-MODE-NORMAL))
        (box (gimp-layer-new image "a barn" 32 32 RGBA-IMAGE 100
                             LAYER-MODE-NORMAL))
        (road (gimp-layer-new image "a road" 8 8 RGBA-IMAGE 100
                              LAYER-MODE-NORMAL))
        (path (gimp-path-new image "a road")))
    (gimp-image-insert-layer image group 0 0)
    (gimp-image-insert-layer image mask group 0)
    (gimp-image-insert-layer image box group 0)
    (gimp-image-insert-layer image road group 0)
    (gimp-image-insert-path image path 0 0)
    (gimp-path-bezier-stroke-new-moveto path 10 50)
    (gimp-path-bezier-stroke-lineto path
      (vector-ref (gimp-path-get-strokes path) 0) 90 60)
    (gimp-image-select-ellipse image CHANNEL-OP-REPLACE 4 4 56 56)
    (gimp-drawable-edit-fill mask FILL-FOREGROUND)
    (gimp-selection-none image)
    (gimp-drawable-fill box FILL-WHITE)
    (gimp-layer-set-offsets box 80 8)
    group))

(define things (rgb-image 128 64))
(define thing-group (add-instances things))
(refuses "weights of instances that are not there" "nowhere.pth"
  (lambda () (quick things #:prompt "a lake" #:instance-layers thing-group
                    #:instance-model "/nowhere.pth")))
(refuses "instance layers that are no group" "not a layer group"
  (lambda () (quick things #:prompt "a"
                    #:instance-layers (vector-ref
                      (gimp-item-get-children thing-group) 0))))
(refuses "an instance without a place" "box, point, scribble or mask"
  (lambda () (quick things #:prompt "a" #:instances "[{\"text\": \"b\"}]")))

(define plain (rgb-image 64 64))
(refuses "words for a selection that is not there" "Nothing is selected"
  (lambda () (quick plain #:prompt "a" #:selection-prompt "b")))
(refuses "regions that are no group" "not a layer group"
  (lambda () (quick plain #:prompt "a" #:regions (layer-at plain 0))))
(check "those errors left it as it was"
  (lambda ()
    (and (= (n-layers plain) 1) (not (gimp-image-is-dirty plain)))))

; SPDX-License-Identifier: GPL-3.0-or-later
; tests/plugin/upscale.scm: layers, selections and images painted larger: every
; kind of document, places, sizes, what cannot be done. The model is small and
; knows nothing; colors are brought back by the wavelet, and that is looked at.

; Two steps in tiles of 8 cells.
(define-macro (larger image . rest)
  `(plug-in-tessera-upscale #:run-mode RUN-NONINTERACTIVE #:image ,image
                            #:steps 2 #:tile 8 #:overlap 4 #:seed 5
                            #:storage "float32" ,@rest))

(define (fill-part image layer color x y width height)
  (gimp-image-select-rectangle image CHANNEL-OP-REPLACE x y width height)
  (gimp-context-set-foreground color)
  (gimp-drawable-edit-fill layer FILL-FOREGROUND)
  (gimp-selection-none image))

; The left half is of one color, the right half of another.
(define left-color '(200 90 40))
(define right-color '(40 110 200))
(define (halves width height type precision)
  (let* ((image (new-image width height type precision))
         (layer (layer-at image 0)))
    (fill-part image layer left-color 0 0 (quotient width 2) height)
    (fill-part image layer right-color (quotient width 2) 0
               (- width (quotient width 2)) height)
    (gimp-image-clean-all image)
    image))

(define (rgb-halves width height)
  (halves width height RGB PRECISION-U8-NON-LINEAR))

; Mean of a channel in a part of a layer, 0..1 of its own numbers; GIMP tells
; those of 8 bits as they are.
(define (mean-in image layer channel x y width height)
  (gimp-image-select-rectangle image CHANNEL-OP-REPLACE x y width height)
  (let ((h (gimp-drawable-histogram layer channel 0.0 1.0)))
    (gimp-selection-none image)
    (/ (car h) (if (< (gimp-image-get-precision image) PRECISION-U16-LINEAR)
                   255 1))))

; Random weights paint something: this much of it is left where the wavelet
; ends. Channels or curves taken for others are further off.
(define slack 0.06)

; A copy in the numbers in which colors are held: of what is painted with noise
; the mean in another curve's numbers is another.
(define (perceptual image)
  (let ((copy (gimp-image-duplicate image)))
    (gimp-image-convert-precision copy PRECISION-FLOAT-NON-LINEAR)
    copy))

(define (near? a b tolerance)
  (if (< (abs (- a b)) tolerance)
      #t
      (begin (display (list "is" a "wanted" b)) (newline) #f)))

; Whether the middles of both halves of @made have the means of @image's.
(define (colors-kept? given painted channel tolerance)
  (let* ((image (perceptual given)) (made (perceptual painted))
         (w (gimp-image-get-width image)) (h (gimp-image-get-height image))
         (l (gimp-image-get-width made)) (m (gimp-image-get-height made))
         (part (lambda (img w h left)
                 (mean-in img (layer-at img 0) channel
                          (quotient (* w (if left 1 11)) 16) (quotient h 4)
                          (quotient w 4) (quotient h 2)))))
    (let ((kept (and (near? (part made l m #t) (part image w h #t) tolerance)
                     (near? (part made l m #f) (part image w h #f)
                            tolerance))))
      (gimp-image-delete image)
      (gimp-image-delete made)
      kept)))

(define (size-is? image width height)
  (and (= (gimp-image-get-width image) width)
       (= (gimp-image-get-height image) height)
       (= (gimp-drawable-get-width (layer-at image 0)) width)
       (= (gimp-drawable-get-height (layer-at image 0)) height)))

(define (enlarges type precision)
  (lambda ()
    (let* ((image (halves 40 30 type precision))
           (made (larger image)))
      (and (size-is? made 160 120)
           (= (n-layers made) 1)
           (= (gimp-image-get-precision made) precision)
           (= (gimp-image-get-base-type made) type)
           (not (gimp-drawable-has-alpha (layer-at made 0)))
           (not (gimp-image-is-dirty made))
           (not (gimp-image-is-dirty image))
           (= (n-layers image) 1)
           (> (cadr (looks (layer-at made 0))) 0.0)
           (colors-kept? image made
                         (if (= type GRAY) HISTOGRAM-VALUE HISTOGRAM-RED)
                         slack)))))

(check "8 bit" (enlarges RGB PRECISION-U8-NON-LINEAR))
(check "8 bit linear" (enlarges RGB PRECISION-U8-LINEAR))
(check "16 bit" (enlarges RGB PRECISION-U16-NON-LINEAR))
(check "16 bit linear" (enlarges RGB PRECISION-U16-LINEAR))
(check "16 bit perceptual" (enlarges RGB PRECISION-U16-PERCEPTUAL))
(check "32 bit" (enlarges RGB PRECISION-U32-LINEAR))
(check "float linear" (enlarges RGB PRECISION-FLOAT-LINEAR))
(check "gray" (enlarges GRAY PRECISION-U8-NON-LINEAR))
(check "gray 16 bit linear" (enlarges GRAY PRECISION-U16-LINEAR))

(check "every argument by name"
  (lambda ()
    (let ((made (plug-in-tessera-upscale
                  #:run-mode RUN-NONINTERACTIVE #:image (rgb-halves 20 16)
                  #:source "visible" #:scale 3 #:width 0 #:height 0
                  #:quality "fast" #:steps 2 #:fidelity 0.8 #:colours "adain"
                  #:prompt "a barn" #:negative "cartoon" #:guidance 2.5
                  #:guidance-rescale 0 #:sampler "ddim" #:eta 1 #:seed 3
                  #:model "upscaler" #:upscale-model "" #:upscale-decoder ""
                  #:loras "" #:clip-skip 0 #:tile 8 #:overlap 4 #:batch 1
                  #:weight "auto" #:vae "auto" #:device "cpu" #:card ""
                  #:memory 0 #:storage "float32" #:prediction "eps"
                  #:output "image" #:keep-recipe #t)))
      (and (size-is? made 60 48)
           (string=? (gimp-item-get-name (layer-at made 0)) "a barn")))))

(check "the quality says how many steps, and how tiles lie"
  (lambda ()
    (let* ((made (plug-in-tessera-upscale
                   #:run-mode RUN-NONINTERACTIVE #:image (rgb-halves 16 16)
                   #:quality "fast" #:tile 8 #:scale 4))
           (recipe (car (cddr (gimp-image-get-parasite made "tessera-run")))))
      (and (contains? recipe "\"steps\" : 20")
           (contains? recipe "\"refine\" : \"shifted\"")
           (contains? recipe "\"method\" : \"upscale\"")))))

(check "a seed is a picture, and settings have a say"
  (lambda ()
    (let* ((image (rgb-halves 40 30))
           (a (larger image #:colours "keep"))
           (again (larger image #:colours "keep"))
           (other (larger image #:colours "keep" #:fidelity 0))
           (fast (larger image #:colours "keep" #:quality "fast"))
           (look (lambda (made) (looks (layer-at made 0)))))
      (and (equal? (look a) (look again))
           (not (equal? (look a) (look other)))
           (not (equal? (look a) (look fast)))))))

(check "one side tells the other"
  (lambda ()
    (let ((image (rgb-halves 40 30)))
      (and (size-is? (larger image #:width 100) 100 75)
           (size-is? (larger image #:height 60) 80 60)
           (size-is? (larger image #:width 64 #:height 64) 64 64)))))

(check "the same size"
  (lambda () (size-is? (larger (rgb-halves 70 50) #:scale 1) 70 50)))

(check "one pixel wide"
  (lambda ()
    (let ((image (rgb-image 1 50)))
      (fill-part image (layer-at image 0) left-color 0 0 1 50)
      (let ((made (larger image #:scale 2)))
        (and (size-is? made 2 100)
             (near? (mean-in made (layer-at made 0) HISTOGRAM-RED 0 20 2 60)
                    (/ 200 255) slack))))))

(check "one pixel"
  (lambda () (size-is? (larger (rgb-image 1 1) #:scale 4) 4 4)))

(define (transparent width height)
  (let* ((image (rgb-halves width height)) (layer (layer-at image 0)))
    (gimp-layer-add-alpha layer)
    (gimp-image-select-rectangle image CHANNEL-OP-REPLACE (quotient width 2) 0
                                 width height)
    (gimp-drawable-edit-clear layer)
    (gimp-selection-none image)
    image))

(check "what is transparent stays so"
  (lambda ()
    (let* ((image (transparent 40 30)) (made (larger image))
           (layer (layer-at made 0)))
      (and (size-is? made 160 120)
           (gimp-drawable-has-alpha layer)
           (near? (mean-in made layer HISTOGRAM-ALPHA 10 30 60 60) 1 0.001)
           (near? (mean-in made layer HISTOGRAM-ALPHA 90 30 60 60) 0 0.001)
           (near? (mean-in made layer HISTOGRAM-RED 10 30 60 60) (/ 200 255)
                  slack)))))

(check "a layer in its place, about its middle"
  (lambda ()
    (let* ((image (rgb-image 100 80))
           (layer (gimp-layer-new image "part" 20 10 RGBA-IMAGE 100
                                  LAYER-MODE-NORMAL)))
      (gimp-image-insert-layer image layer 0 0)
      (gimp-layer-set-offsets layer 30 40)
      (gimp-drawable-fill layer FILL-WHITE)
      (gimp-image-clean-all image)
      (larger image #:source "layer" #:output "layer")
      (let* ((made (layer-at image 0))
             (offsets (gimp-drawable-get-offsets made)))
        (and (= (n-layers image) 3)
             (= (gimp-drawable-get-width made) 80)
             (= (gimp-drawable-get-height made) 40)
             (= (car offsets) 0) (= (cadr offsets) 25))))))

(check "a layer's mask is part of it"
  (lambda ()
    (let* ((image (rgb-halves 40 30)) (layer (layer-at image 0)))
      (gimp-layer-add-alpha layer)
      (gimp-layer-add-mask layer (gimp-layer-create-mask layer ADD-MASK-BLACK))
      (let ((made (larger image #:source "layer")))
        (near? (mean-in made (layer-at made 0) HISTOGRAM-ALPHA 10 10 100 100) 0
               0.001)))))

(check "a layer beyond the edge is taken whole"
  (lambda ()
    (let* ((image (rgb-image 30 30))
           (layer (gimp-layer-new image "wide" 60 20 RGB-IMAGE 100
                                  LAYER-MODE-NORMAL)))
      (gimp-image-insert-layer image layer 0 0)
      (gimp-layer-set-offsets layer -20 5)
      (gimp-drawable-fill layer FILL-WHITE)
      (size-is? (larger image #:source "layer" #:scale 2) 120 40))))

(check "a selection becomes a layer in its place, soft edges and all"
  (lambda ()
    (let ((image (rgb-halves 80 60)))
      (gimp-image-select-ellipse image CHANNEL-OP-REPLACE 10 20 24 16)
      (gimp-image-clean-all image)
      (larger image #:output "layer" #:scale 2)
      (let* ((made (layer-at image 0))
             (offsets (gimp-drawable-get-offsets made))
             (mask (gimp-layer-get-mask made)))
        (gimp-selection-none image)
        (and (= (n-layers image) 2)
             (= (gimp-drawable-get-width made) 48)
             (= (gimp-drawable-get-height made) 32)
             (= (car offsets) -2) (= (cadr offsets) 12)
             (near? (/ (car (gimp-drawable-histogram mask HISTOGRAM-VALUE 0 1))
                       255)
                    0.785 0.03))))))

(check "a selection as an image of its own"
  (lambda ()
    (let ((image (rgb-halves 80 60)))
      (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 10 20 24 16)
      (let ((made (larger image #:scale 2)))
        (and (size-is? made 48 32)
             (near? (mean-in made (layer-at made 0) HISTOGRAM-RED 8 8 32 16)
                    (/ 200 255) slack))))))

(check "what surrounds the layers comes along"
  (lambda ()
    (let* ((image (rgb-halves 40 30)))
      (gimp-image-set-resolution image 300 300)
      (gimp-image-add-vguide image 10)
      (gimp-image-attach-parasite image
        (list "gimp-comment" 1 "by hand"))
      (let* ((made (larger image))
             (guide (gimp-image-find-next-guide made 0)))
        (and (= (car (gimp-image-get-resolution made)) 300)
             (= (gimp-image-get-guide-position made guide) 40)
             (contains? (car (cddr (gimp-image-get-parasite made
                                                            "gimp-comment")))
                        "by hand"))))))

(check "an indexed image becomes one in RGB"
  (lambda ()
    (let ((image (rgb-halves 40 30)))
      (gimp-image-convert-indexed image CONVERT-DITHER-NONE
                                  CONVERT-PALETTE-GENERATE 16 #f #f "")
      (let ((made (larger image)))
        (and (size-is? made 160 120)
             (= (gimp-image-get-base-type made) RGB)
             (near? (mean-in made (layer-at made 0) HISTOGRAM-RED 10 30 40 60)
                    (/ 200 255) slack))))))

(let ((image (rgb-halves 40 30)))
  (gimp-image-convert-indexed image CONVERT-DITHER-NONE
                              CONVERT-PALETTE-GENERATE 16 #f #f "")
  (refuses "a layer in an indexed image, saying what to do" "Image > Mode > RGB"
    (lambda () (larger image #:output "layer"))))

; Profiles: one of a wide space, and one of ink that only a proof is made for.
(check "a profile is kept, and colors that sRGB has not"
  (lambda ()
    (let* ((image (rgb-image 40 30)) (layer (layer-at image 0)))
      (gimp-image-set-color-profile-from-file image "@WIDE@")
      (fill-part image layer '(30 240 30) 0 0 40 30)
      (gimp-drawable-levels-stretch layer)
      (let ((made (larger image)))
        (file-png-export #:run-mode RUN-NONINTERACTIVE #:image made
                         #:file "@FOLDER@/wide.png" #:include-color-profile #t)
        (and (near? (mean-in made (layer-at made 0) HISTOGRAM-GREEN 20 20 100 80)
                    (mean-in image layer HISTOGRAM-GREEN 5 5 30 20) slack)
             ; Cut off at sRGB's green it would be 0.5 more.
             (near? (mean-in made (layer-at made 0) HISTOGRAM-RED 20 20 100 80)
                    (mean-in image layer HISTOGRAM-RED 5 5 30 20) 0.2))))))

(define (has-parasite? image name)
  (let ((names (gimp-image-get-parasite-list image)))
    (display names) (newline)
    (pair? (member name names))))

(check "a CMYK profile to proof with comes along"
  (lambda ()
    (let ((image (rgb-halves 40 30)))
      (gimp-image-set-simulation-profile-from-file image "@INK@")
      (let ((made (larger image)))
        (and (size-is? made 160 120)
             (has-parasite? made "simulation-icc-profile")
             (colors-kept? image made HISTOGRAM-RED slack))))))

(check "a file with a CMYK profile where sRGB belongs"
  (lambda ()
    (let* ((image (gimp-file-load RUN-NONINTERACTIVE "@CMYK@"))
           (made (larger image)))
      (and (size-is? made 160 120)
           (colors-kept? image made HISTOGRAM-RED slack)))))

(define (any-size . rest)
  (let ((image (rgb-image 96 64)))
    (apply plug-in-tessera-any-size
           (append (list #:run-mode RUN-NONINTERACTIVE #:image image
                         #:prompt "a barn" #:steps 2 #:tile 8 #:seed 4
                         #:storage "float32")
                   rest))
    (looks (layer-at image 0))))

(check "any size upscales its large picture, unless it is to paint it anew"
  (lambda ()
    (let ((auto (any-size)) (upscaled (any-size #:second "upscale")))
      (and (equal? auto upscaled)
           (not (equal? auto (any-size #:second "repaint")))))))

; What cannot be done.
(define untouched (rgb-halves 40 30))
(refuses "no image" "open one"
  (lambda () (plug-in-tessera-upscale #:run-mode RUN-NONINTERACTIVE)))
(refuses "an unknown quality" "reference"
  (lambda () (larger untouched #:quality "best")))
(refuses "an unknown source" "layer"
  (lambda () (larger untouched #:source "paper")))
(refuses "unknown colors" "adain"
  (lambda () (larger untouched #:colours "sepia")))
(refuses "weights that are not there" "no model"
  (lambda () (larger untouched #:upscale-model "nothing.ckpt")))
(refuses "too much memory" "GiB"
  (lambda () (larger untouched #:memory 1)))
(refuses "a size beyond any machine" "megapixels"
  (lambda () (larger untouched #:width 100000 #:height 100000)))
(let ((image (rgb-halves 40 30)))
  (gimp-image-insert-layer image (gimp-layer-copy (layer-at image 0)) 0 0)
  (gimp-image-set-selected-layers image (gimp-image-get-layers image))
  (refuses "a layer where two are selected" "exactly one layer"
    (lambda () (larger image #:source "layer"))))
(check "errors leave the image as it was"
  (lambda ()
    (and (= (n-layers untouched) 1)
         (not (gimp-image-is-dirty untouched))
         (= (length (gimp-image-get-parasite-list untouched)) 0))))

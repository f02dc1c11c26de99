; SPDX-License-Identifier: GPL-3.0-or-later
; tests/plugin/panorama.scm: panoramas, textures, any size, resuming, metadata.

; Small, two steps.
(define-macro (around image . rest)
  `(plug-in-tessera-panorama #:run-mode RUN-NONINTERACTIVE #:image ,image
                             #:steps 2 #:storage "float32" ,@rest))

(define (recipe-of layer)
  (car (cddr (gimp-item-get-parasite layer "tessera-run"))))

(define (export image name)
  (file-png-export #:run-mode RUN-NONINTERACTIVE #:image image
                   #:file (string-append "@FOLDER@/" name ".png")
                   #:include-xmp #t))

(check "a width alone makes a full sphere, as a new image"
  (lambda ()
    (let ((image (around -1 #:prompt "a lake" #:width 128 #:seed 3)))
      (export image "sphere")
      (and (= (gimp-image-get-width image) 128)
           (= (gimp-image-get-height image) 64)
           (contains? (recipe-of (layer-at image 0)) "horizontal")))))

(check "create-panorama does the same"
  (lambda ()
    (let ((image (plug-in-tessera-create-panorama
                   #:run-mode RUN-NONINTERACTIVE #:prompt "a lake" #:steps 2
                   #:height 64)))
      (= (gimp-image-get-width image) 128))))

(check "every argument by name; a strip as a layer of its image"
  (lambda ()
    (let ((image (rgb-image 192 64)))
      (around image #:prompt "hills" #:negative "text" #:seed 7 #:width 192
        #:height 64 #:guidance 3.5 #:guidance-rescale 0.2 #:sampler "ddim"
        #:eta 0.5 #:method "ring-1" #:shape "ring" #:grid "anchored"
        #:weight "uniform" #:tile 8 #:overlap 2 #:batch 1 #:vae "exact"
        #:device "cpu" #:spacing "leading" #:zero-snr "no"
        #:prediction "model" #:clip-skip 0 #:init "none" #:output "layer"
        #:keep-recipe #t #:strength 0.5 #:memory 0 #:bootstrap 0.1 #:model ""
        #:loras "" #:trigger "" #:poles 0.0 #:close 0)
      (export image "strip")
      (and (= (n-layers image) 2)
           (contains? (recipe-of (layer-at image 0)) "ring-1")))))

(check "a selection neither cuts nor masks it"
  (lambda ()
    (let ((image (rgb-image 128 64)))
      (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 8 8 32 32)
      (around image #:prompt "a lake")
      (and (= (gimp-drawable-get-width (layer-at image 0)) 128)
           (= (gimp-layer-get-mask (layer-at image 0)) -1)))))

(check "a texture has no metadata of a panorama"
  (lambda ()
    (let ((image (around -1 #:prompt "moss" #:shape "texture" #:width 128
                         #:height 64)))
      (export image "texture")
      (contains? (recipe-of (layer-at image 0)) "both"))))

; Left half dark, right half bright: a step at the seam and one in the middle.
(define (halves)
  (let ((image (rgb-image 256 128)))
    (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 0 0 128 128)
    (gimp-context-set-foreground '(60 60 60))
    (gimp-drawable-edit-fill (layer-at image 0) FILL-FOREGROUND)
    (gimp-selection-none image)
    image))

(check "closing a seam paints a band and leaves the rest"
  (lambda ()
    (let* ((image (halves))
           (before (gimp-drawable-get-pixel (layer-at image 0) 128 64)))
      (around image #:prompt "fog" #:close 64 #:seed 3)
      (and (= (n-layers image) 2)
           (= (car (gimp-drawable-get-pixel (layer-at image 0) 128 64))
              (car before))
           (not (= (car (gimp-drawable-get-pixel (layer-at image 0) 0 64))
                   60))))))

(check "zenith and nadir are painted too"
  (lambda ()
    (let* ((image (around -1 #:prompt "a lake" #:width 128 #:seed 3))
           (poles (around -1 #:prompt "a lake" #:width 128 #:seed 3
                          #:poles 0.5)))
      (and (= (gimp-image-get-width poles) 128)
           (contains? (recipe-of (layer-at poles 0)) "poles")))))

; How much two layers of an image differ from column x on: the mean.
(define (difference image a b x width)
  (let ((under (gimp-layer-copy a))
        (over (gimp-layer-copy b)))
    (gimp-image-insert-layer image under 0 0)
    (gimp-image-insert-layer image over 0 0)
    (gimp-layer-set-mode over LAYER-MODE-DIFFERENCE-LEGACY)
    (let ((joined (gimp-image-merge-down image over CLIP-TO-BOTTOM-LAYER)))
      (gimp-image-select-rectangle image CHANNEL-OP-REPLACE x 0 width 128)
      (let ((mean (car (gimp-drawable-histogram joined HISTOGRAM-VALUE
                                                0.0 1.0))))
        (gimp-selection-none image)
        (gimp-image-remove-layer image joined)
        mean))))

; A group with a layer that is painted at both ends of the image.
(define (add-across image)
  (let ((group (gimp-group-layer-new image "Tessera objects"))
        (layer (gimp-layer-new image "a desert in the red evening sun" 256 128
                               RGBA-IMAGE 100 LAYER-MODE-NORMAL)))
    (gimp-image-insert-layer image group 0 0)
    (gimp-image-insert-layer image layer group 0)
    (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 0 0 32 128)
    (gimp-image-select-rectangle image CHANNEL-OP-ADD 224 0 32 128)
    (gimp-drawable-edit-fill layer FILL-WHITE)
    (gimp-selection-none image)
    group))

(define (across method)
  (lambda ()
    (let* ((image (rgb-image 256 128))
           (group (add-across image)))
      (around image #:prompt "a forest in thick fog" #:method method #:tile 16
        #:seed 3)
      (let ((without (layer-at image 0)))
        (around image #:prompt "a forest in thick fog" #:method method
          #:tile 16 #:seed 3 #:regions group)
        (let* ((within (layer-at image 0))
               (middle (difference image without within 96 64)))
          (and (contains? (recipe-of within) "red evening sun")
               (> (difference image without within 0 32) (* 2 middle))
               (> (difference image without within 224 32) (* 2 middle))
               (not (string=? "clear"
                      (car (plug-in-tessera-view
                             #:run-mode RUN-NONINTERACTIVE
                             #:image image))))))))))

(check "an object across the seam changes both ends and not the other side"
  (across "ring"))
(check "the same where tiles turn" (across "ring-1"))

(define-macro (with-lora image . rest)
  `(around ,image #:prompt "a lake" #:seed 3 ,@rest))

(check "a LoRA changes the panorama, and its words come first"
  (lambda ()
    (let* ((image (rgb-image 128 64))
           (file "@LORA@:0.8"))
      (with-lora image)
      (with-lora image #:loras file #:trigger "")
      (with-lora image #:loras file)
      (let ((words (layer-at image 0))
            (lora (layer-at image 1))
            (plain (layer-at image 2)))
        (and (not (contains? (recipe-of plain) "360-degree"))
             (not (contains? (recipe-of lora) "360-degree"))
             (contains? (recipe-of words)
                        "\"360-degree panoramic image, a lake\"")
             (contains? (recipe-of words) "lora.safetensors")
             (not (same? image plain lora))
             (not (same? image lora words)))))))
(check "words of a LoRA that are in the prompt are not said twice"
  (lambda ()
    (let ((image (rgb-image 128 64)))
      (around image #:prompt "a lake, 360-degree panoramic image"
        #:loras "@LORA@")
      (contains? (recipe-of (layer-at image 0))
                 "\"a lake, 360-degree panoramic image\""))))

(check "any size: small first, then large"
  (lambda ()
    (let ((image (plug-in-tessera-any-size #:run-mode RUN-NONINTERACTIVE
                   #:prompt "a lake" #:width 160 #:height 96 #:steps 2
                   #:detail 0.5 #:refine "multidiffusion" #:seed 1)))
      (and (= (gimp-image-get-width image) 160)
           (= (gimp-image-get-height image) 96)
           (contains? (recipe-of (layer-at image 0)) "any-size")))))

(check "any size, each picture following the one before"
  (lambda ()
    (let* ((image (rgb-image 160 96))
           (large (lambda (detail)
                    (plug-in-tessera-any-size #:run-mode RUN-NONINTERACTIVE
                      #:image image #:prompt "a lake" #:steps 3 #:detail detail
                      #:refine "demofusion" #:storage "float32" #:seed 1))))
      (large 0.2)
      (large 0.8)
      (and (contains? (recipe-of (layer-at image 0)) "demofusion")
           (not (same? image (layer-at image 0) (layer-at image 1)))))))
(refuses "following with a sampler that takes it back" "unipc"
  (lambda ()
    (plug-in-tessera-any-size #:run-mode RUN-NONINTERACTIVE #:prompt "a lake"
      #:width 160 #:height 96 #:refine "demofusion" #:sampler "unipc")))

(check "generate takes a method"
  (lambda ()
    (let ((image (rgb-image 128 64)))
      (quick image #:prompt "a lake" #:method "shifted" #:wrap "both")
      (contains? (recipe-of (layer-at image 0)) "shifted"))))

; Four colors, a quarter each; the front face has two of them.
(define quarters
  (let ((image (rgb-image 256 128)))
    (define (fill x color)
      (gimp-image-select-rectangle image CHANNEL-OP-REPLACE x 0 64 128)
      (gimp-context-set-foreground color)
      (gimp-drawable-edit-fill (layer-at image 0) FILL-FOREGROUND))
    (fill 0 '(200 0 0))
    (fill 64 '(0 200 0))
    (fill 128 '(0 0 200))
    (fill 192 '(200 200 0))
    (gimp-selection-none image)
    image))

(define (layer-called image name)
  (gimp-image-get-layer-by-name image name))

(define-macro (project . rest)
  `(plug-in-tessera-project #:run-mode RUN-NONINTERACTIVE ,@rest))

(check "cube faces are layers of an unfolded cube"
  (lambda ()
    (let* ((image (project #:image quarters))
           (front (layer-called image "front")))
      (and (= (gimp-image-get-width image) 256)
           (= (gimp-image-get-height image) 192)
           (= (n-layers image) 6)
           (= (car (gimp-drawable-get-offsets front)) 64)
           (= (cadr (gimp-drawable-get-offsets front)) 64)
           (= (cadr (gimp-drawable-get-pixel front 16 32)) 200)
           (= (caddr (gimp-drawable-get-pixel front 48 32)) 200)
           ; behind: the last color, then the first
           (= (cadr (gimp-drawable-get-pixel (layer-called image "back") 16 32))
              200)
           (= (cadr (gimp-drawable-get-pixel (layer-called image "back") 48 32))
              0)))))
(check "a little planet, of the side that is asked for"
  (lambda ()
    (let ((image (project #:image quarters #:projection "planet" #:side 100)))
      (and (= (gimp-image-get-width image) 100)
           ; ahead is up: left of it the second color, right the third
           (= (cadr (gimp-drawable-get-pixel (layer-at image 0) 40 10)) 200)
           (= (caddr (gimp-drawable-get-pixel (layer-at image 0) 60 10)) 200)))))
(check "a view of a turned camera, in the precision of the panorama"
  (lambda ()
    (gimp-image-convert-precision quarters PRECISION-U16-NON-LINEAR)
    (let ((image (project #:image quarters #:projection "view" #:yaw 90.0
                          #:fov 60.0 #:side 64)))
      (= (gimp-image-get-precision image) PRECISION-U16-NON-LINEAR))))
(refuses "an unknown projection" "planet"
  (lambda () (project #:image quarters #:projection "mercator")))
(refuses "projecting nothing" "open one" (lambda () (project)))

(define untouched (rgb-image 128 96))

(refuses "a sphere of another shape" "twice as wide"
  (lambda () (around untouched #:prompt "a")))
(refuses "an unknown shape" "texture-x"
  (lambda () (around untouched #:prompt "a" #:shape "cube")))
(refuses "poles of a strip" "zenith"
  (lambda () (around untouched #:prompt "a" #:shape "wide" #:poles 0.5)))
(refuses "closing the seam of nothing" "no image"
  (lambda () (around -1 #:prompt "a" #:width 128 #:close 64)))
(refuses "closing what shall not meet" "wrap"
  (lambda () (around untouched #:prompt "a" #:shape "wide" #:close 64)))
(refuses "a side whose edges meet inside a cell" "multiple"
  (lambda () (around -1 #:prompt "a" #:shape "ring" #:width 129 #:height 64)))
(refuses "an unknown refinement" "shifted"
  (lambda () (plug-in-tessera-any-size #:run-mode RUN-NONINTERACTIVE
               #:image untouched #:prompt "a" #:refine "magic")))
(refuses "resuming where nothing was stopped" "no job to resume"
  (lambda () (plug-in-tessera-resume #:run-mode RUN-NONINTERACTIVE)))
(check "errors leave the image as it was"
  (lambda ()
    (and (= (n-layers untouched) 1)
         (not (gimp-image-is-dirty untouched)))))

; SPDX-License-Identifier: GPL-3.0-or-later
; tests/plugin/calls.scm: arguments, refusals, seeds, recipes.

(check "defaults make a layer of the image's size"
  (lambda ()
    (let ((image (rgb-image 72 64)))
      (plug-in-tessera-generate #:run-mode RUN-NONINTERACTIVE #:image image
                                #:prompt "a lake" #:steps 2)
      (and (= (n-layers image) 2)
           (= (gimp-drawable-get-width (layer-at image 0)) 72)
           (= (gimp-drawable-get-height (layer-at image 0)) 64)
           (string=? (gimp-item-get-name (layer-at image 0)) "a lake")
           (> (cadr (looks (layer-at image 0))) 0.0)))))

(check "every argument by name"
  (lambda ()
    (let ((image (rgb-image 64 64)))
      (plug-in-tessera-generate
        #:seed 7 #:prompt "hills" #:negative "text" #:image image
        #:run-mode RUN-NONINTERACTIVE #:width 96 #:height 64 #:steps 2
        #:guidance 3.5 #:guidance-rescale 0.2 #:sampler "ddim" #:eta 0.5
        #:grid "anchored" #:weight "uniform" #:tile 8 #:overlap 2 #:batch 1
        #:vae "exact" #:device "cpu" #:storage "float32" #:spacing "leading"
        #:zero-snr "no" #:prediction "model" #:clip-skip 0 #:init "none"
        #:output "layer" #:keep-recipe #t #:strength 0.5 #:memory 0
        #:bootstrap 0.1 #:model "" #:loras "")
      (= (gimp-drawable-get-width (layer-at image 0)) 96))))

(check "without an image a new one is made"
  (lambda ()
    (let ((image (plug-in-tessera-generate #:run-mode RUN-NONINTERACTIVE
                   #:prompt "a lake" #:width 64 #:height 72 #:steps 2)))
      (and (= (gimp-image-get-width image) 64)
           (= (gimp-image-get-height image) 72)
           (not (gimp-image-is-dirty image))))))

(check "create makes a new image"
  (lambda ()
    (let ((image (plug-in-tessera-create #:run-mode RUN-NONINTERACTIVE
                   #:prompt "a lake" #:width 64 #:height 64 #:steps 2)))
      (= (gimp-image-get-width image) 64))))

(check "output image leaves the given one alone"
  (lambda ()
    (let* ((image (rgb-image 64 64))
           (made (quick image #:prompt "a lake" #:output "image")))
      (and (= (n-layers image) 1)
           (not (gimp-image-is-dirty image))
           (not (= made image))))))

(check "an empty prompt paints"
  (lambda ()
    (let ((image (rgb-image 64 64)))
      (quick image #:prompt "")
      (string=? (gimp-item-get-name (layer-at image 0)) "Tessera"))))

(check "any script in a prompt; a long one is cut in the name"
  (lambda ()
    (let ((image (rgb-image 64 64)))
      (quick image #:prompt "Ein Fjörd – 山と湖")
      (quick image #:prompt
        "a very long prompt that nobody wants to read as the name of a layer")
      (and (string=? (gimp-item-get-name (layer-at image 1))
                     "Ein Fjörd – 山と湖")
           (< (string-length (gimp-item-get-name (layer-at image 0))) 50)))))

(check "the same seed gives the same pixels, another others"
  (lambda ()
    (let ((image (rgb-image 64 64)))
      (quick image #:prompt "a lake" #:seed 5)
      (quick image #:prompt "a lake" #:seed 5)
      (quick image #:prompt "a lake" #:seed 6)
      (and (same? image (layer-at image 1) (layer-at image 2))
           (not (same? image (layer-at image 0) (layer-at image 1)))))))

(check "the recipe is with layer and image, the seed in it"
  (lambda ()
    (let ((image (rgb-image 64 64)))
      (quick image #:prompt "a lake" #:seed 12345)
      (let ((of-layer (car (cddr (gimp-item-get-parasite (layer-at image 0)
                                                         "tessera-run"))))
            (of-image (car (cddr (gimp-image-get-parasite image
                                                          "tessera-run")))))
        (and (contains? of-layer "a lake") (contains? of-layer "12345")
             (contains? of-image "12345"))))))

(check "no recipe where none is wanted"
  (lambda ()
    (let ((image (rgb-image 64 64)))
      (quick image #:prompt "a lake" #:keep-recipe #f)
      (= (length (gimp-item-get-parasite-list (layer-at image 0))) 0))))

(define untouched (rgb-image 64 64))

(refuses "an unknown sampler" "dpmpp-2m"
  (lambda () (quick untouched #:prompt "a" #:sampler "magic")))
(refuses "an unknown output" "layer"
  (lambda () (quick untouched #:prompt "a" #:output "paper")))
(refuses "an unknown model" "no model"
  (lambda () (quick untouched #:prompt "a" #:model "No Such Thing")))
(refuses "a truncated model" "@TRUNCATED_NAME@"
  (lambda () (quick untouched #:prompt "a" #:model "@TRUNCATED@")))
(refuses "a folder that is no model" "@EMPTY@"
  (lambda () (quick untouched #:prompt "a" #:model "@EMPTY@")))
(refuses "a missing LoRA" "/no/such.safetensors"
  (lambda () (quick untouched #:prompt "a" #:loras "/no/such.safetensors:0.5")))
(refuses "too little memory" "GiB"
  (lambda () (quick untouched #:prompt "a" #:memory 1)))
(refuses "a canvas of no use" "width"
  (lambda () (quick untouched #:prompt "a" #:width 3)))
(refuses "a layer to start from where there is no image" "image"
  (lambda () (plug-in-tessera-generate #:run-mode RUN-NONINTERACTIVE
               #:prompt "a" #:init "layer" #:steps 2)))
(check "steps out of range are an error of the call"
  (lambda ()
    (let ((went-well #f))
      (catch #f
        (plug-in-tessera-generate #:run-mode RUN-NONINTERACTIVE
                                  #:image untouched #:steps 0)
        (set! went-well #t))
      (not went-well))))
(check "errors leave the image as it was"
  (lambda ()
    (and (= (n-layers untouched) 1)
         (not (gimp-image-is-dirty untouched))
         (= (length (gimp-image-get-parasite-list untouched)) 0))))

; A wave that closes, and the same with a step at its end.
(define (wave-image step)
  (let* ((image (rgb-image 512 256))
         (layer (layer-at image 0)))
    (let loop ((x 0))
      (if (< x 512)
          (let ((v (inexact->exact
                     (round (+ 90 (* 40 (cos (/ (* x 6.2831853) 256)))
                               (/ (* x step) 512))))))
            (gimp-image-select-rectangle image CHANNEL-OP-REPLACE x 0 4 256)
            (gimp-context-set-foreground (list v v v))
            (gimp-drawable-edit-fill layer FILL-FOREGROUND)
            (loop (+ x 4)))))
    (gimp-selection-none image)
    image))

(check "the viewer in batch: a picture that closes"
  (lambda ()
    (let ((seam (plug-in-tessera-view #:run-mode RUN-NONINTERACTIVE
                                      #:image (wave-image 0))))
      (and (string=? (car seam) "none")
           (contains? (list-ref seam 4) "It closes")))))
(check "the viewer in batch: a picture that does not"
  (lambda ()
    (let ((seam (plug-in-tessera-view #:run-mode RUN-NONINTERACTIVE
                                      #:image (wave-image 60))))
      (and (string=? (car seam) "clear")
           (> (cadr seam) 3.0)))))
(refuses "to look at no image" "open one"
  (lambda () (plug-in-tessera-view #:run-mode RUN-NONINTERACTIVE)))
(refuses "to measure a picture of a few columns" "128"
  (lambda () (plug-in-tessera-view #:run-mode RUN-NONINTERACTIVE
                                   #:image untouched)))

(check "the report tells versions, models and the last error"
  (lambda ()
    (let ((text (plug-in-tessera-report #:run-mode RUN-NONINTERACTIVE)))
      (and (contains? text "Tessera ") (contains? text "GIMP ")
           (contains? text "Models:") (contains? text "Last error:")
           (contains? text "plug-in-tessera-view")))))

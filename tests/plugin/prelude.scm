; SPDX-License-Identifier: GPL-3.0-or-later
; tests/plugin/prelude.scm: what every script begins with.
(script-fu-use-v3)

(define (say verdict name)
  (display (string-append "TEST " verdict " " name))
  (newline))

; What the last error said.
(define last-error "")
(define *error-hook*
  (lambda parts
    (set! last-error
      (apply string-append
             (map (lambda (part) (if (string? part) part "")) parts)))
    (apply throw parts)))

; Passes when the thunk gives true.
(define (check name thunk)
  (let ((result 'failed))
    (catch #f (set! result (thunk)))
    (if (eq? result 'failed)
        (begin
          (display last-error)
          (newline)))
    (say (if (and result (not (eq? result 'failed))) "ok" "failed") name)))

(define (contains? text part)
  (let ((n (string-length part)))
    (let loop ((i 0))
      (cond ((> (+ i n) (string-length text)) #f)
            ((string=? (substring text i (+ i n)) part) #t)
            (else (loop (+ i 1)))))))

; Passes when the thunk ends with an error whose text has the part in it.
(define (refuses name part thunk)
  (let ((went-well #f))
    (set! last-error "")
    (catch #f (thunk) (set! went-well #t))
    (if (or went-well (not (contains? last-error part)))
        (begin (display last-error) (newline)))
    (say (if (and (not went-well) (contains? last-error part)) "ok" "failed")
         name)))

; An image with one white layer.
(define (new-image width height type precision)
  (let* ((image (gimp-image-new-with-precision width height type precision))
         (layer (gimp-layer-new image "paper" width height
                                (if (= type GRAY) GRAY-IMAGE RGB-IMAGE)
                                100 LAYER-MODE-NORMAL)))
    (gimp-image-insert-layer image layer 0 0)
    (gimp-drawable-fill layer FILL-WHITE)
    (gimp-image-clean-all image)
    image))

(define (rgb-image width height)
  (new-image width height RGB PRECISION-U8-NON-LINEAR))

(define (n-layers image)
  (vector-length (gimp-image-get-layers image)))

(define (layer-at image i)
  (vector-ref (gimp-image-get-layers image) i))

; Mean and deviation of a layer, as one list.
(define (looks layer)
  (let ((h (gimp-drawable-histogram layer HISTOGRAM-VALUE 0.0 1.0)))
    (list (car h) (cadr h))))

; Whether two layers of one image have the same pixels.
(define (same? image top bottom)
  (let* ((a (gimp-layer-copy bottom))
         (b (gimp-layer-copy top)))
    (gimp-image-insert-layer image a 0 0)
    (gimp-image-insert-layer image b 0 0)
    (gimp-layer-set-mode b LAYER-MODE-DIFFERENCE-LEGACY)
    (let* ((joined (gimp-image-merge-down image b CLIP-TO-BOTTOM-LAYER))
           (h (gimp-drawable-histogram joined HISTOGRAM-VALUE 0.0 1.0)))
      (gimp-image-remove-layer image joined)
      (and (= (car h) 0.0) (= (cadr h) 0.0)))))

; A quick call: small, two steps.
(define-macro (quick image . rest)
  `(plug-in-tessera-generate #:run-mode RUN-NONINTERACTIVE #:image ,image
                             #:steps 2 #:storage "float32" ,@rest))

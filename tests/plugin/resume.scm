; SPDX-License-Identifier: GPL-3.0-or-later
; tests/plugin/resume.scm: the job that was killed (cut.scm) goes on, and
; gives what it would have given.

(define-macro (paint)
  `(plug-in-tessera-generate #:run-mode RUN-NONINTERACTIVE #:prompt "a lake"
     #:width 256 #:height 128 #:steps 8 #:seed 5 #:storage "float32"))

(check "what was cut off goes on to the same picture"
  (lambda ()
    (let* ((resumed (plug-in-tessera-resume #:run-mode RUN-NONINTERACTIVE))
           (whole (paint))
           (copy (gimp-layer-new-from-drawable (layer-at resumed 0) whole)))
      (gimp-image-insert-layer whole copy 0 0)
      (and (= (gimp-image-get-width resumed) 256)
           (same? whole (layer-at whole 0) (layer-at whole 1))))))
(refuses "and then it is done" "no job to resume"
  (lambda () (plug-in-tessera-resume #:run-mode RUN-NONINTERACTIVE)))

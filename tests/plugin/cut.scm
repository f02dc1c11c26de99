; SPDX-License-Identifier: GPL-3.0-or-later
; tests/plugin/cut.scm: the picture that resume.scm goes on with.

(catch (begin (display last-error) (newline))
  (plug-in-tessera-generate #:run-mode RUN-NONINTERACTIVE #:prompt "a lake"
    #:width 256 #:height 128 #:steps 8 #:seed 5 #:storage "float32"))
